//! The example programs from a user's point of view.

mod architectures;
mod mnist;
mod planar_and_parity;

use std::path::PathBuf;
use std::process::{Command, Output};

/// A directory that is removed at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    /// An empty directory for one test of a program.
    fn new(program: &str, test: &str) -> Scratch {
        let scratch = std::env::temp_dir().join(format!("examples-{program}-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&scratch).unwrap();
        Scratch(scratch)
    }

    /// Runs a program, built by the same test run, in this directory.
    fn run(&self, program: &str, flags: &[&str]) -> Output {
        let test = std::env::current_exe().unwrap();
        let file = test.parent().unwrap().with_file_name("examples").join(program);
        let mut command = Command::new(&file);
        command.args(flags).current_dir(&self.0).env_remove("MNIST_DIR");
        command.output().unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// Runs a program that must refuse its flags with one sentence and code 2.
    fn refused(&self, program: &str, flags: &[&str], expected: &str) {
        let output = self.run(program, flags);
        assert_eq!(output.status.code(), Some(2), "{program} {flags:?}");
        assert_eq!(text(&output.stderr), format!("error: {expected}\n"), "{program} {flags:?}");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Failure does not matter: the system clears the directory above.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The output of a program.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The number after `field=` in the last line.
fn field(output: &Output, field: &str) -> f64 {
    let last = text(&output.stdout).lines().last().unwrap_or_else(|| panic!("{}", text(&output.stderr)));
    assert!(last.starts_with("result: "), "{last}");
    let value = last.split([' ', '=']).skip_while(|&word| word != field).nth(1).unwrap();
    value.parse().unwrap()
}
