//! [`DoubleDouble`]: numbers of about 32 digits, as the sum of two doubles.

mod arc;
mod arithmetic;
mod constants;
mod display;
mod erf;
mod exp;
mod gamma;
mod hyperbolic;
mod log;
mod power;
mod real;
mod reduction;
mod round;
mod trig;

/// A number of about 32 digits: the sum of two doubles, the second at most half a unit in the last place of the first.
///
/// A number type of tensors and tapes, to compute what `f64` should have computed: `Tape<DoubleDouble>` runs every
/// operation, and every model that is generic in its number type. Its functions are accurate to 1e-28 or better (relative;
/// `docs/accuracy.md` lists each), and use neither the platform's mathematical library nor fused multiply-add, so that a result
/// does not depend on the machine. Numbers below 2^-969 (2e-292) have fewer digits: their second part is subnormal.
///
/// ```
/// use gradcheck::DoubleDouble;
/// use tape::Tape;
///
/// let third = DoubleDouble::from(1.0) / DoubleDouble::from(3.0);
/// assert_eq!(third.to_string(), "0.3333333333333333333333333333333");
///
/// let tape = Tape::<DoubleDouble>::of();
/// let x = tape.scalar(DoubleDouble::from(2.0));
/// let [dy] = x.ln().grad([x]);
/// assert_eq!(dy.value(), DoubleDouble::from(0.5));
/// ```
#[derive(Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct DoubleDouble {
    hi: f64,
    lo: f64,
}

impl DoubleDouble {
    /// 0.
    pub const ZERO: DoubleDouble = DoubleDouble { hi: 0.0, lo: 0.0 };
    /// 1.
    pub const ONE: DoubleDouble = DoubleDouble { hi: 1.0, lo: 0.0 };

    /// The parts of a number in normal form.
    pub(crate) const fn new(hi: f64, lo: f64) -> DoubleDouble {
        DoubleDouble { hi, lo }
    }

    /// The nearest `f64`.
    pub const fn hi(self) -> f64 {
        self.hi
    }

    /// The rest: the number is `hi + lo`.
    pub const fn lo(self) -> f64 {
        self.lo
    }
}

impl From<f64> for DoubleDouble {
    #[inline]
    fn from(x: f64) -> DoubleDouble {
        DoubleDouble { hi: x, lo: 0.0 }
    }
}

/// The polynomial with the coefficients `c`, the lowest power first.
fn poly(x: DoubleDouble, c: &[DoubleDouble]) -> DoubleDouble {
    c.iter().rev().fold(DoubleDouble::ZERO, |y, &c| y * x + c)
}
