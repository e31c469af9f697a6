//! `#[derive(Parameters)]`: the visits of `nn::Parameters`, written from the fields of a struct.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Fields, GenericParam, Ident, Index, Type, TypeParamBound};

/// Implements `nn::Parameters`: every field is visited under its name, in the order of the declaration; the fields
/// of a tuple struct under their positions.
///
/// A field is a parameter, a module, or a `Vec`, `Option`, `Box`, array or tuple of them. A field that holds
/// anything else carries `#[parameters(skip)]`.
///
/// The numbers are those of the type parameter that is bound by `Element`; `f64`, if there is none, or what
/// `#[parameters(element = f32)]` on the struct says.
///
/// The example of this macro is the one of `nn::Parameters`.
#[proc_macro_derive(Parameters, attributes(parameters))]
pub fn parameters(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    derive(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn derive(input: &DeriveInput) -> Result<TokenStream, Error> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(input.span(), "Parameters can be derived for a struct only"));
    };
    let mut visited = Vec::new();
    for (position, field) in data.fields.iter().enumerate() {
        if !skipped(field)? {
            visited.push(step(position, field, &data.fields));
        }
    }
    let element = element(input)?;
    let (name, (generics, arguments, conditions)) = (&input.ident, input.generics.split_for_impl());
    let (paths, fields): (Vec<_>, Vec<_>) = visited.into_iter().unzip();
    Ok(quote! {
        impl #generics ::nn::Parameters<#element> for #name #arguments #conditions {
            fn visit<'a>(
                &'a self,
                path: &::nn::Path<'_>,
                f: &mut dyn FnMut(&::nn::Path<'_>, &'a ::nn::Param<#element>),
            ) {
                #(::nn::Parameters::<#element>::visit(&self.#fields, &path.#paths, f);)*
            }

            fn visit_mut<'a>(
                &'a mut self,
                path: &::nn::Path<'_>,
                f: &mut dyn FnMut(&::nn::Path<'_>, &'a mut ::nn::Param<#element>),
            ) {
                #(::nn::Parameters::<#element>::visit_mut(&mut self.#fields, &path.#paths, f);)*
            }
        }
    })
}

/// The call that makes the path of a field, and how the field is reached.
fn step(position: usize, field: &Field, fields: &Fields) -> (TokenStream, TokenStream) {
    match (&field.ident, fields) {
        (Some(name), _) => {
            let text = name.to_string();
            let text = text.trim_start_matches("r#");
            (quote!(field(#text)), quote!(#name))
        }
        (None, _) => {
            let at = Index::from(position);
            (quote!(index(#position)), quote!(#at))
        }
    }
}

/// Returns `true` if the field is marked as not one of the model's parameters.
fn skipped(field: &Field) -> Result<bool, Error> {
    let mut skip = false;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("parameters")) {
        attribute.parse_nested_meta(|meta| match meta.path.is_ident("skip") {
            true => {
                skip = true;
                Ok(())
            }
            false => Err(meta.error("expected `skip`")),
        })?;
    }
    Ok(skip)
}

/// The number type of the parameters.
fn element(input: &DeriveInput) -> Result<TokenStream, Error> {
    let mut given: Option<Type> = None;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("parameters")) {
        attribute.parse_nested_meta(|meta| match meta.path.is_ident("element") {
            true => {
                given = Some(meta.value()?.parse()?);
                Ok(())
            }
            false => Err(meta.error("expected `element = type`")),
        })?;
    }
    let generic = generic_element(input);
    Ok(match (given, generic) {
        (Some(given), _) => quote!(#given),
        (None, Some(generic)) => quote!(#generic),
        (None, None) => quote!(f64),
    })
}

/// The type parameter that is bound by `Element`, with the bound where it is declared or in a `where` clause.
fn generic_element(input: &DeriveInput) -> Option<Ident> {
    let is_element = |bound: &TypeParamBound| match bound {
        TypeParamBound::Trait(bound) => {
            bound.path.segments.last().is_some_and(|last| last.ident == "Element")
        }
        _ => false,
    };
    for parameter in &input.generics.params {
        let GenericParam::Type(parameter) = parameter else { continue };
        if parameter.bounds.iter().any(is_element) {
            return Some(parameter.ident.clone());
        }
    }
    let clauses = input.generics.where_clause.as_ref()?;
    clauses.predicates.iter().find_map(|predicate| match predicate {
        syn::WherePredicate::Type(clause) if clause.bounds.iter().any(is_element) => match &clause.bounded_ty
        {
            Type::Path(path) => path.path.get_ident().cloned(),
            _ => None,
        },
        _ => None,
    })
}
