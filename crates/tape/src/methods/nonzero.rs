//! Elements that are not 0: where, how many, and whether there are any. By value: integers and truth have no derivative,
//! and the elements that a mask selects are taken by their positions.

use crate::error::{self, Error};
use crate::index::{Index, advance};
use crate::rules::algebra::Element;
use crate::shape::{Axes, Shape};
use crate::tape::Var;
use crate::tensor::{Tensor, reduce};

/// The shape of a reduction, and the positions of its axes.
#[track_caller]
fn reduced(op: &'static str, x: &Shape, axes: &Axes, keepdim: bool) -> (Shape, Vec<usize>) {
    let axes = error::expect(x.axes(axes).map_err(|error| error.named(op)));
    (x.reduced(&axes, keepdim), axes.to_vec())
}

/// 1 where `test` is true of the elements along the axes, 0 elsewhere.
#[track_caller]
fn mask<T: Element>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &Axes,
    keepdim: bool,
    test: impl Fn(&[T]) -> bool + Sync,
) -> Tensor<T> {
    let (shape, axes) = reduced(op, x.shape(), axes, keepdim);
    error::expect(x.fits_copied(op));
    reduce::fold(x, &axes, |lane| if test(lane) { T::ONE } else { T::ZERO }).reshaped(shape)
}

impl<T: Element> Tensor<T> {
    /// The row-major positions of the elements that are not 0 (`flatnonzero`). NaN is not 0.
    ///
    /// ```
    /// use tape::{Index, Tensor};
    /// let x = Tensor::from([[0.0, 2.0], [3.0, 0.0]]);
    /// assert_eq!(x.flat_nonzero(), Index::from([1, 2]));
    /// assert_eq!(x.take(x.flat_nonzero()), Tensor::from([2.0, 3.0]));
    /// ```
    #[track_caller]
    pub fn flat_nonzero(&self) -> Index {
        error::expect(self.fits_copied("nonzero"));
        let elements = self.elements();
        let at = elements.iter().enumerate().filter(|&(_, &x)| x != T::ZERO).map(|(at, _)| at);
        Index::from(at.collect::<Vec<usize>>())
    }

    /// The positions of the elements that are not 0, in row-major order: one list for each axis (`nonzero`), as
    /// [`index_put`](Tensor::index_put) takes them. NaN is not 0.
    ///
    /// ```
    /// use tape::{Index, Tensor};
    /// let x = Tensor::from([[0.0, 2.0], [3.0, 0.0]]);
    /// let at = x.nonzero();
    /// assert_eq!(at, [Index::from([0, 1]), Index::from([1, 0])]);
    /// assert_eq!(x.index_put(at, 7.0, false), Tensor::from([[0.0, 7.0], [7.0, 0.0]]));
    /// ```
    #[track_caller]
    pub fn nonzero(&self) -> Vec<Index> {
        error::expect(self.fits_copied("nonzero"));
        let (mut lists, mut at) = (vec![Vec::new(); self.rank()], vec![0; self.rank()]);
        for &x in self.elements().iter() {
            if x != T::ZERO {
                lists.iter_mut().zip(&at).for_each(|(list, &at)| list.push(at));
            }
            advance(&mut at, self.shape());
        }
        lists.into_iter().map(Index::from).collect()
    }

    /// The number of elements that are not 0. NaN is not 0.
    ///
    /// ```
    /// use tape::{Index, Tensor};
    /// let x = Tensor::from([[0.0, 2.0, 1.0], [3.0, 0.0, 0.0]]);
    /// assert_eq!(x.count_nonzero(), 3);
    /// assert_eq!(x.count_nonzero_axes(1, false), Index::from([2, 1]));
    /// ```
    #[track_caller]
    pub fn count_nonzero(&self) -> usize {
        error::expect(self.fits_copied("count_nonzero"));
        self.elements().iter().filter(|&&x| x != T::ZERO).count()
    }

    /// The numbers of elements that are not 0 along axes: see [`count_nonzero`](Tensor::count_nonzero).
    ///
    /// # Panics
    /// If an axis does not exist or appears more than once.
    #[track_caller]
    pub fn count_nonzero_axes(&self, axes: impl Into<Axes>, keepdim: bool) -> Index {
        let (shape, axes) = reduced("count_nonzero", self.shape(), &axes.into(), keepdim);
        error::expect(self.fits_copied("count_nonzero"));
        let order: Vec<usize> =
            (0..self.rank()).filter(|axis| !axes.contains(axis)).chain(axes.iter().copied()).collect();
        let length: usize = axes.iter().map(|&axis| self.shape()[axis]).product();
        let elements = self.permuted(&order).to_vec();
        let count =
            |lane: usize| elements[lane * length..][..length].iter().filter(|&&x| x != T::ZERO).count();
        let counts: Vec<usize> = (0..shape.size()).map(count).collect();
        error::expect(Index::new(shape, counts))
    }

