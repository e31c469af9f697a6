//! Axes split, reordered and merged by a pattern of their names, as `rearrange` of einops does it.

use super::rearrange::Located;
use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::rules::algebra::Element;
use crate::rules::op::Array;
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Tensor;
use std::panic::Location;

/// A name of an axis; of the axes behind `...`, with their number.
type Name<'a> = (&'a str, usize);

/// The names that make up one axis of a tensor: none for an axis of extent 1, several in brackets.
type Group<'a> = Vec<Name<'a>>;

/// An item of one side of a pattern.
enum Item<'a> {
    /// `...` outside of brackets: any number of axes.
    Rest,
    /// One axis.
    Axis(Group<'a>),
}

const REST: &str = "...";

fn invalid(reason: String) -> Error {
    Error::Invalid { op: "rearrange", reason }
}

/// The items of one side of a pattern.
fn items<'a>(side: &'a str, spec: &str) -> Result<Vec<Item<'a>>, Error> {
    let (mut items, mut open): (Vec<Item<'a>>, Option<Group<'a>>) = (Vec::new(), None);
    let mut left = side.trim_start();
    while let Some(first) = left.chars().next() {
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = match first {
            '(' | ')' => 1,
            '.' if left.starts_with(REST) => REST.len(),
            _ => left.find(|c| !name(c)).unwrap_or(left.len()),
        };
        let (token, after) = left.split_at(length);
        left = after.trim_start();
        match (token, &mut open) {
            ("", _) => {
                return Err(invalid(format!("expected names, brackets or ..., found {first:?} in {spec:?}")));
            }
            ("(", None) => open = Some(Vec::new()),
            (")", Some(_)) => items.extend(open.take().map(Item::Axis)),
            ("(" | ")", _) => {
                return Err(invalid(format!("expected brackets in pairs, not nested, found {spec:?}")));
            }
            ("1", Some(_)) => {}
            ("1", None) => items.push(Item::Axis(Vec::new())),
            (REST, None) => items.push(Item::Rest),
            (_, _) if first.is_ascii_digit() => {
                return Err(invalid(format!("expected a name or 1, found {token} in {spec:?}")));
            }
            (_, Some(group)) => group.push((token, 0)),
            (_, None) => items.push(Item::Axis(vec![(token, 0)])),
        }
    }
    match open {
        None => Ok(items),
        Some(_) => Err(invalid(format!("expected brackets in pairs, not nested, found {spec:?}"))),
    }
}

/// The groups of one side, with the names of this many axes for `...`.
fn expanded(items: Vec<Item<'_>>, count: usize) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    for item in items {
        match item {
            Item::Rest => groups.extend((0..count).map(|i| vec![(REST, i)])),
            Item::Axis(names) => {
                let axes = |name: Name<'_>| if name.0 == REST { count } else { 1 };
                groups
                    .push(names.iter().flat_map(|&name| (0..axes(name)).map(move |i| (name.0, i))).collect());
            }
        }
    }
    groups
}

/// All names of one side; `...` as one.
fn names<'a>(items: &[Item<'a>]) -> Group<'a> {
    let names = |item: &Item<'a>| match item {
        Item::Rest => vec![(REST, 0)],
        Item::Axis(names) => names.clone(),
    };
    items.iter().flat_map(names).collect()
}

/// Checks that both sides have the same names, each once.
fn check_names(input: &[Name<'_>], output: &[Name<'_>], spec: &str) -> Result<(), Error> {
    for (names, others) in [(input, output), (output, input)] {
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                return Err(invalid(format!(
                    "axis {} appears more than once on one side of {spec:?}",
                    name.0
                )));
            }
            if !others.contains(name) {
                return Err(invalid(format!("axis {} is on one side only of {spec:?}", name.0)));
            }
        }
    }
    Ok(())
}

/// The extents of the names of one axis, of which one may have no given size.
fn split(group: &Group<'_>, extent: usize, sizes: &[(&str, usize)], spec: &str) -> Result<Vec<usize>, Error> {
    let given = |name: &Name<'_>| sizes.iter().find(|(known, _)| *known == name.0).map(|&(_, size)| size);
    let known = group.iter().filter_map(given).try_fold(1, usize::checked_mul);
    let unknown = group.iter().filter(|name| given(name).is_none()).count();
    let rest = match (unknown, known) {
        (0, Some(known)) if known == extent => Some(1),
        (1, Some(known)) if known > 0 && extent.is_multiple_of(known) => Some(extent / known),
        _ => None,
    };
    let Some(rest) = rest else {
        let names: Vec<&str> = group.iter().map(|name| name.0).collect();
        let sizes: Vec<String> = sizes
            .iter()
            .filter(|(name, _)| names.contains(name))
            .map(|(name, size)| format!("{name} = {size}"))
            .collect();
        let (names, sizes) = (names.join(" "), sizes.join(", "));
        return Err(invalid(match unknown {
            0 | 1 => {
                format!(
                    "expected an axis that splits into ({names}) with {sizes} in {spec:?}, found extent {extent}"
                )
            }
            _ => format!("expected the sizes of all names but one of ({names}) in {spec:?}, found [{sizes}]"),
        }));
    };
    Ok(group.iter().map(|name| given(name).unwrap_or(rest)).collect())
}

/// Shapes and order that carry out a pattern: split, permute, merge.
struct Plan {
    split: Shape,
    order: Vec<isize>,
    merged: Shape,
}

