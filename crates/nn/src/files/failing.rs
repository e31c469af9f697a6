//! Readers whose stream fails, stops for a moment, or yields one byte at a time.

use super::*;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

/// A stream that behaves in some way when this many bytes have been read.
#[derive(Clone)]
pub(crate) struct Failing<'b> {
    bytes: Cursor<&'b [u8]>,
    at: u64,
    with: io::ErrorKind,
    /// Whether the failure passes, as an interruption does.
    once: bool,
}

impl<'b> Failing<'b> {
    pub(crate) fn new(bytes: &'b [u8], at: usize, with: io::ErrorKind) -> Failing<'b> {
        Failing { bytes: Cursor::new(bytes), at: at as u64, with, once: with == io::ErrorKind::Interrupted }
    }
}

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes.position() >= self.at && !buffer.is_empty() {
            if self.once {
                self.at = u64::MAX;
            }
            return Err(self.with.into());
        }
        // One byte at a time.
        let most = buffer.len().min(1);
        self.bytes.read(&mut buffer[..most])
    }
}

impl Seek for Failing<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

const KINDS: [io::ErrorKind; 6] = [
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::WouldBlock,
    io::ErrorKind::TimedOut,
    io::ErrorKind::NotConnected,
    io::ErrorKind::StaleNetworkFileHandle,
    io::ErrorKind::Other,
];

/// Reads through streams that fail after every number of bytes: the error is that of the system, or the value is the one
/// that is read otherwise, because these bytes are not needed. Interruptions and short reads do not show.
pub(crate) fn each_failure<V: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    read: impl Fn(Failing<'_>) -> Result<V, FileErrorKind>,
) {
    let value = read(Failing::new(bytes, usize::MAX, io::ErrorKind::Other)).expect("a whole file is read");
    let check = |at, with| {
        let result = read(Failing::new(bytes, at, with));
        if with == io::ErrorKind::Interrupted {
            assert_eq!(result.as_ref(), Ok(&value), "interrupted at {at}");
            return ControlFlow::Continue(());
        }
        match result {
            Err(FileErrorKind::Io { kind, .. }) => assert_eq!(kind, with, "at {at}"),
            Err(error) => panic!("{with:?} at {at} of {}: {error}", bytes.len()),
            Ok(found) => {
                assert!(at > 0 && found == value, "{with:?} at {at}: {found:?}");
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    };
    for at in 0..bytes.len() {
        let _ = check(at, io::ErrorKind::Interrupted);
        let _ = KINDS.iter().try_for_each(|&with| check(at, with));
    }
}

fn state() -> State<f32> {
    vec![("a".to_owned(), Tensor::from([1.0f32, 2.0])), ("b".to_owned(), Tensor::scalar(3.0))]
}

#[test]
fn npy_passes_failures_on() {
    let options = Options::new();
    let bytes = npy::to_bytes(&state()[0].1);
    each_failure(&bytes, |stream| npy::single::<f32>(stream, bytes.len() as u64, &options));
}

#[test]
fn safetensors_passes_failures_on() {
    let bytes = safetensors::to_bytes(&state()).expect("a state is written");
    each_failure(&bytes, |stream| safetensors::of_stream::<f32>(stream, bytes.len() as u64, &Options::new()));
}

/// Entries with and without the ending, compressed and not: none is passed over because the device failed.
#[test]
fn npz_passes_failures_on() {
    use ::zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};
    use std::io::Write;
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        for (name, (_, x)) in ["a.npy", "b"].iter().zip(state()) {
            archive.start_file(*name, options).expect("an entry is begun");
            archive.write_all(&npy::to_bytes(&x)).expect("an entry is written");
        }
        let bytes = archive.finish().expect("an archive is written").into_inner();
        each_failure(&bytes, |stream| npz::of_stream::<f32>(stream, bytes.len() as u64, &Options::new()));
        each_failure(&bytes, |stream| {
            npz::of_stream::<f32>(BufReader::new(stream), bytes.len() as u64, &Options::new())
        });
    }
}
