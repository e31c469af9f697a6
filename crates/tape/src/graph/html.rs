//! The graph as a page to step through: one file, without a network.
//!
//! `viewer.html` is the page, `viewer.css` its style and `viewer.js` its program. This file writes the data that they show.

use super::json::{element, list, number, text};
use super::layout::layout;
use super::svg::escaped;
use super::words::size_of;
use super::{GraphInput, GraphNode, GraphView};
use crate::error::{self, Error};
use crate::ops::docs::doc;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::sweep::steps::SweepStep;
use crate::tensor::Tensor;
use std::collections::HashMap;

/// The largest number of nodes on a page. Larger drawings cannot be read.
const MOST_NODES: usize = 400;

/// The bytes that the elements of all tensors may take on a page, and roughly what one takes.
const ELEMENT_BYTES: usize = 700_000;
const BYTES_OF_ONE: usize = 22;

/// The largest numbers of elements of one tensor that are tried.
const CROPS: [usize; 8] = [256, 144, 100, 64, 36, 16, 4, 1];

impl<T: Element> GraphView<T> {
    /// The graph as a page for a browser: one HTML file with its data, style and program in it, which needs no network.
    ///
    /// The page steps through the values, node by node, and in a view of one result ([`Scalar::view`](crate::Scalar::view)) through the
    /// reverse sweep, contribution by contribution, with the rule of each in words and numbers. It can also hide the numbers for the reader
    /// to predict, and show what goes wrong when the sweep is broken in one of three ways. Without JavaScript it shows the picture of
    /// [`to_svg`](GraphView::to_svg). `docs/viewer.md` describes it.
    ///
    /// Tensors are shown by their first rows and columns if they are large. Nodes whose names have a common beginning up to a dot (as
    /// the parameters of a module do), and what is computed with them, can be folded into one.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let (w, x) = (tape.scalar(0.5).named("w"), tape.scalar(2.0).named("x"));
    /// let loss = (w * x).tanh().square().named("loss");
    /// let page = loss.view().html();
    /// assert!(page.starts_with("<!doctype html>") && page.contains("∂loss/∂w += ∂loss/∂#3 · x"));
    /// # let directory = std::env::temp_dir();
    /// std::fs::write(directory.join("loss.html"), page)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    /// As [`try_html`](GraphView::try_html).
    #[track_caller]
    pub fn html(&self) -> String {
        error::expect(self.try_html())
    }

    /// As [`html`](GraphView::html), but returns errors instead of panicking.
    ///
    /// # Errors
    /// If there are more than 400 nodes.
    ///
    /// ```
    /// use tape::{Scalar, Tape};
    /// let tape = Tape::new();
    /// let x = tape.scalar(1.0);
    /// let sum: Scalar = (0..500).map(|_| x).fold(x, |sum, x| sum + x);
    /// let error = sum.view().try_html().unwrap_err();
    /// assert_eq!(error.to_string(), "html: expected at most 400 nodes, found 501; view fewer layers, samples or time steps");
    /// ```
    pub fn try_html(&self) -> Result<String, Error> {
        let count = self.nodes.len();
        if count > MOST_NODES {
            let reason = format!(
                "expected at most {MOST_NODES} nodes, found {count}; view fewer layers, samples or time steps"
            );
            return Err(Error::Invalid { op: "html", reason });
        }
        let title = match &self.sweep {
            Some(_) => format!("The gradient of {}", self.root_name()),
            None => "A recorded graph".to_owned(),
        };
        let title = escaped(&title);
        // Nothing in the data can end the element that holds it.
        let data = self.page_data().replace('<', "\\u003c");
        // In the order of the page.
        let parts = [
            ("{{title}}", title.as_str()),
            ("{{style}}", include_str!("viewer.css")),
            ("{{title}}", &title),
            ("{{picture}}", &self.to_svg()),
            ("{{data}}", &data),
            ("{{program}}", include_str!("viewer.js")),
        ];
        let (mut page, mut rest) = (String::new(), include_str!("viewer.html"));
        for (mark, part) in parts {
            let (before, after) = rest.split_once(mark).unwrap_or((rest, ""));
            page.extend([before, part]);
            rest = after;
        }
        page.push_str(rest);
        Ok(page)
    }

