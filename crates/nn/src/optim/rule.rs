//! The equations of an optimizer: how one element changes in a step.

use pulp::{Arch, NullaryFnOnce};
use std::fmt::Debug;
use tape::element::Real;
use tape::{Element, Error, Tensor, parallel};

/// The equations of one optimizer.
///
/// A rule sees one parameter at a time, its gradient, and the state it requested: tensors of the parameter's
/// shape, its *slots*. [`GradientDescent`](super::GradientDescent) has all that optimizers share: finding
/// parameters, groups, weight decay, clipping, counting, saving.
///
/// ```
/// use nn::optim::{Clock, GradientDescent, Elements, UpdateRule};
/// use nn::Param;
/// use nn::optim::Optimizer;
/// use tape::{Element, Tape};
///
/// /// Steps of a fixed length against the sign of the gradient.
/// #[derive(Clone, Debug)]
/// struct SignDescent;
///
/// impl UpdateRule for SignDescent {
///     const NAME: &'static str = "sign descent";
///
///     fn update<T: Element>(&self, rate: f64, _clock: &mut Clock, x: Elements<'_, T>) {
///         let rate = T::from_f64(rate);
///         x.each(|w, g, []| *w -= rate * g.sign());
///     }
/// }
///
/// let mut w = Param::new([1.0, -2.0]);
/// let tape = Tape::new();
/// let grads = (w.on(&tape) * w.on(&tape)).sum().backward();
/// GradientDescent::with_rule(SignDescent, 0.5).step(&mut w, &grads);
/// assert_eq!(w.value().to_vec(), [0.5, -1.5]);
/// ```
pub trait UpdateRule: Clone + Debug + Send + Sync + 'static {
    /// The name, for messages.
    const NAME: &'static str;

    /// Whether the weight decay is decoupled from the gradient. Then weights shrink by the factor `1 - η λ`
    /// before a step (Loshchilov and Hutter 2019); otherwise the gradient becomes `g + λ w`, as for a penalty
    /// `λ/2 Σ w²`.
    fn decoupled(&self) -> bool {
        false
    }

    /// The names of the slots.
    fn slots(&self) -> &'static [&'static str] {
        &[]
    }

    /// The initial value of every element of the slots.
    fn initial_slot_value(&self) -> f64 {
        0.0
    }

    /// Checks the settings; called whenever one is set.
    ///
    /// # Errors
    /// [`Error::Invalid`] that says what was expected and what was found.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Updates a parameter, with the learning rate of this step.
    fn update<T: Element>(&self, rate: f64, clock: &mut Clock, x: Elements<'_, T>);
}

/// The step count of a parameter, as a rule sees it.
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
    /// The number of this step, as an `f64`.
    pub fn t(&self) -> f64 {
        self.steps as f64
    }

    /// The bias correction `1 - βᵗ`: the total weight of the values seen by an exponential mean that started
    /// at zero. Computed in the number type of `beta`: rules take [`Real::Wide`], which is `f64` for `f32` and never less
    /// accurate than the weights.
    ///
    /// ```
    /// let clock = nn::optim::Clock { steps: 2, product: 1.0 };
    /// assert_eq!(clock.bias_correction(0.5), 0.75);
    /// ```
    pub fn bias_correction<R: Real>(&self, beta: R) -> R {
        R::ONE - power(beta, self.steps)
    }
}

/// `xⁿ` by repeated squaring: only products, so the result does not depend on the platform's library.
pub(super) fn power<R: Real>(x: R, mut n: u64) -> R {
    let (mut square, mut y) = (x, R::ONE);
    while n > 0 {
        if n & 1 == 1 {
            y *= square;
        }
        square *= square;
        n >>= 1;
    }
    y
}

/// An exponential mean with decay rate β: `m ← β m + (1 - β) x`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ema<T> {
    memory: T,
    rest: T,
}

impl<T: Element> Ema<T> {
    pub(super) fn new(beta: f64) -> Ema<T> {
        Ema { memory: T::from_f64(beta), rest: T::narrow(T::Wide::ONE - T::Wide::from_f64(beta)) }
    }

    /// The mean after one more value.
    #[inline(always)]
    pub(super) fn next(self, mean: T, x: T) -> T {
        self.memory * mean + self.rest * x
    }
}

/// Adjustments to the elements of a gradient before the rule sees them.
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
    /// The bound of ordinary gradients; see [`most`](Adjust::most).
    pub most: T,
}

impl<T: Element> Adjust<T> {
    /// Gradients below this are ordinary, if `settings` are: their squares vanish when added to the largest
    /// number. So sums and means of them stay finite forever, and need not be checked.
    pub(super) fn most(settings: [f64; 3]) -> T {
        const WILD: f64 = 1e6;
        match settings.iter().all(|x| x.abs() < WILD) {
            true => T::MAX.sqrt() / T::from_f64(1_073_741_824.0),
            false => T::ZERO,
        }
    }

