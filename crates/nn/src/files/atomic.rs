//! Files that appear whole or not at all.

use super::error::{FileError, Problem};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Replaces the file at `path` by one with these contents.
///
/// The bytes go to a temporary file in the same directory (a rename across file systems would copy), are
/// flushed to the device, and take the name in one step: a reader, or whoever looks after a crash, finds the
/// old contents or the new, never a part. If anything fails the old file is untouched.
///
/// # Errors
/// Whatever the operating system refuses.
///
/// ```
/// # fn main() -> Result<(), nn::files::FileError> {
/// let path = std::env::temp_dir().join(format!("nn-write-{}.txt", std::process::id()));
/// nn::files::write(&path, b"old")?;
/// nn::files::write(&path, b"new")?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"new");
/// # std::fs::remove_file(&path).unwrap();
/// # Ok(())
/// # }
/// ```
pub fn write(path: impl AsRef<Path>, contents: &[u8]) -> Result<(), FileError> {
    let path = path.as_ref();
    replace(path, contents).map_err(|error| Problem::from(error).of(path))
}

fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    let (temporary, mut file) = create_beside(directory, name)?;
    let written = file.write_all(contents).and_then(|()| file.sync_all());
    // Closed before the rename: some systems do not rename open files.
    drop(file);
    written.and_then(|()| fs::rename(&temporary, path)).inspect_err(|_| {
        // The first failure is the one to report.
        let _ = fs::remove_file(&temporary);
    })?;
    // The name is durable once its directory is; where directories cannot be opened there is nothing to do.
    File::open(directory).map_or(Ok(()), |directory| directory.sync_all().or(Ok(())))
}

/// A new file in `directory` under a name that nobody has.
fn create_beside(directory: &Path, name: &std::ffi::OsStr) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}.{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        let path = directory.join(temporary);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            result => return result.map(|file| (path, file)),
        }
    }
}
