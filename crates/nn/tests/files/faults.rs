//! Faults on disk: a killed writer, a full disk, a limit on the size of files, no permission, several writers. The file has
//! its old contents or the new ones, and nothing is left behind.

use super::*;
use nn::checkpoint::Checkpoint;
use nn::data::{Idx, IdxData};
use nn::train::EventLog;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

const CHILD: &str = "NN_FILES_FAULTS_CHILD";
const WRITER: &str = "NN_FILES_FAULTS_WRITER";

/// A writer: the name of the file, and what writes it in the state `x`.
type Writer = (&'static str, fn(&Path, f64) -> Result<(), FileError>);

/// Every writer of files of this crate. (The pictures of `nn-plot` are written by `files::write` too.)
const WRITERS: [Writer; 7] = [
    ("state.safetensors", |path, x| files::save(path, &state(x))),
    ("state.npz", |path, x| files::save(path, &state(x))),
    ("tensor.npy", |path, x| npy::save(path, &state(x)[0].1)),
    ("model.safetensors", |path, x| nn::save(path, &nn::Param::new(state(x)[0].1.clone()))),
    ("run.safetensors", |path, x| {
        let mut checkpoint = Checkpoint::new();
        checkpoint.put_model("model", &nn::Param::new(state(x)[0].1.clone()));
        checkpoint.set_meta("epoch", x);
        checkpoint.save(path)
    }),
    ("images.idx", |path, x| Idx::new([512], IdxData::F64(vec![x; 512])).unwrap().write(path)),
    ("notes.txt", |path, x| files::write(path, x.to_string().repeat(1000).as_bytes())),
];

fn state(x: f64) -> State<f64> {
    vec![("w".to_owned(), Tensor::full([512], x))]
}

/// The bytes that a writer writes in the state `x`.
fn written(writer: &Writer, x: f64) -> Vec<u8> {
    let scratch = Scratch::new(&format!("written-{}-{x}", writer.0));
    let path = scratch.file(writer.0);
    writer.1(&path, x).unwrap();
    fs::read(path).unwrap()
}

/// Runs in a process of its own: writes state 2 once, or without end, or to a log.
#[test]
#[ignore = "for the other tests of faults"]
fn write_in_a_child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let writer = std::env::var(WRITER).unwrap();
    let path = Path::new(&path);
    if writer == "log" {
        let mut log = EventLog::csv(path).unwrap();
        (0..1000).for_each(|step| log.write(step, "loss", 0.5));
        println!("error: {}", log.finish().unwrap_err());
        return;
    }
    let writer = WRITERS[writer.parse::<usize>().unwrap()];
    match std::env::var("NN_FILES_FAULTS_FOREVER") {
        Ok(_) => loop {
            [1.0, 2.0].into_iter().for_each(|x| writer.1(path, x).unwrap());
        },
        Err(_) => match writer.1(path, 2.0) {
            Ok(()) => println!("written"),
            Err(error) => println!("error: {error}"),
        },
    }
}

/// The command that writes in a child, after some words of a shell.
fn child(before: &str, writer: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    let program = std::env::current_exe().unwrap();
    command.arg("-c").arg(format!("{before} exec \"$0\" \"$@\"")).arg(program);
    command.args(["--exact", "faults::write_in_a_child", "--ignored", "--nocapture"]);
    command.env(CHILD, path).env(WRITER, writer);
    command
}