fn plan(spec: &str, sizes: &[(&str, usize)], x: &Shape) -> Result<Plan, Error> {
    let Some((left, right)) = spec.split_once("->") else {
        return Err(invalid(format!("expected \"axes -> axes\", found {spec:?}")));
    };
    let (input, output) = (items(left, spec)?, items(right, spec)?);
    let bracketed = |item: &Item<'_>| matches!(item, Item::Axis(names) if names.contains(&(REST, 0)));
    if input.iter().any(bracketed) {
        return Err(invalid(format!("expected ... outside of brackets on the left, found {spec:?}")));
    }
    let given = input.iter().filter(|item| matches!(item, Item::Axis(_))).count();
    let open = given < input.len();
    if x.rank() < given || (x.rank() > given && !open) {
        let least = if open { " or more" } else { "" };
        return Err(invalid(format!("expected {given} axes{least} in {spec:?}, found shape {x}")));
    }
    let rest = x.rank() - given;
    check_names(&names(&input), &names(&output), spec)?;
    let (input, output) = (expanded(input, rest), expanded(output, rest));
    let known = input.concat();
    if let Some((name, _)) = sizes.iter().find(|(size, _)| !known.iter().any(|name| name.0 == *size)) {
        return Err(invalid(format!("expected sizes of axes of {spec:?}, found one of {name:?}")));
    }
    let mut extents = Vec::new();
    for (group, &extent) in input.iter().zip(x.iter()) {
        match group.is_empty() && extent != 1 {
            true => {
                return Err(invalid(format!("expected extent 1 in {spec:?}, found {extent} in shape {x}")));
            }
            false => extents.extend(split(group, extent, sizes, spec)?),
        }
    }
    let position = |name: &Name<'_>| known.iter().position(|known| known == name).unwrap_or_default();
    let order = output.iter().flatten().map(|name| position(name) as isize).collect();
    let merged =
        output.iter().map(|group| group.iter().map(|name| extents[position(name)]).product()).collect();
    Ok(Plan { split: Shape::from(extents), order, merged })
}

fn rearranged<T: Element, A: Array<T>>(x: &A, spec: &str, sizes: &[(&str, usize)]) -> Result<A, Error> {
    let Plan { split, order, merged } = plan(spec, sizes, &x.shape())?;
    let reshaped = |x: A, shape: Shape| if x.shape() == shape { x } else { x.reshape(shape) };
    let x = reshaped(x.clone(), split);
    let x = if order.is_sorted() { x } else { x.permute(&order[..]) };
    Ok(reshaped(x, merged))
}

/// The methods of a type: the type of `self`, and how it gets its shape.
macro_rules! methods {
    ($([$($lifetime:lifetime)?] $type:ty, $this:ty;)*) => {$(
        impl<$($lifetime,)? T: Element> $type {
            /// Axes split, reordered and merged by a pattern of names (`einops.rearrange`): a reshape, a permutation and a
            /// reshape, each only if it changes something.
            ///
            /// Every name is on both sides once. Names in brackets are one axis, the last running fastest; of those on the
            /// left all sizes but one are given. `1` is an axis of extent 1, and `...` any number of axes, on the left outside of
            /// brackets.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var(Tensor::arange(12).reshape([1, 6, 2]));
            /// let y = x.rearrange("b (h w) c -> b h w c", [("h", 2)]);
            /// assert_eq!(y.shape(), [1, 2, 3, 2]);
            /// let heads = x.rearrange("b t (h d) -> (b h) t d", [("d", 1)]);
            /// assert_eq!(heads.shape(), [2, 6, 1]);
            /// assert_eq!(heads.value().row(0).ravel(), Tensor::from([0.0, 2.0, 4.0, 6.0, 8.0, 10.0]));
            /// assert_eq!(heads.vjp(heads.value()).wrt(x), x.value());
            /// assert_eq!(x.rearrange("... c -> c 1 (...)", []).shape(), [2, 1, 6]);
            /// ```
            ///
            /// # Panics
            /// As [`try_rearrange`](Self::try_rearrange) returns an error.
            #[track_caller]
            pub fn rearrange<'n>(
                self: $this,
                pattern: &str,
                sizes: impl IntoIterator<Item = (&'n str, usize)>,
            ) -> $type {
                error::expect(self.try_rearrange(pattern, sizes))
            }

            /// [`rearrange`](Self::rearrange) for a pattern from untrusted input.
            ///
            /// ```
            /// use tape::Tensor;
            /// let x = Tensor::<f64>::zeros([2, 7]);
            /// let error = x.try_rearrange("a (b c) -> c a b", [("b", 3)]).unwrap_err();
            /// let text = "an axis that splits into (b c) with b = 3 in \"a (b c) -> c a b\", found extent 7";
            /// assert_eq!(error.to_string(), format!("rearrange: expected {text}"));
            /// ```
            ///
            /// # Errors
            /// If the pattern is malformed, names are missing or repeated, or it does not fit the shape and the sizes.
            #[track_caller]
            pub fn try_rearrange<'n>(
                self: $this,
                pattern: &str,
                sizes: impl IntoIterator<Item = (&'n str, usize)>,
            ) -> Result<$type, Error> {
                let sizes: Vec<(&str, usize)> = sizes.into_iter().collect();
                self.located(Location::caller(), || rearranged(&self.clone(), pattern, &sizes))
            }
        }
    )*};
}

methods! {
    [] Tensor<T>, &Self;
    ['t] Var<'t, T>, Self;
}
