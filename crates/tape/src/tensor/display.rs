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
/// scientific notation where their sizes differ by more than a factor of 1000.
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
        match () {
            () if most >= 1e8 || most > 0.0 && !whole && (least < 1e-4 || most / least > 1e5) => {
                Notation::Scientific(digits)
            }
            () if whole => Notation::Whole,
            () => Notation::Fixed(digits),
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
        self.collect_shown(&mut Vec::new(), &mut cells);
        let notation = Notation::new(&cells, f.precision().unwrap_or(4));
        let cells: Vec<String> = cells.into_iter().map(|x| notation.write(x)).collect();
        let width = cells.iter().map(String::len).max().unwrap_or(0);
        self.level(0, &mut cells.iter(), width, f)?;
        write!(f, " {}{}", T::NAME, self.shape)
    }
}

impl<T: Element> Tensor<T> {
    /// Appends the elements that are shown.
    fn collect_shown(&self, index: &mut Vec<usize>, cells: &mut Vec<f64>) {
        match self.shape.get(index.len()) {
            None => cells.push(self.data.slice()[self.position(index)].to_f64()),
            Some(&extent) => {
                for at in shown(extent) {
                    index.push(at);
                    self.collect_shown(index, cells);
                    index.pop();
                }
            }
        }
    }

    /// Writes the part of the axes from `axis` on that begins with the next of `cells`.
    fn level(
        &self,
        axis: usize,
        cells: &mut std::slice::Iter<'_, String>,
        width: usize,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let Some(&extent) = self.shape.get(axis) else {
            return write!(f, "{:>width$}", cells.next().map_or("", String::as_str));
        };
        let separator = match self.rank() - axis {
            1 => ", ".to_string(),
            below => format!(",{}{}", "\n".repeat(below - 1), " ".repeat(axis + 1)),
        };
        write!(f, "[")?;
        for at in shown(extent) {
            if at > 0 {
                write!(f, "{separator}")?;
            }
            if extent > LONG && at == extent - ENDS {
                write!(f, "...{separator}")?;
            }
            self.level(axis + 1, cells, width, f)?;
        }
        write!(f, "]")
    }
}

/// In one line, with the exact value of every element; axes longer than eight are abbreviated.
impl<T: Element> fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Writes the part of the axes from `index` on.
        fn level<T: Element>(
            x: &Tensor<T>,
            index: &mut Vec<usize>,
            f: &mut fmt::Formatter<'_>,
        ) -> fmt::Result {
            let Some(&extent) = x.shape.get(index.len()) else {
                return fmt::Display::fmt(&x.data.slice()[x.position(index)], f);
            };
            write!(f, "[")?;
            for at in shown(extent) {
                let gap = extent > LONG && at == extent - ENDS;
                write!(f, "{}{}", if at > 0 { ", " } else { "" }, if gap { "..., " } else { "" })?;
                index.push(at);
                level(x, index, f)?;
                index.pop();
            }
            write!(f, "]")
        }
        write!(f, "Tensor<{}>{} ", T::NAME, self.shape)?;
        level(self, &mut Vec::new(), f)
    }
}
