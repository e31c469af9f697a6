//! The digits of every node, as a picture of the graph.

use super::report::{NodeDigits, PrecisionReport};
use std::fmt::Write;
use tape::{NodeStyle, StyleLegend};

impl PrecisionReport {
    /// The nodes of [`graph`](PrecisionReport::graph) as an SVG picture: the darker a node, the fewer digits of its value are
    /// correct. The nodes to blame have a thick border, those of the derivative a dashed one; rounding and condition of each are
    /// shown while the pointer is on it. For graphs of up to some hundred nodes.
    ///
    /// ```
    /// use gradcheck::{Inputs, Model, Precision};
    /// use tape::{Element, Var};
    ///
    /// /// (eˣ - 1) / x
    /// struct Naive;
    ///
    /// impl Model for Naive {
    ///     fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
    ///         (v["x"].exp() - T::ONE) / v["x"]
    ///     }
    /// }
    ///
    /// let report = Precision::of(Naive).input("x", [1e-6]).run();
    /// let svg = report.to_svg();
    /// assert!(svg.contains(">d/dx<") && svg.contains(" digits, magnifies<"));
    /// ```
    pub fn to_svg(&self) -> String {
        let legend = StyleLegend {
            shades: [format!("all {:.1} digits", self.all), "none".to_string()],
            marked: self.loss().map_or(String::new(), |_| "to blame".to_string()),
            dashed: "of the derivative".to_string(),
        };
        let unknown = NodeStyle { tooltip: "not compared".to_string(), ..NodeStyle::default() };
        self.graph().to_svg_with(&legend, |node| {
            let found = self.nodes().iter().find(|digits| digits.index == node.index);
            found.map_or_else(|| unknown.clone(), |digits| self.style(digits))
        })
    }

    fn style(&self, node: &NodeDigits) -> NodeStyle {
        let blamed = |index: Option<usize>| index == Some(node.index);
        let rounds = blamed(self.loss().map(|loss| loss.rounded_by.index));
        let magnifies = blamed(self.loss().and_then(|loss| Some(loss.magnified_by.as_ref()?.index)));
        let role = match (rounds, magnifies) {
            (true, true) => ", rounds, magnifies",
            (true, false) => ", rounds",
            (false, true) => ", magnifies",
            (false, false) => "",
        };
        let mut tooltip = format!("{:.1} correct digits", node.digits);
        if let Some(error) = &node.error {
            let _ = write!(
                tooltip,
                "; rounding {:.1} units, {:.0} % of the error of the entry; condition {:.1e}",
                error.units,
                100.0 * error.share,
                error.condition
            );
        }
        NodeStyle {
            shade: 1.0 - node.digits / self.all,
            note: format!("{:.1} digits{role}", node.digits),
            tooltip,
            marked: rounds || magnifies,
            dashed: node.derivative,
        }
    }
}
