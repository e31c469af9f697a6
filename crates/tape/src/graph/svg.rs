//! The graph as a self-contained picture.

use super::layout::{Drawing, layout};
use super::text::description;
use super::{GraphNode, GraphView};
use crate::rules::algebra::Element;
use std::fmt::Write;

/// Pixels from one layer to the next.
const LAYER: f64 = 74.0;
/// The height of a box.
const HEIGHT: f64 = 40.0;
/// The margin around the picture, and the gap between boxes.
const MARGIN: f64 = 24.0;
/// The approximate width of a letter; fonts differ, so the boxes are generous.
const LETTER: f64 = 7.6;
/// The height of the explanation of the colours.
const FOOT: f64 = 40.0;

/// Fill and border by kind: leaves, constants, results, and unused results.
const LEAF: (&str, &str) = ("#cfe3f1", "#0072b2");
const CONSTANT: (&str, &str) = ("#e6e6e6", "#707070");
const RESULT: (&str, &str) = ("#ffffff", "#404040");
const LAST: (&str, &str) = ("#fbe3cf", "#d55e00");

impl<T: Element> GraphView<T> {
    /// The graph as an SVG picture: operands above results, one box for each node with its name, its operation and
    /// its shape. For graphs of up to some hundred nodes.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, 2.0]).named("x");
    /// let _ = (x * x).sum().named("loss");
    /// let svg = tape.view().to_svg();
    /// assert!(svg.starts_with("<svg") && svg.contains(">loss<"));
    /// ```
    pub fn to_svg(&self) -> String {
        let plan = layout(&self.parents());
        let texts: Vec<[String; 2]> =
            self.nodes.iter().map(|node| [node.label(), description(node)]).collect();
        let longest = texts.iter().flatten().map(|text| text.chars().count()).max().unwrap_or(0);
        let box_width = (longest as f64 * LETTER + 16.0).max(64.0);
        let column = |x: f64| MARGIN + box_width / 2.0 + x * (box_width + MARGIN);
        let row = |layer: usize| MARGIN + HEIGHT / 2.0 + layer as f64 * LAYER;
        let width = column(plan.size.1) + box_width / 2.0 + MARGIN;
        let width = width.max(360.0);
        let height = row(plan.size.0.max(1) - 1) + HEIGHT / 2.0 + MARGIN + FOOT;
        let mut out = String::new();
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 \
             {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>Recorded \
             graph</title>\n<defs><marker id=\"tip\" markerWidth=\"9\" markerHeight=\"8\" refX=\"8\" refY=\"4\" \
             orient=\"auto\"><path d=\"M0,0 L9,4 L0,8 Z\" fill=\"#404040\"/></marker></defs>\n<rect \
             width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
        );
        edges(&mut out, &plan, &column, &row);
        let mut used = vec![false; self.nodes.len()];
        self.parents().into_iter().flatten().for_each(|parent| used[parent] = true);
        for (i, (node, [name, text])) in self.nodes.iter().zip(&texts).enumerate() {
            let (x, y) = (column(plan.x[i]), row(plan.layer[i]));
            rectangle(
                &mut out,
                [x - box_width / 2.0, y - HEIGHT / 2.0, box_width, HEIGHT],
                kind(node, used[i]),
            );
            line(&mut out, x, y - 4.0, name, true);
            line(&mut out, x, y + 12.0, text, false);
        }
        legend(&mut out, width, height);
        out + "</svg>\n"
    }
}

fn kind<T: Element>(node: &GraphNode<T>, used: bool) -> (&'static str, &'static str) {
    match node.op {
        "leaf" => LEAF,
        "constant" => CONSTANT,
        _ if used => RESULT,
        _ => LAST,
    }
}

fn edges(out: &mut String, plan: &Drawing, column: &dyn Fn(f64) -> f64, row: &dyn Fn(usize) -> f64) {
    for edge in &plan.edges {
        let (from, to) = (plan.layer[edge.from], plan.layer[edge.to]);
        let (mut x, mut y) = (column(plan.x[edge.from]), row(from) + HEIGHT / 2.0);
        let _ = write!(out, "<path d=\"M{x:.1},{y:.1}");
        let bends = edge.bends.iter().zip(from + 1..to).map(|(&bend, layer)| (column(bend), row(layer)));
        let end = (column(plan.x[edge.to]), row(to) - HEIGHT / 2.0);
        for (next_x, next_y) in bends.chain([end]) {
            // Vertical at both ends, so that segments join smoothly.
            let middle = (y + next_y) / 2.0;
            let _ = write!(out, " C{x:.1},{middle:.1} {next_x:.1},{middle:.1} {next_x:.1},{next_y:.1}");
            (x, y) = (next_x, next_y);
        }
        let _ = writeln!(out, "\" fill=\"none\" stroke=\"#404040\" marker-end=\"url(#tip)\"/>");
    }
}

fn rectangle(out: &mut String, [x, y, width, height]: [f64; 4], (fill, border): (&str, &str)) {
    let _ = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\" fill=\"{fill}\" \
         stroke=\"{border}\" stroke-width=\"1.5\"/>"
    );
}

fn line(out: &mut String, x: f64, y: f64, text: &str, bold: bool) {
    let weight = if bold { " font-weight=\"bold\"" } else { "" };
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\"{weight}>{text}</text>");
}

fn legend(out: &mut String, width: f64, height: f64) {
    let entries = [(LEAF, "differentiated"), (CONSTANT, "constant"), (RESULT, "computed"), (LAST, "result")];
    let step = (width - 2.0 * MARGIN) / entries.len() as f64;
    for (i, (colours, text)) in entries.into_iter().enumerate() {
        let (x, y) = (MARGIN + i as f64 * step, height - FOOT + 8.0);
        rectangle(out, [x, y, 14.0, 14.0], colours);
        let _ =
            writeln!(out, "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\">{text}</text>", x + 20.0, y + 11.0);
    }
}

#[cfg(test)]
mod tests {
    use crate::tape::Tape;

    #[test]
    fn every_node_has_a_box_and_every_edge_a_line() {
        let tape = Tape::new();
        let w = tape.var([[1.0, 2.0]]).named("W<1>");
        let x = tape.constant([[3.0], [4.0]]);
        let _ = w.matmul(x).tanh().sum();
        let svg = tape.view().to_svg();
        assert_eq!(svg.matches("<path d=\"M").count(), 4 + 1, "four edges and the tip of arrows");
        assert_eq!(svg.matches("rx=\"6\"").count(), 5 + 4, "five nodes and the legend");
        assert!(svg.contains("W&lt;1&gt;") && svg.contains(">matmul [1, 1]<") && svg.contains(">#5<"));
        assert!(!svg.contains("NaN") && svg.ends_with("</svg>\n"));
        assert!(Tape::new().view().to_svg().contains("</svg>"));
    }
}