    /// The data of the page as JSON.
    fn page_data(&self) -> String {
        let plan = layout(&self.parents());
        let (crops, scopes) = (self.crops(), self.scopes());
        let nodes = self.nodes.iter().enumerate().map(|(i, node)| {
            let input = |input: &GraphInput| match input {
                GraphInput::Node(index) => index.to_string(),
                GraphInput::Number(value) => format!("{{\"number\": {}}}", number(*value)),
            };
            let convention = doc(node.op).map_or("", |(_, doc)| doc.convention);
            let Crop { shown, full } = crops[&node.index];
            format!(
                "{{\"index\": {}, \"label\": {}, \"op\": {}, \"statement\": {}, \"inputs\": {}, \"shape\": {}, \"crop\": {}, \
                 \"full\": {}, \"value\": {}, \"tracked\": {}, \"scope\": {}, \"convention\": {}, \"x\": {:.3}, \"layer\": {}}}",
                node.index,
                text(&node.label()),
                text(node.op),
                text(&self.statement(node)),
                list(node.inputs.iter().map(input)),
                text(&size_of(&node.shape)),
                list(shown.iter()),
                list(full.iter()),
                crops[&node.index].of(&node.value),
                node.tracked,
                text(&scopes[i]),
                text(convention),
                plan.x[i],
                plan.layer[i],
            )
        });
        let edges = plan.edges.iter().map(|edge| {
            let bends = list(edge.bends.iter().map(|x| format!("{x:.3}")));
            let [from, to] = [edge.from, edge.to].map(|i| self.nodes[i].index);
            format!("{{\"from\": {from}, \"to\": {to}, \"bends\": {bends}}}")
        });
        let mut received = HashMap::new();
        let steps = self.steps().iter().map(|step| self.page_step(step, &crops, &mut received));
        let (root, seed) = match &self.sweep {
            Some(sweep) => (sweep.root.to_string(), crops[&sweep.root].of(&sweep.seed)),
            None => ("null".to_owned(), "null".to_owned()),
        };
        let lines = |items: Vec<String>| items.join(",\n");
        format!(
            "{{\"version\": 2, \"type\": \"{}\", \"root\": {root}, \"rootName\": {}, \"seed\": {seed},\n\"nodes\": [\n{}\n],\n\
             \"edges\": [\n{}\n],\n\"steps\": [\n{}\n]}}",
            T::NAME,
            text(&self.root_name()),
            lines(nodes.collect()),
            lines(edges.collect()),
            lines(steps.collect()),
        )
    }

    /// A step. The sum is left out where it is the contribution, for the sake of size.
    fn page_step(
        &self,
        step: &SweepStep<T>,
        crops: &HashMap<usize, Crop>,
        received: &mut HashMap<usize, usize>,
    ) -> String {
        let crop = &crops[&step.input];
        let count = received.entry(step.input).or_insert(0);
        *count += 1;
        let sum = if *count > 1 { format!(", \"sum\": {}", crop.of(&step.sum)) } else { String::new() };
        format!(
            "{{\"node\": {}, \"operand\": {}, \"input\": {}, \"slope\": {}, \"rule\": {}, \"contribution\": {}{sum}}}",
            step.node,
            step.operand,
            step.input,
            step.slope.map_or_else(|| "null".to_owned(), element),
            text(&self.rule(step)),
            crop.of(&step.contribution),
        )
    }

    /// The part of each tensor that the page shows: as much as the size of the page allows.
    fn crops(&self) -> HashMap<usize, Crop> {
        let arrivals = self.steps().iter().filter_map(|step| self.node(step.input)).map(|node| (node, 2));
        let shown: Vec<(&GraphNode<T>, usize)> =
            self.nodes.iter().map(|node| (node, 1)).chain(arrivals).collect();
        let bytes = |most: usize| -> usize {
            shown.iter().map(|(node, times)| times * node.shape.size().min(most) * BYTES_OF_ONE).sum()
        };
        let most = CROPS.into_iter().find(|&most| bytes(most) <= ELEMENT_BYTES).unwrap_or(1);
        self.nodes.iter().map(|node| (node.index, Crop::new(&node.shape, most))).collect()
    }

    /// The module that each node belongs to, empty for none: its name up to the last dot; without a name, that of the parameters
    /// among its operands, or else that of its first operand. A result that also depends on a value outside (a loss, on its
    /// targets) belongs to none.
    fn scopes(&self) -> Vec<String> {
        let parents = self.parents();
        let mut scopes: Vec<String> = Vec::new();
        // Whether a node is a parameter of a module, or computed from such alone.
        let mut parameter: Vec<bool> = Vec::new();
        for (node, parents) in self.nodes.iter().zip(&parents) {
            let own = node.name.as_deref().map(|name| name.rsplit_once('.').map_or("", |(scope, _)| scope));
            let of_parameter = parents.iter().rev().find(|&&i| parameter[i]).map(|&i| scopes[i].as_str());
            let outside = |&i: &usize| scopes[i].is_empty() && self.nodes[i].inputs.is_empty();
            let of_first =
                parents.first().filter(|_| !parents.iter().any(outside)).map(|&i| scopes[i].as_str());
            let scope = own.or(of_parameter).or(of_first).unwrap_or_default().to_owned();
            let alone = !scope.is_empty() && parents.iter().all(|&i| parameter[i] && scopes[i] == scope);
            parameter.push(alone);
            scopes.push(scope);
        }
        scopes
    }
}

/// The part of a tensor that is shown: its first rows and columns, where all axes but the last are rows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Crop {
    shown: [usize; 2],
    full: [usize; 2],
}

