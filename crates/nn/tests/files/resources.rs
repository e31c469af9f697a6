//! The cost of reading, counted in bytes and requests of memory; and the errors when memory is refused.

use super::allocator::{measure, refusing};
use super::*;
use nn::checkpoint::{Checkpoint, SavedState};
use nn::data::{Csv, Idx, IdxData, Table};
use nn::files::Limits;
use std::fmt::Debug;

/// Elements of the large files: each reader needs more memory for them than `LARGE`.
const ELEMENTS: usize = 1 << 15;

/// Requests of at least this many bytes are refused. Smaller ones, such as buffers of 64 KiB, abort the program when there
/// is no memory left, as everywhere in Rust.
const LARGE: usize = 100_000;

/// Calls with the first, the second, ... large request refused, and all after it: each is an error of its kind, and
/// when none is left the call succeeds.
fn each_refusal<V: Debug>(name: &str, call: impl Fn() -> Result<V, FileErrorKind>) {
    let mut refusals = 0;
    loop {
        let (result, refused) = refusing(LARGE, refusals, &call);
        match result {
            Ok(_) => {
                assert!(!refused, "{name}: succeeded without its {refusals}th block");
                break;
            }
            Err(kind) => {
                let memory = match &kind {
                    FileErrorKind::TooLarge { .. } => true,
                    FileErrorKind::Io { kind, .. } => *kind == std::io::ErrorKind::OutOfMemory,
                    _ => false,
                };
                assert!(refused && memory, "{name}: {kind}");
            }
        }
        refusals += 1;
    }
    assert!(refusals > 0, "{name} requests no block of {LARGE} bytes");
}

fn zeros(n: usize) -> State<f64> {
    vec![("a".to_owned(), Tensor::zeros([n])), ("b".to_owned(), Tensor::zeros([n / 64, 64]))]
}

fn checkpoint(n: usize) -> Checkpoint<f64> {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("part", SavedState { tensors: zeros(n), numbers: vec![] });
    checkpoint
}

/// A table of n rows, with a number and one of eight classes.
fn table(n: usize) -> String {
    let rows: String = (0..n).map(|i| format!("{i},class {}\n", i % 8)).collect();
    format!("x,kind\n{rows}")
}

/// Files whose elements are read in every way: as they are, with a conversion, in the other order of the axes.
#[test]
fn each_refused_block_is_an_error() {
    let state = zeros(ELEMENTS);
    let array = npy::to_bytes(&state[1].1);
    let text = |old: &str, new: &str| {
        let at = array.windows(old.len()).position(|window| window == old.as_bytes()).unwrap();
        [&array[..at], new.as_bytes(), &array[at + old.len()..]].concat()
    };
    let (fortran, integers) = (text("False", "True "), text("<f8", "<i8"));
    for (name, bytes) in [("npy", &array), ("npy in Fortran order", &fortran), ("npy of integers", &integers)]
    {
        each_refusal(name, || npy::from_bytes::<f64>(bytes));
        each_refusal(name, || npy::from_bytes::<f32>(bytes));
    }
    let stored = npz::to_bytes(&state).unwrap();
    each_refusal("npz", || npz::from_bytes::<f64>(&stored));
    let deflated = hostile::archive(&[("a.npy", &array)], true);
    each_refusal("deflated npz", || npz::from_bytes::<f64>(&deflated));
    let bytes = safetensors::to_bytes(&state).unwrap();
    each_refusal("safetensors", || safetensors::from_bytes::<f64>(&bytes));
    let bytes = checkpoint(ELEMENTS).to_bytes().unwrap();
    each_refusal("checkpoint", || Checkpoint::<f64>::from_bytes(&bytes));
    for numbers in [
        IdxData::U8(vec![0; 4 * ELEMENTS]),
        IdxData::I8(vec![0; 4 * ELEMENTS]),
        IdxData::I16(vec![0; 4 * ELEMENTS]),
        IdxData::I32(vec![0; 4 * ELEMENTS]),
        IdxData::F32(vec![0.0; 4 * ELEMENTS]),
        IdxData::F64(vec![0.0; 4 * ELEMENTS]),
    ] {
        let idx = Idx::new([4 * ELEMENTS], numbers).unwrap();
        let (bytes, compressed) = (idx.to_bytes(), hostile::gzip(&idx.to_bytes()));
        let patient = Limits { ratio: 2000, ..Limits::default() };
        each_refusal("idx", || Idx::from_bytes(&bytes));
        each_refusal("compressed idx", || Idx::from_bytes_with(&compressed, &patient));
        each_refusal("idx to a tensor", || idx.try_to_tensor::<f64>());
    }
    let text = table(ELEMENTS);
    let table = Table::parse("a.csv", &text).unwrap();
    each_refusal("csv", || Table::parse("a.csv", &text).map_err(|error| error.kind));
    each_refusal("numbers", || table.numbers::<f64>(&["x"]).map_err(|error| error.kind));
    each_refusal("column", || table.column("x").map_err(|error| error.kind).map(|column| column.len()));
    each_refusal("classes", || table.classes("kind").map_err(|error| error.kind));
    each_refusal("drop_missing", || table.drop_missing(&["x"], "").map_err(|error| error.kind));
    let scratch = Scratch::new("refused");
    let path = scratch.file("a.csv");
    std::fs::write(&path, &text).unwrap();
    each_refusal("a table in a file", || Table::read(&path).map_err(|error| error.kind));
}

