//! The chapters.

use crate::Exercise;

/// A program of the folder `programs`.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its text.
    pub text: &'static str,
    /// Its function `main`.
    pub main: fn(),
}

/// Compiles a file of `programs`, and keeps its text.
macro_rules! program {
    ($file:literal) => {{
        // A program of its own: all that it declares is public, and a broken one may not use all of it.
        #[allow(unreachable_pub, missing_docs, dead_code, clippy::suspicious_arithmetic_impl)]
        mod program {
            include!(concat!(env!("CARGO_MANIFEST_DIR"), "/programs/", $file));
            pub(super) const MAIN: fn() = main;
        }
        $crate::Program {
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/programs/", $file)),
            main: program::MAIN,
        }
    }};
}

mod batch_norm;
mod broadcasting;
mod chain_rule;
mod checking;
mod cross_entropy;
mod engine;
mod expression;
mod forks;
mod forward_mode;
mod graphs;
mod matrices;
mod mlp;
mod neuron;
mod own;
mod readers;
mod second;
mod slopes;
mod small_tape;
mod structures;
mod training;

/// A chapter of the book.
#[derive(Clone, Copy, Debug)]
pub struct Chapter {
    /// Its number.
    pub number: usize,
    /// The name of its page, without the extension.
    pub page: &'static str,
    /// The program that the page explains.
    pub program: Program,
    /// The same with something broken.
    pub broken: Program,
    /// Further generated regions of the page: names and Markdown.
    pub tables: fn() -> Vec<(&'static str, String)>,
    /// The figures: names of files and SVG.
    pub figures: fn() -> Vec<(&'static str, String)>,
    /// The three exercises.
    pub exercises: fn() -> Vec<Exercise>,
}

/// The chapters in order.
pub fn chapters() -> Vec<Chapter> {
    vec![
        slopes::CHAPTER,
        graphs::CHAPTER,
        chain_rule::CHAPTER,
        small_tape::CHAPTER,
        forks::CHAPTER,
        neuron::CHAPTER,
        matrices::CHAPTER,
        broadcasting::CHAPTER,
        mlp::CHAPTER,
        cross_entropy::CHAPTER,
        batch_norm::CHAPTER,
        checking::CHAPTER,
        forward_mode::CHAPTER,
        second::CHAPTER,
        training::CHAPTER,
        structures::CHAPTER,
        engine::CHAPTER,
        own::CHAPTER,
        readers::CHAPTER,
    ]
}

/// A table of Markdown.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head = head.map(str::to_string);
    let rows: String = rows.into_iter().map(|row| line(&row)).collect();
    format!("{}|{}\n{rows}", line(&head), "---|".repeat(N))
}