impl Crop {
    /// At most `most` elements of a tensor.
    fn new(shape: &Shape, most: usize) -> Crop {
        let columns = shape.last().copied().unwrap_or(1);
        let rows = shape.size().checked_div(columns).unwrap_or(0);
        let side = most.isqrt().max(most / rows.max(1)).max(1);
        let shown = columns.min(side);
        Crop { shown: [rows.min((most / shown.max(1)).max(1)), shown], full: [rows, columns] }
    }

    /// The elements as a list.
    fn of<T: Element>(&self, x: &Tensor<T>) -> String {
        let [rows, columns] = self.shown;
        let all = x.elements();
        let row = |row: usize| all.iter().skip(row * self.full[1]).take(columns);
        list((0..rows).flat_map(row).map(|&x| element(x)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::{Tape, Var};

    #[test]
    fn a_page_needs_nothing_else_and_no_name_breaks_it() {
        let tape = Tape::new();
        let evil = "</script><b>&\"'\\ {{program}}\u{2028}";
        let x = tape.var([1.0, f64::NAN]).named(evil);
        let page = (x * f64::INFINITY).sum().named("<i>").view().html();
        assert_eq!((page.matches("<script").count(), page.matches("</script>").count()), (2, 2));
        assert!(!page.contains("<b>") && !page.contains("<i>"), "names are text");
        assert!(page.contains("<title>The gradient of &lt;i&gt;</title>"));
        let namespace = "http://www.w3.org/2000/svg";
        let page = page.replace(namespace, "");
        for attribute in ["http://", "https://", "src=", "@import", "url(h"] {
            assert!(!page.contains(attribute), "{attribute}");
        }
        assert!(page.contains("\"NaN\"") && page.contains("\"Infinity\""));
    }

    #[test]
    fn the_program_is_short_enough_to_read() {
        assert!(include_str!("viewer.js").len() <= 34 * 1024);
        assert!(include_str!("viewer.js").lines().all(|line| line.chars().count() <= 200));
    }

    #[test]
    fn large_tensors_are_cropped_to_the_size_of_a_page() {
        let tape = Tape::new();
        let x = tape.var(Tensor::from_fn([50, 40], |at| (at[0] as f64 - at[1] as f64) / 7.0)).named("x");
        let y: Var = (0..MOST_NODES - 2).fold(x, |y, _| y.tanh());
        let view = y.sum().view();
        assert_eq!(view.nodes().len(), MOST_NODES);
        let page = view.html();
        assert!(page.len() <= 1_000_000, "{} bytes", page.len());
        let Crop { shown: [rows, columns], full } = view.crops()[&1];
        assert!(rows * columns >= 16 && full == [50, 40], "{rows} x {columns}");
        let x = x.value();
        let expected: Vec<String> = (0..rows).map(|i| format!("{:?}", x.get([i, 0]).unwrap())).collect();
        let shown = view.crops()[&1].of(&x);
        assert!(expected.iter().all(|element| shown.contains(element)), "{shown} lacks some of {expected:?}");
    }

    #[test]
    fn shapes_are_shown_as_rows_and_columns() {
        let crop = |shape: &[usize], most: usize| {
            let Crop { shown, full } = Crop::new(&Shape::from(shape), most);
            (shown, full)
        };
        assert_eq!(crop(&[], 16), ([1, 1], [1, 1]));
        assert_eq!(crop(&[5], 16), ([1, 5], [1, 5]));
        assert_eq!(crop(&[500], 16), ([1, 16], [1, 500]));
        assert_eq!(crop(&[2, 3, 4], 100), ([6, 4], [6, 4]));
        assert_eq!(crop(&[50, 40], 16), ([4, 4], [50, 40]));
        assert_eq!(crop(&[50, 2], 16), ([8, 2], [50, 2]));
        assert_eq!(crop(&[0, 3], 16), ([0, 3], [0, 3]));
        assert_eq!(crop(&[3, 0], 16), ([0, 0], [0, 0]));
    }

    #[test]
    fn a_node_belongs_to_the_module_of_its_parameters() {
        let tape = Tape::new();
        let x = tape.constant([[1.0, 2.0]]).named("x");
        let (w, b) = (tape.var([[0.5], [1.0]]).named("net.0.weight"), tape.var([0.1]).named("net.0.bias"));
        let hidden = (x.matmul(w) + b).tanh();
        let v = tape.var([[2.0]]).named("net.1.weight");
        let y = tape.constant([[1.0]]).named("y");
        let view = (hidden.matmul(v) - y).square().sum().view();
        let scopes: Vec<String> = view.scopes();
        let of = |op: &str| scopes[view.nodes().iter().position(|node| node.op == op).unwrap()].as_str();
        assert_eq!((of("add"), of("tanh"), of("sub"), of("square")), ("net.0", "net.0", "", ""));
        assert_eq!(scopes.iter().filter(|&scope| scope == "net.1").count(), 2, "{scopes:?}");
    }
}
