//! Hostile archives of NumPy, built byte by byte.

use super::catalogue::{Row, check, foreign, state_of};
use super::*;
use flate2::{Crc, write::DeflateEncoder};

/// An entry of an archive. What the two headers say follows from the body, unless it is set.
#[derive(Clone)]
struct Entry {
    name: Vec<u8>,
    body: Vec<u8>,
    method: u16,
    flags: u16,
    crc: u32,
    packed: u32,
    size: u32,
    extra: Vec<u8>,
    /// In the header before the body, if it differs.
    local_name: Option<Vec<u8>>,
    /// In the directory, if it is false.
    offset: Option<u32>,
    signatures: [[u8; 4]; 2],
}

/// An entry that is stored as it is.
fn entry(name: &str, body: &[u8]) -> Entry {
    let mut crc = Crc::new();
    crc.update(body);
    let size = body.len() as u32;
    Entry {
        name: name.as_bytes().to_vec(),
        body: body.to_vec(),
        method: 0,
        flags: 0,
        crc: crc.sum(),
        packed: size,
        size,
        extra: vec![],
        local_name: None,
        offset: None,
        signatures: [*b"PK\x03\x04", *b"PK\x01\x02"],
    }
}

/// An entry that is compressed.
fn deflated(name: &str, body: &[u8]) -> Entry {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    let packed = encoder.finish().unwrap();
    Entry { method: 8, packed: packed.len() as u32, body: packed, ..entry(name, body) }
}

/// The end of an archive, whose numbers follow from its entries.
struct End {
    disk: u16,
    directory_disk: u16,
    here: u16,
    all: u16,
    size: u32,
    offset: u32,
    comment: u16,
    /// Between the directory and the end.
    before: Vec<u8>,
}

/// The archive of these entries, with an end in which something is changed.
fn zip(entries: &[Entry], change: impl FnOnce(&mut End)) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = entry.offset.unwrap_or(file.len() as u32);
        let common = |name: &[u8]| {
            let mut common = [20, entry.flags, entry.method, 0, 0x21].map(u16::to_le_bytes).concat();
            common.extend([entry.crc, entry.packed, entry.size].map(u32::to_le_bytes).concat());
            common.extend([name.len() as u16, entry.extra.len() as u16].map(u16::to_le_bytes).concat());
            common
        };
        let local = entry.local_name.as_ref().unwrap_or(&entry.name);
        file.extend(entry.signatures[0]);
        file.extend([&common(local), local, &entry.extra, &entry.body].map(Vec::as_slice).concat());
        directory.extend(entry.signatures[1]);
        directory.extend([20, 0]);
        directory.extend(common(&entry.name));
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend([&entry.name, &entry.extra].map(Vec::as_slice).concat());
    }
    let (count, size, offset) = (entries.len() as u16, directory.len() as u32, file.len() as u32);
    let mut end =
        End { disk: 0, directory_disk: 0, here: count, all: count, size, offset, comment: 0, before: vec![] };
    change(&mut end);
    file.extend(&directory);
    file.extend(&end.before);
    file.extend(b"PK\x05\x06");
    file.extend([end.disk, end.directory_disk, end.here, end.all].map(u16::to_le_bytes).concat());
    file.extend([end.size, end.offset].map(u32::to_le_bytes).concat());
    file.extend(end.comment.to_le_bytes());
    file
}

fn weight() -> Vec<u8> {
    npy::to_bytes(&Tensor::from([[1.0, 2.0]]))
}

fn bias() -> Vec<u8> {
    npy::to_bytes(&Tensor::from([3.0]))
}

/// An archive with a good first entry and this one.
fn second(entry_: Entry) -> Vec<u8> {
    zip(&[entry("bias.npy", &bias()), entry_], |_| {})
}

/// An archive of one entry with this body.
fn body(body: &[u8]) -> Vec<u8> {
    second(entry("weight.npy", body))
}

/// An archive with one number of the second entry changed.
fn with(change: impl FnOnce(&mut Entry)) -> Vec<u8> {
    let mut entry = entry("weight.npy", &weight());
    change(&mut entry);
    second(entry)
}

/// An archive of both tensors with one number of its end changed.
fn end(change: impl FnOnce(&mut End)) -> Vec<u8> {
    zip(&[entry("bias.npy", &bias()), entry("weight.npy", &weight())], change)
}

