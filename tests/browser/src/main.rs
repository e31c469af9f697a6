//! The pages of `GraphView::html` in a headless browser.
//!
//! `browser PAGES SCREENSHOTS` steps through every page of the example `graph_gallery` and compares every number on it with the JSON
//! that the tape wrote beside the page. It predicts rightly and wrongly, breaks the sweep, measures the first paint and the steps,
//! and takes screenshots. It panics at the first difference, at an error on the console and at a request to the network.

mod broken;
mod page;
mod tape;

use broken::{Fault, break_sweep};
use page::Page;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tape::{Graph, shows};

/// The pages: those whose nodes are all scalars have every number of a broken sweep.
const PAGES: [(&str, bool); 7] = [
    ("neuron", true),
    ("fork", true),
    ("network", true),
    ("softmax", false),
    ("batch_norm", false),
    ("lstm", false),
    ("large", true),
];

/// The most that the page may take, in milliseconds.
const FIRST_PAINT: f64 = 500.0;
const STEP: f64 = 16.0;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [pages, pictures] = &arguments[..] else {
        return Err("expected the directories of pages and of screenshots".into());
    };
    let (pages, pictures) = (fs::canonicalize(pages)?, Path::new(pictures));
    fs::create_dir_all(pictures)?;
    let mut page = Page::launch()?;
    let mut named = std::collections::BTreeMap::<&str, usize>::new();
    for (name, scalars) in PAGES {
        let graph = Graph::read(&pages.join(format!("{name}.json")))?;
        page.open(&pages.join(format!("{name}.html")), "")?;
        let numbers = every_step(&mut page, &graph)?;
        let predicted =
            predict(&mut page, &graph, if name == "large" { 40 } else { usize::MAX }, &mut named)?;
        let wrong = break_it(&mut page, &graph, scalars)?;
        println!(
            "{name:<11} {numbers:>6} numbers compared, {predicted:>3} predictions, wrong nodes by fault {wrong:?}"
        );
    }
    println!("misconceptions named: {named:?}");
    for kind in ["sign", "last contribution", "local derivative alone", "unchanged"] {
        assert!(named.contains_key(kind), "no page named the misconception \"{kind}\": {named:?}");
    }
    controls(&mut page, &pages)?;
    speed(&mut page, &pages)?;
    screenshots(&mut page, &pages, pictures)?;
    page.assert_quiet();
    println!("result: pages={} requests_beyond_the_files=0 console_errors=0", PAGES.len());
    Ok(())
}

/// Steps through a page and compares all that it shows. Returns how many numbers that were.
fn every_step(page: &mut Page, graph: &Graph) -> Result<usize, Failure> {
    let steps = page.json(include_str!("collect.js"))?;
    let steps = steps.as_array().ok_or("expected a list of steps")?;
    assert_eq!(steps.len(), graph.total() + 1, "as many steps as values, seed and contributions");
    let mut compared = 0;
    let mut drawn = std::collections::HashMap::new();
    for (at, step) in steps.iter().enumerate() {
        assert_eq!(step["at"], at);
        for change in step["drawn"].as_array().into_iter().flatten() {
            let (kind, node, text) = (change[0].as_str(), change[1].as_str(), change[2].as_str());
            let (Some(kind), Some(node), Some(text)) = (kind, node, text) else {
                return Err("expected texts".into());
            };
            drawn.insert((kind.to_owned(), node.parse::<usize>()?), text.to_owned());
        }
        for node in graph.nodes.iter().filter(|node| node.scalar) {
            let value = (graph.position(node.index) < at).then(|| node.value[0]);
            let gradient = graph.gradient(node.index, at).map(|list| list[0]);
            for (kind, word, expected) in [("value", "value", value), ("gradient", "grad", gradient)] {
                let text = drawn.get(&(kind.to_owned(), node.index)).map_or("", String::as_str);
                match expected {
                    None => {
                        assert_eq!(text, "", "step {at}: {kind} of node {} is shown too early", node.index)
                    }
                    Some(x) => {
                        let shown = text
                            .strip_prefix(word)
                            .unwrap_or_else(|| panic!("step {at}, node {}: {text:?}", node.index));
                        assert!(
                            shows(shown.trim(), x),
                            "step {at}: {kind} of node {}: {text:?}, expected {x}",
                            node.index
                        );
                        compared += 1;
                    }
                }
            }
        }
        let expected = graph.text_at(at);
        let found = step["text"].as_array().ok_or("expected a list")?;
        for number in found {
            let kind = number[0].as_str().unwrap_or_default();
            let element = number[2].as_str().and_then(|at| at.parse::<usize>().ok()).unwrap_or(0);
            let list = expected.get(kind).unwrap_or_else(|| panic!("step {at}: unexpected {number}"));
            compared += same(at, number, list[element]);
        }
        for kind in graph.required_at(at) {
            assert!(
                found.iter().any(|number| number[0] == kind),
                "step {at}: the text lacks the {kind}: {found:?}"
            );
        }
        for number in step["panel"].as_array().ok_or("expected a list")? {
            let (kind, node) =
                (number[0].as_str().unwrap_or_default(), number[1].as_str().unwrap_or_default().parse()?);
            let element = number[2].as_str().and_then(|at| at.parse::<usize>().ok()).unwrap_or(0);
            let x = match kind {
                "value" => graph.node(node).value[element],
                "gradient" => graph
                    .gradient(node, at)
                    .unwrap_or_else(|| panic!("step {at}: {number} too early"))[element],
                "contribution" => {
                    let nth = number[5].as_u64().ok_or("expected the position of a contribution")? as usize;
                    graph.contributions(node)[nth][element]
                }
                _ => panic!("step {at}: unexpected {number}"),
            };
            compared += same(at, number, x);
        }
    }
    Ok(compared)
}

