//! The engine and the layers against closed forms, numbers from elsewhere, files of other programs, and what the
//! documentation says.

mod closed_form;
mod documentation;
mod interop;
mod layers;
mod linear_algebra;
mod loss_elements;
mod loss_numbers;
mod losses;
mod network_primitives;
mod optimizers;
mod reference_numbers;
mod resume;
