//! Reading IDX files and handing out batches.

use flate2::{Compression, write::GzEncoder};
use nn::data::{Batches, Idx, IdxData, Images, Mnist, copy_rows};
use nn::files::FileErrorKind;
use nn::metrics::{Confusion, accuracy, argmax_rows};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::io::Write;
use tape::{Error, Tensor};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn all_types() -> Vec<Idx> {
    let shape = [2, 1, 2];
    [
        IdxData::U8(vec![0, 1, 128, 255]),
        IdxData::I8(vec![-128, -1, 0, 127]),
        IdxData::I16(vec![i16::MIN, -2, 3, i16::MAX]),
        IdxData::I32(vec![i32::MIN, -2, 3, i32::MAX]),
        IdxData::F32(vec![-0.0, f32::MIN_POSITIVE / 2.0, 1.5, f32::INFINITY]),
        IdxData::F64(vec![-0.0, 5e-324, 1.5, f64::NEG_INFINITY]),
    ]
    .map(|numbers| Idx::new(shape, numbers).unwrap())
    .into()
}

#[test]
fn every_number_type_comes_back_compressed_or_not() {
    for idx in all_types() {
        let bytes = idx.to_bytes();
        assert_eq!(Idx::from_bytes(&bytes).unwrap(), idx);
        assert_eq!(Idx::from_bytes(&gzip(&bytes)).unwrap(), idx);
        // The rest of the file may be a member of its own.
        let (start, end) = bytes.split_at(bytes.len() / 2);
        assert_eq!(Idx::from_bytes(&[gzip(start), gzip(end)].concat()).unwrap(), idx);
        assert_eq!(idx.to_tensor::<f64>().shape(), [2, 1, 2]);
    }
    assert_eq!(all_types()[2].to_tensor::<f64>().to_vec(), [-32768.0, -2.0, 3.0, 32767.0]);
}

#[test]
fn the_constructor_counts() {
    assert!(Idx::new([2, 2], IdxData::U8(vec![0; 3])).is_none());
    assert!(Idx::new([usize::MAX, 2], IdxData::U8(vec![])).is_none());
    assert!(Idx::new([1 << 32, 0], IdxData::U8(vec![])).is_none());
    assert!(Idx::new([], IdxData::U8(vec![7])).is_some());
    // The number of axes is a byte.
    assert!(Idx::new([1; 255], IdxData::U8(vec![7])).is_some());
    assert!(Idx::new([1; 256], IdxData::U8(vec![7])).is_none());
}

#[test]
fn every_truncation_is_refused() {
    for idx in all_types() {
        let bytes = idx.to_bytes();
        for end in 0..bytes.len() {
            let kind = Idx::from_bytes(&bytes[..end]).unwrap_err();
            match kind {
                FileErrorKind::Magic { found, .. } => assert_eq!(found, bytes[..end]),
                FileErrorKind::Truncated { expected, found } => {
                    assert_eq!(found, end as u64);
                    assert_eq!(expected, if end < 16 { 16 } else { bytes.len() as u64 });
                }
                other => panic!("{other}"),
            }
            assert!(Idx::from_bytes(&gzip(&bytes[..end])).is_err());
        }
        let compressed = gzip(&bytes);
        for end in 0..compressed.len() {
            assert!(Idx::from_bytes(&compressed[..end]).is_err(), "compressed, cut at {end}");
        }
    }
}

#[test]
fn a_truncated_compressed_file_ends_there() {
    let bytes =
        Idx::new([1000], IdxData::U8((0..1000).map(|i| (i * i % 251) as u8).collect())).unwrap().to_bytes();
    let packed = gzip(&bytes);
    let error = Idx::from_bytes(&packed[..packed.len() / 2]).unwrap_err().to_string();
    assert!(error.starts_with("truncated: expected 1008 bytes, found "), "{error}");
}

#[test]
fn wrong_headers_are_refused() {
    let magic = |bytes: &[u8]| {
        let kind = Idx::from_bytes(bytes).unwrap_err();
        assert_eq!(kind, FileErrorKind::Magic { expected: "an IDX file", found: bytes[..4].to_vec() });
    };
    magic(&[0, 1, 8, 1, 0, 0, 0, 0]);
    magic(&[0, 0, 7, 1, 0, 0, 0, 0]);
    magic(b"PK\x03\x04 and more");
    let trailing = [0, 0, 8, 1, 0, 0, 0, 1, 5, 6];
    assert_eq!(Idx::from_bytes(&trailing).unwrap_err(), FileErrorKind::Trailing { expected: 9 });
    assert_eq!(Idx::from_bytes(&gzip(&trailing)).unwrap_err(), FileErrorKind::Trailing { expected: 9 });
    let mut damaged = gzip(&all_types()[0].to_bytes());
    let end = damaged.len();
    damaged[end - 6] ^= 1;
    assert!(matches!(Idx::from_bytes(&damaged), Err(FileErrorKind::Corrupt { format: "gzip", .. })));
}

