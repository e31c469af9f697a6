//! Event logs of training are read back.

use nn::data::{Dataset, Loader};
use nn::files::FileErrorKind;
use nn::optim::Sgd;
use nn::train::{EventLog, Report, Trainer};
use nn::{Linear, loss};
use rand::{SeedableRng, rngs::StdRng};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use tape::Tensor;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// An empty directory of this test.
fn directory(test: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("nn-log-{test}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Three epochs of a line.
fn train(log: &mut EventLog) -> Report {
    let mut rng = StdRng::seed_from_u64(0);
    let x: Tensor = Tensor::from_fn([8, 1], |i| i[0] as f64 / 8.0);
    let data = Dataset::new(x.clone(), x.map_elements(|x| 1.0 - x)).unwrap();
    let mut model = Linear::from_values([[0.0]], [0.0]);
    let (mut optimizer, mut loader) = (Sgd::new(0.1), Loader::new(&data, 4).unwrap());
    let trainer = Trainer::new(3).validation(&data).callback(log);
    let report = trainer
        .run(&mut model, &mut optimizer, &mut loader, &mut rng, |a, y| loss::squared_error(a, y).mean());
    report.unwrap()
}

/// The metrics of a report as events.
fn events(report: &Report) -> Vec<(usize, String, f64)> {
    let history = &report.history;
    let row = |epoch: usize| {
        let metrics =
            history.names().iter().map(move |name| (name.clone(), history.get(name).unwrap()[epoch - 1]));
        metrics.chain([("learning rate".to_owned(), 0.1)]).map(move |(name, value)| (epoch, name, value))
    };
    (1..=history.len()).flat_map(row).collect()
}

#[test]
fn a_csv_file_has_the_values_of_the_history() {
    let directory = directory("csv");
    let path = directory.join("run.csv");
    let mut log = EventLog::csv(&path).unwrap();
    let expected = events(&train(&mut log));
    log.finish().unwrap();
    let text = text(&path);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("step,name,value"));
    let parsed = lines.map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].parse().unwrap(), fields[1].to_owned(), fields[2].parse().unwrap())
    });
    assert_eq!(parsed.collect::<Vec<(usize, String, f64)>>(), expected);
    assert_eq!(expected.len(), 9);
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_file_is_continued_after_its_last_full_row() {
    let directory = directory("append");
    let path = directory.join("run.csv");
    for (begin, end) in [
        ("", "step,name,value\n"),
        ("step,na", "step,name,value\n"),
        ("step,name,value\n", "step,name,value\n"),
        ("step,name,value\n1,loss,0.5\n2,lo", "step,name,value\n1,loss,0.5\n"),
        ("step,name,value\n1,\"a\nb\",0.5\n2,\"a\n", "step,name,value\n1,\"a\nb\",0.5\n"),
    ] {
        std::fs::write(&path, begin).unwrap();
        let mut log = EventLog::csv_append(&path).unwrap();
        log.write(3, "loss", 0.1);
        log.finish().unwrap();
        assert_eq!(text(&path), format!("{end}3,loss,0.1\n"));
    }
    std::fs::write(&path, "epoch,loss\n1,0.5\n").unwrap();
    let error = EventLog::csv_append(&path).unwrap_err();
    assert!(matches!(&error.kind, FileErrorKind::Magic { found, .. } if found == b"epoch,loss"), "{error}");
    assert!(error.to_string().contains("step,name,value"), "{error}");
    assert_eq!(text(&path), "epoch,loss\n1,0.5\n");
    EventLog::csv(&path).unwrap().finish().unwrap();
    assert_eq!(text(&path), "step,name,value\n");
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn only_regular_files_are_written() {
    let directory = directory("refused");
    for log in [EventLog::csv(&directory), EventLog::csv_append(&directory)] {
        let error = log.unwrap_err();
        assert_eq!(error.kind, FileErrorKind::NotAFile { found: "a directory" });
    }
    let missing = EventLog::csv(directory.join("no/run.csv")).unwrap_err();
    assert_eq!(missing.kind, FileErrorKind::NotFound);
    let file = directory.join("file");
    std::fs::write(&file, "").unwrap();
    assert!(EventLog::tensorboard(file.join("run")).is_err());
    std::fs::remove_dir_all(directory).unwrap();
}

/// The variable with the directory of the program that is killed.
const KILLED: &str = "NN_LOG_OF_A_KILLED_RUN";

#[test]
#[ignore = "the other half of `a_killed_run_keeps_what_it_wrote`"]
fn killed() {
    let Some(directory) = std::env::var_os(KILLED).map(PathBuf::from) else { return };
    let mut log = EventLog::csv(directory.join("run.csv")).unwrap();
    log = log.and(EventLog::tensorboard(&directory).unwrap());
    for step in 1..=3 {
        log.write(step, "loss", 1.0 / step as f64);
    }
    std::process::abort();
}

#[test]
fn a_killed_run_keeps_what_it_wrote() {
    let directory = directory("killed");
    let mut program = Command::new(std::env::current_exe().unwrap());
    let ended = program.args(["--exact", "killed", "--ignored"]).env(KILLED, &directory).output().unwrap();
    assert!(!ended.status.success());
    assert_eq!(text(&directory.join("run.csv")).lines().count(), 4);
    let scalars = scalars(&board(&directory));
    assert_eq!(scalars.len(), 3);
    assert_eq!(scalars[2], (3, "loss".to_owned(), 1.0 / 3.0));
    std::fs::remove_dir_all(directory).unwrap();
}

/// The only event file of a directory.
fn board(directory: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let is_board = |path: &PathBuf| path.to_string_lossy().contains("events.out.tfevents.");
    let files: Vec<PathBuf> = files.filter(is_board).collect();
    assert_eq!(files.len(), 1);
    std::fs::read(&files[0]).unwrap()
}

/// CRC-32C bit by bit, "masked" as in TensorFlow's records.
fn checksum(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in data {
        crc ^= u32::from(byte);
        (0..8).for_each(|_| crc = crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 });
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Takes this many bytes.
fn take<'a>(bytes: &mut &'a [u8], n: usize) -> &'a [u8] {
    let (head, tail) = bytes.split_at(n);
    *bytes = tail;
    head
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = take(bytes, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// The fields of a message: the number, and the value as an integer or as bytes.
fn fields(mut message: &[u8]) -> Vec<(u64, u64, &[u8])> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let (integer, bytes) = match key & 7 {
            0 => (varint(&mut message), &[][..]),
            1 => (0, take(&mut message, 8)),
            2 => {
                let length = varint(&mut message) as usize;
                (0, take(&mut message, length))
            }
            5 => (0, take(&mut message, 4)),
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, integer, bytes));
    }
    fields
}

