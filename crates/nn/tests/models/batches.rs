//! Samplers, sources of batches, and batches prepared on a thread.

use nn::data::{BatchSource, Batches, Dataset, Loader, Prefetch, from_fn};
use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tape::Tensor;

/// The number of occurrences of each of `0..n`.
fn counts(order: &[usize], n: usize) -> Vec<usize> {
    let mut counts = vec![0; n];
    order.iter().for_each(|&i| counts[i] += 1);
    counts
}

#[test]
fn weighted_samples_come_with_their_frequencies() {
    let weights = [1.0, 0.0, 2.0, 5.0, 0.5, 1.5];
    let (draws, total) = (20_000, 10.0);
    for seed in 0..5 {
        let mut batches = Batches::weighted(&weights, draws, 64).unwrap();
        let mut rng = StdRng::seed_from_u64(seed);
        for _epoch in 0..2 {
            let found = counts(batches.shuffle(&mut rng).order(), 6);
            assert_eq!(found[1], 0);
            let square = |(i, &count): (usize, &usize)| {
                let expected = draws as f64 * weights[i] / total;
                if expected > 0.0 { (count as f64 - expected).powi(2) / expected } else { 0.0 }
            };
            let chi_square: f64 = found.iter().enumerate().map(square).sum();
            // Five classes, four degrees of freedom: beyond 18.47 with probability 0.001, below 0.091 likewise.
            assert!((0.091..18.47).contains(&chi_square), "seed {seed}: {chi_square}, {found:?}");
        }
        assert_eq!(batches.len(), draws.div_ceil(64));
    }
}

#[test]
fn weighted_draws_are_independent_of_those_before() {
    let mut batches = Batches::weighted(&[1.0, 1.0], 40_000, 8).unwrap();
    let order = batches.shuffle(&mut StdRng::seed_from_u64(3)).order();
    let mut pairs: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    order.chunks_exact(2).for_each(|pair| *pairs.entry((pair[0], pair[1])).or_default() += 1.0);
    let chi_square: f64 = pairs.values().map(|count| (count - 5000.0).powi(2) / 5000.0).sum();
    assert!(pairs.len() == 4 && chi_square < 16.27, "{pairs:?}");
}

#[test]
fn weighted_batches_begin_at_the_quantiles() {
    let batches = Batches::weighted(&[1.0, 0.0, 3.0], 8, 3).unwrap().drop_last();
    assert_eq!(batches.order(), [0, 0, 2, 2, 2, 2, 2, 2]);
    assert_eq!((batches.len(), batches.samples()), (2, 3));
    assert!(Batches::weighted(&[1.0], 0, 3).unwrap().is_empty());
    let mut kept = Batches::weighted(&[1.0, 1.0], 4, 2).unwrap().without_shuffle();
    assert_eq!(kept.shuffle(&mut StdRng::seed_from_u64(0)).order(), [0, 0, 1, 1]);
}

#[test]
fn a_seed_repeats_a_weighted_epoch() {
    let weights: Vec<f64> = (0..50).map(f64::from).collect();
    let epoch = |seed| {
        let mut batches = Batches::weighted(&weights, 100, 7).unwrap();
        batches.shuffle(&mut StdRng::seed_from_u64(seed)).order().to_vec()
    };
    assert_eq!(epoch(1), epoch(1));
    assert_ne!(epoch(1), epoch(2));
}

#[test]
fn weights_that_are_no_probabilities_are_refused() {
    let refused = |weights: &[f64]| Batches::weighted(weights, 4, 2).unwrap_err().to_string();
    let expected = "batches: expected finite weights, 0 or more, found";
    assert_eq!(refused(&[1.0, -0.5]), format!("{expected} -0.5 for sample 1"));
    assert_eq!(refused(&[f64::NAN, 1.0]), format!("{expected} NaN for sample 0"));
    assert_eq!(refused(&[1.0, 1.0, f64::INFINITY]), format!("{expected} inf for sample 2"));
    let expected = "batches: expected weights with a positive, finite sum, found";
    assert_eq!(refused(&[0.0, 0.0]), format!("{expected} 0 (2 samples)"));
    assert_eq!(refused(&[]), format!("{expected} 0 (0 samples)"));
    assert_eq!(refused(&[f64::MAX, f64::MAX]), format!("{expected} inf (2 samples)"));
    let expected = "batches: expected at least 1 sample in a batch, found 0";
    assert_eq!(Batches::weighted(&[1.0], 4, 0).unwrap_err().to_string(), expected);
    assert_eq!(Batches::bucketed(&[1], 0).unwrap_err().to_string(), expected);
    let many = Batches::weighted(&[1.0], usize::MAX, 2).unwrap_err().to_string();
    assert!(many.starts_with("batches: "), "{many}");
}