    /// Returns `true` if an element is not 0. NaN is not 0; among no elements there is none.
    ///
    /// ```
    /// use tape::Tensor;
    /// let x = Tensor::from([[0.0, 2.0], [0.0, 3.0]]);
    /// assert!(x.any() && !x.all());
    /// assert_eq!(x.any_axes(0, false), Tensor::from([0.0, 1.0]));
    /// assert_eq!(x.all_axes(0, true), Tensor::from([[0.0, 1.0]]));
    /// assert!(x.gt(-1.0).all());
    /// ```
    #[track_caller]
    pub fn any(&self) -> bool {
        error::expect(self.fits_copied("any"));
        self.elements().iter().any(|&x| x != T::ZERO)
    }

    /// A mask: 1 where an element along the axes is not 0. See [`any`](Tensor::any).
    ///
    /// # Panics
    /// If an axis does not exist or appears more than once.
    #[track_caller]
    pub fn any_axes(&self, axes: impl Into<Axes>, keepdim: bool) -> Tensor<T> {
        mask("any", self, &axes.into(), keepdim, |lane| lane.iter().any(|&x| x != T::ZERO))
    }

    /// Returns `true` if no element is 0. NaN is not 0; it is true of no elements. See [`any`](Tensor::any).
    #[track_caller]
    pub fn all(&self) -> bool {
        error::expect(self.fits_copied("all"));
        self.elements().iter().all(|&x| x != T::ZERO)
    }

    /// A mask: 1 where no element along the axes is 0. See [`any`](Tensor::any).
    ///
    /// # Panics
    /// If an axis does not exist or appears more than once.
    #[track_caller]
    pub fn all_axes(&self, axes: impl Into<Axes>, keepdim: bool) -> Tensor<T> {
        mask("all", self, &axes.into(), keepdim, |lane| lane.iter().all(|&x| x != T::ZERO))
    }
}

/// The same by the values of a handle.
macro_rules! by_value {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $result:ty;)*) => {
        impl<T: Element> Var<'_, T> {$(
            #[doc = concat!("See [`Tensor::", stringify!($name), "`].")]
            #[track_caller]
            pub fn $name(self $(, $arg: $ty)*) -> $result {
                self.value().$name($($arg),*)
            }
        )*}
    };
}

by_value! {
    flat_nonzero() -> Index;
    nonzero() -> Vec<Index>;
    count_nonzero() -> usize;
    count_nonzero_axes(axes: impl Into<Axes>, keepdim: bool) -> Index;
    any() -> bool;
    any_axes(axes: impl Into<Axes>, keepdim: bool) -> Tensor<T>;
    all() -> bool;
    all_axes(axes: impl Into<Axes>, keepdim: bool) -> Tensor<T>;
}

/// The positions of the elements that a mask selects.
#[track_caller]
fn selected<T: Element>(x: &Shape, mask: &Tensor<T>) -> Index {
    if !mask.shape().broadcasts_to(x) {
        let (expected, found) = (x.dims(), mask.shape().dims());
        Error::Shape { op: "masked_select", expected, found }.panic();
    }
    mask.stretched(x).flat_nonzero()
}

/// The methods of a type: the type of `self`, and how it gets its shape.
macro_rules! methods {
    ($([$($lifetime:lifetime)?] $type:ty, $this:ty;)*) => {$(
        impl<$($lifetime,)? T: Element> $type {
            /// The elements where the mask is not 0, as a vector in row-major order (`x[mask]`, `masked_select`): see
            /// [`Take`](crate::ops::Take). The mask stretches to the shape of the tensor.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var([[1.0, -2.0], [-3.0, 4.0]]);
            /// let y = x.masked_select(&x.gt(0.0));
            /// assert_eq!(y.value(), Tensor::from([1.0, 4.0]));
            /// assert_eq!(y.vjp([5.0, 6.0]).wrt(x), Tensor::from([[5.0, 0.0], [0.0, 6.0]]));
            /// ```
            ///
            /// # Panics
            /// If the mask does not stretch to the shape of the tensor.
            #[track_caller]
            pub fn masked_select(self: $this, mask: &Tensor<T>) -> $type {
                self.take(selected(&self.shape(), mask))
            }
        }
    )*};
}

methods! {
    [] Tensor<T>, &Self;
    ['t] Var<'t, T>, Self;
}
