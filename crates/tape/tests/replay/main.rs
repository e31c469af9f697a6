//! Replays: steps recorded once and run on other values, compared with the tape bit by bit.

mod bits;
mod refusals;
mod runs;
