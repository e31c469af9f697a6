//! What makes one optimizer differ from another: the equations by which an element changes.

use pulp::{Arch, NullaryFnOnce};
use std::fmt::Debug;
use tape::{Element, Tensor, parallel};

/// The equations of one optimizer.
///
/// A rule sees one parameter at a time, its gradient, and the state it asked for: tensors of the parameter's shape,
/// its *slots*. What all optimizers share stands once, in [`Descent`](super::Descent): which parameters there are,
/// groups, weight decay, clipping, counting, saving.
///
/// ```
/// use nn::optim::{Clock, Descent, Elements, Rule};
/// use nn::{Optimizer, Param};
/// use tape::{Element, Tape};
///
/// /// Steps of a fixed length against the sign of the gradient.
/// #[derive(Clone, Debug)]
/// struct SignDescent;
///
/// impl Rule for SignDescent {
///     const NAME: &'static str = "sign descent";
///
///     fn update<T: Element>(&self, rate: f64, _clock: &mut Clock, x: Elements<'_, T>) {
///         let rate = T::from_f64(rate);
///         x.each(|w, g, []| *w -= rate * g.signum0());
///     }
/// }
///
/// let mut w = Param::new([1.0, -2.0]);
/// let tape = Tape::new();
/// let grads = (w.on(&tape) * w.on(&tape)).sum().backward();
/// Descent::by(SignDescent, 0.5).step(&mut w, &grads);
/// assert_eq!(w.value().to_vec(), [0.5, -1.5]);
/// ```
pub trait Rule: Clone + Debug + Send + Sync + 'static {
    /// The name, for messages.
    const NAME: &'static str;

    /// Is the weight decay kept out of the gradient? Then weights shrink by the factor `1 - η λ` before a step
    /// (Loshchilov and Hutter 2019); otherwise the gradient becomes `g + λ w`, as that of a penalty `λ/2 Σ w²`.
    fn decoupled(&self) -> bool {
        false
    }

    /// The names of the slots.
    fn slots(&self) -> &'static [&'static str] {
        &[]
    }

    /// What all elements of the slots are before the first step.
    fn start(&self) -> f64 {
        0.0
    }

    /// Changes a parameter, with the learning rate of this step.
    fn update<T: Element>(&self, rate: f64, clock: &mut Clock, x: Elements<'_, T>);
}

/// What a rule knows about the steps of a parameter so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    /// The number of this step; the first is 1.
    pub steps: u64,
    /// A product over all steps, for the rule to maintain; it starts at 1.
    pub product: f64,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock { steps: 0, product: 1.0 }
    }
}

impl Clock {
    /// The number of this step, as a number.
    pub fn t(&self) -> f64 {
        self.steps as f64
    }

    /// `1 - βᵗ`: the weight that an exponential mean, begun at zero, gives to what it has seen.
    pub fn seen(&self, beta: f64) -> f64 {
        1.0 - beta.powi(i32::try_from(self.steps).unwrap_or(i32::MAX))
    }
}

/// An exponential mean with memory β: `m ← β m + (1 - β) x`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mean<T> {
    memory: T,
    rest: T,
}

impl<T: Element> Mean<T> {
    pub(super) fn new(beta: f64) -> Mean<T> {
        Mean { memory: T::from_f64(beta), rest: T::from_f64(1.0 - beta) }
    }

    /// The mean after one more number.
    #[inline(always)]
    pub(super) fn of(self, mean: T, x: T) -> T {
        self.memory * mean + self.rest * x
    }
}

/// What becomes of the elements of a gradient before the rule sees them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Adjust<T> {
    /// The factor that brings the norm of all gradients below its bound; 1 for none.
    pub scale: T,
    /// The largest absolute value; infinity for none.
    pub limit: T,
    /// λ of `g + λ w`; 0 for none.
    pub decay: T,
    /// The factor of the weights before the step; 1 for none.
    pub shrink: T,
}

impl<T: Element> Adjust<T> {
    /// The gradient that the rule sees. Nothing is added where there is no decay: the weight may be infinite.
    #[inline(always)]
    fn gradient(self, w: T, g: T) -> T {
        let g = self.scale * g;
        // Written so that a NaN stays one.
        let g = if g > self.limit { self.limit } else { g };
        let g = if g < -self.limit { -self.limit } else { g };
        if self.decay == T::ZERO { g } else { g + self.decay * w }
    }
}

/// The elements of a parameter, of its gradient, and of its slots.
#[derive(Debug)]
pub struct Elements<'a, T: Element> {
    pub(super) weights: &'a mut [T],
    pub(super) gradient: &'a [T],
    pub(super) slots: &'a mut [Tensor<T>],
    pub(super) adjust: Adjust<T>,
}

impl<T: Element> Elements<'_, T> {
    /// Calls `f` with every element, its gradient, and its slots in order, in one pass; with the feature `rayon`, on
    /// several threads if there are many elements.
    ///
    /// # Panics
    /// If `f` takes another number of slots than the rule has.
    pub fn each<const N: usize>(self, f: impl Fn(&mut T, T, [&mut T; N]) + Copy + Send + Sync) {
        let Elements { weights, gradient, slots, adjust } = self;
        let (n, found) = (weights.len(), slots.len());
        let Ok(slots) = <&mut [Tensor<T>; N]>::try_from(slots) else {
            unreachable!("the rule has {found} slots and its update takes {N}")
        };
        let slots = slots.each_mut().map(|slot| &mut slot.as_mut_slice()[..n]);
        Pass { weights, gradient: &gradient[..n], slots, adjust, f }.run();
    }
}

/// Elements that are worth a thread, each with its slots: half of what is worth handing over.
const PIECE: usize = 1 << 16;

/// One pass over everything, compiled for several instruction sets.
struct Pass<'a, T, F, const N: usize> {
    weights: &'a mut [T],
    gradient: &'a [T],
    slots: [&'a mut [T]; N],
    adjust: Adjust<T>,
    f: F,
}

impl<'a, T: Element, F: Fn(&mut T, T, [&mut T; N]) + Copy + Send + Sync, const N: usize> Pass<'a, T, F, N> {
    /// Many elements in halves, which may be on two threads.
    fn run(self) {
        if self.weights.len() < 2 * PIECE {
            return Arch::new().dispatch(self);
        }
        let (left, right) = self.halves();
        parallel::join(|| left.run(), || right.run());
    }

    fn halves(self) -> (Pass<'a, T, F, N>, Pass<'a, T, F, N>) {
        let Pass { weights, gradient, slots, adjust, f } = self;
        let middle = weights.len() / 2;
        let (left, right) = weights.split_at_mut(middle);
        let (left_gradient, right_gradient) = gradient.split_at(middle);
        let mut pairs = slots.map(|slot| slot.split_at_mut(middle));
        let left_slots = pairs.each_mut().map(|pair| std::mem::take(&mut pair.0));
        let right_slots = pairs.map(|pair| pair.1);
        let part = |weights, gradient, slots| Pass { weights, gradient, slots, adjust, f };
        (part(left, left_gradient, left_slots), part(right, right_gradient, right_slots))
    }
}

impl<T: Element, F: Fn(&mut T, T, [&mut T; N]), const N: usize> NullaryFnOnce for Pass<'_, T, F, N> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Pass { weights, gradient, mut slots, adjust, f } = self;
        for (i, (w, &g)) in weights.iter_mut().zip(gradient).enumerate() {
            *w *= adjust.shrink;
            f(w, adjust.gradient(*w, g), slots.each_mut().map(|slot| &mut slot[i]));
        }
    }
}
