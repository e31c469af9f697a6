//! The program `mnist` as a user meets it.

use std::path::PathBuf;
use std::process::{Command, Output};

/// Runs the program, which the test run built too, in a directory of its own.
fn mnist(name: &str, flags: &[&str]) -> Output {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().with_file_name("examples").join("mnist");
    let directory = directory(name);
    std::fs::create_dir_all(&directory).unwrap();
    let mut command = Command::new(&program);
    command.args(flags).current_dir(directory).env_remove("MNIST_DIR");
    command.output().unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

fn directory(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("examples-mnist-{name}-{}", std::process::id()))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The number after `field=` in the last line.
fn field(output: &Output, field: &str) -> f64 {
    let last = text(&output.stdout).lines().last().unwrap();
    assert!(last.starts_with("result: "), "{last}");
    let value = last.split([' ', '=']).skip_while(|&word| word != field).nth(1).unwrap();
    value.parse().unwrap()
}

#[test]
fn training_improves_and_parameters_come_back() {
    let trained = mnist("train", &["--epochs", "1", "--lr", "2", "--save", "model.safetensors"]);
    assert!(trained.status.success(), "{}", text(&trained.stderr));
    let accuracy = field(&trained, "accuracy");
    assert!(accuracy > 0.5, "one epoch reaches {accuracy}, guessing 0.1");
    let pictures = directory("train").join("target/mnist");
    assert!(pictures.join("loss.svg").exists() && pictures.join("weights.svg").exists());
    let again = mnist("train", &["--load", "model.safetensors"]);
    assert_eq!(field(&again, "accuracy"), accuracy);
    let difference = |kind: &str| -> f64 {
        let line = text(&again.stdout).lines().find(|line| line.contains(kind)).unwrap();
        line.trim_start().trim_start_matches(kind).split_whitespace().next().unwrap().parse().unwrap()
    };
    assert!(difference("tape and nn::by_hand") <= 1e-12);
    assert!(difference("tape and central differences") <= 1e-6);
    let other = mnist("train", &["--load", "model.safetensors", "--hidden", "16"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(
        text(&other.stderr).ends_with("tensor \"0.weight\": expected shape [16, 784], found [32, 784]\n")
    );
    std::fs::remove_dir_all(directory("train")).unwrap();
}

#[test]
fn bad_input_is_one_sentence_and_code_2() {
    let cases: [(&[&str], &str); 7] = [
        (&["--lr", "-1"], "invalid value '-1' for '--lr <LR>': expected a number above 0"),
        (&["--epochs", "many"], "invalid value 'many' for '--epochs <EPOCHS>': expected a whole number"),
        (&["--batch", "0"], "invalid value '0' for '--batch <BATCH>': expected a whole number of at least 1"),
        (&["--epoch"], "unexpected argument '--epoch' found tip: a similar argument exists: '--epochs'"),
        (&["--save", "model.txt"], "expected a name that ends in .safetensors or .npz"),
        (&["--load", "model.npz"], "model.npz: no such file"),
        (&["--data", "nowhere"], "nowhere/train-images-idx3-ubyte: no such file"),
    ];
    for (flags, expected) in cases {
        let output = mnist("bad", flags);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {error}");
        assert!(error.starts_with("error: ") && error.trim_end().ends_with(expected), "{flags:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{flags:?}: {error}");
    }
    std::fs::remove_dir_all(directory("bad")).unwrap();
}

#[test]
fn a_directory_with_damaged_files_is_refused() {
    let data = directory("damaged").join("data");
    std::fs::create_dir_all(&data).unwrap();
    let whole = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist");
    for name in ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"] {
        std::fs::copy(whole.join(name), data.join(name)).unwrap();
    }
    let refused = |expected: &str| {
        let output = mnist("damaged", &["--data", "data"]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.trim_end().ends_with(expected), "{error}");
    };
    refused("t10k-images-idx3-ubyte: no such file");
    std::fs::write(data.join("t10k-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0]).unwrap();
    refused("t10k-images-idx3-ubyte: truncated: expected 16 bytes, found 6");
    std::fs::write(data.join("t10k-images-idx3-ubyte"), [0, 0, 8, 1, 0, 0, 0, 1, 7]).unwrap();
    refused("wrong magic number: expected 00 00 08 03 (images), found 00 00 08 01");
    std::fs::remove_dir_all(directory("damaged")).unwrap();
}