/// A model is unchanged if there is no memory for the file.
#[test]
fn a_refused_block_leaves_a_model_as_it_was() {
    let layer = |w: f64| Linear { weight: nn::Param::new(Tensor::full([1, ELEMENTS], w)), bias: None };
    let scratch = Scratch::new("refused-model");
    for name in ["model.npz", "model.safetensors"] {
        let path = scratch.file(name);
        nn::save(&path, &layer(2.0)).unwrap();
        let mut model = layer(1.0);
        let (result, refused) = refusing(LARGE, 0, || nn::load(&path, &mut model));
        assert!(refused && result.is_err_and(|error| error.path == path));
        assert_eq!(state_dict(&model), state_dict(&layer(1.0)));
        nn::load(&path, &mut model).unwrap();
        assert_eq!(state_dict(&model), state_dict(&layer(2.0)));
    }
}

/// The bytes and requests of a call, which is the first of its thread: blocks that a thread keeps do not count.
fn cost<V>(call: impl FnOnce() -> V + Send) -> [usize; 2] {
    std::thread::scope(|scope| {
        let counted = scope.spawn(|| {
            let (_value, used, _) = measure(call);
            [used.bytes, used.requests]
        });
        counted.join().unwrap()
    })
}

/// Twice as much takes at most 2.5 times the bytes and requests: anything quadratic takes 4 times.
fn is_linear<X: Sync>(name: &str, make: impl Fn(usize) -> X, call: impl Fn(&X) + Sync) {
    const N: usize = 1000;
    let [one, two] = [N, 2 * N].map(|n| {
        let input = make(n);
        cost(|| call(&input))
    });
    for (what, one, two) in [("bytes", one[0], two[0]), ("requests", one[1], two[1])] {
        // Less than this is the same for every input.
        let free = 64;
        assert!(2 * two <= 5 * one + free, "{name}: {one} {what} for {N}, {two} for twice as many");
    }
}

fn named(n: usize) -> State<f64> {
    (0..n).map(|i| (format!("layer.{i:06}.weight"), Tensor::scalar(1.0))).collect()
}