/// Compares a number on the page, in its digits that are shown and in all digits of its title.
fn same(at: usize, number: &serde_json::Value, x: f64) -> usize {
    let (title, text) = (number[3].as_str().unwrap_or_default(), number[4].as_str().unwrap_or_default());
    let all: f64 = title.parse().unwrap_or_else(|_| panic!("step {at}: {number}"));
    assert!(all == x || all.is_nan() && x.is_nan(), "step {at}: {number}, expected {x}");
    // A wide table has colours only.
    assert!(text.is_empty() || shows(text, x), "step {at}: {number}, expected {x}");
    1
}

/// Predicts contributions of the reverse sweep: first a number that a misconception gives, then the right one.
fn predict(
    page: &mut Page,
    graph: &Graph,
    most: usize,
    named: &mut std::collections::BTreeMap<&'static str, usize>,
) -> Result<usize, Failure> {
    page.run("document.querySelector('[data-mode=predict]').click()")?;
    let first = graph.nodes.len() + 2;
    let steps = &graph.steps[..graph.steps.len().min(most)];
    // The page chooses the element that is asked about, so the questions come first.
    let questions = page.json(&format!("({})({first}, {})", include_str!("questions.js"), steps.len()))?;
    let mut answers = Vec::new();
    for (k, step) in steps.iter().enumerate() {
        let hidden = questions[k]["kinds"].as_array().ok_or("expected a list")?;
        let secret =
            |kind: &serde_json::Value| ["slope", "contribution", "sum"].iter().any(|secret| kind == secret);
        assert!(!hidden.iter().any(secret), "not hidden at step {}: {hidden:?}", first + k);
        let element: usize = questions[k]["element"].as_str().ok_or("expected an element")?.parse()?;
        answers.push(tries(graph, k, step, element));
    }
    let typed: Vec<Vec<String>> =
        answers.iter().map(|tries| tries.iter().map(|(_, number)| number.to_string()).collect()).collect();
    let replies =
        page.json(&format!("({})({first}, {})", include_str!("answers.js"), serde_json::to_string(&typed)?))?;
    for (k, tries) in answers.iter().enumerate() {
        for (i, (kind, number)) in tries.iter().enumerate() {
            let (class, words) = (&replies[k][i][0], replies[k][i][1].as_str().unwrap_or_default());
            let expected = if *kind == "right" { "right" } else { "wrong" };
            assert!(class == expected, "step {}: {number} for {kind}: {class} {words}", first + k);
            // Another misconception may give the same number, so not every answer is named as meant.
            if *kind != "right" && words.contains(kind) {
                *named.entry(kind).or_default() += 1;
            }
        }
    }
    page.run("document.querySelector('[data-mode=step]').click()")?;
    Ok(steps.len())
}

