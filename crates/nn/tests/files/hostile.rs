//! Files that are made to do harm: each ends in an error that fits on a screen, soon, and without much memory.

use super::*;
use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipWriter};
use flate2::{Compression, write::GzEncoder};
use nn::checkpoint::Checkpoint;
use nn::data::{Csv, Idx, IdxData, Table};
use nn::files::Limits;
use std::io::{Cursor, Write};

mod catalogue;
mod checkpoint_files;
mod csv_files;
mod idx_files;
mod npy_files;
mod npz_files;
mod safetensors_files;

/// An archive of these entries.
pub(super) fn archive(entries: &[(&str, &[u8])], deflated: bool) -> Vec<u8> {
    let method = if deflated { CompressionMethod::Deflated } else { CompressionMethod::Stored };
    let options = SimpleFileOptions::default().compression_method(method);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in entries {
        archive.start_file(*name, options).unwrap();
        archive.write_all(contents).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The message of an error, which fits on a screen, as does what `unwrap` prints.
fn brief(kind: &FileErrorKind) -> String {
    let text = kind.to_string();
    assert!(text.len() < 3000 && format!("{kind:?}").len() < 3100, "{} bytes: {text}", text.len());
    assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
    text
}

/// The name of an array's type begins with something else than ASCII.
#[test]
fn a_type_of_any_characters_is_refused() {
    for descr in ["é", "éf4", "", "<", "<é", "日本", "\u{1b}[2J", "<f4\u{0}"] {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,), }}\n");
        let kind = npy::from_bytes::<f32>(&with_dictionary(&header, 4)).unwrap_err();
        assert!(matches!(kind, FileErrorKind::Dtype { .. }), "{descr}: {kind}");
        brief(&kind);
    }
    for header in
        ["{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", "{'é': 1}", "{é"]
    {
        let kind = npy::from_bytes::<f32>(&with_dictionary(header, 8)).unwrap_err();
        assert!(matches!(kind, FileErrorKind::Corrupt { .. }), "{header}: {kind}");
    }
}

/// Two hundred entries of the directory that lead to one body of 8 MiB.
#[test]
fn entries_that_share_bytes_are_refused() {
    let one = npz::to_bytes(&[("000".to_owned(), Tensor::<f64>::zeros([1 << 20]))]).unwrap();
    let end = one.len() - 22;
    let begin = u32::from_le_bytes(one[end + 16..end + 20].try_into().unwrap()) as usize;
    let record = &one[begin..end];
    let name = record.windows(3).position(|window| window == b"000").unwrap();
    let mut bytes = one[..begin].to_vec();
    for i in 0..200 {
        let mut record = record.to_vec();
        record[name..name + 3].copy_from_slice(format!("{i:03}").as_bytes());
        bytes.extend(record);
    }
    let size = (bytes.len() - begin) as u32;
    bytes.extend(&one[end..end + 8]);
    bytes.extend([200u16.to_le_bytes(), 200u16.to_le_bytes()].concat());
    bytes.extend([size.to_le_bytes(), (begin as u32).to_le_bytes()].concat());
    bytes.extend([0, 0]);
    let kind = npz::from_bytes::<f64>(&bytes).unwrap_err();
    assert_eq!(brief(&kind), "not a valid npz file: entries overlap");
    // The same name twice.
    let second = bytes.windows(7).rposition(|window| window == b"001.npy").unwrap();
    bytes[second + 2] = b'0';
    let kind = npz::from_bytes::<f64>(&bytes).unwrap_err();
    assert_eq!(kind, StateError::Duplicate { tensor: "000".into() }.into());
}