#[test]
fn twice_as_much_costs_twice_as_much() {
    let elements = |n: usize| vec![("x".to_owned(), Tensor::<f64>::zeros([100 * n]))];
    is_linear(
        "entries of safetensors",
        |n| safetensors::to_bytes(&named(n)).unwrap(),
        |bytes| {
            assert!(safetensors::from_bytes::<f64>(bytes).is_ok());
        },
    );
    is_linear(
        "elements of safetensors",
        |n| safetensors::to_bytes(&elements(n)).unwrap(),
        |bytes| {
            assert!(safetensors::from_bytes::<f32>(bytes).is_ok());
        },
    );
    is_linear(
        "entries of npz",
        |n| npz::to_bytes(&named(n / 4)).unwrap(),
        |bytes| {
            assert!(npz::from_bytes::<f64>(bytes).is_ok());
        },
    );
    is_linear(
        "elements of npz",
        |n| npz::to_bytes(&elements(n)).unwrap(),
        |bytes| {
            assert!(npz::from_bytes::<f32>(bytes).is_ok());
        },
    );
    is_linear(
        "elements of npy",
        |n| npy::to_bytes(&elements(n)[0].1),
        |bytes| {
            assert!(npy::from_bytes::<f32>(bytes).is_ok());
        },
    );
    is_linear(
        "axes of npy",
        |n| npy::to_bytes(&Tensor::<f64>::ones(vec![1; n].as_slice())),
        |bytes| {
            let options = Options::new().limits(Limits { axes: 1 << 20, ..Limits::default() });
            assert!(npy::from_bytes_with::<f64>(bytes, &options).is_ok());
        },
    );
    is_linear(
        "elements of idx",
        |n| Idx::new([100 * n], IdxData::I16(vec![1; 100 * n])).unwrap(),
        |idx| {
            assert!(Idx::from_bytes(&idx.to_bytes()).is_ok());
            assert!(idx.try_to_tensor::<f32>().is_ok());
        },
    );
    is_linear("rows of a table", table, |text| drop(Table::parse("a", text).unwrap()));
    let columns = |n: usize| {
        let names: Vec<String> = (0..n).map(|i| format!("c{i:06}")).collect();
        format!("{}\n{}\n", names.join(","), vec!["1"; n].join(","))
    };
    is_linear("columns of a table", columns, |text| drop(Table::parse("a", text).unwrap()));
    is_linear(
        "columns without names",
        |n| format!("{}\n", vec!["1"; n].join(",")),
        |text| {
            drop(Csv::new().headerless().parse("a", text).unwrap());
        },
    );
    is_linear(
        "numbers of columns",
        |n| Table::parse("a", columns(n)).unwrap(),
        |table| {
            let names: Vec<&str> = table.columns().iter().map(String::as_str).collect();
            drop(table.numbers::<f64>(&names).unwrap());
        },
    );
    let parsed = |n: usize| Table::parse("a", table(n)).unwrap();
    is_linear("a column", parsed, |table| drop(table.column("x").unwrap()));
    is_linear("classes", parsed, |table| drop(table.classes("x").unwrap()));
    is_linear("labels", parsed, |table| {
        let names: Vec<String> = (0..table.len()).map(|i| i.to_string()).collect();
        drop(table.labels("x", &names).unwrap());
    });
    is_linear("rows that are dropped", parsed, |table| {
        drop(table.drop_missing(&["x", "kind"], "1").unwrap())
    });
    is_linear(
        "parts of a checkpoint",
        |n| {
            let mut checkpoint = Checkpoint::<f64>::new();
            for i in 0..n / 4 {
                checkpoint.put(&format!("part{i:06}"), SavedState::of_numbers([("x", i as f64)]));
                checkpoint.set_meta(&format!("note{i:06}"), i);
            }
            checkpoint.to_bytes().unwrap()
        },
        |bytes| drop(Checkpoint::<f64>::from_bytes(bytes).unwrap()),
    );
    is_linear("a state that is matched", named, |state| {
        let wanted: Vec<(&str, &[usize])> = state.iter().map(|(name, _)| (name.as_str(), &[][..])).collect();
        assert!(matching(state.clone(), &wanted).is_ok());
    });
}