/// Numbers that misconceptions give at a step, which are clearly not the right one, and the right one at the end.
fn tries(graph: &Graph, k: usize, step: &tape::Step, element: usize) -> Vec<(&'static str, f64)> {
    let answer = step.sum[element];
    let before = graph.before(k).map_or(0.0, |sum| sum[element]);
    let mut tries = vec![("sign", -answer)];
    if before != 0.0 {
        tries.push(("last contribution", step.contribution[element]));
    }
    if let Some(slope) = step.slope {
        tries.push(("local derivative alone", before + slope));
        tries.push(("unchanged", before + graph.finished(step.node)[0]));
    }
    tries.retain(|(_, wrong)| (wrong - answer).abs() > 0.03 * answer.abs() + 1e-9);
    tries.push(("right", answer));
    tries
}

/// Breaks the sweep in every way and compares the gradients at the end, where they are known, with those computed here.
fn break_it(page: &mut Page, graph: &Graph, scalars: bool) -> Result<Vec<usize>, Failure> {
    let mut counts = Vec::new();
    for fault in Fault::ALL {
        page.run(&format!(
            "document.querySelector('[data-mode=break]').click(); \
             {{ const fault = document.getElementById('fault'); fault.value = '{}'; fault.dispatchEvent(new Event('change')); }}",
            fault.name()
        ))?;
        let shown = page.json(
            "JSON.stringify({ wrong: [...document.querySelectorAll('#graph .wrong [data-kind=gradient]')].map((n) => [n.dataset.node, n.textContent]), \
             boxes: document.querySelectorAll('#graph .wrong').length, \
             verdict: document.getElementById('verdict').textContent, \
             grads: [...document.querySelectorAll('#graph [data-kind=gradient]')].map((n) => [n.dataset.node, n.textContent]) })",
        )?;
        let verdict = shown["verdict"].as_str().unwrap_or_default();
        let boxes = shown["boxes"].as_u64().unwrap_or(0) as usize;
        counts.push(boxes);
        if scalars {
            let (expected, stopped) = break_sweep(graph, fault);
            let mut wrong = 0;
            for pair in shown["grads"].as_array().into_iter().flatten() {
                let node: usize = pair[0].as_str().unwrap_or_default().parse()?;
                let text = pair[1].as_str().unwrap_or_default();
                match expected.get(&node) {
                    None => assert_eq!(text, "", "{fault:?}, node {node}"),
                    Some(&x) => {
                        let number = text.trim_start_matches("grad").trim();
                        assert!(
                            stopped || shows(number, x),
                            "{fault:?}, node {node}: {text:?}, expected {x}"
                        );
                        let right = graph.gradient(node, usize::MAX).map_or(0.0, |list| list[0]);
                        wrong += usize::from((x - right).abs() > 1e-9 * right.abs());
                    }
                }
            }
            assert!(stopped || boxes == wrong, "{fault:?}: {boxes} nodes are red, {wrong} are wrong");
        }
        match boxes {
            0 => assert!(verdict.contains("No gradient of this graph goes wrong"), "{fault:?}: {verdict}"),
            _ => assert!(verdict.contains("The first wrong gradient is that of"), "{fault:?}: {verdict}"),
        }
    }
    page.run("document.querySelector('[data-mode=step]').click()")?;
    Ok(counts)
}