#[test]
fn hostile_extents_are_refused_before_anything_is_allocated() {
    let many = [&[0, 0, 8, 3][..], &[0xff; 12]].concat();
    let shape = vec![u64::from(u32::MAX); 3];
    assert_eq!(Idx::from_bytes(&many).unwrap_err(), FileErrorKind::TooLarge { shape });
    let large = [&[0, 0, 8, 1][..], &[0xff; 4], &[1, 2, 3]].concat();
    let expected = 8 + u64::from(u32::MAX);
    assert_eq!(Idx::from_bytes(&large).unwrap_err(), FileErrorKind::Truncated { expected, found: 11 });
    let most = [&[0, 0, 14, 255][..], &[1; 4 * 255]].concat();
    assert!(matches!(Idx::from_bytes(&most), Err(FileErrorKind::TooLarge { .. })));
}

proptest! {
    #[test]
    fn any_bytes_never_panic(head in 0usize..3, tail in prop::collection::vec(any::<u8>(), 0..100)) {
        let magic: [&[u8]; 3] = [b"", &[0, 0], &[0x1f, 0x8b, 8, 0]];
        let _ = Idx::from_bytes(&[magic[head], &tail].concat());
    }

    #[test]
    fn each_sample_comes_exactly_once(n in 0usize..200, batch in 1usize..60, mode in 0..3, seed: u64) {
        let batches = Batches::new(n, batch);
        let mut batches = match mode {
            0 => batches,
            1 => batches.drop_last(),
            _ => batches.merge_last(),
        };
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..2 {
            batches.shuffle(&mut rng);
            let parts: Vec<&[usize]> = batches.iter().collect();
            prop_assert_eq!(parts.len(), batches.len());
            let mut all = parts.concat();
            all.sort_unstable();
            match mode {
                0 => {
                    prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
                    prop_assert_eq!(parts.len(), n.div_ceil(batch));
                }
                1 => {
                    prop_assert_eq!(all.len(), n / batch * batch);
                    prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "none twice");
                    prop_assert!(parts.iter().all(|part| part.len() == batch));
                }
                _ => {
                    prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
                    prop_assert_eq!(parts.len(), (n / batch).max(usize::from(n > 0)));
                    let full = parts.len().saturating_sub(1);
                    prop_assert!(parts[..full].iter().all(|part| part.len() == batch));
                }
            }
        }
    }
}

/// BP-04: sizes of the reference system, and the cases in which its printed generator fails.
#[test]
fn the_last_batch_takes_the_remainder() {
    let sizes =
        |n, batch| -> Vec<usize> { Batches::new(n, batch).merge_last().iter().map(<[usize]>::len).collect() };
    assert_eq!(sizes(700, 8), [vec![8; 86], vec![12]].concat());
    assert_eq!(sizes(60_000, 256), [vec![256; 233], vec![352]].concat());
    assert_eq!(sizes(10, 10), [10]);
    assert_eq!(sizes(10, 11), [10]);
    assert_eq!(sizes(10, 9), [10]);
    assert_eq!(sizes(3, 1), [1, 1, 1]);
    assert_eq!(sizes(0, 4), [0; 0]);
}

#[test]
fn an_order_depends_on_the_generator_alone() {
    let mut twice = Batches::new(50, 7);
    twice.shuffle(&mut StdRng::seed_from_u64(1)).shuffle(&mut StdRng::seed_from_u64(2));
    let mut once = Batches::new(50, 7);
    once.shuffle(&mut StdRng::seed_from_u64(2));
    assert_eq!(twice.order(), once.order());
    assert_ne!(once.order(), (0..50).collect::<Vec<_>>());
}

#[test]
fn batches_of_nothing_are_refused() {
    let error = Batches::try_new(5, 0).unwrap_err();
    assert_eq!(error.to_string(), "batches: expected at least 1 sample in a batch, found 0");
}

