//! One evaluation: what is to be computed, how often, and by which tool.

use crate::input;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::time::Instant;

/// The names under which the tool answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Records a tape in every run.
    Tape,
    /// Records a program or replay once, outside of the measured time, and runs it.
    Program,
}

impl Tool {
    /// Both.
    pub const ALL: [Tool; 2] = [Tool::Tape, Tool::Program];

    /// The name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Tape => "tape",
            Tool::Program => "tape-program",
        }
    }

    /// The tool of this name.
    pub fn named(name: &str) -> Option<Tool> {
        Tool::ALL.into_iter().find(|tool| tool.name() == name)
    }
}

/// One evaluation.
#[derive(Debug)]
pub struct Request<'a> {
    /// By which tool.
    pub tool: Tool,
    /// The name of the function.
    pub function: &'a str,
    /// Its arguments.
    pub input: &'a Value,
    min_runs: usize,
    min_seconds: f64,
    timings: RefCell<Vec<u64>>,
    processor_time: Cell<f64>,
}

/// The processor time of this thread in nanoseconds, as Linux counts it; elsewhere 0.
pub fn processor_time() -> f64 {
    let scheduled = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    scheduled.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}

impl<'a> Request<'a> {
    /// A request; the input says how often and how long to run, once if it does not.
    ///
    /// # Errors
    /// If it says so in another form than as numbers.
    pub fn new(tool: Tool, function: &'a str, input: &'a Value) -> Result<Request<'a>, String> {
        let min_runs = if input["min_runs"].is_null() { 1 } else { input::count(input, "min_runs")? };
        let min_seconds =
            if input["min_seconds"].is_null() { 0.0 } else { input::number(input, "min_seconds")? };
        Ok(Request {
            tool,
            function,
            input,
            min_runs,
            min_seconds,
            timings: RefCell::default(),
            processor_time: Cell::new(0.0),
        })
    }

    /// Runs a computation as often and as long as requested, and returns the last result. Only the computation is
    /// measured: not what it was prepared with, and not the release of its result.
    pub fn measure<R>(&self, mut run: impl FnMut() -> R) -> R {
        let mut timings = self.timings.borrow_mut();
        let (mut seconds, begin) = (0.0, processor_time());
        loop {
            let start = Instant::now();
            let result = black_box(run());
            let time = start.elapsed();
            timings.push(time.as_nanos() as u64);
            seconds += time.as_secs_f64();
            if timings.len() >= self.min_runs && seconds >= self.min_seconds {
                self.processor_time.set((processor_time() - begin) / timings.len() as f64);
                return result;
            }
        }
    }

    /// The nanoseconds of a run without those in which it waited for a processor; the release of results is part of it.
    pub fn processor_time(&self) -> f64 {
        self.processor_time.get()
    }

    /// The nanoseconds of each run.
    pub fn into_timings(self) -> Vec<u64> {
        self.timings.into_inner()
    }

    /// The error for a function that the eval does not have.
    pub fn unknown(&self, eval: &str, functions: &[&str]) -> String {
        format!("{eval}: expected the function {}, found `{}`", functions.join(" or "), self.function)
    }
}
