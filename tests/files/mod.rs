//! Files of other programs.

mod interop;
