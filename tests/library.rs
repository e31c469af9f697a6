//! The engine and the layers against closed forms, numbers from elsewhere, files of other programs, and what the
//! documentation says.

mod corpora;
mod documentation;
mod engine;
mod files;
mod guesses;
mod layers;
mod losses;
mod optim;
mod prose;
mod reproducible;
mod twins;
