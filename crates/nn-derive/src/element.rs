//! The number type of a struct's parameters.

use crate::Part;
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, GenericParam, Ident, Type, TypeParamBound};

/// A number type.
pub(crate) enum Number {
    /// A type parameter of the struct.
    Generic(Ident),
    /// A type.
    Fixed(TokenStream),
}

impl Number {
    pub(crate) fn tokens(&self) -> TokenStream {
        match self {
            Number::Generic(name) => name.to_token_stream(),
            Number::Fixed(number) => number.clone(),
        }
    }
}

/// The number type: that of the attribute, else the type parameter bound by `Element`, else the one that fields with
/// parameters name, else `f64`.
pub(crate) fn number(input: &DeriveInput, parts: &[Part<'_>]) -> Result<Number, Error> {
    if let Some(stated) = stated(input)? {
        let stated = stated.to_token_stream();
        let name = stated.to_string();
        let parameter = input.generics.type_params().find(|parameter| parameter.ident == name);
        return Ok(match parameter {
            Some(parameter) => Number::Generic(parameter.ident.clone()),
            None => Number::Fixed(stated),
        });
    }
    if let Some(parameter) = generic(input) {
        return Ok(Number::Generic(parameter));
    }
    let mut named: Option<&'static str> = None;
    for part in parts.iter().filter(|part| part.visited) {
        for number in ["f32", "f64"] {
            if !mentions(&part.field.ty.to_token_stream(), number) {
                continue;
            }
            if named.is_some_and(|other| other != number) {
                let text = "fields name both `f32` and `f64`: expected one number type for all parameters, or \
                            `#[parameters(element = ...)]` on the struct";
                return Err(Error::new(part.field.ty.span(), text));
            }
            named = Some(number);
        }
    }
    Ok(Number::Fixed(if named == Some("f32") { quote!(f32) } else { quote!(f64) }))
}

/// The number type that an attribute of the struct states.
fn stated(input: &DeriveInput) -> Result<Option<Type>, Error> {
    let mut stated = None;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("parameters")) {
        attribute.parse_nested_meta(|meta| match meta.path.is_ident("element") {
            true => {
                stated = Some(meta.value()?.parse()?);
                Ok(())
            }
            false => Err(meta.error("expected `element = type`")),
        })?;
    }
    Ok(stated)
}

/// The type parameter that is bound by `Element`, with the bound where it is declared or in a `where` clause.
fn generic(input: &DeriveInput) -> Option<Ident> {
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

/// Returns `true` if the tokens of a type contain this name.
pub(crate) fn mentions(tokens: &TokenStream, name: &str) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions(&group.stream(), name),
        TokenTree::Ident(found) => found == name,
        _ => false,
    })
}
