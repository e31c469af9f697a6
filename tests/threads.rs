//! Training on any number of threads: the same weights, to the last bit. With the feature `rayon`.

use rayon::ThreadPoolBuilder;
use tape::parallel;
use tests::training::{FULL, STEPS, TRAININGS, Training};

/// Runs on one thread, where nothing may be handed over, then on 2, 3, 7 and 8, where something must be in every step of
/// a training with large products.
fn same(Training { name, portable, run }: &Training) {
    let on = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let before = parallel::parallel_calls();
        let bits = pool.install(|| run(FULL));
        (bits, parallel::parallel_calls() - before)
    };
    let (alone, parallel_calls) = on(1);
    assert_eq!(parallel_calls, 0, "{name}: one thread has no other to hand work to");
    for threads in [2, 3, 7, 8] {
        let (together, parallel_calls) = on(threads);
        assert!(together == alone, "{name}: other bits on {threads} threads");
        assert!(
            *portable || parallel_calls >= STEPS as u64,
            "{name}: {parallel_calls} pieces of work on {threads} threads"
        );
    }
}

/// All numbers of threads for each training. One test, because what is handed over is counted in the whole process.
#[test]
fn training_gives_the_same_bits_on_any_number_of_threads() {
    TRAININGS.iter().for_each(same);
}
