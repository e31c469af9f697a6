//! The systems of the literature with their published numbers: one test for each row of their tables.

mod backward_pass;
mod chapter_8;
mod chapter_8_training;
mod glossary;
mod mlp_training;
mod trace;
mod train_a_network;
mod walk_through;
mod walk_through_digits;
mod walk_through_graph;
mod walk_through_training;
