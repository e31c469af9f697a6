//! The start and the end of a program on many ranks.

use crate::call::Call;
use crate::{RankError, Ranks};
use std::error::Error;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::process::ExitCode;

/// Starts MPI and runs `program` on every rank.
///
/// If a rank fails, all end with exit code 1, and one sentence on standard error says which rank and why: an error that
/// only one rank has, or a panic, ends the others wherever they wait; an error that all have
/// ([`RankError`]) is printed once. A rank that leaves `program` while others still make calls is an error too.
///
/// Call it once, from the main thread.
pub fn run(program: impl FnOnce(&Ranks) -> Result<(), Box<dyn Error>>) -> ExitCode {
    let Some(universe) = mpi::initialize() else {
        eprintln!("expected a program in which MPI has not been started, found one in which it has");
        return ExitCode::FAILURE;
    };
    let ranks = Ranks::new(universe.world());
    let name = format!("rank {} of {}", ranks.rank(), ranks.size());
    std::panic::set_hook(Box::new({
        let name = name.clone();
        move |panic| eprintln!("{name}: {}", sentence(panic))
    }));
    let result = match catch_unwind(AssertUnwindSafe(|| program(&ranks))) {
        Ok(result) => result,
        // The hook has printed it.
        Err(_) => ranks.abort(),
    };
    let result = result.and_then(|()| Ok(ranks.agree(Call::End, None, Ok(&[])).map(|_| ())?));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<RankError>() => {
            if ranks.is_first() {
                eprintln!("{error}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{name}: {error}");
            ranks.abort()
        }
    }
}

/// The message of a panic and its place, in one line.
fn sentence(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("panic");
    match panic.location() {
        Some(place) => format!("{text} ({}:{})", place.file(), place.line()),
        None => text.to_owned(),
    }
}
