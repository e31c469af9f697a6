//! Prints the hash of the weights of each training, for `.ci/reproducible`:
//!
//! ```sh
//! cargo run --release -p tests --features rayon --bin reproducible
//! ```

use tape::parallel;
use tests::training::{FULL, QUICK, TRAININGS, hash, instruction_set};

fn main() {
    let parts = if std::env::args().any(|arg| arg == "--quick") { QUICK } else { FULL };
    for training in TRAININGS {
        let kind = if training.portable { "portable" } else { instruction_set() };
        println!("{} {kind} {:016x}", training.name, hash(&(training.run)(parts)));
    }
    eprintln!("{} threads, {} parallel calls", parallel::threads(), parallel::parallel_calls());
}
