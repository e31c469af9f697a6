//! Tables, data sets, their division, and what hands them out.

use nn::data::{Dataset, Loader, Split, Table};
use nn::files::FileErrorKind;
use nn::metrics::{Confusion, accuracy, argmax_rows, r_squared, rmse, top_k};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::sync::atomic::{AtomicUsize, Ordering};
use tape::{Error, Tensor};

/// The error message for a malformed table.
fn complaint(text: &str) -> String {
    Table::parse("t.csv", text).and_then(|table| table.numbers::<f64>(&["a", "b"])).unwrap_err().to_string()
}

#[test]
fn a_fault_names_file_line_and_column() {
    for (text, expected) in [
        ("a,b\n1,2\n3,x\n", "t.csv: line 3, column \"b\": expected a finite number, found \"x\""),
        ("a,b\n1,2\nNaN,4\n", "t.csv: line 3, column \"a\": expected a finite number, found \"NaN\""),
        ("a,b\n1,2\n1e999,4\n", "t.csv: line 3, column \"a\": expected a finite number, found \"1e999\""),
        ("a,b\r\n\r\n\r\n1,\r\n", "t.csv: line 4, column \"b\": expected a finite number, found \"\""),
        (
            "a,b,c\n1,2,\"two\nlines\"\n\n1,y,\n",
            "t.csv: line 5, column \"b\": expected a finite number, found \"y\"",
        ),
        ("a,b\n1,2\n\n3\n", "t.csv: line 4: expected 2 cells, found 1"),
        ("a,b\n1,2,3\n", "t.csv: line 2: expected 2 cells, found 3"),
        (
            "a,b\n1,\"2\n3,4\n",
            "t.csv: not a valid CSV file: line 2: expected a closing quote, found the end of the file",
        ),
        ("a,c\n1,2\n", "t.csv: no column \"b\" among a, c"),
        ("a,a\n1,2\n", "t.csv: column \"a\" appears more than once"),
        ("", "t.csv: not a valid CSV file: the line of column names is missing"),
        ("\n\n", "t.csv: not a valid CSV file: the line of column names is missing"),
    ] {
        assert_eq!(complaint(text), expected, "{text:?}");
    }
    let error = Table::parse("t.csv", b"a,b\n1,2\n\xff,3\n").unwrap_err();
    assert_eq!(error.to_string(), "t.csv: not a valid CSV file: line 3 is not UTF-8");
    assert_eq!(Table::read("no/such.csv").unwrap_err().kind, FileErrorKind::NotFound);
}

#[test]
fn tables_come_in_several_dialects() {
    let expected = Tensor::from([[1.0, -2.5], [3e2, 4.0]]);
    for (text, separator) in [
        ("a,b\n1,-2.5\n3e2,4", b','),
        ("\u{feff}a,b\r\n1,-2.5\r\n3e2,4\r\n", b','),
        ("\"a\";\"b\"\n 1 ; -2.5\n300;\"4\"\n\n", b';'),
        ("b\ta\n-2.5\t1\n4\t300\n", b'\t'),
    ] {
        let table = Table::parse_separated("t.csv", text, separator).unwrap();
        assert_eq!(table.numbers::<f64>(&["a", "b"]).unwrap(), expected, "{text:?}");
    }
    let empty = Table::parse("t.csv", "a,b\n").unwrap();
    assert!(empty.is_empty());
    assert_eq!(empty.numbers::<f32>(&["b", "a"]).unwrap().shape(), [0, 2]);
    assert_eq!(empty.classes("a").unwrap().names, [""; 0]);
}

#[test]
fn rows_with_missing_cells_are_left_out_where_they_matter() {
    let table = Table::parse("t.csv", "a,b,k\n1,NA,x\nNA,2,y\n3,4,x\n").unwrap();
    assert_eq!(table.drop_missing(&["a"], "NA").unwrap().column("k").unwrap(), ["x", "x"]);
    let whole = table.drop_missing(&["a", "b"], "NA").unwrap();
    assert_eq!(whole.numbers(&["b", "a"]).unwrap(), Tensor::from([[4.0, 3.0]]));
    assert_eq!((table.len(), table.columns().len()), (3, 3));
    let classes = table.classes("k").unwrap();
    assert_eq!((classes.names, classes.labels), (vec!["x".to_owned(), "y".to_owned()], vec![0, 1, 0]));
    assert!(matches!(table.drop_missing(&["q"], "").unwrap_err().kind, FileErrorKind::Column { .. }));
}

fn sorted(parts: [&[usize]; 3]) -> Vec<usize> {
    let mut all = parts.concat();
    all.sort_unstable();
    all
}