/// 16 MiB of zeros in 16 KiB, in each format that is inflated.
#[test]
fn bombs_are_refused_by_what_they_promise_and_by_what_they_hold() {
    const BODY: usize = 16 << 20;
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({BODY},), }}\n");
    let honest = with_dictionary(&header, BODY);
    let bytes = archive(&[("x.npy", &honest)], true);
    assert!(bytes.len() < 1 << 15, "{} bytes", bytes.len());
    let limit = bytes.len() as u64 * 100 + Limits::FREE;
    let kind = npz::from_bytes::<f64>(&bytes).unwrap_err();
    let found = with_dictionary(&header, 0).len() as u64 + BODY as u64;
    assert_eq!(kind, FileErrorKind::Limit { what: "inflated bytes", limit, found });
    assert_eq!(
        brief(&kind),
        format!("inflated bytes: expected at most {limit}, found {found} (see nn::files::Limits)")
    );
    // A promise of little: what follows is not inflated.
    let lying = archive(
        &[("x.npy", &[with_dictionary(&header.replace(&BODY.to_string(), "1"), 1), honest].concat())],
        true,
    );
    let kind = npz::from_bytes::<f64>(&lying).unwrap_err();
    assert!(brief(&kind).contains("bytes follow after the 1 that the header announces"), "{kind}");
    let images = [&[0, 0, 8, 1][..], &(BODY as u32).to_be_bytes(), &vec![0; BODY]].concat();
    let compressed = gzip(&images);
    let kind = Idx::from_bytes(&compressed).unwrap_err();
    let limit = compressed.len() as u64 * 100 + Limits::FREE;
    assert_eq!(kind, FileErrorKind::Limit { what: "inflated bytes", limit, found: images.len() as u64 });
    // Who trusts the file raises the limit.
    let patient = Limits { ratio: 2000, ..Limits::default() };
    assert_eq!(Idx::from_bytes_with(&compressed, &patient).unwrap().shape(), [BODY]);
}

/// The most memory that this process has had, in KiB, where the system tells.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Runs in a process of its own: reads every file of a directory.
#[test]
#[ignore = "for hostile_files_take_no_memory"]
fn read_hostile_files() {
    let (Some(directory), Some(before)) = (std::env::var_os("NN_FILES_HOSTILE"), most_memory()) else {
        return;
    };
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let errors = [
            safetensors::load::<f64>(&path).err(),
            npz::load::<f64>(&path).err(),
            npy::load::<f64>(&path).err(),
            Idx::read(&path).err(),
        ];
        assert!(errors.iter().all(Option::is_some), "{}", path.display());
    }
    let grown = most_memory().unwrap() - before;
    // Half of what one of the files would inflate to; the pages of code that reading needs count too.
    assert!(grown < 8 << 10, "{grown} KiB");
}

#[test]
fn hostile_files_take_no_memory() {
    const BODY: usize = 16 << 20;
    let scratch = Scratch::new("memory");
    let write = |name: &str, bytes: &[u8]| std::fs::write(scratch.file(name), bytes).unwrap();
    let header = |body: usize| format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({body},), }}\n");
    write("honest.npz", &archive(&[("x.npy", &with_dictionary(&header(BODY), BODY))], true));
    write("lying.npz", &archive(&[("x.npy", &with_dictionary(&header(1), BODY))], true));
    write("claim.npy", &with_dictionary(&header(1 << 33), 4));
    write("images.gz", &gzip(&[&[0, 0, 8, 1][..], &(BODY as u32).to_be_bytes(), &vec![0; BODY]].concat()));
    write("claim.idx", &[0, 0, 14, 1, 0x7f, 0xff, 0xff, 0xff, 1]);
    let end = 1u64 << 33;
    let claim = format!(r#"{{"x":{{"dtype":"U8","shape":[{end}],"data_offsets":[0,{end}]}}}}"#);
    write("claim.safetensors", &with_header(&claim, 4));
    for name in ["zeros.npy", "zeros.npz", "zeros.safetensors"] {
        std::fs::File::create(scratch.file(name)).unwrap().set_len(1 << 33).unwrap();
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hostile::read_hostile_files", "--ignored"])
        .env("NN_FILES_HOSTILE", &scratch.0)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}

/// Many small bombs in one file share one budget.
#[test]
fn the_entries_of_an_archive_share_what_they_may_inflate_to() {
    let zeros = npy::to_bytes(&Tensor::<f64>::zeros([1 << 16]));
    let names: Vec<String> = (0..20).map(|i| format!("{i}.npy")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), zeros.as_slice())).collect();
    assert!(npz::from_bytes::<f64>(&archive(&entries[..1], true)).is_ok());
    let kind = npz::from_bytes::<f64>(&archive(&entries, true)).unwrap_err();
    assert!(matches!(kind, FileErrorKind::Limit { what: "inflated bytes", .. }), "{kind}");
    let patient = Options::new().limits(Limits { ratio: 2000, ..Limits::default() });
    assert_eq!(npz::from_bytes_with::<f64>(&archive(&entries, true), &patient).unwrap().len(), 20);
}

