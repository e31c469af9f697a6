//! The inverse Hessian approximated from the last steps: Nocedal and Wright, "Numerical Optimization" (2006),
//! algorithm 7.4.

use std::collections::VecDeque;
use tape::Element;

/// `x · y`, summed in f64.
pub(super) fn dot<T: Element>(x: &[T], y: &[T]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x.to_f64() * y.to_f64()).sum()
}

/// `y ← y + a x`.
fn add<T: Element>(a: f64, x: &[T], y: &mut [T]) {
    let a = T::from_f64(a);
    y.iter_mut().zip(x).for_each(|(y, &x)| *y += a * x);
}

/// A step `s`, and the change `y` of the gradient over it.
#[derive(Clone, Debug)]
pub(super) struct Pair<T> {
    pub s: Vec<T>,
    pub y: Vec<T>,
}

impl<T: Element> Pair<T> {
    /// Returns `true` if the curvature along the step is positive.
    pub(super) fn curves(&self) -> bool {
        let curvature = dot(&self.s, &self.y);
        curvature > FLAT && curvature.is_finite()
    }
}

/// The last steps, the oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct History<T> {
    pub pairs: VecDeque<Pair<T>>,
}

/// Below this, `s · y` says nothing about the curvature.
const FLAT: f64 = 1e-10;

impl<T: Element> History<T> {
    /// Adds a step, dropping the oldest beyond `size`. Steps whose curvature is not positive, or out of
    /// range, are left out.
    pub(super) fn push(&mut self, pair: Pair<T>, size: usize) {
        if !pair.curves() {
            return;
        }
        self.pairs.push_back(pair);
        while self.pairs.len() > size {
            self.pairs.pop_front();
        }
    }

    /// `-H g`, in two loops over the pairs with `ρ = 1 / (s · y)`. The initial `H` is the scalar `s · y / y · y`
    /// of the last pair.
    pub(super) fn direction(&self, gradient: &[T]) -> Vec<T> {
        let mut q: Vec<T> = gradient.iter().map(|&g| -g).collect();
        let mut parts = Vec::with_capacity(self.pairs.len());
        for Pair { s, y } in self.pairs.iter().rev() {
            let alpha = dot(s, &q) / dot(y, s);
            add(-alpha, y, &mut q);
            parts.push(alpha);
        }
        if let Some(Pair { s, y }) = self.pairs.back() {
            let scale = T::from_f64(dot(s, y) / dot(y, y));
            q.iter_mut().for_each(|q| *q *= scale);
        }
        for (Pair { s, y }, alpha) in self.pairs.iter().zip(parts.into_iter().rev()) {
            let beta = dot(y, &q) / dot(y, s);
            add(alpha - beta, s, &mut q);
        }
        q
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_steps_as_axes_give_the_inverse_hessian() {
        // Of x² + 5 y² / 2, whose Hessian is diag(2, 5), steps along both axes.
        let mut history = History { pairs: VecDeque::new() };
        history.push(Pair { s: vec![1.0, 0.0], y: vec![2.0, 0.0] }, 10);
        history.push(Pair { s: vec![0.0, 1.0], y: vec![0.0, 5.0] }, 10);
        let direction = history.direction(&[3.0, -2.0]);
        assert!((direction[0] + 1.5f64).abs() < 1e-15 && (direction[1] - 0.4).abs() < 1e-15, "{direction:?}");
    }

    #[test]
    fn flat_steps_are_left_out_and_old_ones_forgotten() {
        let mut history = History { pairs: VecDeque::new() };
        history.push(Pair { s: vec![1.0], y: vec![-1.0] }, 2);
        assert_eq!(history.pairs.len(), 0);
        (1..4).for_each(|k| history.push(Pair { s: vec![k as f64], y: vec![1.0] }, 2));
        assert_eq!(history.pairs.iter().map(|pair| pair.s[0]).collect::<Vec<_>>(), [2.0, 3.0]);
    }
}
