//! Random computation graphs: as instructions ([`GraphSpec`]), as steps whose shapes match ([`Program`]), on
//! a tape ([`Recorded`]).

mod budget;
mod check;
mod functions;
mod program;
mod record;
mod resolve;
mod simpler;
mod spec;
mod tree;

pub use budget::{BITS, DEGREE};
pub use functions::{BinaryFn, UnaryFn};
pub use program::{Action, Program, Step};
pub use record::{Node, Recorded};
pub(super) use spec::sixteenths;
pub use spec::{Exactness, GraphSpec, Instr, LeafSpec, Movement, Opcode, Reduction, Scan};
pub use tree::{GraphTree, Graphs, graphs};
