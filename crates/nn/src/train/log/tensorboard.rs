//! Event files of TensorBoard.
//!
//! A file is a sequence of records: the length of the data in 8 bytes, its checksum in 4, the data, its checksum. The data of a
//! record is a message `Event` in the encoding of Protocol Buffers; of its fields, those of a scalar are written. Numbers are
//! little-endian. (`tensorflow/core/lib/io/record_writer.h`, `tensorboard/compat/proto/{event,summary}.proto`.)

use super::{Sink, Whole, failed};
use crate::files::FileError;
use crc::{CRC_32_ISCSI, Crc};
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// An open file.
pub(super) struct Events {
    path: PathBuf,
    records: Whole,
}

impl Events {
    pub(super) fn create(directory: &Path) -> Result<Events, FileError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
        let (now, process) = (now(), std::process::id());
        loop {
            // Files are read in the order of their names.
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("events.out.tfevents.{:010}.nn.{process}.{next}", now as u64);
            let path = directory.join(name);
            let file = match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                file => file.map_err(|error| failed(&path, error))?,
            };
            let mut events = Events { path, records: Whole { file, end: 0 } };
            events.append(&version(now))?;
            return Ok(events);
        }
    }

    fn append(&mut self, event: &[u8]) -> Result<(), FileError> {
        self.records.append(&record(event)).map_err(|error| failed(&self.path, error))
    }
}

impl Sink for Events {
    fn write(&mut self, step: usize, name: &str, value: f64) -> Result<(), FileError> {
        self.append(&scalar(now(), step, name, value as f32))
    }

    fn finish(&mut self) -> Result<(), FileError> {
        self.records.file.sync_all().map_err(|error| failed(&self.path, error))
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// A record with these data.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &checksum(&length), data, &checksum(data)].concat()
}

/// The checksum of a record, "masked": checksums of data that contain checksums are weak.
fn checksum(data: &[u8]) -> [u8; 4] {
    const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
    CRC.checksum(data).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// The first event of a file: `Event { double wall_time = 1; string file_version = 3; }`.
fn version(wall_time: f64) -> Vec<u8> {
    let mut event = Vec::new();
    double(&mut event, 1, wall_time);
    bytes(&mut event, 3, b"brain.Event:2");
    event
}

/// `Event { double wall_time = 1; int64 step = 2; Summary summary = 5; }` with
/// `Summary { repeated Value value = 1; }` and `Value { string tag = 1; float simple_value = 2; }`.
fn scalar(wall_time: f64, step: usize, tag: &str, simple_value: f32) -> Vec<u8> {
    let mut value = Vec::new();
    bytes(&mut value, 1, tag.as_bytes());
    float(&mut value, 2, simple_value);
    let mut summary = Vec::new();
    bytes(&mut summary, 1, &value);
    let mut event = Vec::new();
    double(&mut event, 1, wall_time);
    // A field that is 0 is not written.
    if step > 0 {
        key(&mut event, 2, 0);
        varint(&mut event, i64::try_from(step).unwrap_or(i64::MAX) as u64);
    }
    bytes(&mut event, 5, &summary);
    event
}

/// The number of a field and the type of its encoding.
fn key(message: &mut Vec<u8>, field: u64, wire_type: u64) {
    varint(message, field << 3 | wire_type);
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

fn double(message: &mut Vec<u8>, field: u64, value: f64) {
    key(message, field, 1);
    message.extend(value.to_le_bytes());
}

fn float(message: &mut Vec<u8>, field: u64, value: f32) {
    key(message, field, 5);
    message.extend(value.to_le_bytes());
}

fn bytes(message: &mut Vec<u8>, field: u64, value: &[u8]) {
    key(message, field, 2);
    varint(message, value.len() as u64);
    message.extend(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tests/reference/make_events.py`, by tensorboardX 2.6.5.
    const REFERENCE: &[u8] =
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files/other/events.tfevents"));

    #[test]
    fn events_are_those_of_tensorboard_byte_for_byte() {
        let mut file = record(&version(1_700_000_000.0));
        for (wall_time, step, tag, value) in [
            (1_700_000_000.25, 0, "loss", 0.5),
            (1_700_000_000.5, 1, "loss", 0.0),
            (1_700_000_001.0, 127, "validation", -1.5),
            (1_700_000_001.5, 128, "learning rate", 1e-3),
            (1_700_000_002.0, 1 << 31, "é/数", f64::INFINITY),
            (1_700_000_002.5, (1 << 40) + 3, &"n".repeat(200), 16_777_217.0),
        ] {
            file.extend(record(&scalar(wall_time, step, tag, value as f32)));
        }
        assert_eq!(file, REFERENCE);
    }

    #[test]
    fn the_checksum_is_castagnolis() {
        const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
        assert_eq!(CRC.checksum(b"123456789"), 0xe306_9283);
        // RFC 3720, B.4: 32 bytes of 0.
        assert_eq!(CRC.checksum(&[0; 32]), 0x8a91_36aa);
    }
}
