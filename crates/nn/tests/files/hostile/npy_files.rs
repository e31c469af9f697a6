//! Hostile arrays of NumPy.

use super::catalogue::{Row, check, foreign, shown};
use super::*;

/// A dictionary with these values, as Python writes them.
fn dictionary(descr: &str, fortran_order: &str, shape: &str) -> String {
    format!("{{'descr': {descr}, 'fortran_order': {fortran_order}, 'shape': {shape}, }}\n")
}

/// A file with this shape and two `f64`.
fn shape(text: &str) -> Vec<u8> {
    with_dictionary(&dictionary("'<f8'", "False", text), 16)
}

/// A file with this element type and two elements of 8 bytes.
fn descr(text: &str) -> Vec<u8> {
    with_dictionary(&dictionary(text, "False", "(2,)"), 16)
}

/// A file with this text in place of the dictionary.
fn header(text: &str) -> Vec<u8> {
    with_dictionary(text, 16)
}

/// A valid file: two zeros.
fn zeros() -> Vec<u8> {
    shape("(2,)")
}

/// A file with the beginning of `zeros` up to some byte, and then these.
fn beginning(upto: usize, rest: &[u8]) -> Vec<u8> {
    [&zeros()[..upto], rest].concat()
}

fn extents(axes: usize, extent: &str) -> String {
    format!("({})", format!("{extent}, ").repeat(axes))
}

