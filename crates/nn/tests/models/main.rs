//! Models, data, training and optimizers through the public interface.
//!
//! One program, as each compiles what it uses of the engine once. Apart stay those that need a process of their own (`files`
//! has an allocator, `refusals` a panic hook, `log` a subscriber and a program that is killed), and `limits`, which also runs
//! in release.

mod batches;
mod cast;
mod data;
mod datasets;
mod derive;
mod double_double;
mod gradcheck;
mod losses;
mod masked;
mod plateau;
mod replayed;
mod resume;
mod serde;
mod settings;
mod statistics;
mod steps;
mod tables;
mod train;
mod train_models;
mod transform;
mod unwind;