proptest! {
    /// Whatever bytes a table is made of: a table or an error, never a panic; and a table cut off anywhere, too.
    #[test]
    fn any_bytes_make_a_table_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..60) {
        let valid = b"a,b,\"c \"\"d\"\"\"\r\n1,2.5,\"x\ny\"\r\n\r\n3,-4e-2,z\n";
        for text in [&bytes[..], &valid[..cut.min(valid.len())]] {
            if let Ok(table) = Table::parse("t.csv", text) {
                for column in table.columns() {
                    prop_assert_eq!(table.column(column).unwrap().len(), table.len());
                    let _ = table.numbers::<f64>(&[column]);
                }
            }
        }
    }

    /// The parts share no sample and leave none out, and their sizes are the shares within one.
    #[test]
    fn a_split_is_disjoint_and_complete(n in 0usize..300, a in 0.0..1.0f64, b in 0.0..1.0f64, seed: u64) {
        let shares = [a, (1.0 - a) * b, (1.0 - a) * (1.0 - b)];
        let Ok(split) = Split::new(n, shares, &mut StdRng::seed_from_u64(seed)) else {
            // Refused is only what leaves a part empty: one with less than a sample to itself.
            prop_assert!(shares.iter().any(|share| share * (n as f64) < 1.0));
            return Ok(());
        };
        let parts = [&split.train[..], &split.validation, &split.test];
        prop_assert_eq!(sorted(parts), (0..n).collect::<Vec<_>>());
        for (part, share) in parts.iter().zip(shares) {
            prop_assert!((part.len() as f64 - share * n as f64).abs() <= 1.0 + 1e-9);
            prop_assert!(!part.is_empty() || share == 0.0);
        }
    }

    #[test]
    fn a_stratified_split_keeps_the_mixture(
        counts in prop_oneof![prop::collection::vec(0usize..40, 1..5), prop::collection::vec(0usize..5, 1..60)],
        drawn in (0.0..1.0f64, 0.0..1.0f64),
        tenths in any::<bool>(),
        seed: u64,
    ) {
        let labels: Vec<usize> =
            counts.iter().enumerate().flat_map(|(class, &n)| std::iter::repeat_n(class, n)).collect();
        let (a, b) = (drawn.0, drawn.1);
        let shares = if tenths { [0.6, 0.1, 0.3] } else { [a, (1.0 - a) * b, (1.0 - a) * (1.0 - b)] };
        let [plain, split] = [
            Split::new(labels.len(), shares, &mut StdRng::seed_from_u64(seed)),
            Split::stratified(&labels, shares, &mut StdRng::seed_from_u64(seed)),
        ];
        let (plain, split) = match (plain, split) {
            (Ok(plain), Ok(split)) => (plain, split),
            (Err(plain), Err(split)) => {
                prop_assert_eq!(plain, split);
                return Ok(());
            }
            _ => return Err(TestCaseError::fail("only one of the two is refused")),
        };
        let parts = [&split.train[..], &split.validation, &split.test];
        prop_assert_eq!(sorted(parts), (0..labels.len()).collect::<Vec<_>>());
        prop_assert_eq!(parts.map(<[usize]>::len), [&plain.train, &plain.validation, &plain.test].map(Vec::len));
        for (class, &n) in counts.iter().enumerate() {
            for (part, share) in parts.iter().zip(shares) {
                let found = part.iter().filter(|&&i| labels[i] == class).count() as f64;
                let quota = share * n as f64;
                // Rounded down or up; a product next to a whole number is that number.
                let near = if (quota - quota.round()).abs() < 1e-12 { quota.round() } else { quota };
                prop_assert!(near.floor() <= found && found <= near.ceil(), "{} of {}", found, quota);
            }
        }
    }
}

#[test]
fn shares_that_are_none_are_refused() {
    for shares in [[0.5, 0.5, 0.5], [1.5, -0.5, 0.0], [f64::NAN, 0.5, 0.5], [0.0, 0.0, 0.0]] {
        let error = Split::new(10, shares, &mut StdRng::seed_from_u64(0)).unwrap_err();
        assert!(error.to_string().starts_with("split: expected shares that add up to 1, found ["), "{error}");
    }
}

#[test]
fn a_stratified_split_of_small_classes_leaves_no_part_empty() {
    for (each, shares) in [(4, [0.8, 0.1, 0.1]), (2, [0.6, 0.2, 0.2])] {
        let labels: Vec<usize> = (0..100 * each).map(|i| i / each).collect();
        let split = Split::stratified(&labels, shares, &mut StdRng::seed_from_u64(1)).unwrap();
        let sizes = [split.train.len(), split.validation.len(), split.test.len()];
        let wanted = shares.map(|share| (share * labels.len() as f64).round() as usize);
        assert_eq!(sizes, wanted, "classes of {each}");
    }
}

