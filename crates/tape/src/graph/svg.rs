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
/// The height of a note in a box.
const NOTE: f64 = 16.0;
/// The length of the scale of shades.
const SCALE: f64 = 120.0;

/// Fill and border by kind: leaves, constants, results, and unused results.
const LEAF: (&str, &str) = ("#cfe3f1", "#0072b2");
const CONSTANT: (&str, &str) = ("#e6e6e6", "#707070");
const RESULT: (&str, &str) = ("#ffffff", "#404040");
const LAST: (&str, &str) = ("#fbe3cf", "#d55e00");

/// The style of a node in [`GraphView::to_svg_with`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeStyle {
    /// The fill, from 0 (white) to 1 (dark orange). Lightness alone tells shades apart.
    pub shade: f64,
    /// A line below the operation.
    pub note: String,
    /// A longer text, shown while the pointer is on the box.
    pub tooltip: String,
    /// A thick border.
    pub marked: bool,
    /// A dashed border.
    pub dashed: bool,
}

/// The legend of [`GraphView::to_svg_with`]. An entry without a text is not drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StyleLegend {
    /// The meaning of the shades 0 and 1.
    pub shades: [String; 2],
    /// The meaning of a thick border.
    pub marked: String,
    /// The meaning of a dashed border.
    pub dashed: String,
}

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
        self.draw(None)
    }

    /// As [`to_svg`](GraphView::to_svg), with a style for each node: a shade, a note, a border.
    ///
    /// ```
    /// use tape::{NodeStyle, StyleLegend, Tape};
    /// let tape = Tape::new();
    /// let x = tape.scalar(3.0).named("x");
    /// let _ = x.exp() - 20.0;
    /// let legend = StyleLegend { shades: ["small".into(), "large".into()], ..StyleLegend::default() };
    /// let svg = tape.view().to_svg_with(&legend, |node| NodeStyle {
    ///     shade: node.value.item() / 20.0,
    ///     note: format!("{:.2}", node.value.item()),
    ///     ..NodeStyle::default()
    /// });
    /// assert!(svg.contains(">20.09<") && svg.contains(">large<"));
    /// ```
    pub fn to_svg_with(&self, legend: &StyleLegend, style: impl FnMut(&GraphNode<T>) -> NodeStyle) -> String {
        self.draw(Some((legend, self.nodes.iter().map(style).collect())))
    }

    fn draw(&self, styled: Option<(&StyleLegend, Vec<NodeStyle>)>) -> String {
        let plan = layout(&self.parents());
        let texts: Vec<[String; 2]> =
            self.nodes.iter().map(|node| [node.label(), description(node)]).collect();
        let notes = styled.iter().flat_map(|(_, styles)| styles).map(|style| &style.note);
        let longest = texts.iter().flatten().chain(notes).map(|text| text.chars().count()).max().unwrap_or(0);
        let note = if styled.is_some() { NOTE } else { 0.0 };
        let (box_width, box_height) = ((longest as f64 * LETTER + 16.0).max(64.0), HEIGHT + note);
        let column = |x: f64| MARGIN + box_width / 2.0 + x * (box_width + MARGIN);
        let row = |layer: usize| MARGIN + box_height / 2.0 + layer as f64 * (LAYER + note);
        let width = column(plan.size.1) + box_width / 2.0 + MARGIN;
        let width = width.max(if styled.is_some() { 560.0 } else { 360.0 });
        let height = row(plan.size.0.max(1) - 1) + box_height / 2.0 + MARGIN + FOOT;
        let mut out = String::new();
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 \
             {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>Recorded \
             graph</title>\n<defs><marker id=\"tip\" markerWidth=\"9\" markerHeight=\"8\" refX=\"8\" refY=\"4\" \
             orient=\"auto\"><path d=\"M0,0 L9,4 L0,8 Z\" fill=\"#404040\"/></marker></defs>\n<rect \
             width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
        );
        edges(&mut out, &plan, box_height, &column, &row);
        let mut used = vec![false; self.nodes.len()];
        self.parents().into_iter().flatten().for_each(|parent| used[parent] = true);
        for (i, (node, [name, text])) in self.nodes.iter().zip(&texts).enumerate() {
            let (x, y) = (column(plan.x[i]), row(plan.layer[i]));
            let place = [x - box_width / 2.0, y - box_height / 2.0, box_width, box_height];
            let colours = kind(node, used[i]);
            let y = y - note / 2.0;
            match styled.as_ref().and_then(|(_, styles)| styles.get(i)) {
                Some(style) => {
                    let _ = write!(out, "<g><title>{}</title>", escaped(&style.tooltip));
                    rectangle(&mut out, place, (&shade(style.shade), colours.1), border(style));
                    line(&mut out, x, y + 12.0 + NOTE, &style.note, false);
                }
                None => rectangle(&mut out, place, colours, ""),
            }
            line(&mut out, x, y - 4.0, name, true);
            line(&mut out, x, y + 12.0, text, false);
            out.push_str(if styled.is_some() { "</g>\n" } else { "" });
        }
        match styled {
            Some((entries, _)) => style_legend(&mut out, entries, height),
            None => legend(&mut out, width, height),
        }
        out + "</svg>\n"
    }
}

/// The colour of a shade: white, darker and darker, dark orange; black text is readable on all of them.
fn shade(shade: f64) -> String {
    let part = if shade.is_finite() { shade.clamp(0.0, 1.0) } else { 1.0 };
    let mix = |full: f64| (255.0 + (full - 255.0) * part).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(213.0), mix(94.0), mix(0.0))
}

