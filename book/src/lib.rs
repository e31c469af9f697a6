//! The programs, figures and exercises of the chapters in `docs/learn`.
//!
//! A chapter is a page, two programs (one to read, one with something broken), figures, and three exercises whose answers
//! are computed. What a page shows of them is written into it by `cargo run -p book -- write`; the tests of this package
//! compare. [`chapters()`] has the list.

mod answer;
pub mod chapters;
mod diagram;
mod diff;
mod page;

pub use answer::{Answer, Exercise, Mistake, Verdict};
pub use chapters::{Chapter, Program, chapters};
pub use page::{PageError, docs, fill, regions, unquoted_numbers};

/// The programs of the pages run.
#[cfg(doctest)]
mod pages {
    macro_rules! pages {
        ($($name:ident $page:literal)*) => {
            $(#[doc = include_str!(concat!("../../docs/learn/", $page, ".md"))] mod $name {})*
        };
    }

    pages! {
        slopes "01-slopes"
        graphs "02-graphs"
        chain_rule "03-chain-rule"
        small_tape "04-tape"
        forks "05-forks"
        neuron "06-neuron"
        matrices "07-matrices"
        broadcasting "08-broadcasting"
        mlp "09-mlp"
        cross_entropy "10-cross-entropy"
        batch_norm "11-batch-norm"
        checking "12-checking"
        forward_mode "13-forward-mode"
        second "14-second-derivatives"
        training "15-training"
        structures "16-structures"
        engine "17-engine"
        own "18-your-own"
        readers "19-pytorch-and-jax"
    }
}
