//! The gradient checker: verdicts, methods, scales of argument and value, a panel of functions, and known traps.

mod formats;
mod hints;
mod methods;
mod panel;
mod panel_of_functions;
mod precision;
mod programs;
mod rounding;
mod scales;
mod traps;
mod verdicts;