/// The wide end of an archive, with these numbers of entries, bytes of the directory, and offset of it.
fn wide(numbers: [u64; 3], at: u64) -> Vec<u8> {
    let [count, size, offset] = numbers;
    let mut bytes = b"PK\x06\x06".to_vec();
    bytes.extend(44u64.to_le_bytes());
    bytes.extend([45u16, 45].map(u16::to_le_bytes).concat());
    bytes.extend([0; 8]);
    bytes.extend([count, count, size, offset].map(u64::to_le_bytes).concat());
    bytes.extend(b"PK\x06\x07\x00\x00\x00\x00");
    bytes.extend(at.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes
}

/// An archive whose wide end says this.
fn wide_end(numbers: [u64; 3], wrong: u64) -> Vec<u8> {
    end(|end| {
        end.before = wide(numbers, u64::from(end.offset) + u64::from(end.size) + wrong);
        (end.here, end.all, end.size, end.offset) = (u16::MAX, u16::MAX, u32::MAX, u32::MAX);
    })
}

fn rows() -> Vec<Row> {
    let dictionary = |descr: &str, shape: &str| {
        with_dictionary(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n"), 16)
    };
    let good = end(|_| {});
    let directory = good.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let rows = vec![
        // The end of the archive.
        ("nothing", vec![], Err("not a valid npz file: invalid Zip archive: Could not find EOCD")),
        (
            "the first two bytes",
            b"PK".to_vec(),
            Err("not a valid npz file: invalid Zip archive: Could not find EOCD"),
        ),
        (
            "no directory",
            good[..directory].to_vec(),
            Err("not a valid npz file: invalid Zip archive: Could not find EOCD"),
        ),
        (
            "a directory without the end",
            good[..good.len() - 22].to_vec(),
            Err("not a valid npz file: invalid Zip archive: Could not find EOCD"),
        ),
        (
            "an end without its last byte",
            good[..good.len() - 1].to_vec(),
            Err(
                "not a valid npz file: invalid Zip archive: Unexpected end of zip::format::blocks::Zip32CDEBlock",
            ),
        ),
        (
            "a directory that is cut",
            [&good[..directory + 30], &good[good.len() - 22..]].concat(),
            Err(
                "not a valid npz file: invalid Zip archive: Variable-length field extends beyond file boundary",
            ),
        ),
        ("an end of no entries", zip(&[], |_| {}), Ok("")),
        (
            "an end of one entry that there is not",
            zip(&[], |end| (end.here, end.all) = (1, 1)),
            Err("not a valid npz file: invalid Zip archive: Invalid CDFH offset in EOCD"),
        ),
        (
            "an end of 65535 entries",
            end(|end| (end.here, end.all) = (65535, 65535)),
            Err(
                "not a valid npz file: invalid Zip archive: Unexpected end of zip::format::blocks::ZipCentralEntryBlock",
            ),
        ),
        (
            "an end of three entries",
            end(|end| (end.here, end.all) = (3, 3)),
            Err(
                "not a valid npz file: invalid Zip archive: Unexpected end of zip::format::blocks::ZipCentralEntryBlock",
            ),
        ),
        (
            "an end of one entry of two, which hides the other",
            end(|end| (end.here, end.all) = (1, 1)),
            Ok("\"bias\" [1]: 3"),
        ),
        (
            "an end of two entries, one of them here",
            end(|end| end.here = 1),
            Err("not a valid npz file: invalid Zip archive: Multi-disk ZIP files are not supported"),
        ),
        (
            "a directory that begins after the file",
            end(|end| end.offset = u32::MAX - 1),
            Err("not a valid npz file: invalid Zip archive: Invalid CDFH offset in EOCD"),
        ),
        (
            "a directory that begins at the entries",
            end(|end| end.offset = 0),
            Err("not a valid npz file: invalid Zip archive: Invalid local file header"),
        ),
        (
            "a directory that begins a byte early",
            end(|end| end.offset -= 1),
            Err("not a valid npz file: invalid Zip archive: Invalid local file header"),
        ),
        (
            "a directory of 4 GiB",
            end(|end| end.size = u32::MAX - 1),
            Ok("\"bias\" [1]: 3; \"weight\" [1, 2]: 1 2"),
        ),
        ("a directory of no bytes", end(|end| end.size = 0), Ok("\"bias\" [1]: 3; \"weight\" [1, 2]: 1 2")),
        (
            "a directory of one byte more",
            end(|end| end.size += 1),
            Ok("\"bias\" [1]: 3; \"weight\" [1, 2]: 1 2"),
        ),
        (
            "the second disk of an archive",
            end(|end| end.disk = 1),
            Err("not a valid npz file: invalid Zip archive: Multi-disk ZIP files are not supported"),
        ),
        (
            "a directory on another disk",
            end(|end| end.directory_disk = 1),
            Err("not a valid npz file: invalid Zip archive: Multi-disk ZIP files are not supported"),
        ),
        (
            "a comment that is not there",
            end(|end| end.comment = 1),
            Err("not a valid npz file: invalid Zip archive: EOCD comment exceeds file boundary"),
        ),
        (
            "a wide end of 2^40 entries",
            wide_end([1 << 40, 0, 0], 0),
            Err("not a valid npz file: invalid Zip archive: Invalid EOCD64: inconsistent number of files"),
        ),
        (
            "a wide end of 2^63 entries",
            wide_end([1 << 63, 0, 0], 0),
            Err("not a valid npz file: invalid Zip archive: Invalid EOCD64: inconsistent number of files"),
        ),
        (
            "a wide end of a directory of 2^63 bytes",
            wide_end([2, 1 << 63, 0], 0),
            Err("not a valid npz file: invalid Zip archive: Invalid Central Directory header"),
        ),
        (
            "a wide end of a directory that begins at 2^63",
            wide_end([2, 100, 1 << 63], 0),
            Err("not a valid npz file: invalid Zip archive: Invalid EOCD64: inconsistent number of files"),
        ),
        (
            "a wide end elsewhere",
            wide_end([2, 0, 0], 1 << 62),
            Err("not a valid npz file: invalid Zip archive: Invalid EOCD64 Locator CD offset"),
        ),
        (
            "a wide end that is missing",
            end(|end| end.offset = u32::MAX),
            Err("not a valid npz file: invalid Zip archive: Invalid CDFH offset in EOCD"),
        ),
        (
            "text before the archive",
            [b"#!/bin/sh\n".to_vec(), good.clone()].concat(),
            Ok("\"bias\" [1]: 3; \"weight\" [1, 2]: 1 2"),
        ),
        (
            "text after the archive",
            [good.clone(), b"text".to_vec()].concat(),
            Ok("\"bias\" [1]: 3; \"weight\" [1, 2]: 1 2"),
        ),
        (
            "two archives in one",
            [good.clone(), good.clone()].concat(),
            Ok("\"bias\" [1]: 3; \"weight\" [1, 2]: 1 2"),
        ),
        // Entries.
        (
            "a wrong signature in the directory",
            with(|entry| entry.signatures[1][3] = 9),
            Err("not a valid npz file: invalid Zip archive: Invalid Central Directory header"),
        ),
        (
            "a wrong signature before the body",
            with(|entry| entry.signatures[0][3] = 9),
            Err("not a valid npz file: invalid Zip archive: Invalid local file header"),
        ),
        (
            "a wrong checksum",
            with(|entry| entry.crc ^= 1),
            Err("not a valid npz file: entry \"weight.npy\": not a valid npy file: Invalid checksum"),
        ),
        (
            "a changed byte of an element",
            with(|entry| entry.body[130] ^= 1),
            Err("not a valid npz file: entry \"weight.npy\": not a valid npy file: Invalid checksum"),
        ),
        (
            "one packed byte more",
            with(|entry| entry.packed += 1),
            Err("not a valid npz file: entries overlap"),
        ),
        (
            "one packed byte fewer",
            with(|entry| entry.packed -= 1),
            Err("not a valid npz file: entry \"weight.npy\": not a valid npy file: Invalid checksum"),
        ),
        (
            "no packed byte",
            with(|entry| entry.packed = 0),
            Err("not a valid npz file: entry \"weight.npy\": not a valid npy file: Invalid checksum"),
        ),
        (
            "4 GiB of packed bytes",
            with(|entry| entry.packed = u32::MAX - 1),
            Err("not a valid npz file: entries overlap"),
        ),
        (
            "4 GiB of bytes",
            with(|entry| entry.size = u32::MAX - 1),
            Ok("\"bias\" [1]: 3; \"weight\" [1, 2]: 1 2"),
        ),
        (
            "wide sizes that are missing",
            with(|entry| (entry.packed, entry.size) = (u32::MAX, u32::MAX)),
            Err("not a valid npz file: entries overlap"),
        ),
        (
            "wide sizes of 2^63",
            with(|entry| {
                (entry.packed, entry.size) = (u32::MAX, u32::MAX);
                entry.extra = [1u16, 16].map(u16::to_le_bytes).concat();
                entry.extra.extend([1u64 << 63, 1 << 63].map(u64::to_le_bytes).concat());
            }),
            Err("not a valid npz file: entries overlap"),
        ),
        (
            "an extra field that is longer than its place",
            with(|entry| entry.extra = vec![1, 0, 255, 0]),
            Ok("\"bias\" [1]: 3; \"weight\" [1, 2]: 1 2"),
        ),
        (
            "an extra field of half a head",
            with(|entry| entry.extra = vec![1, 0]),
            Err("not a valid npz file: invalid Zip archive: Extra field 0x0001 header truncated"),
        ),
        (
            "an entry that begins after the file",
            with(|entry| entry.offset = Some(1 << 30)),
            Err(
                "not a valid npz file: invalid Zip archive: Unexpected end of zip::format::blocks::ZipLocalEntryBlock",
            ),
        ),
        (
            "an entry that begins in another one",
            with(|entry| entry.offset = Some(40)),
            Err("not a valid npz file: invalid Zip archive: Invalid local file header"),
        ),
        (
            "two entries of the same bytes",
            with(|entry| entry.offset = Some(0)),
            Err("not a valid npz file: entries overlap"),
        ),
        ("a name twice", second(entry("bias.npy", &weight())), Err("tensor \"bias\" appears more than once")),
        (
            "a name twice, after another one",
            zip(
                &[entry("weight.npy", &weight()), entry("bias.npy", &bias()), entry("bias.npy", &bias())],
                |_| {},
            ),
            Err("tensor \"bias\" appears more than once"),
        ),
        (
            "a tensor twice, once without the ending",
            second(entry("bias", &bias())),
            Err("tensor \"bias\" appears more than once"),
        ),
        (
            "another name before the body",
            with(|entry| entry.local_name = Some(b"wait.npy".to_vec())),
            Ok("\"bias\" [1]: 3; \"weight\" [1, 2]: 1 2"),
        ),
        (
            "a password",
            with(|entry| entry.flags = 1),
            Err("not a valid npz file: unsupported Zip archive: Password required to decrypt file"),
        ),
        (
            "strong encryption",
            with(|entry| entry.flags = 0x41),
            Err("not a valid npz file: unsupported Zip archive: Password required to decrypt file"),
        ),
        (
            "the method AES",
            with(|entry| entry.method = 99),
            Err("not a valid npz file: entry \"weight.npy\": compression method not supported: 99"),
        ),
        (
            "the method bzip2",
            with(|entry| entry.method = 12),
            Err("not a valid npz file: entry \"weight.npy\": compression method not supported: 12"),
        ),
        (
            "the method zstd",
            with(|entry| entry.method = 93),
            Err("not a valid npz file: entry \"weight.npy\": compression method not supported: 93"),
        ),
        (
            "an unknown method",
            with(|entry| entry.method = 0x7777),
            Err("not a valid npz file: entry \"weight.npy\": compression method not supported: 30583"),
        ),
        (
            "text that is to be inflated",
            Entry { method: 8, ..entry("weight.npy", b"text") }.clone().into_archive(),
            Err(
                "not a valid npz file: entry \"weight.npy\": not a valid npy file: incomplete deflate stream",
            ),
        ),
        (
            "a compressed entry that is cut",
            second({
                let mut entry = deflated("weight.npy", &weight());
                entry.body.truncate(20);
                entry.packed = 20;
                entry
            }),
            Err(
                "not a valid npz file: entry \"weight.npy\": not a valid npy file: incomplete deflate stream",
            ),
        ),
        (
            "a compressed entry with a wrong checksum",
            second({
                let mut entry = deflated("weight.npy", &weight());
                entry.crc ^= 1;
                entry
            }),
            Err("not a valid npz file: entry \"weight.npy\": not a valid npy file: Invalid checksum"),
        ),
        (
            "4 MiB of zeros",
            second(deflated("weight.npy", &[weight(), vec![0; 4 << 20]].concat())),
            Err(
                "not a valid npz file: entry \"weight.npy\": bytes follow after the 16 that the header announces",
            ),
        ),
        (
            "4 MiB of zeros that are announced",
            second(deflated("weight.npy", &[dictionary("<f8", "(524286,)"), vec![0; 4 << 20]].concat())),
            Err("inflated bytes: expected at most 1499376, found 4194497 (see nn::files::Limits)"),
        ),
        (
            "4 MiB of zeros in an entry that is no array",
            second(deflated("notes.txt", &vec![0; 4 << 20])),
            Ok("\"bias\" [1]: 3"),
        ),
        // Names.
        ("a name without characters", second(entry("", &weight())), Ok("\"\" [1, 2]: 1 2; \"bias\" [1]: 3")),
        (
            "an ending without a name",
            second(entry(".npy", &weight())),
            Ok("\"\" [1, 2]: 1 2; \"bias\" [1]: 3"),
        ),
        (
            "a name of another directory",
            second(entry("../../weight.npy", &weight())),
            Ok("\"../../weight\" [1, 2]: 1 2; \"bias\" [1]: 3"),
        ),
        (
            "a name with a command for the terminal",
            second(entry("\u{1b}[2J.npy", b"text")),
            Err(
                "not a valid npz file: entry \"\\u{1b}[2J.npy\": wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 74 65 78 74",
            ),
        ),
        (
            "a name that is not UTF-8",
            with(|entry| entry.name = b"w\xff.npy".to_vec()),
            Ok("\"bias\" [1]: 3; \"w\\u{a0}\" [1, 2]: 1 2"),
        ),
        (
            "a name of 4097 bytes",
            second(entry(&("n".repeat(4097) + ".npy"), &weight())),
            Err("bytes of a name: expected at most 4096, found 4097 (see nn::files::Limits)"),
        ),
        // Arrays.
        (
            "an array of no bytes",
            body(b""),
            Err(
                "not a valid npz file: entry \"weight.npy\": wrong magic number: expected 93 4e 55 4d 50 59 (npy), found nothing",
            ),
        ),
        (
            "text in place of an array",
            body(b"text"),
            Err(
                "not a valid npz file: entry \"weight.npy\": wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 74 65 78 74",
            ),
        ),
        (
            "an archive in place of an array",
            body(&zip(&[], |_| {})),
            Err(
                "not a valid npz file: entry \"weight.npy\": wrong magic number: expected 93 4e 55 4d 50 59 (npy), found 50 4b 05 06 00 00",
            ),
        ),
        (
            "an array without its version",
            body(&weight()[..6]),
            Err(
                "not a valid npz file: entry \"weight.npy\": not a valid npy file: expected version 1, 2 or 3, found the end of the file",
            ),
        ),
        (
            "an array that is one byte short",
            body(&weight()[..weight().len() - 1]),
            Err("not a valid npz file: entry \"weight.npy\": truncated: expected 16 bytes, found 15"),
        ),
        (
            "an array and one byte more",
            body(&[weight(), vec![0]].concat()),
            Err(
                "not a valid npz file: entry \"weight.npy\": bytes follow after the 16 that the header announces",
            ),
        ),
        (
            "two arrays in one entry",
            body(&[weight(), weight()].concat()),
            Err(
                "not a valid npz file: entry \"weight.npy\": bytes follow after the 16 that the header announces",
            ),
        ),
        (
            "an array of a terabyte",
            body(&dictionary("<f8", "(137438953472,)")),
            Err("inflated bytes: expected at most 1092676, found 1099511627991 (see nn::files::Limits)"),
        ),
        (
            "an array of 2^64 bytes",
            body(&dictionary("<f8", "(4294967296, 4294967296)")),
            Err("shape [4294967296, 4294967296] does not fit into memory"),
        ),
        (
            "an array of objects",
            body(&dictionary("|O", "(2,)")),
            Err("tensor \"weight\": expected f64, found |O"),
        ),
        (
            "an array of complex numbers",
            body(&dictionary("<c16", "(1,)")),
            Err("tensor \"weight\": expected f64, found <c16"),
        ),
        (
            "an array of whole numbers that f64 does not have",
            body(
                &[&dictionary("<i8", "(2,)")[..], &[]]
                    .concat()
                    .iter()
                    .rev()
                    .skip(8)
                    .rev()
                    .copied()
                    .chain(((1i64 << 53) + 1).to_le_bytes())
                    .collect::<Vec<u8>>(),
            ),
            Err(
                "tensor \"weight\": expected values that f64 represents exactly, found 9007199254740993 (i64) at position 1",
            ),
        ),
    ];
    rows.into_iter().chain(foreign(FOREIGN)).collect()
}

impl Entry {
    /// An archive with this as its second entry.
    fn into_archive(self) -> Vec<u8> {
        second(self)
    }
}

const FOREIGN: [&str; 8] = ["not a valid npz file: invalid Zip archive: Could not find EOCD"; 8];

#[test]
fn npz_files() {
    check("npz", rows(), state_of);
}
