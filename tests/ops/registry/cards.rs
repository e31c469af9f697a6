//! `docs/rules`: a card for each operation, generated from the registry and from what the tape records.

use super::fixtures::{Random, record};
use super::jax;
use gradcheck::registry::{Apply, Case, Entry, Evaluate, Function, Input, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use tape::internal::Points;
use tape::{GraphInput, GraphNode, Program, Tape, Tensor, Var};
use tests::compositions::registry;

const HEAD: &str = "# Rule cards

A card for each operation: value, derivative, what the derivative reads, shapes, conventions, names elsewhere, and the listing of
its gradient. The cards are generated from the registry and from what a tape records; [Operations](../operations.md) has the
same in one table. The command that writes them again is

```text
cargo test -p tests --test ops -- --ignored write
```

A listing is what the tape records, line by line, with the shape at the end: first the value, then the gradient, in which `dy` is the
cotangent of the result, and `chain_rule` a product in which an exactly zero cotangent stays zero. What a derivative *reads* is what
must be kept until the sweep: an operand, the result, or neither. A *mask* is made of the values and has no derivative of its own,
as the place of a maximum.
";

/// The number of draws of the operands: one to show, the others to find out what depends on the values.
const DRAWS: usize = 4;

/// A card: the name of its file, its title, its text, and its picture.
struct Card {
    file: String,
    title: &'static str,
    kind: usize,
    text: String,
    picture: Option<String>,
}

/// The headings of the list, in the order of [`Card::kind`].
const KINDS: [&str; 4] =
    ["Functions of one number", "Functions of two numbers", "Operations on tensors", "Compositions"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The file that declares each operation, by its name.
fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let folder = root().join("crates/tape/src/ops");
    for family in
        std::fs::read_dir(folder).unwrap().filter_map(|entry| entry.ok()).filter(|e| e.path().is_dir())
    {
        for file in std::fs::read_dir(family.path()).unwrap().filter_map(|entry| entry.ok()) {
            let (family, file) = (family.file_name(), file.file_name());
            let (family, file) = (family.to_string_lossy(), file.to_string_lossy());
            if let Some(name) = file.strip_suffix(".rs").filter(|_| family != "common") {
                found.insert(name.to_string(), format!("crates/tape/src/ops/{family}/{file}"));
            }
        }
    }
    found
}

/// The operands of a case, drawn as for the tests.
fn operands(random: &mut Random, case: &Case) -> Vec<Tensor<f64>> {
    let operand = |operand: &Input| match operand {
        Input::Shape(shape) => random.separated(shape),
        Input::Values(values) => values.clone(),
    };
    case.operands.iter().map(operand).collect()
}

/// The case to show: the first without empty operands, if there is one with several entries and a derivative that is not zero.
fn shown<'a>(name: &str, cases: &'a [Case]) -> &'a Case {
    let size = |operand: &Input| match operand {
        Input::Shape(shape) => shape.size(),
        Input::Values(values) => values.size(),
    };
    let least = |least: usize| {
        move |case: &&Case| !case.operands.is_empty() && case.operands.iter().all(|x| size(x) >= least)
    };
    let drawn = |case: &&Case| {
        let rows = jacobian(&*case.op, &operands(&mut Random::new(name), case));
        rows.is_some_and(|rows| rows.iter().flatten().any(|&value| value != 0.0))
    };
    let several = cases.iter().filter(least(2)).find(drawn).or_else(|| cases.iter().find(least(2)));
    several.or_else(|| cases.iter().find(least(1))).unwrap_or(&cases[0])
}

/// The gradient of an operation as the tape records it.
struct Recorded {
    shapes: String,
    reads: String,
    listing: String,
}

/// An operation on leaves, and its gradient with respect to all of them, as the tape records them.
struct Recording {
    nodes: Vec<GraphNode>,
    /// The number of nodes before the gradient.
    before: usize,
    /// The index of the gradient with respect to each operand.
    results: Vec<Option<usize>>,
}

