//! Hostile IDX files, compressed and not.

use super::catalogue::{Row, check, foreign};
use super::*;

/// A file with this code of an element type, these extents and this body.
fn file(code: u8, extents: &[u32], body: &[u8]) -> Vec<u8> {
    let words = extents.iter().flat_map(|n| n.to_be_bytes());
    [0, 0, code, extents.len() as u8].into_iter().chain(words).chain(body.iter().copied()).collect()
}

/// A valid file: the labels 7, 2 and 1.
fn labels() -> Vec<u8> {
    file(8, &[3], &[7, 2, 1])
}

/// Bytes with one of them, counted from the end, changed.
fn changed_at_the_end(mut bytes: Vec<u8>, from_end: usize) -> Vec<u8> {
    let at = bytes.len() - from_end;
    bytes[at] ^= 1;
    bytes
}

fn with(mut bytes: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    bytes[at] = byte;
    bytes
}

fn cut(mut bytes: Vec<u8>, from_end: usize) -> Vec<u8> {
    bytes.truncate(bytes.len() - from_end);
    bytes
}

fn rows() -> Vec<Row> {
    const MAX: u32 = u32::MAX;
    let rows = vec![
        // Where the file ends early.
        ("nothing", vec![], Err("wrong magic number: expected an IDX file, found nothing")),
        ("one byte", vec![0], Err("wrong magic number: expected an IDX file, found 00")),
        (
            "three bytes of the magic number",
            vec![0, 0, 8],
            Err("wrong magic number: expected an IDX file, found 00 00 08"),
        ),
        ("no extent", vec![0, 0, 8, 1], Err("truncated: expected 8 bytes, found 4")),
        ("half an extent", vec![0, 0, 8, 1, 0, 0], Err("truncated: expected 8 bytes, found 6")),
        (
            "one extent of two",
            vec![0, 0, 8, 2, 0, 0, 0, 3, 7, 2, 1],
            Err("truncated: expected 12 bytes, found 11"),
        ),
        ("no body", file(8, &[3], &[]), Err("truncated: expected 11 bytes, found 8")),
        ("a body that is one byte short", cut(labels(), 1), Err("truncated: expected 11 bytes, found 10")),
        ("half of the last i16", file(11, &[2], &[0, 1, 0]), Err("truncated: expected 12 bytes, found 11")),
        ("three bytes of an i32", file(12, &[1], &[0, 1, 0]), Err("truncated: expected 12 bytes, found 11")),
        ("three bytes of an f32", file(13, &[1], &[0, 1, 0]), Err("truncated: expected 12 bytes, found 11")),
        ("seven bytes of an f64", file(14, &[1], &[0; 7]), Err("truncated: expected 16 bytes, found 15")),
        ("no element of a scalar", file(8, &[], &[]), Err("truncated: expected 5 bytes, found 4")),
        (
            "one column fewer than announced",
            file(8, &[2, 3], &[0; 4]),
            Err("truncated: expected 18 bytes, found 16"),
        ),
        // Where it goes on.
        (
            "one byte more",
            [labels(), vec![0]].concat(),
            Err("bytes follow after the 11 that the header announces"),
        ),
        (
            "a line break at the end",
            [labels(), b"\n".to_vec()].concat(),
            Err("bytes follow after the 11 that the header announces"),
        ),
        (
            "two files in one",
            [labels(), labels()].concat(),
            Err("bytes follow after the 11 that the header announces"),
        ),
        (
            "two extents of one",
            vec![0, 0, 8, 1, 0, 0, 0, 3, 0, 0, 0, 1, 7, 2, 1],
            Err("bytes follow after the 11 that the header announces"),
        ),
        (
            "a body of no elements",
            file(8, &[0], &[1]),
            Err("bytes follow after the 8 that the header announces"),
        ),
        (
            "two elements of a scalar",
            file(8, &[], &[1, 2]),
            Err("bytes follow after the 5 that the header announces"),
        ),
        (
            "one byte more than an f64",
            file(14, &[1], &[0; 9]),
            Err("bytes follow after the 16 that the header announces"),
        ),
        // The magic number.
        (
            "the first byte is 1",
            with(labels(), 0, 1),
            Err("wrong magic number: expected an IDX file, found 01 00 08 01"),
        ),
        (
            "the second byte is 1",
            with(labels(), 1, 1),
            Err("wrong magic number: expected an IDX file, found 00 01 08 01"),
        ),
        (
            "the magic number of a little-endian machine",
            with(vec![1, 8, 0, 0], 0, 1),
            Err("wrong magic number: expected an IDX file, found 01 08 00 00"),
        ),
        ("code 00", with(labels(), 2, 0), Err("wrong magic number: expected an IDX file, found 00 00 00 01")),
        ("code 07", with(labels(), 2, 7), Err("wrong magic number: expected an IDX file, found 00 00 07 01")),
        (
            "code 0a, which is between two",
            with(labels(), 2, 10),
            Err("wrong magic number: expected an IDX file, found 00 00 0a 01"),
        ),
        (
            "code 0f",
            with(labels(), 2, 15),
            Err("wrong magic number: expected an IDX file, found 00 00 0f 01"),
        ),
        (
            "code 88",
            with(labels(), 2, 0x88),
            Err("wrong magic number: expected an IDX file, found 00 00 88 01"),
        ),
        (
            "code ff",
            with(labels(), 2, 0xff),
            Err("wrong magic number: expected an IDX file, found 00 00 ff 01"),
        ),
        (
            "a mark of UTF-8 before the file",
            [b"\xef\xbb\xbf".to_vec(), labels()].concat(),
            Err("wrong magic number: expected an IDX file, found ef bb bf 00"),
        ),
        (
            "an empty line before the file",
            [b"\n".to_vec(), labels()].concat(),
            Err("wrong magic number: expected an IDX file, found 0a 00 00 08"),
        ),
        (
            "the numbers as text",
            b"7,2,1\n".to_vec(),
            Err("wrong magic number: expected an IDX file, found 37 2c 32 2c"),
        ),
        (
            "an array of NumPy",
            npy::to_bytes(&Tensor::<f64>::ones([2])),
            Err("wrong magic number: expected an IDX file, found 93 4e 55 4d"),
        ),
        (
            "an archive of NumPy",
            npz::to_bytes::<f64>(&[]).unwrap(),
            Err("wrong magic number: expected an IDX file, found 50 4b 05 06"),
        ),
        (
            "a file of bzip2",
            b"BZh91AY&SY".to_vec(),
            Err("wrong magic number: expected an IDX file, found 42 5a 68 39"),
        ),
        (
            "a file of xz",
            b"\xfd7zXZ\x00\x00\x04".to_vec(),
            Err("wrong magic number: expected an IDX file, found fd 37 7a 58"),
        ),
        // Extents.
        (
            "an extent of a little-endian machine",
            file(8, &[3 << 24], &[7, 2, 1]),
            Err("truncated: expected 50331656 bytes, found 11"),
        ),
        ("the largest extent", file(8, &[MAX], &[1]), Err("truncated: expected 4294967303 bytes, found 9")),
        (
            "the largest extent of f64",
            file(14, &[MAX], &[1]),
            Err("truncated: expected 34359738368 bytes, found 9"),
        ),
        (
            "the sign bit of an extent",
            file(8, &[1 << 31], &[1]),
            Err("truncated: expected 2147483656 bytes, found 9"),
        ),
        (
            "2^59 elements",
            file(8, &[1 << 31, 1 << 28], &[1]),
            Err("truncated: expected 576460752303423500 bytes, found 13"),
        ),
        (
            "2^62 bytes of f64",
            file(14, &[1 << 31, 1 << 28], &[1]),
            Err("truncated: expected 4611686018427387916 bytes, found 13"),
        ),
        (
            "2^60 elements",
            file(8, &[1 << 31, 1 << 29], &[1]),
            Err("shape [2147483648, 536870912] does not fit into memory"),
        ),
        (
            "two extents whose product overflows",
            file(8, &[MAX, MAX], &[1]),
            Err("shape [4294967295, 4294967295] does not fit into memory"),
        ),
        (
            "three extents whose product overflows to 0",
            file(8, &[1 << 31, 1 << 31, 4], &[]),
            Err("shape [2147483648, 2147483648, 4] does not fit into memory"),
        ),
        (
            "an overflow behind a zero",
            file(8, &[0, MAX, MAX], &[]),
            Err("shape [0, 4294967295, 4294967295] does not fit into memory"),
        ),
        (
            "an overflow before a zero",
            file(8, &[MAX, MAX, 0], &[]),
            Err("shape [4294967295, 4294967295, 0] does not fit into memory"),
        ),
        (
            "255 axes of two",
            file(8, &[2; 255], &[1]),
            Err(
                "shape [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]... (255 axes) does not fit into memory",
            ),
        ),
        ("255 axes without extents", vec![0, 0, 8, 255], Err("truncated: expected 1024 bytes, found 4")),
        (
            "255 axes without the last extent",
            cut(file(8, &[1; 255], &[]), 4),
            Err("truncated: expected 1024 bytes, found 1020"),
        ),
        ("255 axes of one", file(8, &[1; 255], &[9]), Ok("255 axes: 9")),
        ("an extent of zero", file(8, &[0], &[]), Ok("[0]: ")),
        ("a scalar", file(8, &[], &[9]), Ok("[]: 9")),
        ("bytes with a sign", file(9, &[2], &[0xff, 0x80]), Ok("[2]: -1 -128")),
        (
            "numbers that are not finite",
            file(13, &[2], &[0x7f, 0xc0, 0, 0, 0xff, 0x80, 0, 0]),
            Ok("[2]: NaN -inf"),
        ),
        // Compression.
        ("the magic number of gzip", vec![0x1f, 0x8b], Err("not a valid gzip file: unexpected end of file")),
        (
            "half of a header of gzip",
            gzip(&labels())[..5].to_vec(),
            Err("not a valid gzip file: unexpected end of file"),
        ),
        (
            "a header of gzip",
            gzip(&labels())[..10].to_vec(),
            Err("not a valid gzip file: incomplete deflate stream"),
        ),
        (
            "an unknown method of gzip",
            with(gzip(&labels()), 2, 7),
            Err("not a valid gzip file: invalid gzip header"),
        ),
        (
            "reserved flags of gzip",
            with(gzip(&labels()), 3, 0xe0),
            Err("not a valid gzip file: invalid gzip header"),
        ),
        (
            "a name in the header of gzip that does not end",
            with(gzip(&labels()), 3, 8),
            Err("not a valid gzip file: corrupt deflate stream"),
        ),
        ("gzip of nothing", gzip(b""), Err("wrong magic number: expected an IDX file, found nothing")),
        (
            "gzip of text",
            gzip(b"7,2,1\n"),
            Err("wrong magic number: expected an IDX file, found 37 2c 32 2c"),
        ),
        (
            "gzip of gzip",
            gzip(&gzip(&labels())),
            Err("wrong magic number: expected an IDX file, found 1f 8b 08 00"),
        ),
        (
            "gzip of a file that is cut",
            gzip(&cut(labels(), 1)),
            Err("truncated: expected 11 bytes, found 10"),
        ),
        (
            "gzip of a file that goes on",
            gzip(&[labels(), vec![0]].concat()),
            Err("bytes follow after the 11 that the header announces"),
        ),
        (
            "gzip of a large claim",
            gzip(&file(14, &[MAX], &[])),
            Err("inflated bytes: expected at most 1051176, found 34359738368 (see nn::files::Limits)"),
        ),
        (
            "gzip of an impossible claim",
            gzip(&file(8, &[MAX, MAX], &[])),
            Err("shape [4294967295, 4294967295] does not fit into memory"),
        ),
        (
            "2 MiB of zeros in gzip",
            gzip(&file(8, &[1 << 21], &vec![0; 1 << 21])),
            Err("inflated bytes: expected at most 1255876, found 2097160 (see nn::files::Limits)"),
        ),
        (
            "2 MiB of zeros after the end, in gzip",
            gzip(&[labels(), vec![0; 1 << 21]].concat()),
            Err("bytes follow after the 11 that the header announces"),
        ),
        (
            "a wrong checksum of gzip",
            changed_at_the_end(gzip(&labels()), 8),
            Err("not a valid gzip file: corrupt gzip stream does not have a matching checksum"),
        ),
        (
            "a wrong length of gzip",
            changed_at_the_end(gzip(&labels()), 4),
            Err("not a valid gzip file: corrupt gzip stream does not have a matching checksum"),
        ),
        (
            "gzip without its last byte",
            cut(gzip(&labels()), 1),
            Err("not a valid gzip file: unexpected end of file"),
        ),
        (
            "gzip without its checksum",
            cut(gzip(&labels()), 8),
            Err("not a valid gzip file: unexpected end of file"),
        ),
        (
            "gzip that is cut in its body",
            cut(gzip(&labels()), 10),
            Err("truncated: expected 11 bytes, found 10"),
        ),
        (
            "text after gzip",
            [gzip(&labels()), b"text".to_vec()].concat(),
            Err("not a valid gzip file: unexpected end of file"),
        ),
        (
            "zeros after gzip",
            [gzip(&labels()), vec![0; 16]].concat(),
            Err("not a valid gzip file: invalid gzip header"),
        ),
        (
            "two files of gzip in one",
            [gzip(&labels()), gzip(&labels())].concat(),
            Err("bytes follow after the 11 that the header announces"),
        ),
        (
            "one file in two parts of gzip",
            [gzip(&labels()[..6]), gzip(&labels()[6..])].concat(),
            Ok("[3]: 7 2 1"),
        ),
    ];
    rows.into_iter().chain(foreign(FOREIGN)).collect()
}

const FOREIGN: [&str; 8] = [
    "wrong magic number: expected an IDX file, found 80 04 95 0b",
    "wrong magic number: expected an IDX file, found 3c 21 44 4f",
    "wrong magic number: expected an IDX file, found 76 65 72 73",
    "wrong magic number: expected an IDX file, found 89 50 4e 47",
    "wrong magic number: expected an IDX file, found 89 48 44 46",
    "wrong magic number: expected an IDX file, found 7f 45 4c 46",
    "wrong magic number: expected an IDX file, found 00 00 00 00",
    "wrong magic number: expected an IDX file, found ff ff ff ff",
];

#[test]
fn idx_files() {
    check("idx", rows(), |path| {
        let idx = Idx::read(path)?;
        let values: Vec<String> = idx.to_tensor::<f64>().to_vec().iter().map(f64::to_string).collect();
        let axes = idx.shape().len();
        let shape = if axes > 3 { format!("{axes} axes") } else { format!("{:?}", idx.shape()) };
        Ok(format!("{shape}: {}", values.join(" ")))
    });
}
