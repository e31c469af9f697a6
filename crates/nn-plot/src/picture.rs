//! From a description of a picture to the text of an SVG file, and to a file.

use crate::error::PlotError;
use nn::files::{self, FileError};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::ops::Range;
use std::path::Path;

/// The area that a picture is drawn to.
pub(crate) type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The result of a drawing step.
pub(crate) type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The largest width and height of a picture, in pixels.
const LARGEST: usize = 30_000;

/// The largest magnitude of a value on an axis: beyond it, differences overflow.
const FARTHEST: f64 = 1e300;

/// A description of a picture.
pub(crate) trait Draw {
    /// Width and height in pixels.
    fn size(&self) -> (usize, usize);

    /// Draws to a white area of that size, or refuses the data.
    fn draw(&self, root: &Canvas<'_>) -> Drawn;
}

/// The text of an SVG file.
pub(crate) fn svg(picture: &impl Draw) -> Result<String, PlotError> {
    let (width, height) = picture.size();
    if width.max(height) > LARGEST {
        return Err(PlotError::data(format!(
            "expected a picture of at most {LARGEST} pixels a side, found {width} x {height}"
        )));
    }
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (width as u32, height as u32)).into_drawing_area();
        let drawn = root.fill(&WHITE).map_err(Into::into).and_then(|()| picture.draw(&root));
        drawn.and_then(|()| root.present().map_err(Into::into)).map_err(PlotError::from_box)?;
    }
    Ok(text)
}

/// Writes a picture in the format that the name's ending gives.
pub(crate) fn save(path: &Path, picture: &impl Draw) -> Result<(), PlotError> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let contents = match ending.to_ascii_lowercase().as_str() {
        "svg" => svg(picture)?.into_bytes(),
        #[cfg(feature = "png")]
        "png" => crate::png::encode(&svg(picture)?)?,
        _ => return Err(PlotError::Ending { path: path.to_owned() }),
    };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)
            .map_err(|error| FileError { path: path.to_owned(), kind: error.into() })?;
    }
    Ok(files::write(path, &contents)?)
}

/// Gives each type of picture the methods that write it.
macro_rules! written {
    ($($name:ident $(<$life:lifetime>)?),*) => {$(
        impl$(<$life>)? $name$(<$life>)? {
            /// The text of the picture as an SVG file.
            ///
            /// # Errors
            /// If the data cannot be drawn.
            ///
            /// ```
            /// let text = nn_plot::Lines::new("Loss").curve("", [(1.0, 0.5), (2.0, 0.25)]).svg()?;
            /// assert!(text.starts_with("<svg") && text.contains("Loss"));
            /// # Ok::<(), nn_plot::PlotError>(())
            /// ```
            pub fn svg(&self) -> Result<String, PlotError> {
                picture::svg(self)
            }

            /// The bytes of the picture as a PNG file, with the fonts of the system. Needs the feature `png`.
            ///
            /// # Errors
            /// If the data cannot be drawn, or the system has no font.
            ///
            /// ```
            /// use nn_plot::{Lines, PlotError};
            /// match Lines::new("Loss").curve("", [(1.0, 0.5), (2.0, 0.25)]).png() {
            ///     Ok(bytes) => assert!(bytes.starts_with(b"\x89PNG")),
            ///     Err(error) => assert_eq!(error, PlotError::NoFont),
            /// }
            /// ```
            #[cfg(feature = "png")]
            pub fn png(&self) -> Result<Vec<u8>, PlotError> {
                png::encode(&picture::svg(self)?)
            }

            /// Writes the picture, as the ending of the name says: `.svg`, or `.png` with the feature `png`. Missing
            /// directories are created; the file is replaced as a whole or not at all.
            ///
            /// # Errors
            /// Another ending; data that cannot be drawn; any error of the operating system.
            ///
            /// ```
            /// let picture = nn_plot::Lines::new("Loss").curve("", [(1.0, 0.5), (2.0, 0.25)]);
            /// let path = std::env::temp_dir().join(format!("nn-plot-{}/loss.svg", std::process::id()));
            /// picture.save(&path)?;
            /// assert_eq!(std::fs::read_to_string(&path).unwrap(), picture.svg()?);
            /// let error = picture.save("loss.gif").unwrap_err();
            /// assert!(error.to_string().starts_with("loss.gif: expected a name that ends in .svg"));
            /// # std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
            /// # Ok::<(), nn_plot::PlotError>(())
            /// ```
            pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
                picture::save(path.as_ref(), self)
            }
        }
    )*};
}
pub(crate) use written;

