//! Files that other programs wrote.

use super::*;
use nn::files::Conversion;

/// NumPy wrote the arrays, PyTorch the safetensors file, and Python's `zipfile` the entries that are no arrays.
fn other(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files/other").join(name)
}

#[test]
fn whole_numbers_halves_and_mixed_archives_are_read() {
    let found = [
        npz::load::<f32>(other("integers.npz")).err().map(|error| error.to_string()),
        npy::load::<f32>(other("half.npy")).err().map(|error| error.to_string()),
        npy::load::<f32>(other("bool.npy")).err().map(|error| error.to_string()),
        npz::load::<f64>(other("f32_and_f64.npz")).err().map(|error| error.to_string()),
        safetensors::load::<f32>(other("bf16.safetensors")).err().map(|error| error.to_string()),
    ];
    assert!(found.iter().all(Option::is_none), "{found:#?}");
}

#[test]
fn other_entries_long_extents_and_second_arrays_do_not_matter() {
    let found = [
        npz::load::<f64>(other("with_directory.npz")).err().map(|error| error.to_string()),
        npy::load::<f64>(other("python2_long.npy")).err().map(|error| error.to_string()),
        npy::load::<f64>(other("two_arrays.npy")).err().map(|error| error.to_string()),
    ];
    assert!(found.iter().all(Option::is_none), "{found:#?}");
    let state = npz::load::<f64>(other("with_directory.npz")).unwrap();
    assert_eq!(state.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["grp/w"]);
    assert_eq!(npz::passed_over(other("with_directory.npz")).unwrap(), ["grp/", "README.txt"]);
    let range = |n: usize| (0..n).map(|i| i as f64).collect::<Vec<_>>();
    let first = npy::load::<f64>(other("two_arrays.npy")).unwrap();
    assert_eq!((first.shape().dims(), first.to_vec()), (vec![2, 3], range(6)));
    assert_eq!(npy::load::<f64>(other("python2_long.npy")).unwrap().shape(), [2, 3]);
}

/// An npy file of one axis with these bytes.
fn array(descr: &str, count: usize, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({count}L,), }}\n");
    [with_dictionary(&header, 0), bytes.to_vec()].concat()
}