/// How batches treat the remainder.
const REMAINDERS: [fn(Batches) -> Batches; 3] = [|batches| batches, Batches::drop_last, Batches::merge_last];

proptest! {
    #[test]
    fn every_bucketed_sample_comes_once_among_those_of_its_length(
        lengths in prop::collection::vec(0usize..9, 0..80),
        batch in 1usize..12,
        mode in 0usize..3,
        seed: u64,
    ) {
        let mut batches = REMAINDERS[mode](Batches::bucketed(&lengths, batch).unwrap());
        let mut sorted = lengths.clone();
        sorted.sort_unstable();
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..2 {
            batches.shuffle(&mut rng);
            prop_assert_eq!(counts(batches.order(), lengths.len()), vec![1; lengths.len()]);
            let parts: Vec<Vec<usize>> =
                batches.iter().map(|rows| rows.iter().map(|&i| lengths[i]).collect()).collect();
            let regular = if mode == 1 { &parts[..] } else { &parts[..parts.len().saturating_sub(1)] };
            prop_assert!(regular.iter().all(|part| part.len() == batch));
            // Each batch is a piece of the sorted lengths.
            for part in &parts {
                prop_assert!(sorted.windows(part.len()).any(|piece| piece == part), "{:?}", part);
            }
            // The pieces do not overlap: sorted by their ends, they are the sorted lengths.
            if mode != 1 {
                let mut pieces = parts.clone();
                pieces.sort_by_key(|part| (part.first().copied(), part.last().copied()));
                prop_assert_eq!(pieces.concat(), sorted.clone());
            }
        }
    }
}

#[test]
fn bucketed_batches_and_ties_come_in_any_order() {
    let lengths = [5, 5, 5, 5, 9, 9, 9, 9];
    let mut batches = Batches::bucketed(&lengths, 2).unwrap();
    assert_eq!(batches.order(), [0, 1, 2, 3, 4, 5, 6, 7]);
    let mut rng = StdRng::seed_from_u64(0);
    let (draws, mut first, mut partners) = (6000, BTreeMap::new(), BTreeMap::new());
    for _ in 0..draws {
        let order = batches.shuffle(&mut rng).order();
        *first.entry(order[0]).or_insert(0.0) += 1.0;
        let zero = order.chunks(2).find(|pair| pair.contains(&0)).unwrap();
        *partners.entry(zero[0] + zero[1]).or_insert(0.0) += 1.0;
    }
    let chi_square = |found: &BTreeMap<usize, f64>, classes: usize| -> f64 {
        assert_eq!(found.len(), classes);
        let expected = f64::from(draws) / classes as f64;
        found.values().map(|count| (count - expected).powi(2) / expected).sum()
    };
    // 7 and 2 degrees of freedom, at 0.001.
    assert!(chi_square(&first, 8) < 24.32, "{first:?}");
    assert!(chi_square(&partners, 3) < 13.82, "{partners:?}");
}

#[test]
fn no_length_is_always_left_out() {
    let lengths: Vec<usize> = (0..10).collect();
    let mut batches = Batches::bucketed(&lengths, 4).unwrap().drop_last();
    let (mut left, mut rng) = ([0; 10], StdRng::seed_from_u64(1));
    for _ in 0..300 {
        batches.shuffle(&mut rng).order()[8..].iter().for_each(|&i| left[i] += 1);
    }
    // The two samples are cut out before, between or after the two full batches.
    for group in [[0, 1], [4, 5], [8, 9]] {
        assert!(group.iter().all(|&i| (60..140).contains(&left[i])), "{left:?}");
    }
}

/// Sample `i` holds `i`, its target `10 i`.
fn numbered(n: usize) -> Dataset {
    let x = Tensor::from_fn([n, 1], |at| at[0] as f64);
    Dataset::new(x.clone(), &x * 10.0).unwrap()
}