impl Recording {
    fn new(op: &dyn Apply<f64>, x: &[Tensor<f64>], names: &[String]) -> Recording {
        let tape = Tape::new();
        let leaves = record(&tape, x, &vec![true; x.len()]);
        for (leaf, name) in leaves.iter().zip(names) {
            leaf.named(name.clone());
        }
        let y: Var<'_> = op.record(&leaves).named("y");
        let before = tape.view().nodes().len();
        let dy = tape.var(Tensor::ones(y.shape())).named("dy");
        let gradients = y.grad(dy, leaves.clone());
        let nodes = tape.view().nodes().to_vec();
        // A name finds the node of a handle.
        let index = |(k, result): (usize, Var<'_>)| {
            let mark = format!("result {k}");
            let _ = result.named(mark.clone());
            tape.view().named(&mark).map(|node| node.index)
        };
        let results = gradients.into_iter().enumerate().map(index).collect();
        Recording { nodes, before, results }
    }

    /// The indices of the nodes that the gradient needs.
    fn needed(&self) -> BTreeSet<usize> {
        let mut needed: BTreeSet<usize> = self.results.iter().flatten().copied().collect();
        for node in self.nodes.iter().rev() {
            if needed.contains(&node.index) {
                needed.extend(node.parents());
            }
        }
        needed
    }

    /// The constants of the gradient that are not the same for other operands: masks and factors made of values.
    fn masks(&self, others: &[Recording]) -> BTreeSet<usize> {
        let constant = |node: &&GraphNode| node.op == "constant";
        let differs = |node: &&GraphNode| {
            let same_node = |other: &Recording| other.nodes.iter().find(|n| n.index == node.index).cloned();
            others.iter().filter_map(same_node).any(|other| other.value.to_vec() != node.value.to_vec())
        };
        self.nodes[self.before..].iter().filter(constant).filter(differs).map(|node| node.index).collect()
    }
}

/// Records an operation and its gradient at the first of several draws of its operands.
fn recorded(op: &dyn Apply<f64>, draws: &[Vec<Tensor<f64>>], names: &[String]) -> Recorded {
    let mut recordings = draws.iter().map(|x| Recording::new(op, x, names));
    let first = recordings.next().expect("operands");
    let others: Vec<Recording> = recordings.collect();
    let (needed, masks) = (first.needed(), first.masks(&others));
    let (forward, backward) = first.nodes.split_at(first.before);
    let forward: Vec<&GraphNode> = forward.iter().filter(|node| node.op != "leaf").collect();
    let backward: Vec<&GraphNode> =
        backward.iter().filter(|node| node.name.is_none() && needed.contains(&node.index)).collect();
    let mut labels: BTreeMap<usize, String> =
        first.nodes.iter().map(|node| (node.index, node.label())).collect();
    for (letter, nodes) in [("v", &forward), ("t", &backward)] {
        for (line, node) in nodes.iter().filter(|node| node.name.is_none()).enumerate() {
            labels.insert(node.index, format!("{letter}{}", line + 1));
        }
    }
    let used: BTreeSet<usize> = backward.iter().flat_map(|node| node.parents()).collect();
    let known = first.nodes[..first.before].iter().filter(|node| used.contains(&node.index));
    let mut read: Vec<String> = known.map(|node| format!("`{}`", labels[&node.index])).collect();
    if backward.iter().any(|node| masks.contains(&node.index)) {
        read.push("a mask of the values".into());
    }
    let line = |node: &&GraphNode| {
        let operand = |input: &GraphInput| match input {
            GraphInput::Node(index) => labels[index].clone(),
            GraphInput::Number(value) => value.to_string(),
        };
        let inputs: Vec<String> = node.inputs.iter().map(operand).collect();
        let call = match node.op {
            "constant" if masks.contains(&node.index) => "a mask of the values".into(),
            "constant" => "constant".into(),
            op => format!("{op}({})", inputs.join(", ")),
        };
        format!("{:<3} = {call:<32} {}\n", labels[&node.index], node.shape)
    };
    let mut listing: String =
        forward.iter().map(line).chain(["\n".into()]).chain(backward.iter().map(line)).collect();
    for (result, name) in first.results.iter().zip(names) {
        let found = result.and_then(|index| labels.get(&index).cloned());
        let _ = writeln!(listing, "∂/∂{name} = {}", found.unwrap_or("0".into()));
    }
    let shapes: Vec<String> = draws[0].iter().map(|x| x.shape().to_string()).collect();
    let y = forward.iter().rfind(|node| node.name.as_deref() == Some("y"));
    Recorded {
        shapes: format!("{} → {}", shapes.join(", "), y.map_or(String::new(), |y| y.shape.to_string())),
        reads: if read.is_empty() { "nothing".into() } else { read.join(", ") },
        listing,
    }
}

