//! The switches of the mutants, written into the tree by the package `mutation`.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The number of the mutant that is on; 0 for none.
static CHOSEN: LazyLock<usize> =
    LazyLock::new(|| std::env::var("MUTANT").ok().and_then(|number| number.parse().ok()).unwrap_or(0));
/// The file for the numbers of the mutants that a run reaches.
static TRACE: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("MUTANT_TRACE").ok());
static REACHED: [AtomicBool; 10_000] = [const { AtomicBool::new(false) }; 10_000];

/// Returns `true` if a mutant is on.
#[doc(hidden)]
#[inline]
pub fn is(number: usize) -> bool {
    if TRACE.is_some() {
        reached(number);
    }
    *CHOSEN == number
}

#[cold]
fn reached(number: usize) {
    use std::io::Write;
    // Read first: most calls are not the first one, and writing is slow.
    let known = REACHED[number].load(Ordering::Relaxed) || REACHED[number].swap(true, Ordering::Relaxed);
    if let (false, Some(file)) = (known, &*TRACE)
        && let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(file)
    {
        let _ = file.write_all(format!("{number}\n").as_bytes());
    }
}