/// Keys, links, search, folding and the page without JavaScript.
fn controls(page: &mut Page, pages: &Path) -> Result<(), Failure> {
    let network = pages.join("network.html");
    page.open(&network, "#step=7")?;
    let at = |page: &mut Page| page.text("document.getElementById('slider').value");
    assert_eq!(at(page)?, "7", "a link leads to its step");
    for (key, expected) in [("ArrowRight", "8"), ("ArrowLeft", "7"), ("Home", "0"), ("ArrowLeft", "0")] {
        page.key(key)?;
        assert_eq!(at(page)?, expected, "after {key}");
    }
    page.key("End")?;
    let last = at(page)?;
    page.key("ArrowRight")?;
    assert_eq!(at(page)?, last, "there is no step after the last");
    // The address follows when the reader pauses.
    std::thread::sleep(Duration::from_millis(600));
    assert!(page.text("location.hash")?.contains(&format!("step={last}")), "the address has the step");
    let boxes = page.text("String(document.querySelectorAll('#graph g.node').length)")?;
    page.run("document.querySelectorAll('#modules input').forEach((box) => { box.checked = true; box.dispatchEvent(new Event('change')); })")?;
    let folded = page.text("String(document.querySelectorAll('#graph g.node').length)")?;
    assert!(folded.parse::<usize>()? * 2 < boxes.parse::<usize>()?, "{boxes} boxes, {folded} when folded");
    page.run("{ const search = document.getElementById('search'); search.value = 'loss'; search.dispatchEvent(new Event('input')); }")?;
    assert_eq!(
        page.text("String(document.querySelectorAll('#graph .found').length)")?,
        "1",
        "one node is called loss"
    );
    page.open_without_scripts(&network)?;
    let visible = page.text_without_scripts("#picture svg")?;
    assert!(visible.contains("loss"), "without JavaScript the picture is there");
    Ok(())
}

/// Measures the first paint and the steps of the largest page.
fn speed(page: &mut Page, pages: &Path) -> Result<(), Failure> {
    let large = pages.join("large.html");
    let mut paints = Vec::new();
    for _ in 0..7 {
        page.open(&large, "")?;
        paints.push(
            page.text("String(performance.getEntriesByName('first-contentful-paint')[0].startTime)")?
                .parse::<f64>()?,
        );
    }
    let before = page.thread_seconds()?;
    let steps = page.json(include_str!("time.js"))?;
    let after = page.thread_seconds()?;
    let mut steps: Vec<f64> =
        steps.as_array().into_iter().flatten().filter_map(serde_json::Value::as_f64).collect();
    paints.sort_by(f64::total_cmp);
    steps.sort_by(f64::total_cmp);
    // Other programs share the machine and can only make a load slower, so the fastest counts.
    let (paint, median, wall) = (paints[0], paints[paints.len() / 2], steps[steps.len() / 2]);
    // The time of the page's own thread: other programs share the machine.
    let step = (after - before) * 1e3 / steps.len() as f64;
    println!(
        "first paint of 400 nodes: {paint:.0} ms, median {median:.0} ms, of {} loads; a step with its layout: {step:.2} ms of the page's thread, \
         median {wall:.2} ms by the clock",
        paints.len()
    );
    assert!(paint < FIRST_PAINT, "the first paint takes {paint} ms, expected less than {FIRST_PAINT}");
    assert!(step < STEP, "a step takes {step} ms, expected less than {STEP}");
    Ok(())
}

/// Pictures for readers of this project to look at: two widths, light and dark, and the other modes of two pages.
fn screenshots(page: &mut Page, pages: &Path, pictures: &Path) -> Result<(), Failure> {
    for (width, dark) in [(400, false), (400, true), (1200, false), (1200, true)] {
        page.emulate(width, dark)?;
        for (name, _) in PAGES {
            let graph = Graph::read(&pages.join(format!("{name}.json")))?;
            let middle = graph.nodes.len() + 2 + graph.steps.len() / 2;
            let mut views = vec![("step", middle)];
            if ["fork", "softmax"].contains(&name) {
                views.extend([("predict", middle), ("break", graph.total())]);
            }
            for (mode, at) in views {
                let fragment = format!("#mode={mode}&fault=assign&step={at}");
                page.open(&pages.join(format!("{name}.html")), &fragment)?;
                let overflow =
                    page.text("String(document.documentElement.scrollWidth - innerWidth)")?.parse::<i64>()?;
                assert!(overflow <= 0, "{name} at {width}: {overflow} pixels wider than the window");
                let tone = if dark { "dark" } else { "light" };
                page.picture(&pictures.join(format!("{name}-{width}-{tone}-{mode}.png")))?;
            }
        }
    }
    println!("screenshots: {}", pictures.display());
    Ok(())
}
