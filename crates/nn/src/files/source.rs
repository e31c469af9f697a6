//! Sources of bytes: regular files, and streams of limited length.

use super::error::{FileError, FileErrorKind};
use super::limits::{Limits, at_most};
use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::path::Path;

/// The kind of a file that is not regular.
fn kind(found: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if found.is_fifo() {
            return "a pipe";
        }
        if found.is_socket() {
            return "a socket";
        }
        if found.is_char_device() || found.is_block_device() {
            return "a device";
        }
    }
    if found.is_dir() { "a directory" } else { "something else" }
}

/// Refuses anything but a regular file: a device has no end, a pipe may block forever, and neither can be
/// replaced.
pub(crate) fn regular(found: FileType) -> Result<(), FileErrorKind> {
    if found.is_file() { Ok(()) } else { Err(FileErrorKind::NotAFile { found: kind(found) }) }
}

/// Opens a regular file within the limits, and returns it with its length.
pub(crate) fn open(path: &Path, limits: &Limits) -> Result<(File, u64), FileErrorKind> {
    // Checked before opening, because opening a pipe blocks.
    regular(fs::metadata(path)?.file_type())?;
    let file = File::open(path)?;
    // And after, because the name may refer to something else by now.
    let metadata = file.metadata()?;
    regular(metadata.file_type())?;
    limits.check_bytes(metadata.len())?;
    Ok((file, metadata.len()))
}

/// The contents of a regular file.
pub(crate) fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, FileError> {
    let all = || -> Result<Vec<u8>, FileErrorKind> {
        let (file, length) = open(path, limits)?;
        let mut bytes = Vec::new();
        reserve(&mut bytes, length)?;
        // It may grow while it is read.
        file.take(limits.bytes.saturating_add(1)).read_to_end(&mut bytes)?;
        limits.check_bytes(bytes.len() as u64)?;
        Ok(bytes)
    };
    all().map_err(|kind| kind.of(path))
}

/// Reserves room for this many more elements, or returns an error.
pub(crate) fn reserve<N>(list: &mut Vec<N>, more: u64) -> Result<(), FileErrorKind> {
    let room = usize::try_from(more).ok().filter(|&more| list.try_reserve_exact(more).is_ok());
    room.map(|_| ()).ok_or_else(|| FileErrorKind::TooLarge { shape: vec![more] })
}

/// Reads up to `count` bytes: fewer if the stream ends.
pub(crate) fn up_to(reader: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    // Reserves no more than a chunk in advance: the count may be false.
    let mut bytes = Vec::with_capacity(count.min(1 << 16) as usize);
    reader.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns `true` if the stream goes on. At the end of a compressed stream this verifies its checksum.
pub(crate) fn goes_on(reader: &mut impl Read) -> io::Result<bool> {
    Ok(!up_to(reader, 1)?.is_empty())
}

/// Returns `true` if an error of reading is about the contents of a compressed stream, and not about the device.
pub(crate) fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

/// The number of bytes that one file may inflate to, shared by all its streams.
pub(crate) struct Budget {
    limit: u64,
    spent: u64,
}

impl Budget {
    /// The budget of a file of this many compressed bytes.
    pub(crate) fn new(limits: &Limits, compressed: u64) -> Budget {
        Budget { limit: limits.inflated(compressed), spent: 0 }
    }

    /// The remaining budget.
    pub(crate) fn left(&self) -> u64 {
        self.limit - self.spent
    }

    /// Returns an error unless there is room for this many more bytes.
    pub(crate) fn allows(&self, more: u64) -> Result<(), FileErrorKind> {
        at_most("inflated bytes", self.limit, self.spent.saturating_add(more))
    }

    /// The stream, which fails once the budget is spent.
    pub(crate) fn of<R: Read>(&mut self, reader: R) -> Inflating<'_, R> {
        Inflating { reader, budget: self }
    }
}

/// A stream that counts inflated bytes.
pub(crate) struct Inflating<'b, R> {
    reader: R,
    pub(crate) budget: &'b mut Budget,
}

impl<R: Read> Read for Inflating<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // One byte more than there is room for, to tell the end of the stream from an excess.
        let most = usize::try_from(self.budget.left()).unwrap_or(usize::MAX).saturating_add(1);
        let most = most.min(buffer.len());
        let read = self.reader.read(&mut buffer[..most])? as u64;
        self.budget.allows(read).map_err(io::Error::other)?;
        self.budget.spent += read;
        Ok(read as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_ends_in_an_error_where_the_budget_does() {
        let limits = Limits { bytes: 10, ..Limits::default() };
        let mut budget = Budget::new(&limits, 1000);
        assert_eq!(up_to(&mut budget.of(&[1; 6][..]), 100).unwrap().len(), 6);
        assert_eq!((budget.left(), budget.allows(4)), (4, Ok(())));
        assert_eq!(up_to(&mut budget.of(&[1; 4][..]), 100).unwrap().len(), 4);
        let error = up_to(&mut budget.of(&[1; 4][..]), 100).unwrap_err();
        let expected = FileErrorKind::Limit { what: "inflated bytes", limit: 10, found: 11 };
        assert_eq!(FileErrorKind::from(error), expected);
    }

    #[test]
    fn memory_that_there_is_not_is_an_error() {
        assert!(reserve(&mut Vec::<u64>::new(), u64::MAX / 8).is_err());
        assert!(reserve(&mut Vec::<u64>::new(), 10).is_ok());
    }
}
