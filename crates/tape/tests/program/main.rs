//! Programs: functions of scalars, recorded once.

mod bits;
mod functions;
mod lanes;
mod listing;
mod random;
mod recording;
mod rust;
mod scan;
