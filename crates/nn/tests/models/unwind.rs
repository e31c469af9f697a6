//! A service may catch a panic and go on: everything that it would keep is unwind safe.

use nn::checkpoint::{Checkpoint, SavedState};
use nn::data::{Batches, Dataset, Loader, MinMax, Prefetch, Standard};
use nn::files::FileError;
use nn::optim::{Adam, AdamW, Average, GradientAccumulator, Lbfgs, Sgd, StepError};
use nn::train::{BestWeights, EarlyStopping, History, StepFailure, TrainError};
use nn::{
    BatchNorm1d, Context, Conv2d, Embedding, Identity, Linear, Lstm, Module, MultiHeadAttention, Param,
    Residual, Sequential, TransformerBlock, mlp,
};
use rand::{SeedableRng, rngs::StdRng};
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};
use tape::{Gradients, Tensor};

const fn safe<T: UnwindSafe + RefUnwindSafe>() {}

const _: () = {
    safe::<Tensor>();
    safe::<Tensor<f32>>();
    safe::<Gradients>();
    safe::<Param>();
    safe::<Linear>();
    safe::<Conv2d>();
    safe::<BatchNorm1d>();
    safe::<Embedding>();
    safe::<Lstm>();
    safe::<MultiHeadAttention>();
    safe::<TransformerBlock>();
    safe::<Residual>();
    safe::<Sequential>();
    safe::<Box<dyn Module>>();
    safe::<Context>();
    safe::<Sgd>();
    safe::<Adam>();
    safe::<AdamW<f32>>();
    safe::<Lbfgs>();
    safe::<Average>();
    safe::<GradientAccumulator>();
    safe::<Dataset>();
    safe::<Loader<'_>>();
    safe::<Batches>();
    safe::<Prefetch<Batches>>();
    safe::<Standard>();
    safe::<MinMax>();
    safe::<Checkpoint>();
    safe::<SavedState>();
    safe::<BestWeights>();
    safe::<EarlyStopping>();
    safe::<History>();
    safe::<FileError>();
    safe::<StepError>();
    safe::<StepFailure>();
    safe::<TrainError>();
};

#[test]
fn a_model_answers_after_a_panic() {
    let model = mlp::<f64>(&[2, 3, 1], Identity, Identity, &mut StdRng::seed_from_u64(0));
    let before = model.predict(&Tensor::ones([1, 2]));
    assert!(catch_unwind(|| model.predict(&Tensor::ones([1, 3]))).is_err());
    assert_eq!(model.predict(&Tensor::ones([1, 2])), before);
}
