//! The discrete Fourier transform of any length, by splitting off one prime factor after another (Cooley & Tukey 1965).

use crate::element::Real;

/// The angles of a transform of `n` numbers: `exp(-2πi k / n)`.
pub(crate) struct Fourier<T> {
    roots: Vec<Complex<T>>,
}

/// Real and imaginary part.
type Complex<T> = (T, T);

fn times<T: Real>((a, b): Complex<T>, (c, d): Complex<T>) -> Complex<T> {
    (a * c - b * d, a * d + b * c)
}

/// `exp(-2πi k / n)`, from an angle in the first quarter, so that multiples of a quarter are exact.
fn root<T: Real>(k: usize, n: usize) -> Complex<T> {
    let quarter = T::ONE.atan() * T::from_usize(2);
    let angle = quarter * (T::from_usize(4 * k % n) / T::from_usize(n));
    let (cosine, sine) = (angle.cos(), angle.sin());
    match 4 * k / n % 4 {
        0 => (cosine, -sine),
        1 => (-sine, -cosine),
        2 => (-cosine, sine),
        _ => (sine, cosine),
    }
}

/// The smallest prime factor of a number above 1.
fn factor(n: usize) -> usize {
    (2..).take_while(|p| p * p <= n).find(|p| n.is_multiple_of(*p)).unwrap_or(n)
}

impl<T: Real> Fourier<T> {
    pub(crate) fn new(n: usize) -> Fourier<T> {
        Fourier { roots: (0..n).map(|k| root(k, n)).collect() }
    }

    fn root(&self, k: usize) -> Complex<T> {
        self.roots[k % self.roots.len()]
    }

    /// `yₖ = Σ xⱼ exp(-2πi j k / n)` for the numbers `x` takes every `step`, which are as many as `y`.
    fn transform(&self, x: &[Complex<T>], step: usize, y: &mut [Complex<T>]) {
        let n = y.len();
        if n <= 1 {
            y.copy_from_slice(&x[..n]);
            return;
        }
        let p = factor(n);
        let m = n / p;
        for (r, y) in y.chunks_exact_mut(m).enumerate() {
            self.transform(&x[r * step..], step * p, y);
        }
        let mut parts = vec![(T::ZERO, T::ZERO); p];
        for k in 0..m {
            for (r, part) in parts.iter_mut().enumerate() {
                *part = times(y[r * m + k], self.root(r * k * step));
            }
            for q in 0..p {
                let term = |(r, &part): (usize, &Complex<T>)| times(part, self.root(r * q % p * m * step));
                y[q * m + k] = parts
                    .iter()
                    .enumerate()
                    .map(term)
                    .fold((T::ZERO, T::ZERO), |(a, b), (c, d)| (a + c, b + d));
            }
        }
    }

    fn of(&self, x: &[Complex<T>]) -> Vec<Complex<T>> {
        let mut y = vec![(T::ZERO, T::ZERO); x.len()];
        self.transform(x, 1, &mut y);
        y
    }

    /// The first `n / 2 + 1` frequencies of `n` real numbers, real and imaginary parts in turn.
    pub(crate) fn real(&self, x: &[T], y: &mut [T]) {
        let x: Vec<Complex<T>> = x.iter().map(|&x| (x, T::ZERO)).collect();
        for ((re, im), y) in self.of(&x).into_iter().zip(y.chunks_exact_mut(2)) {
            y.copy_from_slice(&[re, im]);
        }
    }

    /// The inverse of [`real`](Fourier::real); imaginary parts that no real numbers have are not read.
    pub(crate) fn real_inverse(&self, x: &[T], y: &mut [T]) {
        let n = y.len();
        let mut whole = vec![(T::ZERO, T::ZERO); n];
        // The conjugates, whose transform is the conjugate of the inverse.
        for (k, x) in x.chunks_exact(2).enumerate() {
            let own = k == (n - k) % n;
            let imaginary = if own { T::ZERO } else { x[1] };
            (whole[k], whole[(n - k) % n]) = ((x[0], -imaginary), (x[0], imaginary));
        }
        for ((re, _), y) in self.of(&whole).into_iter().zip(y) {
            *y = re / T::from_usize(n);
        }
    }
}
