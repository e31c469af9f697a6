//! Atomic writing of files.

use super::error::{FileError, FileErrorKind};
use super::source::regular;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The prefix and suffix of the name of a temporary file, which is short whatever the file is called.
const TEMPORARY: (&str, &str) = (".nn-write-", ".tmp");

/// The maximum number of symbolic links followed from one name, as on Linux.
const MOST_LINKS: usize = 40;

/// Replaces the file at `path` atomically by one with these contents.
///
/// The bytes go to a temporary file in the same directory (a rename across file systems would copy), are
/// flushed to the device, and get the name in one step: a reader, even after a crash, finds the old contents
/// or the new, never a part. If anything fails, the old file is untouched.
///
/// - Permissions are kept, and owner and group where the system permits.
/// - A symbolic link is kept, and its target replaced.
/// - If the file has several names (hard links), this one gets the new contents and the others keep the old:
///   a copy made by `cp -l` is unchanged.
/// - Anything but a regular file, such as a directory, a device or a pipe, is refused.
/// - A killed writer leaves its temporary file, `.nn-write-*.tmp`, which the next writer in that directory
///   removes. A file that is still being written is locked and kept. (On file systems without locks,
///   temporary files are left.)
///
/// # Errors
/// A path to anything but a regular file, or any error of the operating system.
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
    replace(path, contents).map_err(|kind| kind.of(path))
}

fn replace(path: &Path, contents: &[u8]) -> Result<(), FileErrorKind> {
    let path = follow(path)?;
    let old = match fs::metadata(&path) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    if let Some(old) = &old {
        regular(old.file_type())?;
    }
    if path.file_name().is_none() {
        return Err(io::Error::other("the path does not name a file").into());
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    remove_abandoned(directory);
    let mut temporary = Temporary::create(directory, old.as_ref())?;
    temporary.file.write_all(contents)?;
    temporary.file.sync_all()?;
    fs::rename(&temporary.path, &path)?;
    temporary.renamed = true;
    // The name is durable once its directory is; where directories cannot be opened, nothing can be done.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(())
}

/// The end of a chain of symbolic links, which need not exist.
fn follow(path: &Path) -> Result<PathBuf, FileErrorKind> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            // Relative to the directory that the link is in.
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links").into())
}

/// A new file with an unused name, locked while its writer lives, and removed unless renamed.
struct Temporary {
    path: PathBuf,
    file: File,
    renamed: bool,
}

impl Temporary {
    /// Creates a file beside the one it will replace, with permissions no wider.
    fn create(directory: &Path, old: Option<&Metadata>) -> io::Result<Temporary> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            let (process, next) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let (begin, end) = TEMPORARY;
            let path = directory.join(format!("{begin}{process}-{next}-{now:x}{end}"));
            let file = match new_file(&path, old.is_some()) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                result => result?,
            };
            // Where there are no locks, the file is not taken for abandoned either.
            let _ = file.lock();
            let temporary = Temporary { path, file, renamed: false };
            // Before it was locked, another writer may have taken it for abandoned.
            if is_named(&temporary.file, &temporary.path) {
                if let Some(old) = old {
                    inherit(&temporary.file, old);
                }
                return Ok(temporary);
            }
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // The failure that led here is the one to report.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the temporary files of writers that are gone, whose locks are free.
fn remove_abandoned(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let is_temporary = |name: &OsStr| {
        name.to_str().is_some_and(|name| name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1))
    };
    for entry in entries.flatten().filter(|entry| is_temporary(&entry.file_name())) {
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(file) = File::open(entry.path()) else { continue };
        // A writer that finished meanwhile has renamed its file.
        if file.try_lock().is_ok() && is_named(&file, &entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(unix)]
fn new_file(path: &Path, private: bool) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mode = if private { 0o600 } else { 0o666 };
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn new_file(path: &Path, _private: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Returns `true` if this open file has this name.
#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place =
        |metadata: io::Result<Metadata>| metadata.ok().map(|metadata| (metadata.dev(), metadata.ino()));
    place(file.metadata()).is_some_and(|open| place(fs::symlink_metadata(path)) == Some(open))
}

#[cfg(not(unix))]
fn is_named(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// Gives a new file the owner and permissions of the one it replaces, where the system permits; otherwise
/// only its writer has access.
fn inherit(file: &File, old: &Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Only the superuser may change the owner; any user may set a group they belong to.
        if fchown(file, Some(old.uid()), Some(old.gid())).is_err() {
            let _ = fchown(file, None, Some(old.gid()));
        }
    }
    let _ = file.set_permissions(old.permissions());
}
