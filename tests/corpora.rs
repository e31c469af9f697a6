//! The corpora of the fuzz targets, replayed without a fuzzer.

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "the same file is a library there")]
mod fuzz;

use nn::checkpoint::{Checkpoint, SavedState};
use nn::files::{npy, npz, safetensors};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use std::fs;
use std::path::{Path, PathBuf};
use tape::Tensor;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
}

/// The files of a corpus by name.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut inputs: Vec<(String, Vec<u8>)> = fs::read_dir(corpus(target))
        .unwrap_or_else(|error| panic!("{}: {error}", corpus(target).display()))
        .map(|entry| entry.expect("a directory can be listed"))
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).expect("a file can be read"))
        })
        .collect();
    inputs.sort();
    inputs
}

#[test]
fn every_input_keeps_the_promises_of_its_target() {
    for (target, run) in fuzz::TARGETS {
        let inputs = inputs(target);
        assert!(inputs.len() >= 5, "{target}: {} inputs", inputs.len());
        for (name, data) in inputs {
            // The name of the input is in the output if it panics.
            println!("{target}/{name}: {} bytes", data.len());
            run(&data);
        }
    }
}

/// Random bytes are programs too: many for each operation, with `PROPTEST_CASES` programs in place of 1,000.
#[test]
fn random_programs_record_or_are_refused() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..cases {
        let data: Vec<u8> = (0..rng.random_range(8..120)).map(|_| rng.random()).collect();
        if let Err(panic) = std::panic::catch_unwind(|| fuzz::tape_program(&data)) {
            println!("the program: {data:?}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// The inputs that a fuzzer starts from: valid files, and random bytes where bytes are decisions.
fn first_inputs() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let state = vec![
        ("fc1.bias".to_owned(), Tensor::from([-0.0, 5e-324, f64::INFINITY])),
        ("fc1.weight".to_owned(), Tensor::from([[1.5, 2.0, -3.0], [0.1, 1e300, -1e-300]])),
        ("scale".to_owned(), Tensor::scalar(0.5)),
    ];
    let narrow: Vec<(String, Tensor<f32>)> = state.iter().map(|(name, x)| (name.clone(), x.cast())).collect();
    let mut checkpoint: Checkpoint = Checkpoint::new();
    checkpoint.put("model", SavedState { tensors: state.clone(), numbers: vec![("epoch".to_owned(), 3.0)] });
    checkpoint.put("schedule", SavedState::of_numbers([("rate", f64::INFINITY), ("step", 1e-9)]));
    checkpoint.set_meta("note", "a \"note\"\n");
    let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2][..], &[1, 2, 3, 4, 5, 6, 7, 8]].concat();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut gzip, &images).expect("a vector can be written");
    let mut all = vec![
        ("idx", "images", images),
        ("idx", "images.gz", gzip.finish().expect("a vector can be written")),
        ("idx", "labels", vec![0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]),
        ("idx", "doubles", [&[0, 0, 14, 1, 0, 0, 0, 1][..], &1.5f64.to_be_bytes()].concat()),
        ("idx", "short", vec![0, 0, 8, 1, 0, 0, 0, 9, 7]),
        ("npy", "f64", npy::to_bytes(&state[1].1)),
        ("npy", "f32", npy::to_bytes(&narrow[1].1)),
        ("npy", "scalar", npy::to_bytes(&state[2].1)),
        ("npy", "empty", npy::to_bytes(&Tensor::<f64>::zeros([0, 3]))),
        ("npy", "short", npy::to_bytes(&state[1].1)[..100].to_vec()),
        ("npz", "f64", npz::to_bytes(&state).expect("a valid state")),
        ("npz", "f32", npz::to_bytes(&narrow).expect("a valid state")),
        ("npz", "empty", npz::to_bytes::<f64>(&[]).expect("a valid state")),
        ("npz", "one", npz::to_bytes(&state[2..]).expect("a valid state")),
        ("npz", "short", npz::to_bytes(&state).expect("a valid state")[..200].to_vec()),
        ("safetensors", "f64", safetensors::to_bytes(&state).expect("a valid state")),
        ("safetensors", "f32", safetensors::to_bytes(&narrow).expect("a valid state")),
        ("safetensors", "empty", safetensors::to_bytes::<f64>(&[]).expect("a valid state")),
        ("safetensors", "one", safetensors::to_bytes(&state[2..]).expect("a valid state")),
        ("safetensors", "short", safetensors::to_bytes(&state).expect("a valid state")[..60].to_vec()),
        ("checkpoint", "whole", checkpoint.to_bytes().expect("a valid state")),
        ("checkpoint", "empty", Checkpoint::<f64>::new().to_bytes().expect("a valid state")),
        ("checkpoint", "unmarked", safetensors::to_bytes(&state).expect("a valid state")),
        ("checkpoint", "short", checkpoint.to_bytes().expect("a valid state")[..100].to_vec()),
        ("checkpoint", "nothing", Vec::new()),
        ("csv", "named", b"\0a,b,class\n1,2.5,x\n-3,1e-3,\"y, z\"\n".to_vec()),
        ("csv", "tabs", b"\x02a\tb\n1\t\n".to_vec()),
        ("csv", "headerless", b"\x051;2\n3;4\n".to_vec()),
        ("csv", "ragged", b"\0a,b\n1\n2,3,4\n".to_vec()),
        ("csv", "quotes", b"\0\"a\"\"b\",c\r\n\"1\n2\",NaN\r\n".to_vec()),
    ];
    let mut rng = StdRng::seed_from_u64(0);
    for target in ["npz_container", "safetensors_container", "tape_program"] {
        for name in ["0", "1", "2", "3", "4", "5", "6", "7"] {
            all.push((target, name, (0..96).map(|_| rng.random()).collect()));
        }
    }
    all
}

/// Writes the inputs that a fuzzer starts from: `cargo test -p tests --test library -- --ignored first_inputs`.
#[test]
#[ignore = "writes files"]
fn write_the_first_inputs() {
    for (target, name, data) in first_inputs() {
        fs::create_dir_all(corpus(target)).expect("a directory can be made");
        fs::write(corpus(target).join(name), data).expect("a file can be written");
    }
}