/// The attributes of the border of a box.
fn border(style: &NodeStyle) -> &'static str {
    match (style.marked, style.dashed) {
        (false, false) => "",
        (false, true) => " stroke-dasharray=\"5 3\"",
        (true, false) => " style=\"stroke:#000000;stroke-width:4\"",
        (true, true) => " style=\"stroke:#000000;stroke-width:4\" stroke-dasharray=\"8 4\"",
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

fn edges(
    out: &mut String,
    plan: &Drawing,
    height: f64,
    column: &dyn Fn(f64) -> f64,
    row: &dyn Fn(usize) -> f64,
) {
    for edge in &plan.edges {
        let (from, to) = (plan.layer[edge.from], plan.layer[edge.to]);
        let (mut x, mut y) = (column(plan.x[edge.from]), row(from) + height / 2.0);
        let _ = write!(out, "<path d=\"M{x:.1},{y:.1}");
        let bends = edge.bends.iter().zip(from + 1..to).map(|(&bend, layer)| (column(bend), row(layer)));
        let end = (column(plan.x[edge.to]), row(to) - height / 2.0);
        for (next_x, next_y) in bends.chain([end]) {
            // Vertical at both ends, so that segments join smoothly.
            let middle = (y + next_y) / 2.0;
            let _ = write!(out, " C{x:.1},{middle:.1} {next_x:.1},{middle:.1} {next_x:.1},{next_y:.1}");
            (x, y) = (next_x, next_y);
        }
        let _ = writeln!(out, "\" fill=\"none\" stroke=\"#404040\" marker-end=\"url(#tip)\"/>");
    }
}

fn rectangle(
    out: &mut String,
    [x, y, width, height]: [f64; 4],
    (fill, border): (&str, &str),
    attributes: &str,
) {
    let _ = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\" fill=\"{fill}\" \
         stroke=\"{border}\" stroke-width=\"1.5\"{attributes}/>"
    );
}

fn line(out: &mut String, x: f64, y: f64, text: &str, bold: bool) {
    let weight = if bold { " font-weight=\"bold\"" } else { "" };
    let text = escaped(text);
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\"{weight}>{text}</text>");
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Text of the legend, from `x` on.
fn entry(out: &mut String, x: f64, y: f64, text: &str) {
    let _ =
        writeln!(out, "<text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"11\">{}</text>", y + 11.0, escaped(text));
}

fn style_legend(out: &mut String, legend: &StyleLegend, height: f64) {
    let (mut x, y) = (MARGIN, height - FOOT + 8.0);
    let wide = |text: &str| text.chars().count() as f64 * 6.0 + MARGIN;
    let [from, to] = &legend.shades;
    if !to.is_empty() {
        entry(out, x, y, from);
        x += wide(from) - MARGIN + 6.0;
        let steps = 12;
        for k in 0..steps {
            let (part, step) = (f64::from(k) / f64::from(steps - 1), SCALE / f64::from(steps));
            let fill = shade(part);
            let _ = writeln!(
                out,
                "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{step:.1}\" height=\"14\" fill=\"{fill}\" \
                 stroke=\"{fill}\"/>",
                x + f64::from(k) * step
            );
        }
        x += SCALE + 6.0;
        entry(out, x, y, to);
        x += wide(to);
    }
    let boxes = [(&legend.marked, true, false), (&legend.dashed, false, true)];
    for (text, marked, dashed) in boxes.into_iter().filter(|(text, ..)| !text.is_empty()) {
        let style = NodeStyle { marked, dashed, ..NodeStyle::default() };
        rectangle(out, [x, y, 22.0, 14.0], RESULT, border(&style));
        entry(out, x + 28.0, y, text);
        x += 28.0 + wide(text);
    }
}

fn legend(out: &mut String, width: f64, height: f64) {
    let entries = [(LEAF, "differentiated"), (CONSTANT, "constant"), (RESULT, "computed"), (LAST, "result")];
    let step = (width - 2.0 * MARGIN) / entries.len() as f64;
    for (i, (colours, text)) in entries.into_iter().enumerate() {
        let (x, y) = (MARGIN + i as f64 * step, height - FOOT + 8.0);
        rectangle(out, [x, y, 14.0, 14.0], colours, "");
        entry(out, x + 20.0, y, text);
    }
}

#[cfg(test)]
mod tests {
    use super::{NodeStyle, StyleLegend, shade};
    use crate::tape::Tape;

    #[test]
    fn styles_shade_mark_and_annotate_nodes() {
        let tape = Tape::new();
        let x = tape.scalar(3.0).named("x");
        let _ = x.exp().named("y");
        let legend = StyleLegend {
            shades: ["none".into(), "all".into()],
            marked: "here".into(),
            dashed: "<later>".into(),
        };
        let svg = tape.view().to_svg_with(&legend, |node| NodeStyle {
            shade: if node.op == "exp" { 1.0 } else { 0.0 },
            note: format!("{} & more", node.op),
            tooltip: "a < b".into(),
            marked: node.op == "exp",
            dashed: node.op == "leaf",
        });
        assert_eq!(svg.matches("<g><title>a &lt; b</title>").count(), 2);
        assert!(svg.contains(">exp &amp; more<") && svg.contains(">&lt;later&gt;<"), "{svg}");
        assert_eq!(svg.matches("stroke-width:4").count(), 2, "the node and the legend");
        assert_eq!(svg.matches("stroke-dasharray").count(), 2, "the node and the legend");
        assert!(
            svg.contains("fill=\"#d55e00\" stroke=\"#404040\"")
                || svg.contains("fill=\"#d55e00\" stroke=\"#d55e00\"")
        );
        assert_eq!([shade(0.0), shade(1.0), shade(f64::NAN)], ["#ffffff", "#d55e00", "#d55e00"]);
    }

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