#[test]
fn a_loader_follows_its_batches() {
    let data = numbered(6);
    let batches = Batches::bucketed(&[3, 1, 2, 1, 3, 2], 2).unwrap();
    let mut loader = Loader::with_batches(&data, batches.clone()).unwrap();
    let mut order = batches;
    order.shuffle(&mut StdRng::seed_from_u64(4));
    let rows: Vec<f64> = loader.epoch(&mut StdRng::seed_from_u64(4)).flat_map(|(x, _)| x.to_vec()).collect();
    assert_eq!(rows, order.order().iter().map(|&i| i as f64).collect::<Vec<_>>());
    for found in [5, 7] {
        let error = Loader::with_batches(&data, Batches::new(found, 2)).unwrap_err().to_string();
        assert_eq!(error, format!("loader: expected batches of 6 samples, found batches of {found}"));
    }
}

#[test]
fn a_seeded_epoch_is_that_of_its_generator_and_leaves_the_one_passed() {
    let data = numbered(20);
    let loader = || Loader::new(&data, 6).unwrap().transform(|x, rng| *x = &*x + rng.random::<f64>());
    let (mut seeded, mut plain) = (loader(), loader());
    let (mut rng, mut other) = (StdRng::seed_from_u64(9), StdRng::seed_from_u64(9));
    let mut found = Vec::new();
    let mut drawn = Vec::new();
    for batch in seeded.epoch_seeded(&mut rng) {
        drawn.push(rng.next_u64());
        found.push(batch);
    }
    let mut own = StdRng::from_rng(&mut other);
    assert_eq!(found, plain.epoch(&mut own).collect::<Vec<_>>());
    assert_eq!(drawn, (0..4).map(|_| other.next_u64()).collect::<Vec<_>>());
}

#[test]
fn sources_give_their_batches_anew_in_every_epoch() {
    let mut rng = StdRng::seed_from_u64(0);
    let mut list = vec!["a", "b"];
    let mut drawn = from_fn(3, |rng| rng.next_u64());
    let mut rows = Batches::new(5, 2);
    assert_eq!((list.batches(), drawn.batches(), rows.batches()), (2, 3, 3));
    assert_eq!((list.epoch_samples(), drawn.epoch_samples(), rows.epoch_samples()), (None, None, Some(5)));
    let mut epochs = Vec::new();
    for _ in 0..2 {
        assert_eq!(list.epoch(&mut rng).collect::<Vec<_>>(), ["a", "b"]);
        let indices: Vec<Vec<usize>> = rows.epoch(&mut rng).collect();
        assert_eq!(indices.iter().map(Batches::size).collect::<Vec<_>>(), [2, 2, 1]);
        assert_eq!(counts(&indices.concat(), 5), [1; 5]);
        epochs.push((indices, drawn.epoch(&mut rng).collect::<Vec<_>>()));
    }
    assert!(epochs[0].0 != epochs[1].0 && epochs[0].1 != epochs[1].1);
}

#[test]
fn prefetched_batches_are_those_of_the_source() {
    let data = numbered(23);
    let loader = || -> Loader<'static> {
        Loader::new(&data, 4).unwrap().transform(|x, rng| *x = &*x + rng.random::<f64>())
    };
    for depth in [1, 2, 100] {
        let (mut plain, mut prefetched) = (loader(), Prefetch::new(loader(), depth).unwrap());
        assert_eq!((prefetched.batches(), prefetched.epoch_samples()), (6, Some(23)));
        let (mut rng, mut other) = (StdRng::seed_from_u64(7), StdRng::seed_from_u64(7));
        for _epoch in 0..3 {
            let expected: Vec<(Vec<f64>, Vec<f64>)> =
                plain.epoch_seeded(&mut other).map(|(x, y)| (x.to_vec(), y.to_vec())).collect();
            let mut found = Vec::new();
            for (x, y) in prefetched.epoch(&mut rng) {
                found.push((x.to_vec(), y.to_vec()));
            }
            assert_eq!(found, expected);
            assert_eq!(rng, other);
        }
    }
}

/// Waits until `done` is true.
fn eventually(done: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !done() && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(1));
    }
    done()
}