#[test]
fn classes_of_one_are_spread_over_the_parts() {
    let labels: Vec<usize> = (0..50).collect();
    let split = |seed| Split::stratified(&labels, [0.7, 0.2, 0.1], &mut StdRng::seed_from_u64(seed)).unwrap();
    let parts = split(1);
    assert_eq!([parts.train.len(), parts.validation.len(), parts.test.len()], [35, 10, 5]);
    assert_eq!(parts, split(1));
    let (sorted, mut other) = (
        |mut part: Vec<usize>| {
            part.sort_unstable();
            part
        },
        split(2).test,
    );
    other.sort_unstable();
    assert_ne!(sorted(parts.test), other);
}

#[test]
fn a_part_that_would_be_empty_against_its_share_is_refused() {
    let rng = &mut StdRng::seed_from_u64(0);
    let expected = "split: expected a sample or more in every part that has a share, \
                    found sizes [3, 0, 0] of 3 samples in shares of [0.8, 0.1, 0.1]";
    assert_eq!(Split::new(3, [0.8, 0.1, 0.1], rng).unwrap_err().to_string(), expected);
    assert_eq!(Split::stratified(&[0, 0, 1], [0.8, 0.1, 0.1], rng).unwrap_err().to_string(), expected);
    assert!(
        Split::new(0, [1.0, 0.0, 0.0], rng).is_err()
            && Split::stratified(&[0; 0], [0.5, 0.5, 0.0], rng).is_err()
    );
    // A share of 0 is a part that is to be empty.
    assert_eq!(Split::stratified(&[0, 1, 0], [1.0, 0.0, 0.0], rng).unwrap().train.len(), 3);
    assert_eq!(Split::new(2, [0.5, 0.0, 0.5], rng).unwrap().test.len(), 1);
}

#[test]
fn the_largest_remainders_are_rounded_up() {
    let split = Split::new(10, [0.52, 0.29, 0.19], &mut StdRng::seed_from_u64(0)).unwrap();
    // Quotas of 5.2, 2.9 and 1.9.
    assert_eq!([split.train.len(), split.validation.len(), split.test.len()], [5, 3, 2]);
}

#[test]
fn a_quota_that_is_whole_but_for_its_rounding_is_exact() {
    // 0.57 · 300 is a little less than 171: only the other parts of this class are rounded, whatever the classes of one
    // owe them in the order that is drawn.
    let labels: Vec<usize> = (0..8).chain(std::iter::repeat_n(8, 300)).collect();
    for seed in 0..50 {
        let split =
            Split::stratified(&labels, [0.57, 0.268, 0.162], &mut StdRng::seed_from_u64(seed)).unwrap();
        assert_eq!(split.train.iter().filter(|&&sample| labels[sample] == 8).count(), 171, "{seed}");
    }
}

#[test]
fn inputs_and_targets_belong_together() {
    let x = Tensor::<f64>::zeros([3, 2]);
    assert_eq!(
        Dataset::new(x.clone(), Tensor::zeros([2, 1])).unwrap_err().to_string(),
        "dataset: expected a target for each of 3 samples, found 2"
    );
    assert!(matches!(Dataset::new(x.clone(), Tensor::scalar(1.0)), Err(Error::Rank { .. })));
    let data = Dataset::new(x, Tensor::zeros([3])).unwrap();
    assert!(matches!(data.take(&[3]), Err(Error::Index { index: 3, .. })));
    assert!(data.take(&[]).unwrap().is_empty());
    let error = Loader::new(&data, 0).unwrap_err();
    assert_eq!(error.to_string(), "batches: expected at least 1 sample in a batch, found 0");
}

/// Sample `i` holds `i`, its target `10 i`.
fn numbered(n: usize) -> Dataset {
    let x = Tensor::from_fn([n, 1], |at| at[0] as f64);
    Dataset::new(x.clone(), &x * 10.0).unwrap()
}