fn rows() -> Vec<Row> {
    let of_numbers = |descr: &str, numbers: &[u8]| {
        [with_dictionary(&dictionary(descr, "False", "(1,)"), 0), numbers.to_vec()].concat()
    };
    let rows = vec![
        // Before the dictionary.
        ("nothing", vec![], Err("wrong magic number: expected 93 4e 55 4d 50 59 (npy), found nothing")),
        ("one byte", vec![0x93], Err("wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 93")),
        (
            "the magic number without its end",
            beginning(5, b""),
            Err("wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 93 4e 55 4d 50"),
        ),
        (
            "the magic number",
            beginning(6, b""),
            Err("not a valid npy file: expected version 1, 2 or 3, found the end of the file"),
        ),
        ("half of the version", beginning(7, b""), Err("truncated: expected 2 bytes, found 0")),
        ("no length of the header", beginning(8, b""), Err("truncated: expected 2 bytes, found 0")),
        ("half of the length of the header", beginning(9, b""), Err("truncated: expected 2 bytes, found 1")),
        (
            "a header that is longer than the file",
            beginning(8, b"\xff\xff{'descr': '<f8'"),
            Err("truncated: expected 65535 bytes, found 15"),
        ),
        (
            "a header of no bytes",
            beginning(8, &[0; 18]),
            Err("not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"\""),
        ),
        (
            "version 0",
            beginning(6, &[0, 0, 0, 0]),
            Err("not a valid npy file: expected version 1, 2 or 3, found 0"),
        ),
        (
            "version 4",
            beginning(6, &[4, 0, 0, 0, 0, 0]),
            Err("not a valid npy file: expected version 1, 2 or 3, found 4"),
        ),
        (
            "version 255",
            beginning(6, &[255, 0, 0, 0, 0, 0]),
            Err("not a valid npy file: expected version 1, 2 or 3, found 255"),
        ),
        (
            "version 2 with a header of 4 GiB",
            beginning(6, b"\x02\x00\xff\xff\xff\xff{"),
            Err("not a valid npy file: a header of 4294967295 bytes, expected at most 65536"),
        ),
        (
            "version 3 with a header of 64 KiB and a byte",
            beginning(6, b"\x03\x00\x01\x00\x01\x00{"),
            Err("not a valid npy file: a header of 65537 bytes, expected at most 65536"),
        ),
        (
            "version 3 with a header of 64 KiB, most of it spaces",
            {
                let text = format!("{:<65535}\n", dictionary("'<f8'", "False", "(2,)").trim_end());
                beginning(6, &[b"\x03\x00\x00\x00\x01\x00", text.as_bytes(), &[0; 16]].concat())
            },
            Ok("\"x\" [2]: 0 0"),
        ),
        (
            "version 2 with the short length",
            [&zeros()[..6], &[2, 0], &zeros()[8..]].concat(),
            Err("not a valid npy file: a header of 662372410 bytes, expected at most 65536"),
        ),
        (
            "another first byte",
            [&[0x92], &zeros()[1..]].concat(),
            Err("wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 92 4e 55 4d 50 59"),
        ),
        (
            "another last byte of the magic number",
            beginning(5, b"X\x01\x00"),
            Err("wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 93 4e 55 4d 50 58"),
        ),
        (
            "a mark of UTF-8 before the file",
            [b"\xef\xbb\xbf".to_vec(), zeros()].concat(),
            Err("wrong magic number: expected 93 4e 55 4d 50 59 (npy), found ef bb bf 93 4e 55"),
        ),
        (
            "an archive of NumPy",
            npz::to_bytes::<f64>(&[]).unwrap(),
            Err("wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 50 4b 05 06 00 00"),
        ),
        // The dictionary.
        (
            "a header that is not UTF-8",
            beginning(8, b"\x04\x00{\xff}\n"),
            Err("not a valid npy file: invalid utf-8 sequence of 1 bytes from index 1"),
        ),
        (
            "a zero byte in the header",
            header("{\u{0}}"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{\\0}\"",
            ),
        ),
        (
            "blanks",
            header("    \n"),
            Err("not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"\""),
        ),
        (
            "no entries",
            header("{}"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{}\"",
            ),
        ),
        (
            "a list",
            header("['<f8', False, (2,)]"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"['<f8', False, (2,)]\"",
            ),
        ),
        (
            "a dictionary that does not end",
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), "),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (2,),\"",
            ),
        ),
        (
            "a text that does not end",
            header("{'descr': '<f8"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8\"",
            ),
        ),
        (
            "quotes that do not match",
            header("{'descr\": '<f8'}"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr\\\": '<f8'}\"",
            ),
        ),
        (
            "a key without quotes",
            header("{descr: '<f8'}"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{descr: '<f8'}\"",
            ),
        ),
        (
            "a key without a value",
            header("{'descr'}"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr'}\"",
            ),
        ),
        (
            "an escape in a key",
            header(&dictionary("'<f8'", "False", "(2,)").replace("descr", "\\x64escr")),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'\\\\x64escr': '<f8', 'fortran_order': False, 'shape': (2,), }\"",
            ),
        ),
        (
            "two commas",
            header(&dictionary("'<f8'", "False", "(2,)").replace("', ", "',, ")),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8',, 'fortran_order': False, 'shape': (2,), }\"",
            ),
        ),
        (
            "no descr",
            header("{'fortran_order': False, 'shape': (2,)}"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'fortran_order': False, 'shape': (2,)}\"",
            ),
        ),
        (
            "no fortran_order",
            header("{'descr': '<f8', 'shape': (2,)}"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'shape': (2,)}\"",
            ),
        ),
        (
            "no shape",
            header("{'descr': '<f8', 'fortran_order': False}"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False}\"",
            ),
        ),
        (
            "an unknown key",
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'x': 1}"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'x': 1}\"",
            ),
        ),
        (
            "descr twice",
            header("{'descr': '<f8', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}\"",
            ),
        ),
        (
            "fortran_order twice",
            header("{'descr': '<f8', 'fortran_order': False, 'fortran_order': True, 'shape': (2,)}"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'fortran_order': True, 'shape': (2,)}\"",
            ),
        ),
        (
            "shape twice",
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'shape': (1,)}"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'shape': (1,)}\"",
            ),
        ),
        (
            "text after the dictionary",
            header(&(dictionary("'<f8'", "False", "(2,)") + "x")),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\\nx\"",
            ),
        ),
        (
            "a call in place of the dictionary",
            header("__import__('os').system('true')"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"__import__('os').system('true')\"",
            ),
        ),
        (
            "a call in the dictionary",
            descr("str.__add__('<f', '8')"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': str.__add__('<f', '8'), 'fortran_order': False, 'shape': (2,), }\"",
            ),
        ),
        (
            "true of another language",
            with_dictionary(&dictionary("'<f8'", "true", "(2,)"), 16),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': true, 'shape': (2,), }\"",
            ),
        ),
        (
            "fortran_order None",
            with_dictionary(&dictionary("'<f8'", "None", "(2,)"), 16),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': None, 'shape': (2,), }\"",
            ),
        ),
        (
            "fortran_order 0",
            with_dictionary(&dictionary("'<f8'", "0", "(2,)"), 16),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': 0, 'shape': (2,), }\"",
            ),
        ),
        // The shape.
        (
            "an extent without parentheses",
            shape("2"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': 2, }\"",
            ),
        ),
        (
            "a list of extents",
            shape("[2]"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': [2], }\"",
            ),
        ),
        (
            "a shape that does not end",
            shape("(2"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (2, }\"",
            ),
        ),
        (
            "a comma without an extent",
            shape("(,)"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (,), }\"",
            ),
        ),
        (
            "extents without a comma",
            shape("(1 2)"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (1 2), }\"",
            ),
        ),
        (
            "a negative extent",
            shape("(-2,)"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (-2,), }\"",
            ),
        ),
        (
            "an extent with a point",
            shape("(2.0,)"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (2.0,), }\"",
            ),
        ),
        (
            "an extent with an exponent",
            shape("(2e0,)"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (2e0,), }\"",
            ),
        ),
        (
            "an extent in base 16",
            shape("(0x2,)"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (0x2,), }\"",
            ),
        ),
        (
            "an extent with an underscore",
            shape("(1_0,)"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (1_0,), }\"",
            ),
        ),
        (
            "an extent as text",
            shape("('2',)"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': ('2',), }\"",
            ),
        ),
        (
            "extents within extents",
            shape("((2,),)"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': ((2,),), }\"",
            ),
        ),
        (
            "an extent of digits of another script",
            shape("(٢,)"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (٢,), }\"",
            ),
        ),
        (
            "an extent of 2^64",
            shape("(18446744073709551616,)"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551616,), }\"",
            ),
        ),
        (
            "an extent of 2^63",
            shape("(9223372036854775808,)"),
            Err("shape [9223372036854775808] does not fit into memory"),
        ),
        (
            "a product of 2^64",
            shape("(4294967296, 4294967296)"),
            Err("shape [4294967296, 4294967296] does not fit into memory"),
        ),
        (
            "an overflow behind a zero",
            shape("(0, 4294967296, 4294967296)"),
            Err("shape [0, 4294967296, 4294967296] does not fit into memory"),
        ),
        ("a terabyte", shape("(137438953472,)"), Err("truncated: expected 1099511627776 bytes, found 16")),
        (
            "256 axes",
            with_dictionary(&dictionary("'<f8'", "False", &extents(256, "1")), 8),
            Err("axes of a tensor: expected at most 255, found 256 (see nn::files::Limits)"),
        ),
        (
            "64 axes of two",
            shape(&extents(64, "2")),
            Err(
                "shape [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]... (64 axes) does not fit into memory",
            ),
        ),
        ("extents of Python 2", shape("(2L,)"), Ok("\"x\" [2]: 0 0")),
        (
            "an extent of zero, with a body",
            shape("(0,)"),
            Err("bytes follow after the 0 that the header announces"),
        ),
        // The element type.
        ("objects, which are pickles", descr("'|O'"), Err("expected f64, found |O")),
        ("complex numbers", descr("'<c16'"), Err("expected f64, found <c16")),
        ("bytes", descr("'|S8'"), Err("expected f64, found |S8")),
        ("text", descr("'<U2'"), Err("expected f64, found <U2")),
        ("raw memory", descr("'|V8'"), Err("expected f64, found |V8")),
        ("times", descr("'<M8[ns]'"), Err("expected f64, found <M8[ns]")),
        ("long double", descr("'<f16'"), Err("expected f64, found <f16")),
        (
            "a record",
            descr("[('x', '<f4'), ('y', '<f4')]"),
            Err("expected f64, found [('x', '<f4'), ('y', '<f4')]"),
        ),
        (
            "a record that does not end",
            descr("[('x', '<f4'"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': [('x', '<f4', 'fortran_order': False, 'shape': (2,), }\"",
            ),
        ),
        (
            "a thousand records within each other",
            descr(&("[".repeat(1000) + &"]".repeat(1000))),
            Err(
                "expected f64, found [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[...",
            ),
        ),
        ("no byte order", descr("'f8'"), Err("expected f64, found f8")),
        (
            "a byte order that does not matter, of a type where it does",
            descr("'|f8'"),
            Err("expected f64, found |f8"),
        ),
        ("an element type without characters", descr("''"), Err("expected f64, found ")),
        (
            "an element type with a command for the terminal",
            descr("'<\u{1b}[2J'"),
            Err("expected f64, found <\\u{1b}[2J"),
        ),
        (
            "no element type",
            descr("None"),
            Err(
                "not a valid npy file: expected a dictionary of descr, fortran_order and shape, found \"{'descr': None, 'fortran_order': False, 'shape': (2,), }\"",
            ),
        ),
        // The body.
        (
            "no body",
            with_dictionary(&dictionary("'<f8'", "False", "(2,)"), 0),
            Err("truncated: expected 16 bytes, found 0"),
        ),
        (
            "a body that is one byte short",
            with_dictionary(&dictionary("'<f8'", "False", "(2,)"), 15),
            Err("truncated: expected 16 bytes, found 15"),
        ),
        (
            "one byte more",
            with_dictionary(&dictionary("'<f8'", "False", "(2,)"), 17),
            Err("bytes follow after the 16 that the header announces"),
        ),
        (
            "half a magic number after the body",
            [zeros(), b"\x93NUM".to_vec()].concat(),
            Err("bytes follow after the 16 that the header announces"),
        ),
        (
            "a line break after the body",
            [zeros(), b"\n".to_vec()].concat(),
            Err("bytes follow after the 16 that the header announces"),
        ),
        ("another array after the body", [zeros(), zeros()].concat(), Ok("\"x\" [2]: 0 0")),
        ("a boolean of 2", of_numbers("'|b1'", &[2]), Err("expected 0 or 1, found 2 (bool) at position 0")),
        (
            "a whole number that f64 does not have",
            of_numbers("'<i8'", &((1i64 << 53) + 1).to_le_bytes()),
            Err("expected values that f64 represents exactly, found 9007199254740993 (i64) at position 0"),
        ),
        (
            "the largest whole number",
            of_numbers("'>u8'", &u64::MAX.to_be_bytes()),
            Err(
                "expected values that f64 represents exactly, found 18446744073709551615 (u64) at position 0",
            ),
        ),
        ("a number that is none", of_numbers("'>f8'", &f64::NAN.to_be_bytes()), Ok("\"x\" [1]: NaN")),
    ];
    rows.into_iter().chain(foreign(FOREIGN)).collect()
}

const FOREIGN: [&str; 8] = [
    "wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 80 04 95 0b 00 00",
    "wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 3c 21 44 4f 43 54",
    "wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 76 65 72 73 69 6f",
    "wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 89 50 4e 47 0d 0a",
    "wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 89 48 44 46 0d 0a",
    "wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 7f 45 4c 46 02 01",
    "wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 00 00 00 00 00 00",
    "wrong magic number: expected 93 4e 55 4d 50 59 (npy), found ff ff ff ff ff ff",
];

#[test]
fn npy_files() {
    check("npy", rows(), |path| npy::load::<f64>(path).map(|x| shown(&vec![("x".to_owned(), x)])));
}
