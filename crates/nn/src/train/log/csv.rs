//! Rows of a CSV file.

use super::{Sink, Whole, failed, open};
use crate::files::{FileError, FileErrorKind};
use ::csv::Writer;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const HEADER: &str = "step,name,value\n";

/// An open file.
pub(super) struct Rows {
    path: PathBuf,
    rows: Whole,
}

impl Rows {
    pub(super) fn create(path: &Path) -> Result<Rows, FileError> {
        let file = open(path, OpenOptions::new().write(true).create(true).truncate(true));
        Rows::begin(path, file.map_err(|kind| kind.of(path))?)
    }

    pub(super) fn append(path: &Path) -> Result<Rows, FileError> {
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut file = open(path, &options).map_err(|kind| kind.of(path))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(|error| failed(path, error))?;
        if HEADER.as_bytes().starts_with(&text) && text.len() < HEADER.len() {
            // Nothing, or the beginning of a header.
            file.set_len(0).and_then(|()| file.rewind()).map_err(|error| failed(path, error))?;
            return Rows::begin(path, file);
        }
        if !text.starts_with(HEADER.as_bytes()) {
            let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let found = first.iter().copied().take(HEADER.len()).collect();
            return Err(FileErrorKind::Magic { expected: "the columns step,name,value", found }.of(path));
        }
        let end = complete(&text) as u64;
        file.set_len(end)
            .and_then(|()| file.seek(SeekFrom::Start(end)))
            .map_err(|error| failed(path, error))?;
        Ok(Rows { path: path.to_owned(), rows: Whole { file, end } })
    }

    fn begin(path: &Path, file: File) -> Result<Rows, FileError> {
        let mut rows = Rows { path: path.to_owned(), rows: Whole { file, end: 0 } };
        let [step, name, value] = ["step", "name", "value"];
        rows.record([step, name, value])?;
        Ok(rows)
    }

    fn record(&mut self, fields: [&str; 3]) -> Result<(), FileError> {
        let mut row = Writer::from_writer(Vec::new());
        let row = row.write_record(fields).map_err(std::io::Error::from).and_then(|()| {
            // Hands over the bytes, which are in memory.
            row.into_inner().map_err(|error| error.into_error())
        });
        row.and_then(|row| self.rows.append(&row)).map_err(|error| failed(&self.path, error))
    }
}

impl Sink for Rows {
    fn write(&mut self, step: usize, name: &str, value: f64) -> Result<(), FileError> {
        self.record([&step.to_string(), name, &value.to_string()])
    }

    fn finish(&mut self) -> Result<(), FileError> {
        self.rows.file.sync_all().map_err(|error| failed(&self.path, error))
    }
}

/// The length of the rows that were written in full: a line break inside quotes ends none.
fn complete(text: &[u8]) -> usize {
    let (mut quoted, mut end) = (false, 0);
    for (i, byte) in text.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => end = i + 1,
            _ => {}
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::complete;

    #[test]
    fn rows_end_outside_quotes() {
        assert_eq!(complete(b"a,b\n1,2\n3"), 8);
        assert_eq!(complete(b"1,\"a\nb\",2\n3,\"a\nb"), 10);
        assert_eq!(complete(b""), 0);
    }
}
