//! Parameters in files: every bit comes back, and nothing unsuitable gets in.

use nn::files::{
    self, FileElement, FileError, FileErrorKind, Options, State, StateError, matching, npy, npz, safetensors,
};
use nn::{Linear, Sequential, load_state_dict, state_dict};
use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use tape::Tensor;

mod allocator;
mod faults;
mod hostile;
mod others;
mod resources;
mod saving;

#[global_allocator]
static ALLOCATOR: allocator::Accountant = allocator::Accountant;

/// A directory of its own for each test, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    /// A folder of its own for each call: tests of one process run side by side.
    fn new(name: &str) -> Scratch {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("nn-files-{name}-{}-{call}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The names in a directory.
fn names(directory: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Numbers that a detour over decimal text or another type would lose.
fn delicate() -> (State<f32>, State<f64>) {
    let single =
        [0x8000_0000, 1, 0x807f_ffff, 0x7f80_0001, 0xffc1_2345, 0x7f80_0000, 0x3f80_0001, 0x7f7f_ffff];
    let double = [
        0x8000_0000_0000_0000,
        1,
        0x800f_ffff_ffff_ffff,
        0x7ff0_0000_0000_0001,
        0xfff8_0000_dead_beef,
        0xfff0_0000_0000_0000,
        0x3ff0_0000_0000_0001,
        0x7fef_ffff_ffff_ffff,
    ];
    let single = single.map(f32::from_bits);
    let double = double.map(f64::from_bits);
    fn state<T: FileElement>(x: &[T]) -> State<T> {
        vec![
            ("cube".into(), Tensor::from_slice([2, 2, 2], x).unwrap()),
            ("empty".into(), Tensor::zeros([0, 3])),
            ("fc1.weight".into(), Tensor::from_slice([4, 2], x).unwrap().transpose()),
            ("scalar".into(), Tensor::scalar(x[3])),
            ("vector é".into(), Tensor::from(x)),
        ]
    }
    (state(&single), state(&double))
}

fn bits<T: FileElement>(state: &State<T>) -> Vec<(String, Vec<usize>, Vec<u64>)> {
    let bits = |x: &Tensor<T>| x.to_vec().iter().map(|x| x.to_bits64()).collect();
    state.iter().map(|(name, x)| (name.clone(), x.shape().dims(), bits(x))).collect()
}

#[test]
fn every_bit_comes_back() {
    fn check<T: FileElement>(state: &State<T>) {
        let back = safetensors::from_bytes::<T>(&safetensors::to_bytes(state).unwrap()).unwrap();
        assert_eq!(bits(&back), bits(state));
        let back = npz::from_bytes::<T>(&npz::to_bytes(state).unwrap()).unwrap();
        assert_eq!(bits(&back), bits(state));
        let scratch = Scratch::new(T::NAME);
        for name in ["state.safetensors", "state.npz"] {
            files::save(scratch.file(name), state).unwrap();
            assert_eq!(bits(&files::load::<T>(scratch.file(name)).unwrap()), bits(state));
        }
        for (name, x) in state {
            npy::save(scratch.file("one.npy"), x).unwrap();
            let back = vec![(name.clone(), npy::load::<T>(scratch.file("one.npy")).unwrap())];
            assert_eq!(bits(&back), bits(&vec![(name.clone(), x.clone())]));
        }
    }
    let (single, double) = delicate();
    check(&single);
    check(&double);
}

#[test]
fn no_state_is_a_state() {
    let none = State::<f64>::new();
    assert_eq!(safetensors::from_bytes::<f64>(&safetensors::to_bytes(&none).unwrap()).unwrap(), none);
    assert_eq!(npz::from_bytes::<f64>(&npz::to_bytes(&none).unwrap()).unwrap(), none);
}

#[test]
fn numbers_that_are_not_of_the_type_are_refused_by_name() {
    let (_, double) = delicate();
    let expected = FileErrorKind::Value {
        tensor: "cube".into(),
        expected: "values that f32 represents exactly".into(),
        found: "5e-324 (f64)".into(),
        position: 1,
    };
    assert_eq!(
        safetensors::from_bytes::<f32>(&safetensors::to_bytes(&double).unwrap()).unwrap_err(),
        expected
    );
    assert_eq!(npz::from_bytes::<f32>(&npz::to_bytes(&double).unwrap()).unwrap_err(), expected);
}

#[test]
fn another_number_type_is_refused_by_name_where_that_is_asked_for() {
    let (single, _) = delicate();
    let same = Options::new().same_type();
    let expected =
        |found: &str| FileErrorKind::Dtype { tensor: "cube".into(), expected: "f64", found: found.into() };
    let bytes = safetensors::to_bytes(&single).unwrap();
    assert_eq!(safetensors::from_bytes_with::<f64>(&bytes, &same).unwrap_err(), expected("f32"));
    assert!(safetensors::from_bytes_with::<f32>(&bytes, &same).is_ok());
    let bytes = npz::to_bytes(&single).unwrap();
    assert_eq!(npz::from_bytes_with::<f64>(&bytes, &same).unwrap_err(), expected("<f4"));
    assert!(npz::from_bytes_with::<f32>(&bytes, &same).is_ok());
}

/// A safetensors file with one whole number of 64 bits.
fn counter(n: i64) -> Vec<u8> {
    let header = br#"{"norm.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}"#;
    [&(header.len() as u64).to_le_bytes()[..], header, &n.to_le_bytes()].concat()
}

#[test]
fn counters_of_other_programs_are_read_where_they_are_exact() {
    let found = |n| safetensors::from_bytes::<f32>(&counter(n)).map(|state| state[0].1.item());
    assert_eq!(
        [0, 1, -7, 1 << 24, 1 << 40].map(|n| found(n).unwrap()),
        [0.0, 1.0, -7.0, 16777216.0, 1099511627776.0]
    );
    for n in [(1 << 24) + 1, i64::MAX] {
        let refused = FileErrorKind::Value {
            tensor: "norm.num_batches_tracked".into(),
            expected: "values that f32 represents exactly".into(),
            found: format!("{n} (i64)"),
            position: 0,
        };
        assert_eq!(found(n).unwrap_err(), refused, "{n}");
    }
    assert_eq!(safetensors::from_bytes::<f64>(&counter((1 << 24) + 1)).unwrap()[0].1.item(), 16777217.0);
    for (descr, bytes) in [("<i8", 5i64.to_le_bytes()), (">i8", 5i64.to_be_bytes())] {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (), }}\n");
        let bytes = [with_dictionary(&header, 0), bytes.to_vec()].concat();
        assert_eq!(npy::from_bytes::<f32>(&bytes).unwrap(), Tensor::scalar(5.0), "{descr}");
    }
}

#[test]
fn a_repeated_name_is_refused() {
    let state = vec![("w".to_owned(), Tensor::scalar(1.0)), ("w".to_owned(), Tensor::scalar(2.0))];
    let expected = FileErrorKind::from(StateError::Duplicate { tensor: "w".into() });
    assert_eq!(safetensors::to_bytes(&state).unwrap_err(), expected);
    assert_eq!(npz::to_bytes(&state).unwrap_err(), expected);
}

#[test]
fn the_error_names_the_file() {
    let scratch = Scratch::new("names");
    let path = scratch.file("missing.safetensors");
    let error = files::load::<f64>(&path).unwrap_err();
    assert_eq!(error, FileError { path: path.clone(), kind: FileErrorKind::NotFound });
    assert_eq!(error.to_string(), format!("{}: no such file", path.display()));
    let kind = files::load::<f64>(scratch.file("state.txt")).unwrap_err().kind;
    assert!(matches!(kind, FileErrorKind::Extension { .. }));
    let nowhere = scratch.file("no/such/directory/state.npz");
    assert_eq!(files::save::<f64>(nowhere, &[]).unwrap_err().kind, FileErrorKind::NotFound);
}

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_else() {
    let scratch = Scratch::new("atomic");
    // A directory cannot be replaced by a file: the rename is what fails.
    let path = scratch.file("state.npz");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("inside"), b"old").unwrap();
    assert!(files::save(&path, &[("w".to_owned(), Tensor::scalar(1.0))]).is_err());
    assert_eq!(std::fs::read(path.join("inside")).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 1, "no temporary file is left");
}