/// The number of points of a curve.
const POINTS: usize = 121;

/// A curve as SVG paths, broken where the function jumps or is not finite.
fn curve(
    x: &[f64],
    y: &[f64],
    slope: &[f64],
    place: impl Fn(f64, f64) -> (f64, f64),
    colour: &str,
) -> String {
    let (mut path, mut broken) = (String::new(), true);
    for k in 0..x.len() {
        let jump = k > 0 && {
            let steepest = slope[k - 1].abs().max(slope[k].abs());
            (y[k] - y[k - 1]).abs() > 3.0 * steepest * (x[k] - x[k - 1]) + 0.02 * (1.0 + y[k].abs())
        };
        let (px, py) = place(x[k], y[k]);
        if !py.is_finite() || !(0.0..=200.0).contains(&py) {
            broken = true;
            continue;
        }
        let _ = write!(path, "{}{px:.1} {py:.1}", if broken || jump { "M" } else { "L" });
        broken = false;
    }
    format!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n")
}

/// Value and slope over an interval.
fn picture(name: &str, (low, high): (f64, f64), f: impl Fn(f64) -> (f64, f64)) -> String {
    let x: Vec<f64> = (0..POINTS).map(|k| low + (high - low) * k as f64 / (POINTS - 1) as f64).collect();
    let (y, slope): (Vec<f64>, Vec<f64>) = x.iter().map(|&x| f(x)).unzip();
    // The range of the middle four fifths of all numbers, so that a pole does not flatten the rest.
    let mut all: Vec<f64> = y.iter().chain(&slope).copied().filter(|v| v.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    let at = |fraction: f64| all.get(((all.len() as f64 - 1.0) * fraction) as usize).copied().unwrap_or(0.0);
    let (inner, outer) = ((at(0.1), at(0.9)), (at(0.0), at(1.0)));
    let reach = 2.0 * (inner.1 - inner.0).max(0.5);
    let (bottom, top) = (outer.0.max(inner.0 - reach).min(0.0), outer.1.min(inner.1 + reach).max(0.0));
    let margin = 0.06 * (top - bottom).max(0.1);
    let (bottom, top) = (bottom - margin, top + margin);
    let place = |x: f64, y: f64| (300.0 * (x - low) / (high - low), 200.0 * (top - y) / (top - bottom));
    let across = place(low, 0.0).1;
    let axis = if low <= 0.0 && 0.0 <= high {
        let px = place(0.0, 0.0).0;
        format!("<path d=\"M{px:.0} 0V200\" stroke=\"#b0b0b0\"/>\n")
    } else {
        String::new()
    };
    // The slope of the slope at each point, from the side on which it is smaller: a jump is not part of it.
    let rise: Vec<f64> =
        x.windows(2).zip(slope.windows(2)).map(|(x, s)| ((s[1] - s[0]) / (x[1] - x[0])).abs()).collect();
    let side = |k: usize| rise.get(k).copied().unwrap_or(f64::INFINITY);
    let bend: Vec<f64> =
        (0..x.len()).map(|k| side(k).min(if k > 0 { side(k - 1) } else { f64::INFINITY })).collect();
    let text = |x: usize, y: usize, anchor: &str, colour: &str, text: &str| {
        format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}</text>\n")
    };
    [
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"320\" height=\"244\" viewBox=\"-10 -10 320 244\" \
         font-family=\"sans-serif\" font-size=\"12\">\n"
            .to_string(),
        format!("<title>{name}: value and slope from {low} to {high}</title>\n"),
        "<rect x=\"-10\" y=\"-10\" width=\"320\" height=\"244\" fill=\"#ffffff\"/>\n".to_string(),
        format!("<path d=\"M0 {across:.0}H300\" stroke=\"#b0b0b0\"/>\n{axis}"),
        curve(&x, &slope, &bend, place, "#d55e00"),
        curve(&x, &y, &slope, place, "#0072b2"),
        text(0, 218, "start", "#404040", &low.to_string()),
        text(300, 218, "end", "#404040", &high.to_string()),
        text(0, 4, "start", "#404040", &format!("{top:.2}")),
        text(0, 198, "start", "#404040", &format!("{bottom:.2}")),
        text(110, 218, "middle", "#0072b2", "value"),
        text(190, 218, "middle", "#d55e00", "slope"),
        "</svg>\n".to_string(),
    ]
    .concat()
}

