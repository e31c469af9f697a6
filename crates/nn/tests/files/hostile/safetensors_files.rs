//! Hostile safetensors files.

use super::catalogue::{Row, check, foreign, state_of};
use super::*;

/// A file of these entries, and `data` zero bytes after it.
fn entries(text: &str, data: usize) -> Vec<u8> {
    with_header(&format!("{{{text}}}"), data)
}

/// A good first tensor, `bias`, of 8 bytes, and this entry of 16 bytes.
fn second(text: &str) -> Vec<u8> {
    let bias = r#""bias":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}"#;
    entries(&format!("{bias},{text}"), 24)
}

/// The second tensor with this element type, shape and range of bytes.
fn weight(dtype: &str, shape: &str, offsets: &str) -> Vec<u8> {
    second(&format!(r#""weight":{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}}}"#))
}

fn shape(text: &str) -> Vec<u8> {
    weight(r#""F64""#, text, "[8,24]")
}

fn offsets(text: &str) -> Vec<u8> {
    weight(r#""F64""#, "[1,2]", text)
}

fn dtype(text: &str) -> Vec<u8> {
    weight(text, "[1,2]", "[8,24]")
}

/// A file that says that its header is this long.
fn length(n: u64, rest: &[u8]) -> Vec<u8> {
    [&n.to_le_bytes(), rest].concat()
}

/// One tensor `x` of this type and count, with these bytes.
fn one(dtype: &str, count: usize, bytes: &[u8]) -> Vec<u8> {
    let end = bytes.len();
    let header = format!(r#"{{"x":{{"dtype":"{dtype}","shape":[{count}],"data_offsets":[0,{end}]}}}}"#);
    [with_header(&header, 0), bytes.to_vec()].concat()
}

fn rows() -> Vec<Row> {
    let good = shape("[1,2]");
    let x = r#""x":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}"#;
    let rows = vec![
        // Before the header.
        ("nothing", vec![], Err("truncated: expected 8 bytes, found 0")),
        ("seven bytes", vec![2, 0, 0, 0, 0, 0, 0], Err("truncated: expected 8 bytes, found 7")),
        (
            "a header of no bytes",
            length(0, b""),
            Err("not a valid safetensors file: EOF while parsing a value at line 1 column 0"),
        ),
        (
            "a header of no bytes before a header",
            length(0, b"{}"),
            Err("not a valid safetensors file: EOF while parsing a value at line 1 column 0"),
        ),
        (
            "a header of one byte",
            length(1, b"{}"),
            Err("not a valid safetensors file: EOF while parsing an object at line 1 column 1"),
        ),
        (
            "a header that is one byte longer than the file",
            length(3, b"{}"),
            Err("truncated: expected 11 bytes, found 10"),
        ),
        (
            "a header of 100 MB",
            length(100_000_000, b"{}"),
            Err("truncated: expected 100000008 bytes, found 10"),
        ),
        (
            "a header of 100 MB and a byte",
            length(100_000_001, b"{}"),
            Err("not a valid safetensors file: a header of 100000001 bytes, expected at most 100000000"),
        ),
        (
            "a header of 2^63 bytes",
            length(1 << 63, b"{}"),
            Err(
                "not a valid safetensors file: a header of 9223372036854775808 bytes, expected at most 100000000",
            ),
        ),
        (
            "a header of 2^64 - 1 bytes",
            length(u64::MAX, b"{}"),
            Err(
                "not a valid safetensors file: a header of 18446744073709551615 bytes, expected at most 100000000",
            ),
        ),
        (
            "a length of a big-endian machine",
            [&2u64.to_be_bytes()[..], b"{}"].concat(),
            Err(
                "not a valid safetensors file: a header of 144115188075855872 bytes, expected at most 100000000",
            ),
        ),
        (
            "a mark of UTF-8 before the file",
            [b"\xef\xbb\xbf".to_vec(), good.clone()].concat(),
            Err("not a valid safetensors file: a header of 1992276975 bytes, expected at most 100000000"),
        ),
        (
            "an archive of NumPy",
            npz::to_bytes(&[("x".to_owned(), Tensor::scalar(1.0))]).unwrap(),
            Err("not a valid safetensors file: a header of 43016997712 bytes, expected at most 100000000"),
        ),
        (
            "an array of NumPy",
            npy::to_bytes(&Tensor::<f64>::ones([2])),
            Err(
                "not a valid safetensors file: a header of 379676406402707 bytes, expected at most 100000000",
            ),
        ),
        // The text.
        (
            "a header that is not UTF-8",
            length(4, b"{\"\xff\""),
            Err("not a valid safetensors file: invalid unicode code point at line 1 column 3"),
        ),
        (
            "a zero byte in the header",
            entries("\u{0}", 0),
            Err("not a valid safetensors file: key must be a string at line 1 column 2"),
        ),
        (
            "a mark of UTF-8 in the header",
            with_header("\u{feff}{}", 0),
            Err("not a valid safetensors file: expected value at line 1 column 1"),
        ),
        (
            "blanks",
            with_header("        ", 0),
            Err("not a valid safetensors file: EOF while parsing a value at line 1 column 8"),
        ),
        (
            "a header that is cut",
            with_header(&format!("{{{x}"), 8),
            Err("not a valid safetensors file: EOF while parsing an object at line 1 column 53"),
        ),
        (
            "a name that does not end",
            with_header(r#"{"x"#, 0),
            Err("not a valid safetensors file: EOF while parsing a string at line 1 column 3"),
        ),
        (
            "text after the header",
            with_header("{}x", 0),
            Err("not a valid safetensors file: trailing characters at line 1 column 3"),
        ),
        (
            "two headers",
            with_header("{}{}", 0),
            Err("not a valid safetensors file: trailing characters at line 1 column 3"),
        ),
        ("blanks after the header", with_header("{}      ", 0), Ok("")),
        (
            "a list",
            with_header("[]", 0),
            Err(
                "not a valid safetensors file: invalid type: sequence, expected struct HashMetadata at line 1 column 0",
            ),
        ),
        (
            "null",
            with_header("null", 0),
            Err(
                "not a valid safetensors file: invalid type: null, expected struct HashMetadata at line 1 column 4",
            ),
        ),
        (
            "a number",
            with_header("1", 0),
            Err(
                "not a valid safetensors file: invalid type: integer `1`, expected struct HashMetadata at line 1 column 1",
            ),
        ),
        (
            "quotes of Python",
            with_header("{'x': 1}", 0),
            Err("not a valid safetensors file: key must be a string at line 1 column 2"),
        ),
        (
            "a comma at the end",
            with_header(&format!("{{{x},}}"), 8),
            Err("not a valid safetensors file: trailing comma at line 1 column 55"),
        ),
        (
            "a comment",
            with_header("{/* */}", 0),
            Err("not a valid safetensors file: key must be a string at line 1 column 2"),
        ),
        (
            "half of a surrogate pair in a name",
            entries(r#""\ud800":{"dtype":"F64","shape":[],"data_offsets":[0,8]}"#, 8),
            Err("not a valid safetensors file: unexpected end of hex escape at line 1 column 9"),
        ),
        (
            "100,000 lists within each other",
            with_header(&"[".repeat(100_000), 0),
            Err("not a valid safetensors file: recursion limit exceeded at line 1 column 128"),
        ),
        (
            "100,000 objects within each other",
            with_header(&r#"{"x":"#.repeat(100_000), 0),
            Err("not a valid safetensors file: recursion limit exceeded at line 1 column 636"),
        ),
        (
            "a number beyond the range of f64",
            entries(r#""x":1e999"#, 0),
            Err("not a valid safetensors file: number out of range at line 1 column 10"),
        ),
        // Entries.
        (
            "an entry that is null",
            second(r#""weight":null"#),
            Err(
                "not a valid safetensors file: invalid type: null, expected struct TensorInfo at line 1 column 71",
            ),
        ),
        (
            "an entry that is a number",
            second(r#""weight":1"#),
            Err(
                "not a valid safetensors file: invalid type: integer `1`, expected struct TensorInfo at line 1 column 68",
            ),
        ),
        (
            "an entry that is a list",
            second(r#""weight":["F64",[1,2],[8,24]]"#),
            Ok("\"bias\" [1]: 0; \"weight\" [1, 2]: 0 0"),
        ),
        (
            "an entry without fields",
            second(r#""weight":{}"#),
            Err("not a valid safetensors file: missing field `dtype` at line 1 column 69"),
        ),
        (
            "no dtype",
            second(r#""weight":{"shape":[1,2],"data_offsets":[8,24]}"#),
            Err("not a valid safetensors file: missing field `dtype` at line 1 column 104"),
        ),
        (
            "no shape",
            second(r#""weight":{"dtype":"F64","data_offsets":[8,24]}"#),
            Err("not a valid safetensors file: missing field `shape` at line 1 column 104"),
        ),
        (
            "no data_offsets",
            second(r#""weight":{"dtype":"F64","shape":[1,2]}"#),
            Err("not a valid safetensors file: missing field `data_offsets` at line 1 column 96"),
        ),
        (
            "a tensor twice",
            second(r#""bias":{"dtype":"F64","shape":[1,2],"data_offsets":[8,24]}"#),
            Err("tensor \"bias\" appears more than once"),
        ),
        (
            "a tensor twice, once with an escape",
            second(r#""bi\u0061s":{"dtype":"F64","shape":[1,2],"data_offsets":[8,24]}"#),
            Err("tensor \"bias\" appears more than once"),
        ),
        (
            "a field twice",
            second(r#""weight":{"dtype":"F64","dtype":"F32","shape":[1,2],"data_offsets":[8,24]}"#),
            Err("tensor \"dtype\" appears more than once"),
        ),
        (
            "an unknown field",
            second(r#""weight":{"dtype":"F64","shape":[1,2],"data_offsets":[8,24],"x":1}"#),
            Ok("\"bias\" [1]: 0; \"weight\" [1, 2]: 0 0"),
        ),
        (
            "a name of 4097 bytes",
            entries(&x.replace('x', &"n".repeat(4097)), 8),
            Err("bytes of a name: expected at most 4096, found 4097 (see nn::files::Limits)"),
        ),
        (
            "a name with a command for the terminal",
            entries(&x.replace("\"x\"", r#""\u001b[2J""#).replace("F64", "C64"), 8),
            Err("tensor \"\\u{1b}[2J\": expected f64, found c64"),
        ),
        // Element types.
        (
            "an unknown element type",
            dtype(r#""F99""#),
            Err("not a valid safetensors file: unknown variant `F99`, expected one of `BOOL`, `F4`..."),
        ),
        (
            "an element type in lower case",
            dtype(r#""f64""#),
            Err("not a valid safetensors file: unknown variant `f64`, expected one of `BOOL`, `F4`..."),
        ),
        (
            "an element type that is a number",
            dtype("64"),
            Err(
                "not a valid safetensors file: invalid type: integer `64`, expected string or map at line 1 column 115",
            ),
        ),
        (
            "an element type of no characters",
            dtype(r#""""#),
            Err("not a valid safetensors file: unknown variant ``, expected one of `BOOL`, `F4`..."),
        ),
        ("complex numbers", dtype(r#""C64""#), Err("tensor \"weight\": expected f64, found c64")),
        ("numbers of 8 bits", one("F8_E4M3", 1, &[0]), Err("tensor \"x\": expected f64, found f8_e4m3")),
        ("numbers of 4 bits", one("F4", 2, &[0]), Err("tensor \"x\": expected f64, found f4")),
        (
            "half a byte of numbers of 4 bits",
            one("F4", 1, &[0]),
            Err(
                "not a valid safetensors file: The slice is slicing for subbytes dtypes, and the slice does not end up at a byte boundary, this is invalid.",
            ),
        ),
        (
            "a boolean of 2",
            one("BOOL", 1, &[2]),
            Err("tensor \"x\": expected 0 or 1, found 2 (bool) at position 0"),
        ),
        (
            "a whole number that f64 does not have",
            one("I64", 1, &((1i64 << 53) + 1).to_le_bytes()),
            Err(
                "tensor \"x\": expected values that f64 represents exactly, found 9007199254740993 (i64) at position 0",
            ),
        ),
        (
            "the largest whole number",
            one("U64", 1, &[0xff; 8]),
            Err(
                "tensor \"x\": expected values that f64 represents exactly, found 18446744073709551615 (u64) at position 0",
            ),
        ),
        ("a number that is none", one("F16", 1, &[0xff, 0x7f]), Ok("\"x\" [1]: NaN")),
        // Shapes.
        (
            "a shape that is a number",
            shape("2"),
            Err(
                "not a valid safetensors file: invalid type: integer `2`, expected a sequence at line 1 column 114",
            ),
        ),
        (
            "a shape that is text",
            shape(r#""[2]""#),
            Err(
                "not a valid safetensors file: invalid type: string \"[2]\", expected a sequence at line 1 column 118",
            ),
        ),
        (
            "a shape that is null",
            shape("null"),
            Err("not a valid safetensors file: invalid type: null, expected a sequence at line 1 column 117"),
        ),
        (
            "a shape within a shape",
            shape("[[1,2]]"),
            Err("not a valid safetensors file: invalid type: sequence, expected usize at line 1 column 120"),
        ),
        (
            "a negative extent",
            shape("[-1,-2]"),
            Err(
                "not a valid safetensors file: invalid value: integer `-1`, expected usize at line 1 column 120",
            ),
        ),
        (
            "an extent with a point",
            shape("[1.0,2.0]"),
            Err(
                "not a valid safetensors file: invalid type: floating point `1.0`, expected usize at line 1 column 122",
            ),
        ),
        (
            "an extent of 2^64",
            shape("[18446744073709551616]"),
            Err(
                "not a valid safetensors file: invalid type: floating point `1.8446744073709552e+19`, expected usize at line 1 column 135",
            ),
        ),
        (
            "an extent of 2^63",
            shape("[9223372036854775808]"),
            Err(
                "not a valid safetensors file: overflow computing buffer size from shape and/or element type",
            ),
        ),
        (
            "a product of 2^64",
            shape("[4294967296,4294967296]"),
            Err(
                "not a valid safetensors file: overflow computing buffer size from shape and/or element type",
            ),
        ),
        (
            "a zero, with a body",
            shape("[0,2]"),
            Err("not a valid safetensors file: invalid shape, data type, or offset for tensor"),
        ),
        (
            "an overflow behind a zero",
            entries(r#""x":{"dtype":"F64","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}"#, 0),
            Err("shape [0, 4294967296, 4294967296] does not fit into memory"),
        ),
        (
            "one element fewer",
            shape("[1]"),
            Err("not a valid safetensors file: invalid shape, data type, or offset for tensor"),
        ),
        (
            "one element more",
            shape("[3]"),
            Err("not a valid safetensors file: invalid shape, data type, or offset for tensor"),
        ),
        (
            "256 axes",
            entries(&x.replace("[1]", &format!("[{}1]", "1,".repeat(255))), 8),
            Err("axes of a tensor: expected at most 255, found 256 (see nn::files::Limits)"),
        ),
        // Places.
        (
            "one end of a range",
            offsets("[8]"),
            Err(
                "not a valid safetensors file: invalid length 1, expected a tuple of size 2 at line 1 column 115",
            ),
        ),
        (
            "three ends of a range",
            offsets("[8,24,24]"),
            Err(
                "not a valid safetensors file: invalid length 3, expected 2 elements in sequence at line 1 column 121",
            ),
        ),
        (
            "a range that is null",
            offsets("null"),
            Err(
                "not a valid safetensors file: invalid type: null, expected a tuple of size 2 at line 1 column 116",
            ),
        ),
        (
            "a negative begin",
            offsets("[-8,8]"),
            Err(
                "not a valid safetensors file: invalid value: integer `-8`, expected usize at line 1 column 118",
            ),
        ),
        (
            "an end with a point",
            offsets("[8,24.0]"),
            Err(
                "not a valid safetensors file: invalid type: floating point `24.0`, expected usize at line 1 column 120",
            ),
        ),
        (
            "an end of 2^64",
            offsets("[8,18446744073709551616]"),
            Err(
                "not a valid safetensors file: invalid type: floating point `1.8446744073709552e+19`, expected usize at line 1 column 136",
            ),
        ),
        (
            "an end of 2^64 - 1",
            offsets("[8,18446744073709551615]"),
            Err("not a valid safetensors file: invalid shape, data type, or offset for tensor"),
        ),
        (
            "an end before the begin",
            offsets("[24,8]"),
            Err("not a valid safetensors file: invalid offset for tensor `weight`"),
        ),
        (
            "a hole between the tensors",
            offsets("[16,32]"),
            Err("not a valid safetensors file: invalid offset for tensor `weight`"),
        ),
        (
            "tensors that overlap",
            offsets("[0,16]"),
            Err("not a valid safetensors file: invalid offset for tensor `weight`"),
        ),
        (
            "an end after the file",
            offsets("[8,25]"),
            Err("not a valid safetensors file: invalid shape, data type, or offset for tensor"),
        ),
        (
            "a hole before the first",
            entries(&x.replace("[0,8]", "[8,16]"), 16),
            Err("not a valid safetensors file: invalid offset for tensor `x`"),
        ),
        (
            "a terabyte",
            entries(&x.replace("[1]", "[137438953472]").replace("[0,8]", "[0,1099511627776]"), 8),
            Err("truncated: expected 1099511627861 bytes, found 93"),
        ),
        (
            "a body that is one byte short",
            good[..good.len() - 1].to_vec(),
            Err("truncated: expected 150 bytes, found 149"),
        ),
        (
            "one byte more",
            [good, vec![0]].concat(),
            Err("bytes follow after the 150 that the header announces"),
        ),
        // The metadata.
        ("metadata that are null", entries(r#""__metadata__":null"#, 0), Ok("")),
        (
            "metadata that are a list",
            entries(r#""__metadata__":[]"#, 0),
            Err("not a valid safetensors file: invalid type: sequence, expected a map at line 1 column 16"),
        ),
        (
            "metadata that are a number",
            entries(r#""__metadata__":{"a":1}"#, 0),
            Err(
                "not a valid safetensors file: invalid type: integer `1`, expected a string at line 1 column 22",
            ),
        ),
        (
            "metadata twice",
            entries(r#""__metadata__":{},"__metadata__":{}"#, 0),
            Err("tensor \"__metadata__\" appears more than once"),
        ),
        (
            "metadata with a name twice",
            entries(r#""__metadata__":{"a":"1","a":"2"}"#, 0),
            Err("tensor \"a\" appears more than once"),
        ),
        (
            "metadata that are a tensor",
            entries(&x.replace("\"x\"", "\"__metadata__\""), 8),
            Err(
                "not a valid safetensors file: invalid type: sequence, expected a string at line 1 column 39",
            ),
        ),
    ];
    rows.into_iter().chain(foreign(FOREIGN)).collect()
}

/// The errors of files of other formats; a checkpoint is read as one of these files.
pub(super) const FOREIGN: [&str; 8] = [
    "not a valid safetensors file: a header of 194315392 bytes, expected at most 100000000",
    "not a valid safetensors file: a header of 5789751444030890300 bytes, expected at most 100000000",
    "not a valid safetensors file: a header of 2336927755350992246 bytes, expected at most 100000000",
    "not a valid safetensors file: a header of 727905341920923785 bytes, expected at most 100000000",
    "not a valid safetensors file: a header of 727905341903489161 bytes, expected at most 100000000",
    "not a valid safetensors file: a header of 282584257676671 bytes, expected at most 100000000",
    "not a valid safetensors file: EOF while parsing a value at line 1 column 0",
    "not a valid safetensors file: a header of 18446744073709551615 bytes, expected at most 100000000",
];

#[test]
fn safetensors_files() {
    check("safetensors", rows(), state_of);
}
