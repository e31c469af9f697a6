//! `#[derive(Parameters)]`: the visits of `nn::Parameters` and the conversion `nn::Cast`, written from the fields of a
//! struct.

mod cast;
mod element;

use element::Number;
use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Index, Member};

/// Implements `nn::Parameters`: every field is visited under its name, in the order of the declaration; the fields
/// of a tuple struct under their positions.
///
/// A field is a parameter, a module, or a `Vec`, `Option`, `Box`, array or tuple of them. A field that holds
/// anything else carries `#[parameters(skip)]`.
///
/// The number type is the type parameter that is bound by `Element`. A struct without one has the number type that its
/// fields name, `f32` for a `Linear<f32>`, and `f64` if they name none; `#[parameters(element = f32)]` on the struct
/// states it.
///
/// Also implements `nn::Cast` for a struct that is generic over its number type, under the condition that its fields are
/// `Cast`. Fields whose type does not depend on the number type are cloned; a type parameter that fields with parameters
/// depend on, such as that of a module, is cast too.
///
/// The examples of this macro are those of `nn::Parameters` and `nn::Cast`.
#[proc_macro_derive(Parameters, attributes(parameters))]
pub fn parameters(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    derive(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// A field, and whether it has parameters.
struct Part<'i> {
    field: &'i Field,
    member: Member,
    visited: bool,
}

fn derive(input: &DeriveInput) -> Result<TokenStream, Error> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(input.span(), "Parameters can be derived for a struct only"));
    };
    let mut parts = Vec::new();
    for (field, member) in data.fields.iter().zip(data.fields.members()) {
        parts.push(Part { field, member, visited: !skipped(field)? });
    }
    let number = element::number(input, &parts)?;
    let (impl_cast, cast_module) = match &number {
        Number::Generic(element) => cast::cast(input, &parts, element),
        Number::Fixed(_) => (TokenStream::new(), TokenStream::new()),
    };
    let element = number.tokens();
    let (name, (generics, arguments, conditions)) = (&input.ident, input.generics.split_for_impl());
    let (paths, fields): (Vec<_>, Vec<_>) =
        parts.iter().filter(|part| part.visited).map(|part| (path(&part.member), &part.member)).unzip();
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::nn::Parameters<#element> for #name #arguments #conditions {
            fn visit<'__a>(
                &'__a self,
                path: &::nn::Path<'_>,
                f: &mut dyn FnMut(&::nn::Path<'_>, &'__a ::nn::Param<#element>),
            ) {
                #(::nn::Parameters::<#element>::visit(&self.#fields, &path.#paths, f);)*
            }

            fn visit_mut<'__a>(
                &'__a mut self,
                path: &::nn::Path<'_>,
                f: &mut dyn FnMut(&::nn::Path<'_>, &'__a mut ::nn::Param<#element>),
            ) {
                #(::nn::Parameters::<#element>::visit_mut(&mut self.#fields, &path.#paths, f);)*
            }

            #cast_module
        }

        #impl_cast
    })
}

/// The call that makes the path of a field.
fn path(member: &Member) -> TokenStream {
    match member {
        Member::Named(name) => {
            let text = name.to_string();
            let text = text.trim_start_matches("r#");
            quote!(field(#text))
        }
        Member::Unnamed(Index { index, .. }) => {
            let position = *index as usize;
            quote!(index(#position))
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