/// A safetensors file with one tensor `x` of one axis.
fn safe(dtype: &str, count: usize, bytes: &[u8]) -> Vec<u8> {
    let end = bytes.len();
    let header = format!(r#"{{"x":{{"dtype":"{dtype}","shape":[{count}],"data_offsets":[0,{end}]}}}}"#);
    [with_header(&header, 0), bytes.to_vec()].concat()
}

/// The numbers of a type, at the ends of its range, in every file and byte order.
#[test]
fn every_number_type_is_read_where_it_is_exact_and_else_rounded_once() {
    macro_rules! check {
        ($t:ident, $descr:literal, $dtype:literal) => {
            let numbers = [$t::MIN, $t::MIN + 1, 0, 1, 2, $t::MAX / 2 + 1, $t::MAX - 1, $t::MAX];
            let little: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
            let big: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
            let (count, one) = (numbers.len(), size_of::<$t>() == 1);
            let files = [
                array(&format!("{}{}", if one { "|" } else { "<" }, $descr), count, &little),
                array(concat!(">", $descr), count, &big),
            ];
            let rounded = Options::new().rounded();
            for file in files {
                assert_eq!(
                    npy::from_bytes_with::<f64>(&file, &rounded).unwrap().to_vec(),
                    numbers.map(|n| n as f64)
                );
                assert_eq!(
                    npy::from_bytes_with::<f32>(&file, &rounded).unwrap().to_vec(),
                    numbers.map(|n| n as f32)
                );
                let exact = |bits: u32| $t::BITS <= bits;
                assert_eq!(npy::from_bytes::<f64>(&file).is_ok(), exact(53), "{}", $descr);
                assert_eq!(npy::from_bytes::<f32>(&file).is_ok(), exact(24), "{}", $descr);
                assert!(npy::from_bytes_with::<f64>(&file, &Options::new().same_type()).is_err());
            }
            let file = safe($dtype, count, &little);
            let read = safetensors::from_bytes_with::<f64>(&file, &rounded).unwrap();
            assert_eq!(read[0].1.to_vec(), numbers.map(|n| n as f64));
            assert_eq!(safetensors::from_bytes::<f32>(&file).is_ok(), $t::BITS <= 24);
        };
    }
    check!(i8, "i1", "I8");
    check!(i16, "i2", "I16");
    check!(i32, "i4", "I32");
    check!(i64, "i8", "I64");
    check!(u8, "u1", "U8");
    check!(u16, "u2", "U16");
    check!(u32, "u4", "U32");
    check!(u64, "u8", "U64");
}

#[test]
fn halves_are_read_with_their_sign_infinities_and_subnormal_numbers() {
    let bits: [u16; 8] = [0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x7c00, 0xfc00, 0x7e01];
    let little: Vec<u8> = bits.iter().flat_map(|n| n.to_le_bytes()).collect();
    let expected = [1.0, -2.0, 65504.0, 1.0 / 16_777_216.0, -0.0, f64::INFINITY, f64::NEG_INFINITY];
    let check = |found: &[f64]| {
        assert!(found.iter().zip(expected).all(|(x, y)| x.to_bits() == y.to_bits()), "{found:?}");
        assert!(found[7].is_nan());
    };
    check(&npy::from_bytes::<f64>(&array("<f2", 8, &little)).unwrap().to_vec());
    check(&safetensors::from_bytes::<f64>(&safe("F16", 8, &little)).unwrap()[0].1.to_vec());
    let single = npy::from_bytes::<f32>(&array("<f2", 8, &little)).unwrap();
    check(&single.to_vec().iter().map(|&x| x.into()).collect::<Vec<_>>());
    // A bf16 is the upper half of an f32.
    let brain: Vec<u8> = [0x3f80u16, 0xff80, 0x0001].iter().flat_map(|n| n.to_le_bytes()).collect();
    let found = safetensors::from_bytes::<f32>(&safe("BF16", 3, &brain)).unwrap()[0].1.to_vec();
    assert_eq!(found, [1.0, f32::NEG_INFINITY, f32::from_bits(1 << 16)]);
}

#[test]
fn what_cannot_be_read_says_so_once() {
    let text = |bytes: &[u8]| npy::from_bytes::<f32>(bytes).unwrap_err().to_string();
    assert_eq!(text(&array("<c8", 1, &[0; 8])), "expected f32, found <c8");
    assert_eq!(text(&array("|b1", 2, &[1, 2])), "expected 0 or 1, found 2 (bool) at position 1");
    let big = 1e300f64.to_le_bytes();
    assert_eq!(
        text(&array("<f8", 1, &big)),
        "expected values that f32 represents exactly, found 1e300 (f64) at position 0"
    );
    // Rounding makes no infinity.
    let rounded = Options { conversion: Conversion::Rounded, ..Options::new() };
    let kind = npy::from_bytes_with::<f32>(&array("<f8", 1, &big), &rounded).unwrap_err();
    assert_eq!(kind.to_string(), "expected values in the range of f32, found 1e300 (f64) at position 0");
    let infinite = array("<f8", 1, &f64::INFINITY.to_le_bytes());
    assert_eq!(npy::from_bytes::<f32>(&infinite).unwrap(), Tensor::from([f32::INFINITY]));
    for dtype in ["F8_E4M3", "F8_E5M2", "F8_E8M0"] {
        let text = safetensors::from_bytes::<f32>(&safe(dtype, 1, &[0])).unwrap_err().to_string();
        assert_eq!(text, format!("tensor \"x\": expected f32, found {}", dtype.to_lowercase()));
    }
    let scratch = Scratch::new("names-the-file");
    std::fs::write(scratch.file("c.npy"), array("<c8", 1, &[0; 8])).unwrap();
    let text = npy::load::<f32>(scratch.file("c.npy")).unwrap_err().to_string();
    assert_eq!(text, format!("{}: expected f32, found <c8", scratch.file("c.npy").display()));
}

/// An archive whose entry claims to be an array and is none: the error names it.
#[test]
fn a_false_array_in_an_archive_is_named() {
    let text =
        npz::from_bytes::<f32>(&hostile::archive(&[("a.npy", b"text")], false)).unwrap_err().to_string();
    assert_eq!(
        text,
        "not a valid npz file: entry \"a.npy\": wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 74 65 78 74"
    );
    // Without the ending, what it is decides.
    let array = npy::to_bytes(&Tensor::scalar(2.0));
    let bytes = hostile::archive(&[("x", &array), ("notes", b"text"), ("empty", b"")], true);
    assert_eq!(npz::from_bytes::<f64>(&bytes).unwrap(), [("x".to_owned(), Tensor::scalar(2.0))]);
}
