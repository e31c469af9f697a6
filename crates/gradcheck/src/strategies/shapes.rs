//! Shapes, pairs of shapes that broadcast, and the layouts a tensor can have in memory.

use proptest::prelude::{Just, Strategy, any};
use proptest::{collection, prop_oneof, sample};
use tape::{Element, Shape, Tensor};

/// The largest rank of a drawn shape.
pub const MAX_RANK: usize = 4;

/// The largest number of elements of a drawn shape.
pub const MAX_SIZE: usize = 64;

/// Draws extents, mostly the troublesome ones: 1, 2, 3, 5 and sometimes 0. They shrink to 1.
pub fn extents() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![3 => Just(1_usize), 3 => Just(2), 2 => Just(3), 1 => Just(5), 1 => Just(0)]
}

/// Returns the shape with its largest extents made 1 until it has at most [`MAX_SIZE`] elements.
fn bounded(mut dims: Vec<usize>) -> Shape {
    while dims.iter().product::<usize>() > MAX_SIZE {
        let largest = dims.iter_mut().max_by_key(|extent| **extent);
        largest.into_iter().for_each(|extent| *extent = 1);
    }
    dims.into()
}

/// Draws shapes of rank 0 to [`MAX_RANK`] with at most [`MAX_SIZE`] elements, including empty ones and axes
/// of extent 1.
///
/// ```
/// use proptest::prelude::*;
/// use gradcheck::strategies;
/// use tape::Tensor;
/// proptest!(|(shape in strategies::shapes())| {
///     prop_assert_eq!(Tensor::<f64>::ones(&shape).sum(), shape.size() as f64);
/// });
/// ```
pub fn shapes() -> impl Strategy<Value = Shape> + Clone {
    collection::vec(extents(), 0..=MAX_RANK).prop_map(bounded)
}

/// A pair of shapes that broadcast together: see [`broadcastable`].
#[derive(Clone, Debug, PartialEq)]
pub struct Broadcastable {
    /// The shape of the first operand.
    pub a: Shape,
    /// The shape of the second operand.
    pub b: Shape,
    /// The shape that both broadcast to.
    pub result: Shape,
}

/// Returns `target` without its first `cut` axes, and with extent 1 where `ones` is `true`.
fn unstretched(target: &[usize], cut: usize, ones: &[bool]) -> Shape {
    let kept = target.iter().zip(ones).skip(cut.min(target.len()));
    kept.map(|(&extent, &one)| if one { 1 } else { extent }).collect()
}

/// Draws pairs of shapes that broadcast together, valid by construction: both are derived from one shape by
/// dropping leading axes and setting others to 1.
///
/// ```
/// use proptest::prelude::*;
/// use gradcheck::strategies;
/// use tape::Tensor;
/// proptest!(|(pair in strategies::broadcastable())| {
///     let sum = Tensor::<f64>::ones(&pair.a) + Tensor::ones(&pair.b);
///     prop_assert_eq!(sum, Tensor::full(&pair.result, 2.0));
/// });
/// ```
pub fn broadcastable() -> impl Strategy<Value = Broadcastable> + Clone {
    (shapes(), 0..=MAX_RANK, 0..=MAX_RANK, any::<[[bool; MAX_RANK]; 2]>()).prop_map(
        |(target, cut_a, cut_b, ones)| {
            let (a, b) = (unstretched(&target, cut_a, &ones[0]), unstretched(&target, cut_b, &ones[1]));
            let result = tape::internal::expect(Shape::broadcast(&a, &b));
            Broadcastable { a, b, result }
        },
    )
}

/// The memory layout of a tensor: see [`layouts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layout {
    /// Row-major.
    Contiguous,
    /// The first axis innermost.
    Transposed,
    /// Every other element along the last axis of a larger tensor, with NaN in between.
    Sliced,
    /// The first entry along the first axis, repeated with stride 0: the one layout that changes the values.
    Expanded,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Layout; 4] = [Layout::Contiguous, Layout::Transposed, Layout::Sliced, Layout::Expanded];

    /// Returns `true` if the layout preserves the values of the tensor.
    pub fn keeps_values(self) -> bool {
        self != Layout::Expanded
    }

    /// Returns `x` in this layout.
    ///
    /// ```
    /// use gradcheck::strategies::Layout;
    /// use tape::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// let y = Layout::Transposed.of(&x);
    /// assert_eq!((&y, y.strides()), (&x, &[1, 2][..]));
    /// assert_eq!(Layout::Expanded.of(&x), Tensor::from([[1.0, 2.0], [1.0, 2.0]]));
    /// ```
    pub fn of<T: Element>(self, x: &Tensor<T>) -> Tensor<T> {
        match self {
            Layout::Contiguous => x.contiguous(),
            Layout::Transposed => transposed(x),
            Layout::Sliced => sliced(x),
            Layout::Expanded => expanded(x),
        }
    }
}

fn transposed<T: Element>(x: &Tensor<T>) -> Tensor<T> {
    let order: Vec<isize> = (0..x.rank() as isize).rev().collect();
    x.permute(&order[..]).contiguous().permute(&order[..])
}

fn sliced<T: Element>(x: &Tensor<T>) -> Tensor<T> {
    let Some(last) = x.rank().checked_sub(1) else { return x.clone() };
    let mut dims = x.shape().dims();
    dims[last] = 2 * dims[last] + 1;
    let wide = Tensor::from_fn(dims, |index| {
        let mut at = index.to_vec();
        at[last] /= 2;
        let inside = index[last] % 2 == 1;
        inside.then(|| x.get(&at)).flatten().unwrap_or(T::NAN)
    });
    wide.slice_step(-1, 1.., 2)
}

fn expanded<T: Element>(x: &Tensor<T>) -> Tensor<T> {
    if x.rank() == 0 || x.size() == 0 {
        return x.clone();
    }
    x.slice(0, 0..1).broadcast_to(x.shape())
}

/// Draws every [`Layout`]; shrinks to the contiguous one.
///
/// ```
/// use proptest::prelude::*;
/// use gradcheck::strategies::{Domain, Layout, layouts, tensors};
/// proptest!(|(x in tensors(Domain::Real), layout in layouts())| {
///     let y = layout.of(&x);
///     prop_assert_eq!(y.shape(), x.shape());
///     prop_assert!(layout == Layout::Expanded || y == x);
/// });
/// ```
pub fn layouts() -> impl Strategy<Value = Layout> + Clone {
    sample::select(&Layout::ALL[..])
}