#[test]
fn no_more_batches_are_prepared_than_the_depth_says() {
    let prepared = Arc::new(AtomicUsize::new(0));
    let counter = prepared.clone();
    let source = from_fn(1000, move |_| counter.fetch_add(1, Ordering::SeqCst));
    let mut prefetched = Prefetch::new(source, 3).unwrap();
    let mut epoch = prefetched.epoch(&mut StdRng::seed_from_u64(0));
    for taken in 0..5 {
        // Those taken, three that wait, and one that the thread holds.
        assert!(eventually(|| prepared.load(Ordering::SeqCst) == taken + 4));
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(prepared.load(Ordering::SeqCst), taken + 4);
        assert_eq!(epoch.next(), Some(taken));
    }
}

#[test]
fn an_epoch_that_is_dropped_ends_its_thread_and_the_next_one_is_whole() {
    let prepared = Arc::new(AtomicUsize::new(0));
    let counter = prepared.clone();
    let source = from_fn(1000, move |rng| (counter.fetch_add(1, Ordering::SeqCst), rng.next_u64()));
    let mut prefetched = Prefetch::new(source, 2).unwrap();
    let mut rng = StdRng::seed_from_u64(5);
    for taken in [0, 1, 7] {
        prepared.store(0, Ordering::SeqCst);
        assert_eq!(prefetched.epoch(&mut rng).take(taken).count(), taken);
        // The thread has ended with the iterator: its source is here again, and nothing uses it.
        let after = prepared.load(Ordering::SeqCst);
        assert!(after <= taken + 3, "{after} batches prepared for {taken}");
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(prepared.load(Ordering::SeqCst), after);
    }
    assert_eq!(Arc::strong_count(&prepared), 2);
    assert_eq!(prefetched.epoch(&mut rng).count(), 1000);
    drop(prefetched);
    assert_eq!(Arc::strong_count(&prepared), 1);
}

#[test]
fn a_panic_of_the_transform_arrives_after_the_batches_before_it() {
    let data = numbered(10);
    let mut calls = 0;
    let loader = Loader::new(&data, 2).unwrap().without_shuffle().transform(move |_, _| {
        calls += 1;
        assert!(calls != 4, "the fourth batch");
    });
    let mut prefetched = Prefetch::new(loader, 2).unwrap();
    let mut rng = StdRng::seed_from_u64(0);
    let mut seen = Vec::new();
    let payload = catch_unwind(AssertUnwindSafe(|| {
        prefetched.epoch(&mut rng).for_each(|(x, _)| seen.push(x.to_vec()[0]));
    }))
    .unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the fourth batch"));
    assert_eq!(seen, [0.0, 2.0, 4.0]);
    // The source is still there.
    assert_eq!(prefetched.epoch(&mut rng).count(), 5);
}

#[test]
fn a_panic_that_nothing_waits_for_is_dropped() {
    let source = from_fn(10, |_| -> usize { panic!("no batch") });
    let mut prefetched = Prefetch::new(source, 1).unwrap();
    drop(prefetched.epoch(&mut StdRng::seed_from_u64(0)));
    assert!(
        catch_unwind(AssertUnwindSafe(|| prefetched.epoch(&mut StdRng::seed_from_u64(0)).next())).is_err()
    );
}

#[test]
fn an_error_of_the_source_arrives_as_a_batch() {
    let mut left = 3;
    let source = from_fn(5, move |_| {
        left -= 1;
        if left == 0 { Err("the disk is full") } else { Ok(left) }
    });
    let mut prefetched = Prefetch::new(source, 2).unwrap();
    let result: Result<Vec<i32>, &str> = prefetched.epoch(&mut StdRng::seed_from_u64(0)).collect();
    assert_eq!(result, Err("the disk is full"));
}

#[test]
fn an_epoch_that_is_over_stays_over() {
    let mut prefetched = Prefetch::new(vec![1, 2], 1).unwrap();
    let mut epoch = prefetched.epoch(&mut StdRng::seed_from_u64(0));
    assert_eq!([epoch.next(), epoch.next(), epoch.next(), epoch.next()], [Some(1), Some(2), None, None]);
}

#[test]
fn a_leaked_epoch_is_named() {
    let mut prefetched = Prefetch::new(vec![1, 2], 1).unwrap();
    std::mem::forget(prefetched.epoch(&mut StdRng::seed_from_u64(0)));
    let payload = catch_unwind(AssertUnwindSafe(|| prefetched.batches())).unwrap_err();
    assert_eq!(
        payload.downcast_ref(),
        Some(&"prefetch: expected the source, which a leaked epoch still holds")
    );
}
