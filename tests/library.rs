//! The engine and the layers against closed forms, numbers from elsewhere, files of other programs, and what the
//! documentation says.

mod corpora;
mod documentation;
mod engine;
mod files;
mod guesses;
mod layers;
mod links;
mod losses;
mod optim;
mod packages;
mod prose;
mod public_api;
mod reproducible;
mod twins;
