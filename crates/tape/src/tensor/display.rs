//! How tensors are printed.

use super::Tensor;
use crate::rules::algebra::Element;
use std::fmt;

/// An axis with more entries than this is abbreviated.
const LONG: usize = 8;

/// The entries shown of a long axis at either end.
const ENDS: usize = 3;

/// The positions that are shown of an axis.
fn shown(extent: usize) -> impl Iterator<Item = usize> {
    let (first, last) = if extent > LONG { (ENDS, extent - ENDS) } else { (extent, extent) };
    (0..first).chain(last..extent)
}

/// How the elements of a tensor are written: whole numbers as such, others with as many digits as requested, in
/// scientific notation where one is 10⁸ or larger, or below 10⁻⁴, or their sizes differ by more than a factor of 10⁵.
enum Notation {
    Whole,
    Fixed(usize),
    Scientific(usize),
}

impl Notation {
    /// The notation for some elements, with `digits` after the point.
    fn new(elements: &[f64], digits: usize) -> Notation {
        let sizes = elements.iter().map(|x| x.abs()).filter(|x| x.is_finite() && *x > 0.0);
        let (least, most) = sizes.fold((f64::INFINITY, 0f64), |(least, most), x| (least.min(x), most.max(x)));
        let whole = elements.iter().all(|x| !x.is_finite() || x.fract() == 0.0);
        if most >= 1e8 || most > 0.0 && !whole && (least < 1e-4 || most / least > 1e5) {
            Notation::Scientific(digits)
        } else if whole {
            Notation::Whole
        } else {
            Notation::Fixed(digits)
        }
    }

    fn write(&self, x: f64) -> String {
        match *self {
            Notation::Whole => format!("{x}"),
            Notation::Fixed(digits) => format!("{x:.digits$}"),
            Notation::Scientific(digits) => format!("{x:.digits$e}"),
        }
    }
}

/// Nested brackets, a row in a line, aligned: four digits after the point, or as many as requested (`{:.2}`). Axes longer
/// than eight are abbreviated. Type and shape follow. A tensor of rank 0 is printed as a number is.
///
/// ```
/// use tape::Tensor;
/// let x = Tensor::from([[1.0, -2.5], [1.0 / 3.0, 10.0]]);
/// assert_eq!(x.to_string(), "[[ 1.0000, -2.5000],\n [ 0.3333, 10.0000]] f64[2, 2]");
/// assert_eq!(format!("{:.1}", x.row(1)), "[ 0.3, 10.0] f64[2]");
/// assert_eq!(Tensor::scalar(0.5).to_string(), "0.5");
/// ```
impl<T: Element> fmt::Display for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rank() == 0 {
            return fmt::Display::fmt(&self.item(), f);
        }
        let mut cells = Vec::new();
        self.each_shown(&mut |x| cells.push(x.to_f64()), &mut Vec::new());
        let notation = Notation::new(&cells, f.precision().unwrap_or(4));
        let width = cells.iter().map(|&x| notation.write(x).len()).max().unwrap_or(0);
        // The axes below the last are rows of their own.
        let separator = |axis: usize| match self.rank() - axis {
            1 => ", ".to_string(),
            below => format!(",{}{}", "\n".repeat(below - 1), " ".repeat(axis + 1)),
        };
        let entry = |x: T, f: &mut fmt::Formatter<'_>| write!(f, "{:>width$}", notation.write(x.to_f64()));
        self.nested(&separator, &entry, &mut Vec::new(), f)?;
        write!(f, " {}{}", T::NAME, self.shape)
    }
}

impl<T: Element> Tensor<T> {
    /// Passes on the elements that are shown of the part that begins with `index`.
    fn each_shown(&self, visit: &mut dyn FnMut(T), index: &mut Vec<usize>) {
        let Some(&extent) = self.shape.get(index.len()) else {
            return visit(self.data.slice()[self.position(index)]);
        };
        for at in shown(extent) {
            index.push(at);
            self.each_shown(visit, index);
            index.pop();
        }
    }

    /// Writes the part that begins with `index`: its elements by `entry`, between those of an axis its `separator`.
    fn nested(
        &self,
        separator: &dyn Fn(usize) -> String,
        entry: &dyn Fn(T, &mut fmt::Formatter<'_>) -> fmt::Result,
        index: &mut Vec<usize>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let axis = index.len();
        let Some(&extent) = self.shape.get(axis) else {
            return entry(self.data.slice()[self.position(index)], f);
        };
        let separated = separator(axis);
        write!(f, "[")?;
        for at in shown(extent) {
            if at > 0 {
                write!(f, "{separated}")?;
            }
            if extent > LONG && at == extent - ENDS {
                write!(f, "...{separated}")?;
            }
            index.push(at);
            self.nested(separator, entry, index, f)?;
            index.pop();
        }
        write!(f, "]")
    }
}

/// In one line, with the exact value of every element; axes longer than eight are abbreviated.
impl<T: Element> fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor<{}>{} ", T::NAME, self.shape)?;
        self.nested(&|_| ", ".to_string(), &|x, f| fmt::Display::fmt(&x, f), &mut Vec::new(), f)
    }
}
