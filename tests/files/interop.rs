//! Files written by other programs, with the contents reported by those programs: see `reference/README.md`.

use nn::files::{self, FileElement, FileErrorKind, Options, npy, npz, safetensors};
use nn::{Linear, Module, Sequential, Tanh};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tape::Tensor;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/data").join(name)
}

fn cases() -> Vec<Value> {
    let text = std::fs::read_to_string(file("interop.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The values printed by the other program; those of `f32` are exact in `f64`.
fn tensor<T: FileElement>(record: &Value) -> Tensor<T> {
    let numbers = |key: &str| record[key].as_array().unwrap().iter();
    let shape: Vec<usize> = numbers("shape").map(|n| n.as_u64().unwrap() as usize).collect();
    let data = numbers("data").map(|x| T::from_f64(x.as_f64().unwrap())).collect();
    Tensor::from_vec(&shape[..], data).unwrap()
}

fn read<T: FileElement>(path: &Path, name: Option<&str>) -> Tensor<T> {
    let result = match (path.extension().unwrap().to_str().unwrap(), name) {
        ("safetensors", Some(name)) => safetensors::load_tensor(path, name),
        ("npz", Some(name)) => npz::load_tensor(path, name),
        _ => npy::load(path),
    };
    result.unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn tensors_of_other_programs_are_read_exactly() {
    let mut count = 0;
    for case in cases().iter().filter(|case| case["forward"].is_null()) {
        let (path, name) = (file(case["file"].as_str().unwrap()), case["name"].as_str());
        match case["dtype"].as_str() {
            Some("float32") => assert_eq!(read::<f32>(&path, name), tensor(case), "{case}"),
            Some("float64") => assert_eq!(read::<f64>(&path, name), tensor(case), "{case}"),
            other => panic!("{other:?}"),
        }
        count += 1;
    }
    assert!(count >= 27, "{count} tensors");
}

#[test]
fn models_of_another_library_are_loaded_and_agree() {
    fn check<T: FileElement>(case: &Value, tolerance: f64) {
        let mut rng = StdRng::seed_from_u64(0);
        let mut model = Sequential::<T>::new()
            .push(Linear::new(3, 4, &mut rng))
            .push(Tanh)
            .push(Linear::new(4, 2, &mut rng));
        nn::load(file(case["file"].as_str().unwrap()), &mut model).unwrap();
        let found = model.predict(&tensor(&case["input"])).cast::<f64>();
        let expected = tensor::<f64>(&case["output"]);
        assert_eq!(found.shape(), expected.shape());
        for (found, expected) in found.to_vec().into_iter().zip(expected.to_vec()) {
            assert!((found - expected).abs() <= tolerance, "{found} != {expected}");
        }
    }
    let cases = cases();
    let models: Vec<&Value> = cases.iter().filter(|case| !case["forward"].is_null()).collect();
    assert_eq!(models.len(), 2);
    for case in models {
        // A few roundings of values below 1 in each precision.
        match case["file"].as_str() {
            Some("torch_mlp.safetensors") => check::<f32>(case, 4.0 * f64::from(f32::EPSILON)),
            _ => check::<f64>(case, 4.0 * f64::EPSILON),
        }
    }
}

#[test]
fn a_file_of_several_number_types_is_read_whole_where_no_precision_is_lost() {
    let path = file("numpy_arrays.npz");
    assert_eq!(files::load::<f64>(&path).unwrap().len(), 9);
    let kind = files::load::<f32>(&path).unwrap_err().kind;
    assert!(matches!(kind, FileErrorKind::Value { .. }), "{kind}");
    assert_eq!(files::load_with::<f32>(&path, &Options::new().rounded()).unwrap().len(), 9);
    let same = files::load_with::<f64>(&path, &Options::new().same_type()).unwrap_err().kind;
    assert!(matches!(same, FileErrorKind::Dtype { .. }), "{same}");
    assert!(npz::load_tensor::<f64>(&path, "rank2_f64").is_ok());
    let missing = npz::load_tensor::<f64>(&path, "rank9").unwrap_err();
    assert!(missing.to_string().ends_with("numpy_arrays.npz: missing tensors: rank9"), "{missing}");
    let missing = safetensors::load_tensor::<f32>(file("torch_mlp.safetensors"), "1.weight").unwrap_err();
    assert!(missing.to_string().ends_with("missing tensors: 1.weight"), "{missing}");
}

/// Writes the files that `reference/read_back.py` reads with other libraries.
#[test]
#[ignore = "for reference/read_back.py: writes target/interop"]
fn files_for_other_programs() {
    fn write<T: FileElement>(name: &str) {
        let numbers = |numbers: &[f64]| -> Vec<T> { numbers.iter().map(|&x| T::from_f64(x)).collect() };
        let state: nn::files::State<T> = vec![
            (
                "layer.weight".to_string(),
                Tensor::from_fn([3, 4], |i| T::from_f64((4 * i[0] + i[1]) as f64 / 8.0 - 0.5)),
            ),
            ("layer.bias".to_string(), Tensor::from(numbers(&[1e-30, -1.0, 0.1]))),
            ("scale".to_string(), Tensor::scalar(T::from_f64(1.0 / 3.0))),
            ("empty".to_string(), Tensor::zeros([0, 2])),
        ];
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/interop");
        std::fs::create_dir_all(&folder).unwrap();
        for ending in ["safetensors", "npz"] {
            let path = folder.join(format!("{name}.{ending}"));
            nn::files::save(&path, &state).unwrap();
            assert_eq!(nn::files::load::<T>(&path).unwrap().len(), state.len());
        }
    }
    write::<f64>("float64");
    write::<f32>("float32");
}
