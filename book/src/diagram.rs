//! Diagrams of boxes and arrows, as SVG.

use std::fmt::Write;

/// Text, borders and arrows.
const INK: &str = "#404040";
/// The colour of values.
pub(crate) const VALUE: &str = "#0072b2";
/// The colour of gradients.
pub(crate) const GRADIENT: &str = "#d55e00";

/// A diagram; positions are pixels from the upper left corner.
pub(crate) struct Diagram {
    width: usize,
    height: usize,
    title: &'static str,
    body: String,
}

/// The text of a label with the characters escaped that SVG reserves.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Diagram {
    /// An empty diagram. Readers who cannot see it are told the title.
    pub(crate) fn new(title: &'static str, width: usize, height: usize) -> Diagram {
        Diagram { width, height, title, body: String::new() }
    }

    /// Text, centred at a position.
    pub(crate) fn text(mut self, (x, y): (f64, f64), text: &str, colour: &str) -> Diagram {
        let text = escaped(text);
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.0}\" y=\"{y:.0}\" text-anchor=\"middle\" fill=\"{colour}\" paint-order=\"stroke\" \
             stroke=\"#ffffff\" stroke-width=\"4\">{text}</text>"
        );
        self
    }

    /// A box around its centre with lines of text, each in its colour.
    pub(crate) fn boxed(mut self, (x, y): (f64, f64), width: f64, lines: &[(&str, &str)]) -> Diagram {
        let height = 18.0 * lines.len() as f64 + 10.0;
        let _ = writeln!(
            self.body,
            "<rect x=\"{:.0}\" y=\"{:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" rx=\"5\" fill=\"#ffffff\" \
             stroke=\"{INK}\"/>",
            x - width / 2.0,
            y - height / 2.0
        );
        for (k, (text, colour)) in lines.iter().enumerate() {
            let line = y - height / 2.0 + 18.0 * (k as f64 + 1.0);
            self = self.text((x, line), text, colour);
        }
        self
    }

    /// A matrix with its title above, from its upper left corner; the cells of which `marked` is true are shaded.
    pub(crate) fn matrix(
        mut self,
        (x, y): (f64, f64),
        title: &str,
        rows: &[Vec<f64>],
        marked: impl Fn(usize, usize) -> bool,
    ) -> Diagram {
        let width = 44.0 * rows.first().map_or(0, Vec::len) as f64;
        self = self.text((x + width / 2.0, y - 10.0), title, INK);
        for (i, row) in rows.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                let (left, top) = (x + 44.0 * j as f64, y + 28.0 * i as f64);
                let fill = if marked(i, j) { "#fbe3cf" } else { "#ffffff" };
                let _ = writeln!(
                    self.body,
                    "<rect x=\"{left:.0}\" y=\"{top:.0}\" width=\"44\" height=\"28\" fill=\"{fill}\" stroke=\"{INK}\"/>\n\
                     <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\" fill=\"{INK}\">{value}</text>",
                    left + 22.0,
                    top + 19.0
                );
            }
        }
        self
    }

    /// An arrow, with a text beside its middle.
    pub(crate) fn arrow(mut self, from: (f64, f64), to: (f64, f64), text: &str, colour: &str) -> Diagram {
        let _ = writeln!(
            self.body,
            "<line x1=\"{:.0}\" y1=\"{:.0}\" x2=\"{:.0}\" y2=\"{:.0}\" stroke=\"{INK}\" marker-end=\"url(#tip)\"/>",
            from.0, from.1, to.0, to.1
        );
        self.text(((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0 - 7.0), text, colour)
    }

    /// The picture.
    pub(crate) fn svg(self) -> String {
        let Diagram { width, height, title, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"sans-serif\" font-size=\"13\">\n<title>{}</title>\n<defs><marker id=\"tip\" markerWidth=\"9\" \
             markerHeight=\"8\" refX=\"8\" refY=\"4\" orient=\"auto\"><path d=\"M0,0 L9,4 L0,8 Z\" fill=\"{INK}\"/></marker></defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n",
            escaped(title)
        )
    }
}
