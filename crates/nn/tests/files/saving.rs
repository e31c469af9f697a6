//! Saving: whole or not at all, to what is a file, and nothing left behind.

use super::*;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const CHILD: &str = "NN_FILES_SAVING_CHILD";

fn state(x: f64) -> State<f64> {
    vec![("w".to_owned(), Tensor::full([1 << 16], x))]
}

/// Runs in a process of its own: saves without end.
#[test]
#[ignore = "for a_killed_save_leaves_nothing_after_the_next"]
fn save_until_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    for i in 0.. {
        files::save(&path, &state(f64::from(i))).unwrap();
    }
}

/// A process that saves to `path` until it is killed.
fn saver(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "saving::save_until_killed", "--ignored"])
        .env(CHILD, path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_killed_save_leaves_nothing_after_the_next() {
    let scratch = Scratch::new("killed");
    let path = scratch.file("state.safetensors");
    let mut left = 0;
    for i in 0..20 {
        let mut child = saver(&path);
        while !path.exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(700 * i));
        child.kill().unwrap();
        child.wait().unwrap();
        left += names(&scratch.0).len() - 1;
        let read = files::load::<f64>(&path).unwrap();
        let x = read[0].1.get([0]).unwrap();
        assert_eq!(read, state(x), "old or new, never a part");
    }
    files::save(&path, &state(-1.0)).unwrap();
    assert_eq!(names(&scratch.0), ["state.safetensors"]);
    println!("{left} temporary files were found");
}

/// The remains of a killed writer, created directly: a temporary file without a lock.
#[test]
fn abandoned_files_are_removed_and_those_of_living_writers_stay() {
    let scratch = Scratch::new("abandoned");
    let (dead, alive) = (scratch.file(".nn-write-1-0-1.tmp"), scratch.file(".nn-write-2-0-1.tmp"));
    for file in [&dead, &alive] {
        fs::write(file, b"part").unwrap();
    }
    let unrelated = [".nn-write-notes", "nn-write-1.tmp", ".other.tmp"];
    unrelated.iter().for_each(|name| fs::write(scratch.file(name), b"").unwrap());
    let writer = fs::File::open(&alive).unwrap();
    writer.lock().unwrap();
    files::write(scratch.file("a.txt"), b"new").unwrap();
    let mut expected = [&unrelated[..], &["a.txt", ".nn-write-2-0-1.tmp"]].concat();
    expected.sort_unstable();
    assert_eq!(names(&scratch.0), expected);
    drop(writer);
    files::write(scratch.file("a.txt"), b"newer").unwrap();
    assert!(!alive.exists());
}

#[test]
fn many_writers_at_once_each_write_a_whole_file() {
    let scratch = Scratch::new("together");
    let path = scratch.file("state.npz");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            scope.spawn(move || {
                (0..25).for_each(|i| files::save(path, &state(f64::from(100 * writer + i))).unwrap())
            });
        }
    });
    let read = files::load::<f64>(&path).unwrap();
    assert_eq!(read, state(read[0].1.get([0]).unwrap()));
    assert_eq!(names(&scratch.0), ["state.npz"]);
}

#[test]
fn a_name_as_long_as_the_system_allows_can_be_written() {
    let scratch = Scratch::new("long");
    let name = format!("{}.npz", "n".repeat(251));
    for x in [1.0, 2.0] {
        files::save(scratch.file(&name), &state(x)).unwrap();
        assert_eq!(files::load::<f64>(scratch.file(&name)).unwrap(), state(x));
    }
    assert_eq!(names(&scratch.0), [name]);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};

    #[test]
    fn what_is_no_file_is_refused_and_stays_what_it_is() {
        let scratch = Scratch::new("devices");
        let pipe = scratch.file("pipe.npz");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let link = scratch.file("null.npz");
        symlink("/dev/null", &link).unwrap();
        for (path, found) in
            [(pipe.as_path(), "a pipe"), (Path::new("/dev/full"), "a device"), (link.as_path(), "a device")]
        {
            let error = files::write(path, b"new").unwrap_err();
            assert_eq!(error, FileError { path: path.to_owned(), kind: FileErrorKind::NotAFile { found } });
        }
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        assert!(fs::metadata("/dev/full").unwrap().file_type().is_char_device());
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        assert_eq!(names(&scratch.0), ["null.npz", "pipe.npz"]);
    }

    #[test]
    fn a_symbolic_link_stays_and_its_file_is_replaced() {
        let scratch = Scratch::new("links");
        fs::create_dir(scratch.file("models")).unwrap();
        let file = scratch.file("models/first.npz");
        fs::write(&file, b"old").unwrap();
        // Relative, through another link, and to a file that is not there yet.
        symlink("models/first.npz", scratch.file("latest.npz")).unwrap();
        symlink(scratch.file("latest.npz"), scratch.file("again.npz")).unwrap();
        symlink("models/second.npz", scratch.file("next.npz")).unwrap();
        files::write(scratch.file("latest.npz"), b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        files::write(scratch.file("again.npz"), b"newer").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"newer");
        files::write(scratch.file("next.npz"), b"second").unwrap();
        assert_eq!(fs::read(scratch.file("models/second.npz")).unwrap(), b"second");
        for link in ["latest.npz", "again.npz", "next.npz"] {
            assert!(fs::symlink_metadata(scratch.file(link)).unwrap().is_symlink(), "{link}");
        }
        assert_eq!(names(&scratch.file("models")), ["first.npz", "second.npz"]);
        symlink("circle", scratch.file("circle")).unwrap();
        let text = files::write(scratch.file("circle"), b"").unwrap_err().to_string();
        assert!(text.ends_with("too many symbolic links"), "{text}");
    }

    #[test]
    fn another_name_of_the_file_keeps_the_old_contents() {
        let scratch = Scratch::new("hard-links");
        fs::write(scratch.file("epoch-3"), b"old").unwrap();
        fs::hard_link(scratch.file("epoch-3"), scratch.file("latest")).unwrap();
        files::write(scratch.file("latest"), b"new").unwrap();
        assert_eq!(fs::read(scratch.file("epoch-3")).unwrap(), b"old");
        assert_eq!(fs::read(scratch.file("latest")).unwrap(), b"new");
    }

    #[test]
    fn permissions_and_owner_are_kept() {
        let scratch = Scratch::new("permissions");
        let path = scratch.file("state");
        fs::write(&path, b"old").unwrap();
        // Only the superuser may give a file away.
        let given = std::os::unix::fs::chown(&path, Some(1234), Some(4321)).is_ok();
        for mode in [0o600, 0o640, 0o644, 0o444, 0o777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            files::write(&path, b"new").unwrap();
            let metadata = fs::metadata(&path).unwrap();
            assert_eq!(metadata.mode() & 0o7777, mode);
            if given {
                assert_eq!((metadata.uid(), metadata.gid()), (1234, 4321));
            }
        }
        // A new file is as the system makes one.
        fs::File::create(scratch.file("by the system")).unwrap();
        files::write(scratch.file("new"), b"").unwrap();
        let mode = |name: &str| fs::metadata(scratch.file(name)).unwrap().mode();
        assert_eq!(mode("new"), mode("by the system"));
    }
}