/// Runs a child, and returns how it ended, and the error that it printed.
fn run(before: &str, writer: &str, path: &Path) -> (ExitStatus, Option<String>) {
    let output = child(before, writer, path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = text.split("error: ").nth(1).and_then(|text| text.lines().next()).map(str::to_owned);
    assert!(error.is_some() || text.contains("written") || !output.status.success(), "{text}");
    (output.status, error)
}

/// Kills of each writer, at moments that are spread over a write.
#[test]
fn every_writer_that_is_killed_leaves_the_old_file_or_the_new_one() {
    let mut left = 0;
    for (i, writer) in WRITERS.iter().enumerate() {
        let contents = [written(writer, 1.0), written(writer, 2.0)];
        let scratch = Scratch::new(&format!("killed-{i}"));
        let path = scratch.file(writer.0);
        writer.1(&path, 1.0).unwrap();
        for kill in 0..5 {
            let mut command = child("", &i.to_string(), &path);
            command.env("NN_FILES_FAULTS_FOREVER", "1").stdout(Stdio::null());
            let mut child = command.spawn().unwrap();
            std::thread::sleep(Duration::from_micros(20_000 + 3700 * kill));
            child.kill().unwrap();
            child.wait().unwrap();
            left += names(&scratch.0).len() - 1;
            assert!(contents.contains(&fs::read(&path).unwrap()), "{}: a part of a file", writer.0);
        }
        writer.1(&path, 1.0).unwrap();
        assert_eq!(names(&scratch.0), [writer.0], "what was left is removed by the next writer");
    }
    println!("{} kills, {left} temporary files were found", 5 * WRITERS.len());
}

/// With a limit on the size of files, after any number of bytes: an error of the system, or the end of the process.
#[test]
#[cfg(unix)]
fn a_write_that_fails_after_any_number_of_bytes_leaves_the_old_file() {
    if !Command::new("prlimit").arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: there is no `prlimit`, so that no write was made to fail");
        return;
    }
    let program = std::env::current_exe().unwrap();
    assert!(program.is_file());
    for (i, writer) in WRITERS.iter().enumerate() {
        let (old, new) = (written(writer, 1.0), written(writer, 2.0));
        let scratch = Scratch::new(&format!("limit-{i}"));
        let path = scratch.file(writer.0);
        fs::write(&path, &old).unwrap();
        let short = new.len() as u64 - 1;
        for limit in [0, 1, 100, short / 2, short] {
            // The signal that a process gets beyond the limit is ignored, so that the write returns an error.
            let before = format!("trap '' XFSZ; prlimit --pid $$ --fsize={limit}:;");
            let (status, error) = run(&before, &i.to_string(), &path);
            let error = error.unwrap_or_else(|| panic!("{}: written beyond {limit} bytes", writer.0));
            assert!(status.success(), "{}: {status}", writer.0);
            assert!(
                error.starts_with(&format!("{}: ", path.display())) && error.contains("too large"),
                "{error}"
            );
            assert_eq!(fs::read(&path).unwrap(), old, "{}", writer.0);
            assert_eq!(names(&scratch.0), [writer.0], "nothing is left behind");
        }
        // Where the signal is not ignored, it ends the process like a kill.
        let before = format!("ulimit -c 0; prlimit --pid $$ --fsize={short}:;");
        let (status, error) = run(&before, &i.to_string(), &path);
        assert!(!status.success() && error.is_none(), "{}: {status}", writer.0);
        assert_eq!(fs::read(&path).unwrap(), old, "{}", writer.0);
        let (status, error) =
            run(&format!("prlimit --pid $$ --fsize={}:;", new.len()), &i.to_string(), &path);
        assert!(status.success() && error.is_none(), "{}: {error:?}", writer.0);
        assert_eq!(fs::read(&path).unwrap(), new);
        assert_eq!(names(&scratch.0), [writer.0], "what was left is removed by the next writer");
    }
    // A log is written as it grows: it ends with a whole row, and the error is told at the end.
    let scratch = Scratch::new("limit-log");
    let path = scratch.file("log.csv");
    for limit in [16, 20, 27, 28, 29, 100, 1003] {
        let (_, error) = run(&format!("trap '' XFSZ; prlimit --pid $$ --fsize={limit}:;"), "log", &path);
        let error = error.unwrap();
        assert!(error.starts_with(&path.display().to_string()) && error.contains("too large"), "{error}");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.len() <= limit && text.ends_with('\n'), "limit {limit}: {text:?}");
        let whole = (0..).map(|step| format!("{step},loss,0.5\n"));
        let whole: String = std::iter::once("step,name,value\n".to_owned()).chain(whole.take(1000)).collect();
        assert!(whole.starts_with(&text), "{text:?}");
    }
}