/// The largest number of entries of an operand, and of a result, whose derivatives are drawn.
const ENTRIES: usize = 24;

/// The derivative of each entry of the result (rows) with respect to each entry of the first operand (columns).
fn jacobian(op: &dyn Apply<f64>, x: &[Tensor<f64>]) -> Option<Vec<Vec<f64>>> {
    let tape = Tape::new();
    let leaves = record(&tape, x, &vec![true; x.len()]);
    let y = op.record(&leaves);
    let (shape, rows) = (y.shape(), y.shape().size());
    if !(1..=ENTRIES).contains(&rows) || !(1..=ENTRIES).contains(&x[0].size()) {
        return None;
    }
    let row = |row: usize| {
        let mut entry = (0..rows).map(|k| if k == row { 1.0 } else { 0.0 });
        let seed = Tensor::from_fn(shape.clone(), |_| entry.next().unwrap_or(0.0));
        y.vjp(seed).wrt(leaves[0]).to_vec()
    };
    Some((0..rows).map(row).collect())
}

/// A Jacobian as a picture: blue is positive, orange negative, and a darker cell a larger number.
fn cells(name: &str, rows: &[Vec<f64>]) -> String {
    const CELL: usize = 12;
    const SHADES: f64 = 5.0;
    // A last bit does not decide a shade.
    const ROUNDING: f64 = 1e-9;
    let largest = rows.iter().flatten().map(|v| v.abs()).fold(0.0, f64::max);
    let mut shades: BTreeMap<(bool, u8), String> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        for (j, &value) in row.iter().enumerate().filter(|&(_, &value)| value != 0.0 && value.is_finite()) {
            let shade = (value.abs() / largest * SHADES - ROUNDING).ceil() as u8;
            let path = shades.entry((value > 0.0, shade)).or_default();
            let _ = write!(path, "M{} {}h11v11h-11z", 20 + CELL * j, 20 + CELL * i);
        }
    }
    let (width, height) = (CELL * rows[0].len(), CELL * rows.len());
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<title>{name}: the derivative of each entry of y with respect to \
         each entry of its first operand</title>\n<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n<rect x=\"19.5\" \
         y=\"19.5\" width=\"{width}\" height=\"{height}\" fill=\"#f2f2f2\" stroke=\"#b0b0b0\"/>\n<text x=\"20\" y=\"14\" \
         fill=\"#404040\">x</text>\n<text x=\"6\" y=\"30\" fill=\"#404040\">y</text>\n",
        width + 40,
        height + 40
    );
    for ((positive, shade), path) in shades {
        let colour = if positive { "#0072b2" } else { "#d55e00" };
        let opacity = f64::from(shade) / SHADES;
        let _ = writeln!(out, "<path d=\"{path}\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>");
    }
    out + "</svg>\n"
}

/// The interval to draw: all intervals of the interior, as far as they are near the origin.
fn range(intervals: &[(f64, f64)]) -> (f64, f64) {
    let low = intervals.iter().map(|i| i.0).fold(f64::INFINITY, f64::min);
    let high = intervals.iter().map(|i| i.1).fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = (low.max(-4.0), high.min(4.0));
    if low < high { (low, high) } else { intervals[0] }
}

/// Names of operands: one has none, two are `a` and `b` as in the formulas of the table.
fn names(arity: usize) -> Vec<String> {
    match arity {
        1 => vec!["x".into()],
        _ => (1..=arity).map(|k| format!("x{k}")).collect(),
    }
}

/// A row of the table of a card.
fn row(text: &mut String, what: &str, is: &str) {
    let is = if is.is_empty() { "–".to_string() } else { is.replace('|', "\\|") };
    let _ = writeln!(text, "| {what} | {is} |");
}

fn quoted(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("`{name}`") }
}