#[test]
fn each_epoch_hands_out_every_sample_once_with_its_target() {
    let mut rng = StdRng::seed_from_u64(5);
    let data = numbered(11);
    let mut loader = Loader::new(&data, 4).unwrap();
    assert_eq!((loader.len(), loader.epoch(&mut rng).len()), (3, 3));
    let mut orders = Vec::new();
    for _ in 0..3 {
        let mut order = Vec::new();
        for (x, y) in loader.epoch(&mut rng) {
            assert_eq!(&x * 10.0, y);
            order.extend(x.to_vec());
        }
        orders.push(order.clone());
        order.sort_by(f64::total_cmp);
        assert_eq!(order, data.x().to_vec());
    }
    assert!(orders[0] != orders[1] && orders[1] != orders[2]);
    let sizes = |loader: Loader<'_>| {
        let mut loader = loader.without_shuffle();
        loader.epoch(&mut StdRng::seed_from_u64(0)).map(|(x, _)| x.to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(sizes(Loader::new(&data, 6).unwrap().drop_last()), [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]);
    let joined = sizes(Loader::new(&data, 5).unwrap().merge_last());
    assert_eq!(joined.iter().map(Vec::len).collect::<Vec<_>>(), [5, 6]);
    assert!(Loader::new(&data, 12).unwrap().drop_last().is_empty());
}

#[test]
fn a_transform_is_drawn_anew_in_every_epoch_and_a_seed_repeats_it() {
    let data = numbered(6);
    let epochs = |seed: u64| {
        let mut rng = StdRng::seed_from_u64(seed);
        let calls = AtomicUsize::new(0);
        let mut loader = Loader::new(&data, 4).unwrap().without_shuffle().transform(|x, rng| {
            calls.fetch_add(1, Ordering::Relaxed);
            x.as_mut_slice().iter_mut().for_each(|x| *x += rng.random_range(0.0..0.5));
        });
        let mut epoch = || loader.epoch(&mut rng).flat_map(|(x, _)| x.to_vec()).collect::<Vec<f64>>();
        let epochs = [epoch(), epoch()];
        assert_eq!(calls.load(Ordering::Relaxed), 4);
        epochs
    };
    let [first, second] = epochs(1);
    assert_ne!(first, second);
    assert!(first.iter().zip(data.x().to_vec()).all(|(new, old)| (old..old + 0.5).contains(new)));
    assert_eq!(epochs(1), [first.clone(), second]);
    assert_ne!(epochs(2)[0], first);
}

#[test]
fn a_batch_uses_the_memory_of_the_last_one_unless_somebody_holds_it() {
    let data = numbered(8);
    let mut rng = StdRng::seed_from_u64(0);
    let mut loader = Loader::new(&data, 2).unwrap().without_shuffle();
    let place = |x: &Tensor| x.as_slice().map(<[f64]>::as_ptr);
    let places: Vec<_> = loader.epoch(&mut rng).map(|(x, _)| place(&x)).collect();
    assert!(places.windows(2).all(|pair| pair[0] == pair[1]));
    let held: Vec<Tensor> = loader.epoch(&mut rng).map(|(x, _)| x).collect();
    assert_eq!(held[0].to_vec(), [0.0, 1.0]);
    assert_eq!(held[3].to_vec(), [6.0, 7.0]);
}

#[test]
fn top_k_counts_the_labels_among_the_largest() {
    let nan = f64::NAN;
    let scores = Tensor::from([[0.5, 0.5, 0.1], [nan, 0.2, 0.1], [nan, nan, 0.0], [0.0, 1.0, 2.0]]);
    let labels = [1, 0, 1, 0];
    // Ranks 1, 2, 2, 2 from 0.
    assert_eq!([1, 2, 3].map(|k| top_k(&scores, &labels, k).unwrap()), [0.0, 0.25, 1.0]);
    for k in [0, 4] {
        let error = top_k(&scores, &labels, k).unwrap_err().to_string();
        assert_eq!(error, format!("top_k: expected k from 1 to the number of classes, 3, found {k}"));
    }
    assert!(matches!(top_k(&scores, &[0], 1), Err(Error::Elements { .. })));
    assert!(matches!(top_k(&scores, &[3, 0, 0, 0], 1), Err(Error::Index { index: 3, axis: 1, .. })));
    assert!(matches!(top_k(&Tensor::from([1.0]), &[0], 1), Err(Error::Rank { .. })));
}

proptest! {
    #[test]
    fn the_top_one_is_the_accuracy(values in prop::collection::vec(-2i32..3, 12), labels in prop::collection::vec(0usize..3, 4)) {
        let scores = Tensor::from_vec([4, 3], values.iter().map(|&v| f64::from(v)).collect()).unwrap();
        let best = argmax_rows(&scores).unwrap();
        prop_assert_eq!(top_k(&scores, &labels, 1).unwrap(), accuracy(&best, &labels).unwrap());
    }
}

#[test]
fn precision_recall_and_f1_agree_with_their_definitions() {
    // Class 0: TP 2, FN 1, FP 1. Class 1: TP 1, FN 1, FP 2. Class 2: TP 0, FN 1, FP 0. Class 3 does not occur.
    let confusion = Confusion::new(&[0, 0, 1, 1, 0, 1], &[0, 0, 0, 1, 1, 2], 4).unwrap();
    let [p, r] = [Confusion::precision, Confusion::recall].map(|f| [0, 1].map(|class| f(&confusion, class)));
    assert_eq!((p, r), ([2.0 / 3.0, 1.0 / 3.0], [2.0 / 3.0, 0.5]));
    for class in [0, 1] {
        assert!((confusion.f1(class) - 2.0 * p[class] * r[class] / (p[class] + r[class])).abs() < 1e-15);
    }
    assert!(confusion.precision(2).is_nan() && confusion.recall(2) == 0.0 && confusion.f1(2) == 0.0);
    assert!(confusion.f1(3).is_nan() && confusion.recall(3).is_nan());
    assert!((confusion.macro_f1() - (2.0 / 3.0 + 0.4) / 3.0).abs() < 1e-15);
    assert!(Confusion::new(&[0; 0], &[0; 0], 2).unwrap().macro_f1().is_nan());
}

#[test]
fn regression_of_every_magnitude_is_judged() {
    for size in [1e-300, 1e-170, 1.0, 1e160, 1e300] {
        let [a, y] = [[1.0, 3.0, 5.0], [1.0, 2.0, 6.0]].map(|x| Tensor::from(x) * size);
        let (rmse, r_squared) = (rmse(&a, &y).unwrap() / size, r_squared(&a, &y).unwrap());
        assert!((rmse - (2.0f64 / 3.0).sqrt()).abs() < 1e-15, "{size:e}: {rmse}");
        assert!((r_squared - (1.0 - 2.0 / 14.0)).abs() < 1e-15, "{size:e}: {r_squared}");
    }
}

#[test]
fn what_there_is_nothing_to_measure_of_is_no_number() {
    let none = Tensor::<f64>::zeros([0, 3]);
    assert!(accuracy(&[0; 0], &[0; 0]).unwrap().is_nan());
    assert!(top_k(&none, &[0; 0], 1).unwrap().is_nan());
    assert!(rmse(&none, &none).unwrap().is_nan() && r_squared(&none, &none).unwrap().is_nan());
    let confusion = Confusion::new(&[0; 0], &[0; 0], 2).unwrap();
    assert!(confusion.accuracy().is_nan() && confusion.macro_f1().is_nan());
    assert!([0, 1].iter().all(|&class| {
        [confusion.recall(class), confusion.precision(class), confusion.f1(class)].iter().all(|x| x.is_nan())
    }));
}

#[test]
fn more_classes_than_memory_has_pairs_of_are_an_error() {
    for classes in [usize::MAX, 1 << 32, 1 << 62] {
        let error = Confusion::new(&[0; 0], &[0; 0], classes).unwrap_err().to_string();
        assert!(error.starts_with("confusion: expected at most "), "{error}");
        assert!(error.ends_with(&format!("found shape [{classes}, {classes}]")), "{error}");
    }
}

#[test]
fn regression_is_judged_in_double_precision_and_by_columns() {
    let wanted = Tensor::from([[1.0, 100.0], [3.0, 300.0]]);
    // The columns' means explain nothing; the mean of all would.
    assert_eq!(r_squared(&Tensor::from([[2.0, 200.0], [2.0, 200.0]]), &wanted), Ok(0.0));
    assert!(matches!(r_squared(&Tensor::zeros([2]), &wanted), Err(Error::Shape { .. })));
    assert!(matches!(rmse(&Tensor::zeros([2, 1]), &wanted), Err(Error::Shape { .. })));
    assert!(matches!(r_squared(&Tensor::scalar(1.0), &Tensor::scalar(1.0)), Err(Error::Rank { .. })));
    let constant = Tensor::<f64>::ones([2, 1]);
    assert!(r_squared(&constant, &constant).unwrap().is_nan());
    assert_eq!(r_squared(&Tensor::<f64>::zeros([2, 1]), &constant), Ok(f64::NEG_INFINITY));
    // A difference that single precision cannot hold beside its square's sum.
    let (a, y) = (Tensor::full([1 << 10, 1], 1.0 + f32::EPSILON), Tensor::full([1 << 10, 1], 1.0f32));
    assert_eq!(rmse(&a, &y), Ok(f64::from(f32::EPSILON)));
}
