//! Timing: contenders take turns in one process, and the result is a ratio.
//!
//! A shared machine has slow phases that last longer than one measurement and are larger than the differences
//! to be measured. Frameworks that time one function after the other, as criterion and divan do, compare a
//! slow phase with a fast one. Here all contenders of a comparison run in every round (A, B, C, A, B, C,
//! ...), a ratio is formed within a round, and the median over the rounds is reported. Absolute times are
//! medians too, for orientation. Where the system reports thread CPU time, time spent waiting for a processor
//! is left out.

use std::time::{Duration, Instant};

/// Rounds of a comparison.
const ROUNDS: usize = 15;

/// The least time one contender runs in one round.
const SAMPLE: Duration = Duration::from_millis(10);

/// The options of the command line.
#[derive(Clone, Debug)]
pub struct Harness {
    /// `false`: run everything once, to see that it works (`cargo test --benches`, `cargo bench -- --test`).
    pub measure: bool,
    /// Words, one of which the name of a comparison must contain; empty: everything.
    filters: Vec<String>,
}

/// Medians of one comparison.
#[derive(Clone, Debug)]
pub struct Medians {
    /// Nanoseconds per call of each contender.
    pub ns: Vec<f64>,
    /// Each round's times in nanoseconds per call.
    rounds: Vec<Vec<f64>>,
}

impl Medians {
    /// Median over the rounds of time `a` / time `b`.
    pub fn ratio(&self, a: usize, b: usize) -> f64 {
        median(self.rounds.iter().map(|round| round[a] / round[b]).collect())
    }

    /// The contender among `candidates` with the least median time.
    pub fn fastest(&self, candidates: &[usize]) -> usize {
        let faster = |a: &usize, b: &usize| self.ns[*a].total_cmp(&self.ns[*b]);
        candidates.iter().copied().min_by(faster).unwrap_or_default()
    }
}

impl Harness {
    /// Reads the arguments of the program: `cargo bench` passes `--bench`, `cargo test` does not.
    pub fn from_arguments() -> Harness {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let has = |flag: &str| arguments.iter().any(|a| a == flag);
        Harness {
            measure: has("--bench") && !has("--test"),
            filters: arguments.iter().filter(|a| !a.starts_with('-')).cloned().collect(),
        }
    }

    /// Measures everything.
    pub fn measuring() -> Harness {
        Harness { measure: true, filters: Vec::new() }
    }

    /// Returns `true` if the comparison `name` is selected.
    pub fn wants(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| name.contains(filter.as_str()))
    }

    /// Prints a heading and the head of a table.
    pub fn table(&self, title: &str, columns: &[&str]) {
        println!("\n## {title}\n");
        println!("| {} |", columns.join(" | "));
        println!("|{}", "---|".repeat(columns.len()));
    }

    /// Runs the contenders in turns; once each if nothing is to be measured.
    pub fn compare(&self, contenders: &mut [&mut dyn FnMut()]) -> Medians {
        if !self.measure {
            contenders.iter_mut().for_each(|run| run());
            let round = vec![f64::NAN; contenders.len()];
            return Medians { ns: round.clone(), rounds: vec![round] };
        }
        let calls: Vec<u64> = contenders.iter_mut().map(|run| calls(run)).collect();
        let (mut rounds, clock) = (Vec::new(), Clock::new());
        for _ in 0..ROUNDS {
            let time = |(run, &calls): (&mut &mut dyn FnMut(), &u64)| {
                let start = clock.now();
                (0..calls).for_each(|_| run());
                (clock.now() - start) / calls as f64
            };
            rounds.push(contenders.iter_mut().zip(&calls).map(time).collect::<Vec<f64>>());
        }
        let of = |k: usize| median(rounds.iter().map(|round| round[k]).collect());
        Medians { ns: (0..contenders.len()).map(of).collect(), rounds }
    }
}

/// Measures the running time of this thread.
struct Clock(Instant);

impl Clock {
    fn new() -> Clock {
        Clock(Instant::now())
    }

    /// CPU time of the thread in nanoseconds, as Linux counts it; elsewhere wall-clock time.
    fn now(&self) -> f64 {
        // The count is updated when the scheduler runs.
        std::thread::yield_now();
        let scheduled = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
        let running = scheduled.as_deref().and_then(|s| s.split(' ').next()?.parse().ok());
        running.unwrap_or_else(|| self.0.elapsed().as_nanos() as f64)
    }
}

/// The number of calls that take `SAMPLE` together, found while warming up.
fn calls(run: &mut dyn FnMut()) -> u64 {
    let mut calls = 1;
    loop {
        let start = Instant::now();
        (0..calls).for_each(|_| run());
        let time = start.elapsed();
        if time >= SAMPLE {
            return calls;
        }
        let factor = SAMPLE.as_secs_f64() / time.as_secs_f64().max(1e-9);
        calls = (calls as f64 * factor.clamp(1.1, 8.0)).ceil() as u64;
    }
}

fn median(mut x: Vec<f64>) -> f64 {
    x.sort_by(f64::total_cmp);
    x[x.len() / 2]
}