/// Steps, names and values of an event file, whose checksums are right.
fn scalars(mut file: &[u8]) -> Vec<(usize, String, f32)> {
    let mut scalars = Vec::new();
    let mut first = true;
    while !file.is_empty() {
        let length = take(&mut file, 8);
        assert_eq!(take(&mut file, 4), checksum(length).to_le_bytes());
        let data = take(&mut file, u64::from_le_bytes(length.try_into().unwrap()) as usize);
        assert_eq!(take(&mut file, 4), checksum(data).to_le_bytes());
        let event = fields(data);
        assert!(f64::from_le_bytes(event[0].2.try_into().unwrap()) > 1.7e9, "a time of this century");
        if first {
            assert_eq!(event[1], (3, 0, &b"brain.Event:2"[..]));
            first = false;
            continue;
        }
        let step = event.iter().find(|field| field.0 == 2).map_or(0, |field| field.1 as usize);
        let summary = event.iter().find(|field| field.0 == 5).unwrap().2;
        let value = fields(fields(summary)[0].2);
        let name = String::from_utf8(value[0].2.to_vec()).unwrap();
        scalars.push((step, name, f32::from_le_bytes(value[1].2.try_into().unwrap())));
    }
    scalars
}

#[test]
fn event_files_have_the_values_of_the_history() {
    let directory = directory("board");
    let below = directory.join("runs/first");
    let mut log = EventLog::tensorboard(&below).unwrap();
    let expected = events(&train(&mut log));
    log.write(0, "é", f64::NEG_INFINITY);
    log.finish().unwrap();
    let mut found = scalars(&board(&below));
    assert_eq!(found.pop(), Some((0, "é".to_owned(), f32::NEG_INFINITY)));
    let rounded = expected.into_iter().map(|(step, name, value)| (step, name, value as f32));
    assert_eq!(found, rounded.collect::<Vec<_>>());
    // A second log of the same second is another file.
    EventLog::tensorboard(&below).unwrap().finish().unwrap();
    assert_eq!(std::fs::read_dir(&below).unwrap().count(), 2);
    std::fs::remove_dir_all(directory).unwrap();
}

/// The events of `nn::train`, as text.
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A subscriber that keeps them.
struct Keeper;

/// The fields of an event.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!(" {}={value:?}", field.name());
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "nn::train"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(event.metadata().level().to_string());
        event.record(&mut fields);
        SEEN.lock().unwrap().push(fields.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_subscriber_gets_each_value() {
    tracing::subscriber::set_global_default(Keeper).unwrap();
    let mut log = EventLog::tracing();
    log.write(3, "loss", 0.25);
    log.write(4, "a \"name\"", f64::NAN);
    log.finish().unwrap();
    let seen = SEEN.lock().unwrap();
    assert_eq!(
        seen[..],
        ["INFO step=3 name=\"loss\" value=0.25", "INFO step=4 name=\"a \\\"name\\\"\" value=NaN"]
    );
}
