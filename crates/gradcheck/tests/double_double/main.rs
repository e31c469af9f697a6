//! The second arithmetic: its functions against reference numbers, and every operation, rule and sweep in it.

mod arithmetic;
#[path = "../certified/draws.rs"]
mod draws;
mod functions;
mod network;
mod operations;
