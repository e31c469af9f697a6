//! A training step of another system: `peers candle W3 DIRECTORY` prints `candle W3 microseconds`.
//!
//! The directory holds the output of `step write`. Gradients at the initial parameters are compared before
//! anything is
//! timed; a system whose gradients are wrong is not timed.

mod candle;
mod dense;
mod numbers;
mod scalar;

use cpu_time::ProcessTime;
use numbers::Workload;
use std::process::exit;
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [system, workload, directory] = &arguments[..] else {
        eprintln!("expected a system, a workload and a directory");
        exit(2);
    };
    match time(system, workload, directory) {
        Ok(time) => println!("{system} {workload} {time:.3}"),
        Err(reason) => {
            eprintln!("{system} {workload}: {reason}");
            exit(1);
        }
    }
}

fn time(system: &str, workload: &str, directory: &str) -> Result<f64, String> {
    if matches!(system, "reverse" | "easy-ml") {
        return scalar::time(system, workload, directory);
    }
    let none = || format!("no such workload, or no such file in {directory}");
    let task = Workload::read(workload, directory).ok_or_else(none)?;
    match system {
        "candle" => candle::time(&task).map_err(|error| error.to_string()),
        "dfdx" => dense::time(&task),
        _ => Err("no such system".to_string()),
    }
}

/// The median time the process runs in one call, in microseconds: samples of at least 15 ms after 0.3 s to warm up.
fn median_us(mut step: impl FnMut()) -> f64 {
    let (start, mut calls) = (Instant::now(), 0u32);
    while calls < 3 || start.elapsed() < Duration::from_millis(300) {
        step();
        calls += 1;
    }
    let calls = (0.015 * f64::from(calls) / start.elapsed().as_secs_f64()).round().max(1.0) as u32;
    let (start, mut samples) = (Instant::now(), Vec::new());
    while samples.len() < 3 || start.elapsed() < Duration::from_millis(900) {
        let before = ProcessTime::now();
        (0..calls).for_each(|_| step());
        samples.push(before.elapsed().as_secs_f64() / f64::from(calls));
    }
    samples.sort_by(f64::total_cmp);
    1e6 * samples[samples.len() / 2]
}