fn unary(random: &mut Random, f: &dyn Function, points: &Points) -> (Recorded, String) {
    let draws: Vec<Vec<Tensor>> =
        (0..DRAWS).map(|_| vec![Tensor::from_fn([4], |_| random.argument(points))]).collect();
    let recorded = recorded(f, &draws, &names(1));
    let program = Program::new(|p| Evaluate::<f64>::scalar(f, &[p.input("x")]));
    (recorded, program.value_and_gradient().to_string())
}

fn card(entry: &Entry, sources: &BTreeMap<String, String>) -> Card {
    let Entry { name, doc, kind, .. } = entry;
    let file = name.replace(' ', "-");
    let mut random = Random::new(name);
    let mut at_b = None;
    let (index, recorded, listing, picture) = match kind {
        Kind::Unary(examples) => {
            // With parameters under which it is not a straight line, if there are such.
            let bent = |(f, points): &&(Box<dyn Function>, Points)| {
                let (low, high) = range(points.interior);
                let slope = |at: f64| Evaluate::<f64>::slopes(&**f, &[low + at * (high - low)])[0];
                slope(0.3) != slope(0.8)
            };
            let (f, points) = examples.iter().find(bent).unwrap_or(&examples[0]);
            let (recorded, listing) = unary(&mut random, &**f, points);
            let at = |x: f64| (Evaluate::<f64>::number(&**f, &[x]), Evaluate::<f64>::slopes(&**f, &[x])[0]);
            let picture = picture(name, range(points.interior), at);
            (
                0,
                Recorded { shapes: "any; the result has the same".into(), ..recorded },
                listing,
                Some(picture),
            )
        }
        Kind::Binary(f, pairs) => {
            let (_, b) = random.pair(pairs);
            at_b = Some(b);
            let mut draw = || {
                let points: Vec<(f64, f64)> = (0..4).map(|_| random.pair(pairs)).collect();
                let (a, b): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
                vec![Tensor::from(a), Tensor::from(b)]
            };
            let draws: Vec<Vec<Tensor>> = (0..DRAWS).map(|_| draw()).collect();
            let recorded = recorded(&**f, &draws, &["a".into(), "b".into()]);
            let program = Program::new(|p| Evaluate::<f64>::scalar(&**f, &p.inputs(["a", "b"])));
            let at =
                |a: f64| (Evaluate::<f64>::number(&**f, &[a, b]), Evaluate::<f64>::slopes(&**f, &[a, b])[0]);
            let picture = picture(&format!("{name} over a, at b = {b:.2}"), range(pairs.a), at);
            let recorded = Recorded { shapes: "any two that broadcast".into(), ..recorded };
            (1, recorded, program.value_and_gradient().to_string(), Some(picture))
        }
        Kind::Tensor(cases) | Kind::Composition(cases) => {
            let index = if matches!(kind, Kind::Tensor(_)) { 2 } else { 3 };
            let shown = shown(name, cases);
            let draws: Vec<Vec<Tensor>> = (0..DRAWS).map(|_| operands(&mut random, shown)).collect();
            let found = recorded(&*shown.op, &draws, &names(draws[0].len()));
            let listing = found.listing.clone();
            let drawn =
                jacobian(&*shown.op, &draws[0]).filter(|rows| rows.iter().flatten().any(|&v| v != 0.0));
            let picture = drawn.map(|rows| cells(name, &rows));
            (index, found, listing, picture)
        }
    };
    let mut text = format!("# `{name}`\n\n| | |\n|---|---|\n");
    row(&mut text, "value", doc.formula);
    row(&mut text, "derivative", doc.derivative);
    row(&mut text, "reads", &recorded.reads);
    let example = if index < 2 { recorded.shapes } else { format!("for example {}", recorded.shapes) };
    row(&mut text, "shapes", &example);
    row(&mut text, "domain", doc.domain);
    row(
        &mut text,
        "at kinks, ties and singular points",
        if doc.convention.is_empty() { "regular" } else { doc.convention },
    );
    row(&mut text, "NumPy", &quoted(doc.numpy));
    row(&mut text, "PyTorch", &quoted(doc.torch));
    row(&mut text, "JAX", &quoted(&jax::name(name, doc.numpy)));
    let source = sources.get(*name).map(|path| format!("[{path}](../../{path})"));
    row(&mut text, "source", &source.unwrap_or_default());
    if picture.is_some() {
        let what = if index < 2 { "Value and slope" } else { "Jacobian" };
        let _ = write!(text, "\n![{what} of {name}](pictures/{file}.svg)\n");
        if index >= 2 {
            text += "\nRows are the entries of the result, columns those of the first operand, in row-major order. Blue is a positive \
                     derivative, orange a negative one.\n";
        }
    }
    if let Some(b) = at_b {
        let _ =
            write!(text, "\nThe picture shows the value over `a` at `b = {b:.2}`, and the slope in `a`.\n");
    }
    let _ = write!(text, "\n## The gradient\n\n```text\n{}\n```\n", listing.trim_end());
    let _ = write!(text, "\n[Conventions](../conventions.md) · [All rule cards](README.md)\n");
    Card { file, title: name, kind: index, text, picture }
}