/// Every field of `Limits` at its value and one below, for every reader that it is for.
#[test]
fn every_limit_is_exact_for_every_reader() {
    let state = vec![("abc".to_owned(), Tensor::<f64>::zeros([1; 3])), ("d".to_owned(), Tensor::zeros([1]))];
    let array = npy::to_bytes(&state[0].1);
    let idx = Idx::new([1; 3], IdxData::U8(vec![0])).unwrap().to_bytes();
    // Beyond the megabyte that is always free, and nothing but zeros.
    let mebibyte = IdxData::U8(vec![0; 1 << 21]);
    let images = Idx::new([1 << 21], mebibyte).unwrap().to_bytes();
    let (gzip, safe) = (hostile::gzip(&images), safetensors::to_bytes(&state).unwrap());
    let (stored, body) = (npz::to_bytes(&state).unwrap(), npy::to_bytes(&Tensor::<f64>::zeros([1 << 18])));
    let deflated = hostile::archive(&[("x.npy", &body)], true);
    let text = "abc,d,e\n1,2,3\n";
    let mut saved = Checkpoint::new();
    saved.put("p", SavedState { tensors: state.clone(), numbers: vec![] });
    let saved = saved.to_bytes().unwrap();
    let scratch = Scratch::new("limits");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(scratch.file(name), bytes).unwrap();
        scratch.file(name)
    };
    let (safe_file, npz_file) = (write("a.safetensors", &safe), write("a.npz", &stored));
    let (npy_file, idx_file) = (write("a.npy", &array), write("a.idx", &idx));
    let (csv_file, saved_file) = (write("a.csv", text.as_bytes()), write("p.safetensors", &saved));
    type Read<'r> = Box<dyn Fn(&Limits) -> Result<(), FileErrorKind> + 'r>;
    let kind = |error: FileError| error.kind;
    let of = |limits: &Limits| Options::new().limits(limits.clone());
    let readers: [(&str, usize, Read<'_>); 12] = [
        (
            "safetensors",
            safe.len(),
            Box::new(|l| safetensors::from_bytes_with::<f64>(&safe, &of(l)).map(drop)),
        ),
        ("npz", stored.len(), Box::new(|l| npz::from_bytes_with::<f64>(&stored, &of(l)).map(drop))),
        ("npy", array.len(), Box::new(|l| npy::from_bytes_with::<f64>(&array, &of(l)).map(drop))),
        ("idx", idx.len(), Box::new(|l| Idx::from_bytes_with(&idx, l).map(drop))),
        (
            "csv",
            text.len(),
            Box::new(|l| Csv::new().limits(l.clone()).parse("a", text).map(drop).map_err(kind)),
        ),
        (
            "names",
            text.len(),
            Box::new(|l| {
                let csv = Csv::new().names(["abc", "d", "e"]).limits(l.clone());
                csv.parse("a", text).map(drop).map_err(kind)
            }),
        ),
        (
            "file.safetensors",
            safe.len(),
            Box::new(|l| files::load_with::<f64>(&safe_file, &of(l)).map(drop).map_err(kind)),
        ),
        (
            "file.npz",
            stored.len(),
            Box::new(|l| files::load_with::<f64>(&npz_file, &of(l)).map(drop).map_err(kind)),
        ),
        (
            "file.npy",
            array.len(),
            Box::new(|l| npy::load_with::<f64>(&npy_file, &of(l)).map(drop).map_err(kind)),
        ),
        ("file.idx", idx.len(), Box::new(|l| Idx::read_with(&idx_file, l).map(drop).map_err(kind))),
        (
            "file.csv",
            text.len(),
            Box::new(|l| Csv::new().limits(l.clone()).read(&csv_file).map(drop).map_err(kind)),
        ),
        (
            "checkpoint",
            saved.len(),
            Box::new(|l| Checkpoint::<f64>::load_with(&saved_file, &of(l)).map(drop).map_err(kind)),
        ),
    ];
    let mut checked = 0;
    let mut exact =
        |name: &str, what: &'static str, least: u64, read: &Read<'_>, set: &dyn Fn(u64) -> Limits| {
            assert_eq!(read(&set(least)), Ok(()), "{name}: {what}");
            let refused = FileErrorKind::Limit { what, limit: least - 1, found: least };
            assert_eq!(read(&set(least - 1)), Err(refused), "{name}: {what}");
            checked += 1;
        };
    let all = Limits::default;
    for (name, length, read) in &readers {
        exact(name, "bytes of a file", *length as u64, read, &|bytes| Limits { bytes, ..all() });
        let table = name.contains("csv") || *name == "names";
        if table {
            exact(name, "columns of a table", 3, read, &|n| Limits { columns: n as usize, ..all() });
        } else {
            exact(name, "axes of a tensor", 3, read, &|n| Limits { axes: n as usize, ..all() });
        }
        let longest = if *name == "checkpoint" { 5 } else { 3 };
        if !name.contains("npy") && !name.contains("idx") {
            exact(name, "bytes of a name", longest, read, &|n| Limits { name: n as usize, ..all() });
        }
        if name.contains("npz") || name.contains("safetensors") || *name == "checkpoint" {
            exact(name, "entries of a file", 2, read, &|n| Limits { entries: n as usize, ..all() });
        }
    }
    assert_eq!(checked, 12 + 12 + 8 + 5);
    // The ratio: what a byte may inflate to, beyond the first MiB.
    let compressed: [(usize, usize, Read<'_>); 2] = [
        (images.len(), gzip.len(), Box::new(|l| Idx::from_bytes_with(&gzip, l).map(drop))),
        (body.len(), deflated.len(), Box::new(|l| npz::from_bytes_with::<f64>(&deflated, &of(l)).map(drop))),
    ];
    for (found, compressed, read) in compressed {
        let (found, compressed) = (found as u64, compressed as u64);
        let least = (found - Limits::FREE).div_ceil(compressed);
        assert_eq!(read(&Limits { ratio: least, ..all() }), Ok(()));
        let limit = compressed * (least - 1) + Limits::FREE;
        let refused = FileErrorKind::Limit { what: "inflated bytes", limit, found };
        assert_eq!(read(&Limits { ratio: least - 1, ..all() }), Err(refused));
        // All of it counts towards the bytes of a file.
        let patient = Limits { ratio: least, bytes: found - 1, ..all() };
        assert_eq!(
            read(&patient),
            Err(FileErrorKind::Limit { what: "inflated bytes", limit: found - 1, found })
        );
    }
}

/// Operations of the tape, and functions of data, that take a count or a list.
#[test]
fn an_operation_of_twice_as_many_costs_twice_as_much() {
    use nn::data::{Batches, Split, copy_rows};
    use nn::metrics::top_k;
    use rand::{SeedableRng, rngs::StdRng};
    use tape::{Scalar, Tape, Var};
    let same = |n: usize| n;
    is_linear("vector", same, |&n| {
        let tape = Tape::new();
        let x: Vec<Scalar<'_>> = (0..n).map(|i| tape.scalar(i as f64)).collect();
        drop(tape.vector(&x).sum().backward());
    });
    is_linear("concat", same, |&n| {
        let tape = Tape::new();
        let x: Vec<Var<'_>> = (0..n).map(|_| tape.var(Tensor::ones([2]))).collect();
        drop(tape.concat(&x, 0).sum().backward());
    });
    is_linear("stack", same, |&n| {
        let tape = Tape::new();
        let x: Vec<Var<'_>> = (0..n).map(|_| tape.var(Tensor::ones([2]))).collect();
        drop(tape.stack(&x, 0).sum().backward());
    });
    is_linear("split, of values", same, |&n| drop(Tensor::<f64>::ones([n]).split(&vec![1; n], 0)));
    is_linear("chunk, of values", same, |&n| drop(Tensor::<f64>::ones([n]).chunk(n, 0)));
    is_linear("split, of variables", same, |&n| {
        let tape = Tape::new();
        let parts = tape.var(Tensor::ones([n])).split(&vec![1; n], 0);
        drop(tape.concat(&parts, 0).sum().backward());
    });
    is_linear("chunk, of variables", same, |&n| {
        let tape = Tape::new();
        let parts = tape.var(Tensor::ones([n])).chunk(n, 0);
        drop(tape.concat(&parts, 0).sum().backward());
    });
    is_linear("tile", same, |&n| {
        let tape = Tape::new();
        drop(tape.var(Tensor::ones([2])).tile([n]).sum().backward());
    });
    is_linear("sort", same, |&n| {
        let tape = Tape::new();
        drop(tape.var(Tensor::linspace(0.0, 1.0, n)).sort(0, true).0.sum().backward());
    });
    is_linear("topk", same, |&n| {
        let tape = Tape::new();
        drop(tape.var(Tensor::linspace(0.0, 1.0, n)).topk(n, 0, true).0.sum().backward());
    });
    is_linear("one_hot", same, |&n| drop(Tensor::<f64>::one_hot(&[0][..], n).unwrap()));
    is_linear("a chain, backward and forward", same, |&n| {
        let tape = Tape::new();
        let x = tape.scalar(0.5);
        let y = (0..n).fold(x, |y, _| y.sin());
        drop(y.backward());
        assert!(y.jvp(x, 1.0).is_finite());
    });
    is_linear("a sum of one scalar", same, |&n| {
        let tape = Tape::new();
        let x = tape.scalar(0.5);
        drop((0..n).fold(x, |sum, _| sum + x).backward());
    });
    is_linear("batches", same, |&n| {
        Batches::new(n, 1).shuffle(&mut StdRng::seed_from_u64(0));
    });
    is_linear("split of samples", same, |&n| {
        drop(Split::new(n, [0.5, 0.25, 0.25], &mut StdRng::seed_from_u64(0)).unwrap());
    });
    is_linear("copy_rows", same, |&n| {
        let rows: Vec<usize> = (0..n).rev().collect();
        copy_rows(&Tensor::<f64>::ones([n, 3]), &rows, &mut Tensor::default()).unwrap();
    });
    is_linear("top_k of classes", same, |&n| {
        top_k(&Tensor::linspace(0.0, 1.0, n).reshape([1, n]), &[0], n / 2).unwrap();
    });
}