/// Reading arbitrary bytes ends in a result.
fn survives(bytes: &[u8]) -> [bool; 3] {
    [
        safetensors::from_bytes::<f32>(bytes).is_ok(),
        npz::from_bytes::<f32>(bytes).is_ok(),
        npy::from_bytes::<f32>(bytes).is_ok(),
    ]
}

fn valid_files() -> [Vec<u8>; 3] {
    let (state, _) = delicate();
    [safetensors::to_bytes(&state).unwrap(), npz::to_bytes(&state).unwrap(), npy::to_bytes(&state[0].1)]
}

#[test]
fn every_truncation_is_refused() {
    for (format, bytes) in valid_files().iter().enumerate() {
        for end in 0..bytes.len() {
            assert!(!survives(&bytes[..end])[format], "format {format} cut at {end} of {}", bytes.len());
        }
    }
}

#[test]
fn bytes_at_the_end_are_refused() {
    let [mut safe, _, mut npy] = valid_files();
    safe.push(0);
    assert_eq!(
        safetensors::from_bytes::<f32>(&safe).unwrap_err(),
        FileErrorKind::Trailing { expected: safe.len() as u64 - 1 }
    );
    npy.push(0);
    assert!(matches!(npy::from_bytes::<f32>(&npy).unwrap_err(), FileErrorKind::Trailing { expected: 32 }));
}