/// All files of `docs/rules`, and the lines of the summary.
fn files() -> (BTreeMap<String, String>, String) {
    let sources = sources();
    let cards: Vec<Card> = registry().iter().map(|entry| card(entry, &sources)).collect();
    let (mut files, mut index, mut summary) = (BTreeMap::new(), HEAD.to_string(), String::new());
    for (kind, title) in KINDS.into_iter().enumerate() {
        let links = cards.iter().filter(|card| card.kind == kind);
        let links: Vec<String> = links.map(|card| format!("[{}]({}.md)", card.title, card.file)).collect();
        let _ = write!(index, "\n## {title}\n\n{}\n", links.join(" · "));
    }
    for Card { file, title, text, picture, .. } in cards {
        let _ = writeln!(summary, "    - [{title}](rules/{file}.md)");
        files.insert(format!("{file}.md"), text);
        if let Some(picture) = picture {
            files.insert(format!("pictures/{file}.svg"), picture);
        }
    }
    files.insert("README.md".into(), index);
    (files, summary)
}

/// The summary with the lines of the cards in place of those that it has.
fn summary_with(cards: &str) -> String {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let mut lines = String::new();
    for line in summary.lines().filter(|line| !line.starts_with("    - ") || !line.contains("](rules/")) {
        let _ = writeln!(lines, "{line}");
        if line.contains("](rules/README.md)") {
            lines += cards;
        }
    }
    lines
}

/// The names of the files under `docs/rules`.
fn written() -> BTreeSet<String> {
    let names = |folder: &str| {
        let entries = std::fs::read_dir(root().join("docs/rules").join(folder)).into_iter().flatten();
        entries
            .filter_map(|entry| entry.ok())
            .filter(|e| e.path().is_file())
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect::<Vec<_>>()
    };
    names(".")
        .into_iter()
        .chain(names("pictures").into_iter().map(|name| format!("pictures/{name}")))
        .collect()
}

#[test]
fn the_rule_cards_are_up_to_date() {
    const WRITE: &str = "run: cargo test -p tests --test ops -- --ignored write";
    let (files, summary) = files();
    for (name, text) in &files {
        let found = std::fs::read_to_string(root().join("docs/rules").join(name)).unwrap_or_default();
        assert!(found == *text, "docs/rules/{name} is stale; {WRITE}");
    }
    let extra: Vec<String> = written().into_iter().filter(|name| !files.contains_key(name)).collect();
    assert!(extra.is_empty(), "docs/rules has files of no operation: {extra:?}");
    let found = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    assert!(found == summary_with(&summary), "docs/SUMMARY.md does not list the cards; {WRITE}");
}

#[test]
fn a_card_says_what_a_derivative_reads() {
    let (files, _) = files();
    for (card, line) in [
        ("exp", "| reads | `y` |"),
        ("max", "| reads | a mask of the values |"),
        ("square", "| reads | `x` |"),
        ("add", "| reads | nothing |"),
    ] {
        let text = &files[&format!("{card}.md")];
        assert!(text.contains(line), "{card}:\n{text}");
    }
}

#[test]
#[ignore = "writes docs/rules"]
fn write_the_rule_cards() {
    let (files, summary) = files();
    let folder = root().join("docs/rules");
    std::fs::create_dir_all(folder.join("pictures")).unwrap();
    for name in written().into_iter().filter(|name| !files.contains_key(name)) {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    std::fs::write(root().join("docs/SUMMARY.md"), summary_with(&summary)).unwrap();
}
