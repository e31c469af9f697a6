//! Events of `tracing`.

use super::Sink;
use crate::files::FileError;

/// Hands each value to the program's subscriber.
pub(super) struct Emitter;

impl Sink for Emitter {
    fn write(&mut self, step: usize, name: &str, value: f64) -> Result<(), FileError> {
        ::tracing::info!(target: "nn::train", step, name, value);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), FileError> {
        Ok(())
    }
}