/// A safetensors file with this header and `data` zero bytes after it.
fn with_header(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn hostile_safetensors_headers_are_refused() {
    let refused =
        |header: &str, data| safetensors::from_bytes::<f32>(&with_header(header, data)).unwrap_err();
    let corrupt = |header: &str, data| {
        let kind = refused(header, data);
        assert!(matches!(kind, FileErrorKind::Corrupt { format: "safetensors", .. }), "{header}: {kind}");
    };
    corrupt("", 0);
    corrupt("[]", 0);
    corrupt("{\"w\":", 0);
    corrupt(&"[".repeat(100_000), 0);
    corrupt(r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4);
    corrupt(r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8);
    corrupt(r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4);
    corrupt(r#"{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4);
    corrupt(r#"{"w":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}"#, 4);
    corrupt(r#"{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#, 4);
    // A length beyond every header is not that of a truncated file, but the beginning of another format.
    let announced = u64::MAX.to_le_bytes();
    let kind = safetensors::from_bytes::<f32>(&announced).unwrap_err();
    assert!(matches!(kind, FileErrorKind::Corrupt { .. }), "{kind}");
    let announced = 99u64.to_le_bytes();
    assert_eq!(
        safetensors::from_bytes::<f32>(&announced).unwrap_err(),
        FileErrorKind::Truncated { expected: 107, found: 8 }
    );
}

/// Nine tensors up to the largest offset there is: the library adds the header's length to it.
#[test]
fn offsets_at_the_end_of_the_address_space_are_refused() {
    let part = (1u64 << 61) - 1;
    let entry = |i: u64| {
        let (start, end) = (i * part, (i + 1).saturating_mul(part));
        format!(r#""{i}":{{"dtype":"U8","shape":[{}],"data_offsets":[{start},{end}]}}"#, end - start)
    };
    let header = format!("{{{}}}", (0..9).map(entry).collect::<Vec<_>>().join(","));
    let kind = safetensors::from_bytes::<f32>(&with_header(&header, 0)).unwrap_err();
    assert!(matches!(kind, FileErrorKind::Truncated { expected: u64::MAX, .. }), "{kind}");
}

/// An npy file of version 1 with this dictionary and `data` zero bytes after it.
fn with_dictionary(header: &str, data: usize) -> Vec<u8> {
    let length = (header.len() as u16).to_le_bytes();
    [&b"\x93NUMPY\x01\x00"[..], &length, header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn hostile_npy_headers_are_refused() {
    let read = |header: &str, data| npy::from_bytes::<f32>(&with_dictionary(header, data));
    let dictionary =
        |shape: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    assert_eq!(read(&dictionary("(1,)"), 4).unwrap(), Tensor::from([0.0]));
    for shape in ["(1", "1", "(,)", "(1 2)", "(-1,)", "(99999999999999999999,)", "(1,)}, {", "None", "()}}"] {
        let kind = read(&dictionary(shape), 4).unwrap_err();
        assert!(matches!(kind, FileErrorKind::Corrupt { format: "npy", .. }), "{shape}: {kind}");
    }
    for header in ["", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': 1, 'shape': ()}"] {
        let kind = read(header, 4).unwrap_err();
        assert!(matches!(kind, FileErrorKind::Corrupt { format: "npy", .. }), "{header}: {kind}");
    }
    let huge = FileErrorKind::TooLarge { shape: vec![1 << 40, 1 << 40] };
    assert_eq!(read(&dictionary("(1099511627776, 1099511627776)"), 4).unwrap_err(), huge);
    let zero = read(&dictionary("(0, 1099511627776, 1099511627776)"), 0).unwrap_err();
    assert!(matches!(zero, FileErrorKind::TooLarge { .. }), "a zero extent hides nothing: {zero}");
    // A terabyte announced is not a terabyte allocated.
    let expected = FileErrorKind::Truncated { expected: 1 << 42, found: 4 };
    assert_eq!(read(&dictionary("(1099511627776,)"), 4).unwrap_err(), expected);
    for descr in ["'|O'", "'<c8'", "'|S4'", "'|f4'", "'f4'", "'<V2'", "[('x', '<f4'), ('y', '<f4')]", "''"] {
        let header = dictionary("(1,)").replace("'<f4'", descr);
        let kind = read(&header, 4).unwrap_err();
        assert!(matches!(kind, FileErrorKind::Dtype { expected: "f32", .. }), "{descr}: {kind}");
    }
    assert!(matches!(npy::from_bytes::<f32>(b"PK\x03\x04"), Err(FileErrorKind::Magic { .. })));
    assert!(matches!(npy::from_bytes::<f32>(b"\x93NUMPY\x09\x00"), Err(FileErrorKind::Corrupt { .. })));
}

#[test]
fn npy_is_read_in_both_byte_orders_both_axis_orders_and_all_versions() {
    let x = Tensor::from([[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let header =
        |descr, fortran| format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': (2, 3), }}\n");
    let big: Vec<u8> = x.to_vec().iter().flat_map(|x| x.to_be_bytes()).collect();
    let bytes = [with_dictionary(&header(">f4", "False"), 0), big].concat();
    assert_eq!(npy::from_bytes::<f32>(&bytes).unwrap(), x);
    let columns: Vec<u8> = x.transpose().to_vec().iter().flat_map(|x| x.to_le_bytes()).collect();
    let bytes = [with_dictionary(&header("<f4", "True"), 0), columns].concat();
    assert_eq!(npy::from_bytes::<f32>(&bytes).unwrap(), x);
    let mut wide = npy::to_bytes(&x);
    wide[6] = 2;
    wide.splice(10..10, [0, 0]);
    assert_eq!(npy::from_bytes::<f32>(&wide).unwrap(), x);
}

#[test]
fn a_damaged_archive_fails_its_checksum() {
    let [_, mut bytes, _] = valid_files();
    let at = bytes.windows(6).position(|window| window == b"\x93NUMPY").unwrap() + 130;
    bytes[at] ^= 1;
    assert!(matches!(npz::from_bytes::<f32>(&bytes), Err(FileErrorKind::Corrupt { .. })));
}

#[test]
fn a_state_must_match_what_is_wanted() {
    let state = || vec![("a".to_owned(), Tensor::from([1.0, 2.0])), ("b".to_owned(), Tensor::scalar(3.0))];
    let taken = matching(state(), &[("b", &[]), ("a", &[2])]).unwrap();
    assert_eq!(taken, [Tensor::scalar(3.0), Tensor::from([1.0, 2.0])]);
    assert_eq!(
        matching(state(), &[("b", &[]), ("a", &[1, 2])]).unwrap_err(),
        StateError::Shape { tensor: "a".into(), expected: vec![1, 2], found: vec![2] }
    );
    assert_eq!(
        matching(state(), &[("x", &[]), ("a", &[2]), ("y", &[])]).unwrap_err().to_string(),
        "missing tensors: x, y; unexpected tensors: b"
    );
}

#[test]
fn a_model_takes_all_of_a_state_or_nothing() {
    let layer = |w: f64| Linear::from_values([[w, w], [w, w]], [w, w]);
    let (mut model, old) = (Sequential::new().push(layer(1.0)).push(layer(2.0)), state_dict(&layer(0.0)));
    let before = state_dict(&model);
    let named = |names: [&str; 4]| -> State<f64> {
        let values = old.iter().cycle().map(|(_, x)| x.clone());
        names.iter().map(|name| (*name).to_owned()).zip(values).collect()
    };
    // The shapes of the last two are exchanged; a name is missing; a name appears more than once.
    let cases = [
        (
            ["0.weight", "0.bias", "1.bias", "1.weight"],
            "tensor \"1.weight\": expected shape [2, 2], found [2]",
        ),
        (["0.weight", "0.bias", "1.weight", "bias"], "missing tensors: 1.bias; unexpected tensors: bias"),
        (["0.weight", "0.bias", "0.weight", "1.bias"], "tensor \"0.weight\" appears more than once"),
    ];
    for (names, expected) in cases {
        let kind = load_state_dict(&mut model, named(names)).unwrap_err();
        assert_eq!(kind.to_string(), expected);
        assert_eq!(state_dict(&model), before);
    }
    load_state_dict(&mut model, named(["0.weight", "0.bias", "1.weight", "1.bias"])).unwrap();
    assert!(state_dict(&model).iter().all(|(_, x)| x.to_vec().iter().all(|&x| x == 0.0)));
}

proptest! {
    /// One changed byte anywhere: a result, right or wrong, but a result.
    #[test]
    fn a_changed_byte_never_panics(format in 0usize..3, at in any::<prop::sample::Index>(), flip in 1u8..) {
        let mut bytes = valid_files()[format].clone();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        survives(&bytes);
    }

    /// A file of a model that is cut off or damaged anywhere: an error that names the file and leaves the model as it
    /// was, or a model that has everything the file says.
    #[test]
    fn a_damaged_file_changes_a_model_completely_or_not_at_all(
        ending in prop::sample::select(vec!["safetensors", "npz"]),
        at in any::<prop::sample::Index>(),
        flip: u8,
    ) {
        let layer = |w: f64| Linear::from_values([[w, -w], [w, w]], [w, w]);
        let scratch = Scratch::new(&format!("damage-{ending}-{flip}"));
        let path = scratch.file(&format!("model.{ending}"));
        let state = state_dict(&layer(3.0));
        let bytes = if ending == "npz" { npz::to_bytes(&state) } else { safetensors::to_bytes(&state) };
        let mut bytes = bytes.unwrap();
        let at = at.index(bytes.len());
        match flip {
            0..128 => bytes.truncate(at),
            _ => bytes[at] ^= flip,
        }
        std::fs::write(&path, bytes).unwrap();
        let (mut model, before) = (layer(1.0), state_dict(&layer(1.0)));
        match nn::load(&path, &mut model) {
            Ok(()) => {
                prop_assert!(flip >= 128, "a file cut off at {} was read", at);
                let mut again = layer(2.0);
                nn::load(&path, &mut again).unwrap();
                prop_assert_eq!(bits(&state_dict(&again)), bits(&state_dict(&model)));
            }
            Err(error) => {
                prop_assert_eq!(&error.path, &path);
                prop_assert!(error.to_string().starts_with(&path.display().to_string()));
                prop_assert_eq!(state_dict(&model), before);
            }
        }
    }

    #[test]
    fn any_bytes_never_panic(format in 0usize..3, tail in prop::collection::vec(any::<u8>(), 0..200)) {
        let magic: [&[u8]; 3] = [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00"];
        survives(&[magic[format], &tail].concat());
    }

    #[test]
    fn any_tensor_comes_back(
        shape in prop::collection::vec(0usize..4, 0..5),
        seed in prop::collection::vec(any::<u64>(), 256),
    ) {
        let size = shape.iter().product();
        let data = seed.iter().copied().cycle().map(f64::from_bits).take(size).collect();
        let state = vec![("x".to_owned(), Tensor::from_vec(&shape[..], data).unwrap())];
        let back = safetensors::from_bytes::<f64>(&safetensors::to_bytes(&state).unwrap()).unwrap();
        prop_assert_eq!(bits(&back), bits(&state));
        let back = npz::from_bytes::<f64>(&npz::to_bytes(&state).unwrap()).unwrap();
        prop_assert_eq!(bits(&back), bits(&state));
    }
}
