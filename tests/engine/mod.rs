//! The engine.

mod broadcasting;
mod closed_form;
mod mul_add;
