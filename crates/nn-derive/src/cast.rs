//! The implementation of `nn::Cast`.

use crate::Part;
use crate::element::mentions;
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{DeriveInput, GenericParam, Generics, Ident};

/// The type parameters that change, and what becomes of each.
type Renamed = Vec<(Ident, Ident)>;

/// The implementation of `nn::Cast`, and the method of `nn::Parameters` by which a boxed module is cast.
///
/// For `struct Model<T: Element> { linear: Linear<T>, steps: usize }`, the implementation is
/// ```text
/// impl<T, __T: Element> Cast<__T> for Model<T>
/// where
///     T: Element,
///     __T: Element,
///     Linear<T>: Cast<__T, Output = Linear<__T>>,
///     usize: Kept<__T>,
/// ```
/// so that a struct with a field that cannot be cast still has parameters.
pub(crate) fn cast(input: &DeriveInput, parts: &[Part<'_>], element: &Ident) -> (TokenStream, TokenStream) {
    let (name, generics) = (&input.ident, &input.generics);
    let changes = |parameter: &Ident| {
        let text = parameter.to_string();
        let in_field = |part: &Part<'_>| mentions(&part.field.ty.to_token_stream(), &text);
        parameter == element || parts.iter().filter(|part| part.visited).any(in_field)
    };
    let renamed: Renamed = generics
        .type_params()
        .filter(|parameter| changes(&parameter.ident))
        .map(|parameter| (parameter.ident.clone(), format_ident!("__{}", parameter.ident)))
        .collect();
    let target = format_ident!("__{element}");

    let (mut conditions, mut values) = (bounds(generics, &renamed), Vec::new());
    for (from, to) in renamed.iter().filter(|(from, _)| from != element) {
        conditions.push(quote!(#from: ::nn::Cast<#target, Output = #to>));
    }
    for Part { field, member, .. } in parts {
        let from = field.ty.to_token_stream();
        if !renamed.iter().any(|(parameter, _)| mentions(&from, &parameter.to_string())) {
            conditions.push(quote!(#from: ::nn::derived::Kept<#target>));
            values.push(quote!(#member: ::nn::derived::Kept::<#target>::kept(&self.#member)));
            continue;
        }
        // A type that contains itself can be cast if it can be cast: left out.
        if !mentions(&from, &name.to_string()) && !mentions(&from, "Self") {
            let to = substitute(from.clone(), &renamed);
            conditions.push(quote!(#from: ::nn::Cast<#target, Output = #to>));
        }
        values.push(quote!(#member: ::nn::Cast::<#target>::cast_to(&self.#member)?));
    }

    let parameters = generics.params.iter().map(declared);
    let targets = renamed.iter().map(|(_, to)| to);
    let (_, arguments, _) = generics.split_for_impl();
    let output = {
        let arguments = substitute(arguments.to_token_stream(), &renamed);
        quote!(#name #arguments)
    };
    let implementation = quote! {
        #[automatically_derived]
        impl<#(#parameters,)* #(#targets),*> ::nn::Cast<#target> for #name #arguments
        where
            #(#conditions),*
        {
            type Output = #output;

            fn cast_to(&self) -> ::core::result::Result<#output, ::nn::derived::Error> {
                ::core::result::Result::Ok(#name { #(#values),* })
            }
        }
    };
    (implementation, quote!(::nn::__cast_module!();))
}

/// A parameter of the struct as one of the implementation, without bounds and default.
fn declared(parameter: &GenericParam) -> TokenStream {
    match parameter {
        GenericParam::Lifetime(lifetime) => lifetime.lifetime.to_token_stream(),
        GenericParam::Type(parameter) => parameter.ident.to_token_stream(),
        GenericParam::Const(parameter) => {
            let (name, number) = (&parameter.ident, &parameter.ty);
            quote!(const #name: #number)
        }
    }
}

/// The conditions of the struct, for its own parameters and for the changed ones.
fn bounds(generics: &Generics, renamed: &Renamed) -> Vec<TokenStream> {
    let mut own = Vec::new();
    for parameter in &generics.params {
        match parameter {
            GenericParam::Lifetime(parameter) if !parameter.bounds.is_empty() => {
                let (name, bounds) = (&parameter.lifetime, &parameter.bounds);
                own.push(quote!(#name: #bounds));
            }
            GenericParam::Type(parameter) if !parameter.bounds.is_empty() => {
                let (name, bounds) = (&parameter.ident, &parameter.bounds);
                own.push(quote!(#name: #bounds));
            }
            _ => {}
        }
    }
    own.extend(
        generics.where_clause.iter().flat_map(|clause| &clause.predicates).map(ToTokens::to_token_stream),
    );
    let changed: Vec<TokenStream> =
        own.iter().cloned().map(|condition| substitute(condition, renamed)).collect();
    let changed =
        changed.into_iter().zip(&own).filter(|(changed, own)| changed.to_string() != own.to_string());
    let changed: Vec<TokenStream> = changed.map(|(changed, _)| changed).collect();
    own.into_iter().chain(changed).collect()
}

/// The tokens with the changed parameters in place of the struct's. Lifetimes, and names behind `::`, are others.
fn substitute(tokens: TokenStream, renamed: &Renamed) -> TokenStream {
    let (mut lifetime, mut colons) = (false, 0);
    let replace = |token: TokenTree| {
        let other = lifetime || colons == 2;
        let punct = match &token {
            TokenTree::Punct(punct) => punct.as_char(),
            _ => ' ',
        };
        lifetime = punct == '\'';
        colons = if punct == ':' { colons + 1 } else { 0 };
        match token {
            TokenTree::Group(group) => {
                let inner = Group::new(group.delimiter(), substitute(group.stream(), renamed));
                TokenTree::Group(inner)
            }
            TokenTree::Ident(name) if !other => match renamed.iter().find(|(from, _)| *from == name) {
                Some((_, to)) => TokenTree::Ident(to.clone()),
                None => TokenTree::Ident(name),
            },
            token => token,
        }
    };
    tokens.into_iter().map(replace).collect()
}
