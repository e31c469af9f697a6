//! The program `mnist`.

use super::{Scratch, field, text};

#[test]
fn training_improves_and_parameters_are_restored() {
    let scratch = Scratch::new("mnist", "train");
    let mnist = |flags: &[&str]| scratch.run("mnist", flags);
    let trained = mnist(&["--epochs", "1", "--lr", "2", "--save", "model.safetensors"]);
    assert!(trained.status.success(), "{}", text(&trained.stderr));
    let accuracy = field(&trained, "accuracy");
    assert!(accuracy > 0.5, "one epoch reaches {accuracy}, guessing 0.1");
    let pictures = scratch.0.join("target/mnist");
    assert!(pictures.join("loss.svg").exists() && pictures.join("weights.svg").exists());
    let again = mnist(&["--load", "model.safetensors"]);
    assert_eq!(field(&again, "accuracy"), accuracy);
    let difference = |kind: &str| -> f64 {
        let line = text(&again.stdout).lines().find(|line| line.contains(kind)).unwrap();
        line.trim_start().trim_start_matches(kind).split_whitespace().next().unwrap().parse().unwrap()
    };
    for (name, bound) in [("tape and nn::by_hand", 1e-12), ("tape and central differences", 1e-6)] {
        assert!(difference(name) <= bound, "{name}: {}", difference(name));
    }
    let other = mnist(&["--load", "model.safetensors", "--hidden", "16"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(
        text(&other.stderr).ends_with("tensor \"0.weight\": expected shape [16, 784], found [32, 784]\n")
    );
}

#[test]
fn bad_input_is_one_sentence_and_code_2() {
    let cases: [(&[&str], &str); 7] = [
        (&["--lr", "-1"], "invalid value '-1' for '--lr <LR>': expected a number above 0"),
        (&["--epochs", "many"], "invalid value 'many' for '--epochs <EPOCHS>': expected a whole number"),
        (&["--batch", "0"], "invalid value '0' for '--batch <BATCH>': expected a whole number of at least 1"),
        (&["--epoch"], "unexpected argument '--epoch' found tip: a similar argument exists: '--epochs'"),
        (
            &["--save", "model.txt"],
            "invalid value 'model.txt' for '--save <FILE>': expected a name that ends in .safetensors or .npz",
        ),
        (&["--load", "model.npz"], "model.npz: no such file"),
        (&["--data", "nowhere"], "nowhere/train-images-idx3-ubyte: no such file"),
    ];
    for (flags, expected) in cases {
        Scratch::new("mnist", "bad").refused("mnist", flags, expected);
    }
}

#[test]
fn a_directory_with_damaged_files_is_refused() {
    let scratch = Scratch::new("mnist", "damaged");
    let data = scratch.0.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let whole = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist");
    for name in ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"] {
        std::fs::copy(whole.join(name), data.join(name)).unwrap();
    }
    let refused = |expected: &str| scratch.refused("mnist", &["--data", "data"], expected);
    refused("data/t10k-images-idx3-ubyte: no such file");
    std::fs::write(data.join("t10k-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0]).unwrap();
    refused("data/t10k-images-idx3-ubyte: truncated: expected 16 bytes, found 6");
    std::fs::write(data.join("t10k-images-idx3-ubyte"), [0, 0, 8, 1, 0, 0, 0, 1, 7]).unwrap();
    refused(
        "data/t10k-images-idx3-ubyte: wrong magic number: expected 00 00 08 03 (images), found 00 00 08 01",
    );
}