/// A file system of 64 KiB, where the test may mount one.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_leaves_the_old_file() {
    let scratch = Scratch::new("full");
    let mounted = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    if !mounted(Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&scratch.0)) {
        println!("SKIPPED: no file system can be mounted, so that no write met a full disk");
        return;
    }
    // Unmounted even if an assertion fails.
    struct Mounted<'s>(&'s Path);
    impl Drop for Mounted<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0).status();
        }
    }
    let _mounted = Mounted(&scratch.0);
    for writer in &WRITERS {
        let path = scratch.file(writer.0);
        writer.1(&path, 1.0).unwrap();
        let old = fs::read(&path).unwrap();
        let filler = scratch.file("filler");
        let _ = fs::write(&filler, vec![0; 1 << 16]);
        let error = writer.1(&path, 2.0).unwrap_err();
        assert_eq!(error.path, path);
        let full =
            matches!(&error.kind, FileErrorKind::Io { kind, .. } if *kind == std::io::ErrorKind::StorageFull);
        assert!(full, "{error}");
        assert_eq!(fs::read(&path).unwrap(), old);
        assert_eq!(names(&scratch.0).len(), 2, "nothing is left behind: {:?}", names(&scratch.0));
        fs::remove_file(&filler).unwrap();
        writer.1(&path, 2.0).unwrap();
        assert_ne!(fs::read(&path).unwrap(), old);
        fs::remove_file(&path).unwrap();
    }
    // A log goes on without writing, keeps whole rows, and can be continued when there is room again.
    let path = scratch.file("log.csv");
    let filler = scratch.file("filler");
    let mut log = EventLog::csv(&path).unwrap();
    let _ = fs::write(&filler, vec![0; 1 << 16]);
    (0..2000).for_each(|step| log.write(step, "loss", 0.5));
    assert!(log.error().is_some_and(|error| error.path == path));
    fs::remove_file(&filler).unwrap();
    let error = log.finish().unwrap_err();
    assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
    let before = fs::read_to_string(&path).unwrap();
    assert!(before.ends_with('\n'), "{before:?}");
    let mut log = EventLog::csv_append(&path).unwrap();
    log.write(1, "loss", 0.5);
    log.finish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), before + "1,loss,0.5\n");
}

/// Places where no user may write, whatever the permissions: below a file, in a missing directory, in /proc.
#[test]
fn where_nothing_may_be_written_the_error_names_the_file() {
    let scratch = Scratch::new("forbidden");
    fs::write(scratch.file("file"), b"old").unwrap();
    let mut places = vec![(scratch.file("file"), "file"), (scratch.file("missing"), "missing")];
    if Path::new("/proc/self/status").exists() {
        places.push((PathBuf::from("/proc/self"), "proc"));
    }
    let locked = scratch.file("locked");
    fs::create_dir(&locked).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&locked, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    if fs::write(locked.join("probe"), b"").is_err() {
        places.push((locked.clone(), "locked"));
    } else {
        println!("SKIPPED: this user may write anywhere, so that no permission was missing");
        fs::remove_file(locked.join("probe")).unwrap();
    }
    for (directory, place) in &places {
        for writer in &WRITERS {
            let path = directory.join(writer.0);
            let error = writer.1(&path, 1.0).unwrap_err();
            assert_eq!(error.path, path, "{place}");
            let typed = matches!(error.kind, FileErrorKind::NotFound | FileErrorKind::Io { .. });
            assert!(typed && error.to_string().starts_with(&path.display().to_string()), "{place}: {error}");
        }
        let error = EventLog::csv(directory.join("log.csv")).unwrap_err();
        assert_eq!(error.path, directory.join("log.csv"), "{place}");
    }
    assert_eq!(fs::read(scratch.file("file")).unwrap(), b"old");
    assert_eq!(names(&scratch.0), ["file", "locked"]);
    assert!(names(&locked).is_empty());
}

/// Two writers of each kind, in two processes.
#[test]
fn two_processes_at_once_each_write_a_whole_file() {
    for (i, writer) in WRITERS.iter().enumerate() {
        let contents = [written(writer, 1.0), written(writer, 2.0)];
        let scratch = Scratch::new(&format!("two-{i}"));
        let path = scratch.file(writer.0);
        writer.1(&path, 1.0).unwrap();
        let start = || {
            let mut command = child("", &i.to_string(), &path);
            command.env("NN_FILES_FAULTS_FOREVER", "1").stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().unwrap()
        };
        let mut children = [start(), start()];
        for _ in 0..40 {
            assert!(contents.contains(&fs::read(&path).unwrap()), "{}: a part of a file", writer.0);
            std::thread::sleep(Duration::from_millis(2));
        }
        for child in &mut children {
            assert!(child.try_wait().unwrap().is_none(), "{}: no writer disturbs the other", writer.0);
            child.kill().unwrap();
            child.wait().unwrap();
        }
        writer.1(&path, 2.0).unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), names(&scratch.0)),
            (contents[1].clone(), vec![writer.0.to_owned()])
        );
    }
}