    /// The gradient that the rule sees. Without decay nothing is added: the weight may be infinite.
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
    /// Set to `false` when an element is left unchanged.
    pub(super) finite: &'a mut bool,
}

impl<T: Element> Elements<'_, T> {
    /// Calls `f` with every element, its gradient, and its slots in order, in one pass; with the feature `rayon`, on
    /// several threads if there are many elements.
    ///
    /// An element and its slots are left unchanged if its gradient is infinite or NaN; or if one of the new
    /// values would be, and the gradient is beyond 2⁻³⁰ of the root of the largest number, or a setting
    /// beyond 1e6. With ordinary gradients no mean or sum of squares overflows; should a weight still not be
    /// finite (the rule divides by 0, or the weight was near the largest number), it is written. The step is
    /// an error in all these cases. (An infinite weight may stay infinite.)
    ///
    /// # Panics
    /// If the number of slots that `f` takes is not that of the rule.
    pub fn each<const N: usize>(self, f: impl Fn(&mut T, T, [&mut T; N]) + Copy + Send + Sync) {
        let Elements { weights, gradient, slots, adjust, finite } = self;
        let (n, found) = (weights.len(), slots.len());
        let Ok(slots) = <&mut [Tensor<T>; N]>::try_from(slots) else {
            unreachable!("the rule has {found} slots and its update takes {N}")
        };
        let slots = slots.each_mut().map(|slot| &mut slot.as_mut_slice()[..n]);
        *finite &= Pass { weights, gradient: &gradient[..n], slots, adjust, f }.run();
    }
}

/// The minimum number of elements, with their slots, for a thread: half of what is worth handing over.
const PIECE: usize = 1 << 16;

/// The number of elements whose gradients stay in the first-level cache between being checked and used.
const LEAF: usize = 1 << 12;

/// One pass over everything, compiled for several instruction sets.
struct Pass<'a, T, F, const N: usize> {
    weights: &'a mut [T],
    gradient: &'a [T],
    slots: [&'a mut [T]; N],
    adjust: Adjust<T>,
    f: F,
}

impl<'a, T: Element, F: Fn(&mut T, T, [&mut T; N]) + Copy + Send + Sync, const N: usize> Pass<'a, T, F, N> {
    /// Splits the elements in halves, possibly on two threads. Returns `true` if all elements moved.
    fn run(self) -> bool {
        let n = self.weights.len();
        if n < 2 * LEAF {
            return Arch::new().dispatch(self);
        }
        let (left, right) = self.halves();
        let (left, right) = if n < 2 * PIECE {
            (left.run(), right.run())
        } else {
            parallel::join(|| left.run(), || right.run())
        };
        left & right
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

    /// Updates element by element, and restores those that are no longer finite. Returns `true` if there were
    /// none.
    #[cold]
    #[inline(never)]
    fn carefully(self) -> bool {
        let Pass { weights, gradient, mut slots, adjust, f } = self;
        let mut all = true;
        for (i, (w, &g)) in weights.iter_mut().zip(gradient).enumerate() {
            let (old, kept) = (*w, slots.each_ref().map(|slot| slot[i]));
            let (mut new, mut state) = (old * adjust.shrink, kept);
            let gradient = adjust.gradient(new, g);
            f(&mut new, gradient, state.each_mut());
            let moved =
                g.is_finite() && (new.is_finite() || new == old) && state.iter().all(|x| x.is_finite());
            if moved {
                *w = new;
                slots.iter_mut().zip(state).for_each(|(slot, new)| slot[i] = new);
            }
            all &= moved;
        }
        all
    }
}

impl<T: Element, F: Fn(&mut T, T, [&mut T; N]) + Copy + Send + Sync, const N: usize> NullaryFnOnce
    for Pass<'_, T, F, N>
{
    type Output = bool;

    /// Returns `true` if all elements moved.
    #[inline(always)]
    fn call(self) -> bool {
        let most = self.adjust.most;
        // A loop that restores elements is several times slower: it runs only if the gradient says that it
        // may be needed.
        if !self.gradient.iter().fold(true, |ordinary, g| ordinary & (g.abs() < most)) {
            return self.carefully();
        }
        let Pass { weights, gradient, mut slots, adjust, f } = self;
        let mut all = true;
        for (i, (w, &g)) in weights.iter_mut().zip(gradient).enumerate() {
            let old = *w;
            *w *= adjust.shrink;
            f(w, adjust.gradient(*w, g), slots.each_mut().map(|slot| &mut slot[i]));
            all &= w.is_finite() | (*w == old);
        }
        all
    }
}