/// A text of a picture: characters that XML does not allow are replaced.
pub(crate) fn text(given: impl Into<String>) -> String {
    given.into().replace(|c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'), "\u{fffd}")
}

/// Text of a size, centred below a point.
pub(crate) fn centred(size: i32) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size).into_font()).pos(Pos::new(HPos::Center, VPos::Top))
}

/// The number of panels side by side and one below the other.
pub(crate) fn arrange(panels: usize, columns: usize) -> (usize, usize) {
    let columns = columns.clamp(1, panels.max(1));
    (columns, panels.div_ceil(columns).max(1))
}

/// The shortest decimal form of a number: 0.05, 12, 2e-7.
pub(crate) fn short(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_owned(),
        1e-4..1e6 => format!("{}", (x * 1e6).round() / 1e6),
        _ => format!("{x:.1e}"),
    }
}

/// From the smallest to the largest of the finite values, a little apart if they are equal; from 0 to 1 without any.
///
/// # Errors
/// If a value is too large for differences.
pub(crate) fn range(values: impl Iterator<Item = f64>) -> Result<Range<f64>, PlotError> {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return Ok(0.0..1.0);
    }
    let size = low.abs().max(high.abs());
    if size > FARTHEST {
        return Err(PlotError::data(format!("expected values up to {FARTHEST:e}, found {size:e}")));
    }
    // Ticks are found by addition, which must change the value.
    if high - low <= 1e-12 * size || high - low < 1e-300 {
        let apart = (1e-9 * size).max(0.5);
        return Ok(low - apart..high + apart);
    }
    Ok(low..high)
}

/// Checks a range that the caller gave.
///
/// # Errors
/// If it is empty, or too wide or too narrow for ticks.
pub(crate) fn given(axis: &str, given: &Range<f64>) -> Result<Range<f64>, PlotError> {
    let Range { start, end } = *given;
    match range([start, end].into_iter()) {
        Ok(range) if start < end && range == *given => Ok(range),
        _ => Err(PlotError::data(format!(
            "{axis}: expected a range from a smaller to a larger value, found {start} to {end}"
        ))),
    }
}

/// A coordinate that is drawn where it belongs, or far outside: pixels are 32-bit integers.
pub(crate) fn near(range: &Range<f64>, value: f64) -> f64 {
    let far = 100.0 * (range.end - range.start);
    value.clamp(range.start - far, range.end + far)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_never_empty() {
        let of = |values: &[f64]| range(values.iter().copied());
        assert_eq!(of(&[]), Ok(0.0..1.0));
        assert_eq!(of(&[f64::NAN, f64::INFINITY]), Ok(0.0..1.0));
        assert_eq!(of(&[3.0]), Ok(2.5..3.5));
        assert_eq!(of(&[3.0, -1.0, f64::NAN]), Ok(-1.0..3.0));
        for values in [&[1e18][..], &[1e18, 1e18 + 256.0], &[0.0, 5e-324], &[-1e299, 1e299]] {
            let range = of(values).unwrap();
            assert!(range.start < range.end && range.start + (range.end - range.start) / 50.0 > range.start);
        }
        let error = of(&[1e301]).unwrap_err().to_string();
        assert_eq!(error, "expected values up to 1e300, found 1e301");
        for wrong in [1.0..1.0, 2.0..1.0, f64::NAN..1.0, 0.0..f64::INFINITY] {
            let error = given("x", &wrong).unwrap_err().to_string();
            assert!(error.starts_with("x: expected a range"), "{error}");
        }
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, -0.0, 0.05, 12.0, 2e-7, 1e9].map(short);
        assert_eq!(shown, ["0", "0", "0.05", "12", "2.0e-7", "1.0e9"]);
    }
}
