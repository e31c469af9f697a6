//! The second arithmetic: its functions against reference numbers, every operation, rule and sweep in it, and what it finds
//! in `f64`.

mod arithmetic;
#[path = "../certified/draws.rs"]
mod draws;
mod faults;
mod functions;
mod network;
mod operations;
#[path = "../shared/planted.rs"]
mod planted;
mod soak;
#[path = "../shared/tally.rs"]
mod tally;
