//! Valid containers with hostile contents: what random bytes hardly ever reach.

use super::bytes::Bytes;
use super::readers;

const NAMES: [&str; 10] =
    ["x", "w", "x.npy", "", "../x", "a/b", "é", "\u{1b}[2J", "__metadata__", "nn.checkpoint"];
const EXTENTS: [&str; 12] = [
    "0",
    "1",
    "2",
    "3",
    "7",
    "-1",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "1e3",
    "True",
    " 2 ",
];

/// The extents of a shape, as text.
fn extents(bytes: &mut Bytes<'_>) -> Vec<&'static str> {
    (0..bytes.below(5)).map(|_| bytes.one_of(&EXTENTS)).collect()
}

/// An array of NumPy, whose header may lie about its body.
fn array(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let descr =
        bytes.one_of(&["<f8", "<f4", "<i8", ">f8", "|u1", "|b1", "<f2", "<c16", "|O", "<U3", "", "é"]);
    let order = bytes.one_of(&["False", "True", "0", "None"]);
    let (shape, comma) = (extents(bytes).join(", "), bytes.one_of(&[",", ""]));
    let dictionary = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}{comma}), }}");
    let version = bytes.one_of(&[1, 1, 1, 2, 3, 0, 9]);
    let mut header = [&b"\x93NUMPY"[..], &[version, 0]].concat();
    let length = dictionary.len() as u32 + u32::from(bytes.byte() % 2);
    if version == 1 {
        header.extend((length as u16).to_le_bytes());
    } else {
        header.extend(length.to_le_bytes());
    }
    header.extend(dictionary.as_bytes());
    header.extend(b"\n");
    let body = usize::from(bytes.byte());
    header.extend(bytes.take(body));
    header.resize(header.len() + 8 * bytes.below(9), 0);
    header
}

/// The checksum of an entry of an archive.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// An archive of uncompressed arrays, in which some numbers may be wrong.
pub fn npz_container(data: &[u8]) {
    let bytes = &mut Bytes(data);
    let (mut file, mut directory, count) = (Vec::new(), Vec::new(), bytes.below(6) as u16);
    for _ in 0..count {
        let name = format!("{}{}", bytes.one_of(&NAMES), bytes.one_of(&[".npy", "", ".NPY"]));
        let body = array(bytes);
        let lie =
            |bytes: &mut Bytes<'_>, x: u32| if bytes.below(16) == 15 { x ^ 1 << bytes.below(32) } else { x };
        let offset = lie(bytes, file.len() as u32);
        let sum = lie(bytes, crc(&body));
        let (packed, size) = (lie(bytes, body.len() as u32), lie(bytes, body.len() as u32));
        let mut common = [20u16, 0, 0, 0, 0x21].map(u16::to_le_bytes).concat();
        common.extend([sum, packed, size].map(u32::to_le_bytes).concat());
        common.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(name.as_bytes());
        file.extend(&body);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = file.len() as u32;
    file.extend(&directory);
    file.extend(b"PK\x05\x06\x00\x00\x00\x00");
    file.extend([count, count].map(u16::to_le_bytes).concat());
    file.extend([directory.len() as u32, start].map(u32::to_le_bytes).concat());
    file.extend([0, 0]);
    readers::npz(&file);
}

/// The header of a file of safetensors: entries that may lie about their bytes.
fn header(bytes: &mut Bytes<'_>) -> String {
    let mut entries = Vec::new();
    let mut end = 0_u64;
    for _ in 0..bytes.below(6) {
        let name = bytes
            .one_of(&NAMES)
            .escape_default()
            .to_string()
            .replace("\\u{e9}", "é")
            .replace("\\u{1b}", "\\u001b");
        let dtype = bytes.one_of(&["F64", "F32", "F16", "BF16", "I64", "U8", "BOOL", "X9", "", "f64"]);
        let shape = extents(bytes);
        let size: u64 =
            shape.iter().map(|extent| extent.trim().parse::<u64>().unwrap_or(1)).fold(8, u64::wrapping_mul);
        let begin = if bytes.below(8) == 7 { u64::from(bytes.byte()) } else { end };
        end = if bytes.below(8) == 7 { u64::from(bytes.byte()) } else { begin.wrapping_add(size) };
        let shape = shape.join(",");
        entries.push(format!(
            r#""{name}":{{"dtype":"{dtype}","shape":[{shape}],"data_offsets":[{begin},{end}]}}"#
        ));
    }
    if bytes.below(2) == 1 {
        let version = bytes.one_of(&["1", "2", "\\\"1\\\"", "-1", "null"]);
        let rest = bytes.one_of(&[
            r#",\"parts\":{},\"notes\":{}"#,
            r#",\"parts\":{\"a\":{\"lr\":\"0.1\"}},\"notes\":{\"n\":\"x\"}"#,
            r#",\"parts\":{\"a\":{\"lr\":\"NaN\"},\"b\":{}},\"notes\":{}"#,
            r#",\"parts\":[],\"notes\":3"#,
            "",
        ]);
        entries.push(format!(r#""__metadata__":{{"nn.checkpoint":"{{\"version\":{version}{rest}}}"}}"#));
    }
    format!("{{{}}}", entries.join(","))
}

/// A file of safetensors, read as such and as a checkpoint.
pub fn safetensors_container(data: &[u8]) {
    let bytes = &mut Bytes(data);
    let mut header = header(bytes);
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(bytes.0);
    file.resize(file.len() + 8 * usize::from(data.first().copied().unwrap_or(0)), 0);
    readers::safetensors(&file);
    readers::checkpoint(&file);
}