#[test]
fn messages_are_cut() {
    let long = "x".repeat(60_000);
    let dictionary = |descr: &str, shape: &str| {
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n")
    };
    let extents = "1, ".repeat(20_000);
    let kinds = [
        npy::from_bytes::<f32>(&with_dictionary(&dictionary(&long, "1,"), 4)).unwrap_err(),
        npy::from_bytes::<f32>(&with_dictionary(&long, 4)).unwrap_err(),
        npy::from_bytes::<f32>(&with_dictionary(&dictionary("<f4", &extents), 4)).unwrap_err(),
        npy::from_bytes::<f32>(&with_dictionary(&dictionary("<f4", &"9999999999, ".repeat(200)), 4))
            .unwrap_err(),
        safetensors::from_bytes::<f32>(&with_header(&format!("{{\"{long}\": 1}}"), 0)).unwrap_err(),
        safetensors::from_bytes::<f32>(&with_header(
            &format!(r#"{{"{long}":{{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}}}"#),
            8,
        ))
        .unwrap_err(),
        safetensors::from_bytes::<f32>(&with_header(
            &format!(r#"{{"w":{{"dtype":"{long}","shape":[1],"data_offsets":[0,4]}}}}"#),
            4,
        ))
        .unwrap_err(),
        Table::parse("a.csv", format!("{long},{long}\n")).unwrap_err().kind,
        Table::parse("a.csv", format!("a\n{long}\n")).unwrap().numbers::<f64>(&["a"]).unwrap_err().kind,
        Table::parse("a.csv", format!("a\n{long}\n")).unwrap().column(&long).unwrap_err().kind,
        matching(vec![(long.clone(), Tensor::scalar(1.0))], &[("a", &[])]).unwrap_err().into(),
    ];
    kinds.iter().for_each(|kind| drop(brief(kind)));
    let many: Vec<String> = (0..1000).map(|i| format!("column {i}")).collect();
    let table = Table::parse("a.csv", format!("{}\n", many.join(","))).unwrap();
    brief(&table.column("b").unwrap_err().kind);
    let names = Table::parse("a.csv", "a\nb\n").unwrap().labels("a", &many).unwrap_err();
    brief(&names.kind);
}

/// Only what ends is read.
#[test]
#[cfg(unix)]
fn devices_pipes_and_directories_are_refused_before_they_are_read() {
    let scratch = Scratch::new("not-a-file");
    let pipe = scratch.file("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success());
    assert!(made, "mkfifo makes a pipe");
    let link = scratch.file("link");
    std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
    let cases = [
        (pipe.as_path(), "a pipe"),
        (std::path::Path::new("/dev/zero"), "a device"),
        (link.as_path(), "a device"),
        (scratch.0.as_path(), "a directory"),
    ];
    for (path, found) in cases {
        let kinds = [
            safetensors::load::<f64>(path).unwrap_err(),
            safetensors::load_tensor::<f64>(path, "x").unwrap_err(),
            npz::load::<f64>(path).unwrap_err(),
            npz::load_tensor::<f64>(path, "x").unwrap_err(),
            npz::passed_over(path).unwrap_err(),
            npy::load::<f64>(path).unwrap_err(),
            Checkpoint::<f64>::load(path).unwrap_err(),
            Idx::read(path).unwrap_err(),
            Table::read(path).unwrap_err(),
            Csv::new().headerless().read(path).unwrap_err(),
        ];
        for error in kinds {
            assert_eq!(error, FileError { path: path.to_owned(), kind: FileErrorKind::NotAFile { found } });
        }
    }
}

/// A file of a terabyte that takes no room on the device.
#[test]
fn files_beyond_the_limit_are_refused_before_they_are_read() {
    let scratch = Scratch::new("sparse");
    let path = scratch.file("sparse");
    std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let kind = FileErrorKind::Limit { what: "bytes of a file", limit: 1 << 34, found: 1 << 40 };
    let kinds = [
        safetensors::load::<f64>(&path).unwrap_err(),
        npz::load::<f64>(&path).unwrap_err(),
        npy::load::<f64>(&path).unwrap_err(),
        Checkpoint::<f64>::load(&path).unwrap_err(),
        Idx::read(&path).unwrap_err(),
        Table::read(&path).unwrap_err(),
    ];
    assert!(kinds.iter().all(|error| error.kind == kind), "{kinds:?}");
    // And if it may be: the header is refused, and the rest is not read.
    let patient = Options::new().limits(Limits { bytes: 1 << 50, ..Limits::default() });
    assert!(matches!(npy::load_with::<f64>(&path, &patient).unwrap_err().kind, FileErrorKind::Magic { .. }));
    assert!(safetensors::load_with::<f64>(&path, &patient).is_err());
    assert!(Idx::read_with(&path, &patient.limits).is_err());
    // In memory the limits are the same.
    let tiny = Options::new().limits(Limits { bytes: 100, ..Limits::default() });
    let [safe, npz, npy] = valid_files();
    let found = [safe.len(), npz.len(), npy.len()].map(|n| n as u64);
    let kinds = [
        safetensors::from_bytes_with::<f32>(&safe, &tiny).unwrap_err(),
        npz::from_bytes_with::<f32>(&npz, &tiny).unwrap_err(),
        npy::from_bytes_with::<f32>(&npy, &tiny).unwrap_err(),
    ];
    for (kind, found) in kinds.into_iter().zip(found) {
        assert_eq!(kind, FileErrorKind::Limit { what: "bytes of a file", limit: 100, found });
    }
    assert!(Csv::new().limits(tiny.limits.clone()).parse("a", "a\n".repeat(51)).is_err());
    assert!(
        Idx::from_bytes_with(&Idx::new([200], IdxData::U8(vec![0; 200])).unwrap().to_bytes(), &tiny.limits)
            .is_err()
    );
}

#[test]
fn every_limit_holds_and_can_be_raised() {
    let state = vec![("abc".to_owned(), Tensor::<f64>::zeros([1; 3])), ("d".to_owned(), Tensor::zeros([1]))];
    let files = [safetensors::to_bytes(&state).unwrap(), npz::to_bytes(&state).unwrap()];
    let read = |limits: Limits| {
        let options = Options::new().limits(limits);
        [
            safetensors::from_bytes_with::<f64>(&files[0], &options),
            npz::from_bytes_with::<f64>(&files[1], &options),
        ]
    };
    let limits = |axes, name, entries| Limits { axes, name, entries, ..Limits::default() };
    assert!(read(limits(3, 3, 2)).iter().all(Result::is_ok));
    for (limits, what, limit, found) in [
        (limits(2, 3, 2), "axes of a tensor", 2, 3),
        (limits(3, 2, 2), "bytes of a name", 2, 3),
        (limits(3, 3, 1), "entries of a file", 1, 2),
    ] {
        for result in read(limits.clone()) {
            assert_eq!(result.unwrap_err(), FileErrorKind::Limit { what, limit, found });
        }
    }
    let axes = Limits { axes: 1, ..Limits::default() };
    assert!(
        Idx::from_bytes_with(&Idx::new([1, 1], IdxData::U8(vec![0])).unwrap().to_bytes(), &axes).is_err()
    );
    let columns = |columns| Csv::new().limits(Limits { columns, ..Limits::default() }).parse("a", "a,b,c\n");
    assert!(columns(3).is_ok());
    let kind = FileErrorKind::Limit { what: "columns of a table", limit: 2, found: 3 };
    assert_eq!(columns(2).unwrap_err().kind, kind);
}

/// Everything written can be read again, or is refused when it is written.
#[test]
fn what_would_be_refused_when_it_is_read_is_refused_when_it_is_written() {
    let names = [
        "",
        ".",
        "..",
        "../../x",
        "/x",
        "a/b",
        "a//b",
        "a\\b",
        "a.npy",
        ".npy",
        "a/",
        "\u{0}",
        "a\nb",
        "é",
        "日本",
        "__metadata__",
        "\"",
        "{}",
        " ",
        "C:\\x",
        "~",
    ];
    for name in
        names.into_iter().map(str::to_owned).chain([4096, 4097, 65_536, 70_000].map(|n| "n".repeat(n)))
    {
        let state = vec![(name.clone(), Tensor::from([1.0, 2.0]))];
        let mut written = 0;
        if let Ok(bytes) = safetensors::to_bytes(&state) {
            assert_eq!(safetensors::from_bytes::<f64>(&bytes).unwrap(), state, "{name:?}");
            written += 1;
        }
        if let Ok(bytes) = npz::to_bytes(&state) {
            assert_eq!(npz::from_bytes::<f64>(&bytes).unwrap(), state, "{name:?}");
            written += 1;
        }
        let expected = if name.len() > 4096 { 0 } else { 2 - usize::from(name == "__metadata__") };
        assert_eq!(written, expected, "{name:?}");
    }
    let state = |x| vec![("x".to_owned(), x)];
    for (rank, fits) in [(255, true), (256, false)] {
        let x = Tensor::<f64>::ones(vec![1; rank].as_slice());
        assert_eq!(safetensors::to_bytes(&state(x.clone())).is_ok(), fits);
        assert_eq!(npz::to_bytes(&state(x.clone())).is_ok(), fits);
        if fits {
            assert_eq!(npz::from_bytes::<f64>(&npz::to_bytes(&state(x.clone())).unwrap()).unwrap()[0].1, x);
        }
        let scratch = Scratch::new("axes");
        assert_eq!(npy::save(scratch.file("x.npy"), &x).is_ok(), fits);
    }
}

#[test]
fn a_name_that_stands_twice_in_a_header_is_refused() {
    let one = r#""w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let two = r#""\u0077":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let kind = safetensors::from_bytes::<f32>(&with_header(&format!("{{{one},{two}}}"), 4)).unwrap_err();
    assert_eq!(kind, StateError::Duplicate { tensor: "w".into() }.into());
    let within = r#"{"__metadata__":{"a":"1","a":"2"}}"#;
    let kind = safetensors::from_bytes::<f32>(&with_header(within, 0)).unwrap_err();
    assert_eq!(kind, StateError::Duplicate { tensor: "a".into() }.into());
    let mut checkpoint = Checkpoint::<f64>::new();
    checkpoint.put("a", nn::checkpoint::SavedState::of_numbers([("x", 1.0), ("x", 2.0)]));
    let text = checkpoint.save("/no/such/directory/x.safetensors").unwrap_err().to_string();
    assert!(
        text.ends_with("not a valid checkpoint file: number \"x\" of part \"a\" appears more than once"),
        "{text}"
    );
}

/// A format, a small valid file of it, and its reader.
type Reader = (&'static str, Vec<u8>, fn(&[u8]) -> Result<(), FileErrorKind>);

/// Loads a model, which has all values of the file then, or is unchanged.
fn load_model(bytes: &[u8]) -> Result<(), FileErrorKind> {
    let mut model = Linear::<f32>::from_values([[-1.5, 2.5]], [9.0]);
    let before = bits(&state_dict(&model));
    let result = nn::load_bytes(bytes, &mut model);
    let after = bits(&state_dict(&model));
    match &result {
        Err(error) => assert_eq!(after, before, "{error}"),
        Ok(()) => assert!(after.iter().zip(&before).all(|(new, old)| new.2 != old.2), "{after:?}"),
    }
    result
}

fn readers() -> Vec<Reader> {
    let state = state_dict(&Linear::<f32>::from_values([[1.0, 2.0]], [3.0]));
    let npz = npz::to_bytes(&state).unwrap();
    let arrays: Vec<Vec<u8>> = state.iter().map(|(_, x)| npy::to_bytes(x)).collect();
    let entries = [("weight.npy", arrays[0].as_slice()), ("bias.npy", &arrays[1]), ("notes.txt", b"notes")];
    let deflated = archive(&entries, true);
    let idx = Idx::new([2, 3], IdxData::I16(vec![1, 2, 3, 4, 5, 6])).unwrap().to_bytes();
    let mut checkpoint = Checkpoint::<f32>::new();
    checkpoint.put(
        "model",
        nn::checkpoint::SavedState { tensors: state.clone(), numbers: vec![("n".into(), 1.5)] },
    );
    checkpoint.set_meta("epoch", 3);
    vec![
        ("safetensors", safetensors::to_bytes(&state).unwrap(), load_model),
        ("npz", npz, load_model),
        ("deflated npz", deflated, load_model),
        ("checkpoint", checkpoint.to_bytes().unwrap(), |bytes| {
            let mut model = Linear::<f32>::from_values([[-1.5, 2.5]], [9.0]);
            let before = bits(&state_dict(&model));
            let result = Checkpoint::<f32>::from_bytes(bytes)
                .and_then(|mut checkpoint| Ok(checkpoint.take_model("model", &mut model)?));
            assert!(result.is_ok() || bits(&state_dict(&model)) == before);
            result
        }),
        ("npy", arrays[0].clone(), |bytes| npy::from_bytes::<f32>(bytes).map(drop)),
        ("idx", idx.clone(), |bytes| Idx::from_bytes(bytes).map(drop)),
        ("gzip", gzip(&idx), |bytes| Idx::from_bytes(bytes).map(drop)),
        ("csv", b"a,\"b\"\n1,\xc3\xa9\n2,\"x\"\n".to_vec(), |bytes| {
            let table = Table::parse("a.csv", bytes).map_err(|error| error.kind)?;
            let columns: Vec<&str> = table.columns().iter().map(String::as_str).collect();
            table.numbers::<f32>(&columns[..1]).map_err(|error| error.kind)?;
            table.classes(columns[0]).map(drop).map_err(|error| error.kind)
        }),
    ]
}

#[test]
fn files_that_are_cut_anywhere_are_errors() {
    let mut cuts = 0;
    // A table that is cut is another table.
    for (format, bytes, read) in readers().into_iter().filter(|(format, ..)| *format != "csv") {
        for end in 0..bytes.len() {
            match read(&bytes[..end]) {
                Err(kind) => drop(brief(&kind)),
                Ok(()) => panic!("{format} cut at {end} of {} was read", bytes.len()),
            }
            cuts += 1;
        }
    }
    println!("{cuts} cuts");
}

/// Its rows are those of the whole table, but for the last, which is an error where that shows.
#[test]
fn a_table_that_is_cut_anywhere_has_the_first_rows() {
    let text = "x,kind\n1,a\n22,\"b,\"\"b\"\n\n333,é\n";
    let rows = |table: &Table| -> Vec<(String, String)> {
        let columns = ["x", "kind"].map(|name| table.column(name).unwrap());
        columns[0].iter().zip(&columns[1]).map(|(x, kind)| ((*x).into(), (*kind).into())).collect()
    };
    let whole = rows(&Table::parse("a.csv", text).unwrap());
    let mut refused = Vec::new();
    for end in 0..text.len() {
        match Table::parse("a.csv", &text.as_bytes()[..end]) {
            Err(error) => {
                brief(&error.kind);
                refused.push(end);
            }
            Ok(table) if table.columns() == ["x", "kind"] => {
                let rows = rows(&table);
                let (last, before) = rows.split_last().unzip();
                assert_eq!(before.unwrap_or(&[]), &whole[..rows.len().saturating_sub(1)], "cut at {end}");
                let right = last.is_none_or(|(x, kind): &(String, String)| {
                    let (whole_x, whole_kind) = &whole[rows.len() - 1];
                    x == whole_x && whole_kind.starts_with(kind.as_str())
                });
                assert!(right, "cut at {end}: {last:?}");
            }
            Ok(table) => assert!(end < 6 && "x,kind".starts_with(&table.columns().join(",")), "cut at {end}"),
        }
    }
    // No line, a row of one cell, open quotes, half a character. A row that ends in its quotes is whole.
    assert_eq!(refused, [0, 8, 12, 13, 15, 16, 17, 19, 20, 24, 25, 26, 28]);
}

/// Each bit of each byte, the headers among them: a result, and if it is an error a short one.
#[test]
fn every_changed_bit_ends_in_a_result() {
    let mut changes = 0;
    for (format, bytes, read) in readers() {
        let mut refused = 0;
        for bit in 0..8 * bytes.len() {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Err(kind) = read(&bytes) {
                brief(&kind);
                refused += 1;
            }
        }
        assert!(refused > bytes.len(), "{format}: {refused} of {} refused", 8 * bytes.len());
        changes += 8 * bytes.len();
    }
    println!("{changes} changed bits");
}

/// A checkpoint that is damaged is refused, or read whole.
#[test]
fn a_damaged_checkpoint_ends_in_a_result() {
    let scratch = Scratch::new("checkpoint");
    let path = scratch.file("run.safetensors");
    let mut checkpoint = Checkpoint::<f64>::new();
    checkpoint.put_model("model", &nn::Param::new([1.0]));
    checkpoint.set_meta("epoch", 3);
    checkpoint.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        std::fs::write(&path, &bytes[..at]).unwrap();
        brief(&Checkpoint::<f64>::load(&path).unwrap_err().kind);
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::write(&path, changed).unwrap();
        if let Err(error) = Checkpoint::<f64>::load(&path) {
            brief(&error.kind);
        }
    }
    // A tensor outside of all parts, which no checkpoint that was written here has.
    let header = r#"{"__metadata__":{"nn.checkpoint":"{\"version\":1,\"notes\":{},\"parts\":{}}"},"x":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}"#;
    std::fs::write(&path, with_header(header, 8)).unwrap();
    let text = Checkpoint::<f64>::load(&path).unwrap_err().to_string();
    assert!(
        text.ends_with("not a valid checkpoint file: tensor \"x\" belongs to none of its parts"),
        "{text}"
    );
}

/// Sizes at which anything quadratic takes minutes.
#[test]
fn many_tensors_and_numbers_are_read_in_a_moment() {
    const MANY: usize = 30_000;
    let state: State<f32> = (0..MANY).map(|i| (format!("layer.{i}.weight"), Tensor::scalar(1.0))).collect();
    let bytes = safetensors::to_bytes(&state).unwrap();
    assert_eq!(safetensors::from_bytes::<f32>(&bytes).unwrap().len(), MANY);
    let wanted: Vec<(&str, &[usize])> = state.iter().map(|(name, _)| (name.as_str(), &[][..])).collect();
    assert_eq!(matching(state.clone(), &wanted).unwrap().len(), MANY);
    let bytes = npz::to_bytes(&state[..10_000]).unwrap();
    assert_eq!(npz::from_bytes::<f32>(&bytes).unwrap().len(), 10_000);
    let mut saved = nn::checkpoint::SavedState::<f32>::new();
    saved.numbers = (0..4 * MANY).map(|i| (format!("layer.{i:06}.steps"), 1.0)).collect();
    let names: Vec<String> = saved.numbers.iter().map(|(name, _)| name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(saved.clone().exactly(&[], &names).unwrap().1.len(), 4 * MANY);
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("optimizer", saved);
    let scratch = Scratch::new("many");
    checkpoint.save(scratch.file("run.safetensors")).unwrap();
    assert!(Checkpoint::load(scratch.file("run.safetensors")).is_ok_and(|read| read == checkpoint));
}
