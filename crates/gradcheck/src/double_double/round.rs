//! Signs, and integers next to a number.

use super::DoubleDouble;

impl DoubleDouble {
    /// `|x|`.
    #[inline]
    pub(super) fn size(self) -> DoubleDouble {
        if self.hi.is_sign_negative() { -self } else { self }
    }

    /// `|y|` with the sign of `self`.
    #[inline]
    pub(super) fn sign_onto(self, y: DoubleDouble) -> DoubleDouble {
        if self.hi.is_sign_negative() == y.hi.is_sign_negative() { y } else { -y }
    }

    /// The largest integer not above `x`.
    pub(super) fn floored(self) -> DoubleDouble {
        let upper = self.hi.floor();
        if upper == self.hi {
            DoubleDouble::renormalized(upper, self.lo.floor())
        } else {
            DoubleDouble::from(upper)
        }
    }

    /// The smallest integer not below `x`.
    pub(super) fn ceiled(self) -> DoubleDouble {
        -(-self).floored()
    }

    /// The integer part, towards zero.
    pub(super) fn truncated(self) -> DoubleDouble {
        self.sign_onto(self.size().floored())
    }

    /// The nearest integer; ties go away from zero.
    pub(super) fn rounded(self) -> DoubleDouble {
        let size = self.size();
        let below = size.floored();
        let rest = size - below;
        let up = rest.hi >= 0.5 && !(rest.hi == 0.5 && rest.lo < 0.0);
        self.sign_onto(if up { below + DoubleDouble::ONE } else { below })
    }
}