#[test]
fn gather_copies_rows_and_uses_its_memory_again() {
    let mut rng = StdRng::seed_from_u64(3);
    let x = Tensor::from_fn([9, 2, 3], |_| rng.random::<f64>());
    let mut out = Tensor::default();
    copy_rows(&x, &[8, 0, 8], &mut out).unwrap();
    assert_eq!(out.shape(), [3, 2, 3]);
    assert_eq!(out.get([2, 1, 2]), x.get([8, 1, 2]));
    let place = out.as_slice().unwrap().as_ptr();
    copy_rows(&x, &[1, 2, 3], &mut out).unwrap();
    assert_eq!(out.as_slice().unwrap().as_ptr(), place);
    // A tape that still holds the batch keeps what it recorded.
    let held = out.clone();
    copy_rows(&x, &[4, 5, 6], &mut out).unwrap();
    assert_eq!(held.get([0, 0, 0]), x.get([1, 0, 0]));
    copy_rows(&x.transpose(), &[1], &mut out).unwrap();
    assert_eq!(out.get([0, 1, 0]), x.transpose().get([1, 1, 0]));
    copy_rows(&x, &[], &mut out).unwrap();
    assert_eq!(out.shape(), [0, 2, 3]);
    assert!(matches!(copy_rows(&x, &[9], &mut out), Err(Error::Index { index: 9, axis: 0, .. })));
    assert!(matches!(copy_rows(&Tensor::scalar(1.0), &[0], &mut out), Err(Error::Rank { .. })));
}

#[test]
fn classes_out_of_range_are_errors() {
    assert!(matches!(Tensor::<f64>::one_hot(&[0, 3][..], 3), Err(Error::Index { index: 3, .. })));
    assert_eq!(Tensor::<f64>::one_hot(&[][..], 0).unwrap().shape(), [0, 0]);
    assert!(matches!(Confusion::new(&[2], &[0], 2), Err(Error::Index { axis: 1, .. })));
    assert!(matches!(Confusion::new(&[0], &[2], 2), Err(Error::Index { axis: 0, .. })));
    assert!(matches!(accuracy(&[0], &[0; 0]), Err(Error::Elements { .. })));
    assert!(matches!(argmax_rows(&Tensor::from([1.0])), Err(Error::Rank { .. })));
    assert!(matches!(argmax_rows(&Tensor::<f64>::zeros([3, 0])), Err(Error::Empty { .. })));
}

#[test]
fn equal_outputs_count_as_the_lowest_class() {
    let x = Tensor::from([[0.5, 0.5, 0.5], [0.0, 2.0, 2.0], [-0.0, 0.0, -1.0]]);
    assert_eq!(argmax_rows(&x).unwrap(), [0, 1, 0]);
}

#[test]
fn a_directory_is_read_and_each_fault_names_its_file() {
    let directory = std::env::temp_dir().join(format!("nn-mnist-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(directory.join(name), bytes).unwrap();
    let images = Idx::new([2, 1, 2], IdxData::U8(vec![0, 51, 255, 102])).unwrap().to_bytes();
    let labels = Idx::new([2], IdxData::U8(vec![3, 9])).unwrap().to_bytes();
    write("train-images-idx3-ubyte", &images);
    write("train-labels-idx1-ubyte.gz", &gzip(&labels));
    write("t10k-images-idx3-ubyte.gz", &gzip(&images));
    write("t10k-labels-idx1-ubyte", &labels);
    let mnist = Mnist::read(&directory).unwrap();
    assert_eq!(mnist.train, mnist.test);
    assert_eq!(mnist.train.labels(), [3, 9]);
    assert_eq!(mnist.train.image(1).unwrap(), [255, 102]);
    assert_eq!(mnist.train.image(2), None);
    assert_eq!(mnist.train.rows::<f64>(), Tensor::from([[0.0, 0.2], [1.0, 0.4]]));
    assert_eq!(mnist.train.tensor::<f32>().shape(), [2, 1, 1, 2]);
    assert_eq!(mnist.train.first(1).labels(), [3]);
    assert!(!mnist.train.is_empty() && mnist.train.first(0).is_empty());
    let fault = |expected: &str| {
        let text = Mnist::read(&directory).unwrap_err().to_string();
        assert!(text.starts_with(directory.to_str().unwrap()) && text.ends_with(expected), "{text}");
    };
    write("t10k-labels-idx1-ubyte", &labels[..9]);
    fault("t10k-labels-idx1-ubyte: truncated: expected 10 bytes, found 9");
    write("t10k-labels-idx1-ubyte", &Idx::new([1], IdxData::U8(vec![3])).unwrap().to_bytes());
    fault("t10k-labels-idx1-ubyte: 1 labels for 2 images");
    write("t10k-labels-idx1-ubyte", &images);
    fault("wrong magic number: expected 00 00 08 01 (labels), found 00 00 08 03");
    std::fs::remove_file(directory.join("t10k-labels-idx1-ubyte")).unwrap();
    fault("t10k-labels-idx1-ubyte: no such file");
    assert!(Images::read("no such file", "nor this").is_err());
    std::fs::remove_dir_all(&directory).unwrap();
}
