//! Widths, counts and sizes near the limits of their types: one error that begins with the name of what refuses them, and
//! says what was expected and what was found; never an abort, a hang or a panic of the language. The tests run with and
//! without checks for overflow.

#![cfg(target_pointer_width = "64")]

use nn::data::{Batches, Idx, IdxData, Split, copy_rows};
use nn::functional::{self, Conv1dOptions, Interpolation, Resize};
use nn::init::{Fans, Init, KaimingNormal, UniformFanIn, XavierUniform};
use nn::metrics::{Confusion, top_k};
use nn::train::Shards;
use nn::{
    AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveMaxPool1d, AdaptiveMaxPool2d, AvgPool1d, AvgPool2d,
    BatchNorm2d, Bilinear, Conv1d, Conv2d, Conv3d, ConvTranspose2d, Embedding, GroupNorm, Gru, GruCell,
    InstanceNorm, LayerNorm, Lstm, LstmCell, MaxPool1d, MaxPool2d, MultiHeadAttention, PRelu, PixelShuffle,
    PixelUnshuffle, RmsNorm, Rnn, RnnCell, TransformerBlock, Upsample, padding_mask,
};
use nn::{Context, Linear, Module};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::panic::{self, AssertUnwindSafe};
use tape::{Error, Tape, Tensor};

const MAX: usize = usize::MAX;
const HALF: usize = 1 << 63;

/// More elements than an address space has bytes for, though not more than can be counted.
const LONG: usize = 1 << 45;

/// The complaint about how a call was refused, if there is one.
fn complaint<V>(op: &str, call: impl FnOnce() -> V) -> Option<String> {
    let text = match panic::catch_unwind(AssertUnwindSafe(call)) {
        Ok(_) => return Some("accepted".to_owned()),
        Err(payload) => payload.downcast_ref::<String>().cloned().unwrap_or_default(),
    };
    let words = ["expected", "do not divide", "out of range", "does not fit", "leaves nothing", "needs"];
    let right = text.starts_with(&format!("{op}: ")) && words.iter().any(|word| text.contains(word));
    (!right).then_some(text)
}

/// The number of calls, each after what must refuse it; all must.
macro_rules! all_refuse {
    ($($op:literal: $call:expr;)*) => {{
        let mut wrong = Vec::new();
        let mut count = 0;
        $(
            count += 1;
            if let Some(complaint) = complaint($op, || {
                let _value = $call;
            }) {
                wrong.push(format!("{}\n    {complaint}", stringify!($call)));
            }
        )*
        assert!(wrong.is_empty(), "{} of {count} calls:\n{}", wrong.len(), wrong.join("\n"));
        count
    }};
}

/// The value, or a panic with the text of the error.
fn expect<V>(result: Result<V, Error>) -> V {
    result.unwrap_or_else(|error| error.panic())
}

#[test]
fn layers_of_widths_that_there_cannot_be() {
    let rng = &mut StdRng::seed_from_u64(1);
    let count = all_refuse! {
        "linear": Linear::<f64>::new(MAX, 1, rng);
        "linear": Linear::<f64>::new(1, MAX, rng);
        "linear": Linear::<f64>::new(MAX, MAX, rng);
        "linear": Linear::<f64>::new(1 << 32, 1 << 32, rng);
        "linear": Linear::<f64>::new(0, MAX, rng);
        "linear": Linear::<f64>::new(LONG, 1, rng);
        "linear": Linear::<f32>::new(1 << 30, 1 << 30, rng);
        "linear": Linear::<f64>::with_init(HALF + 1, 2, KaimingNormal, rng);
        "linear": Linear::<f64>::with_init(MAX, 0, XavierUniform, rng);
        "from_fn": { let w: Tensor = UniformFanIn.tensor([MAX, 2], Fans::new(MAX, MAX), rng); w };
        "bilinear": Bilinear::<f64>::new([MAX, 2], 2, rng);
        "bilinear": Bilinear::<f64>::new([1 << 22, 1 << 22], 1 << 22, rng);
        "embedding": Embedding::<f64>::new(MAX, 1, rng);
        "embedding": Embedding::<f64>::new(1 << 33, 1 << 33, rng);
        "embedding": Embedding::<f64>::new(LONG, 1, rng);
        "embedding": Embedding::<f64>::new(3, 1, rng).with_padding(MAX);
        "embedding": Embedding::<f64>::new(3, 1, rng).forward(&Tape::new(), [MAX]);
        "conv2d": Conv2d::<f64>::new(MAX, 1, [1, 1], rng);
        "conv2d": Conv2d::<f64>::new(1, 1, [MAX, MAX], rng);
        "conv2d": Conv2d::<f64>::new(1 << 16, 1 << 16, [1 << 16, 1 << 16], rng);
        "conv2d": Conv2d::<f64>::new(1, LONG, [1, 1], rng);
        "conv2d": Conv2d::<f64>::grouped(0, 0, [1, 1], MAX, rng);
        "conv2d": Conv2d::<f64>::grouped(4, 4, [1, 1], 0, rng);
        "conv1d": Conv1d::<f64>::new(1, 1, MAX, rng);
        "conv1d": Conv1d::<f64>::new(1 << 32, 1, 1 << 32, rng);
        "conv1d": Conv1d::<f64>::grouped(2, 2, 1, MAX, rng);
        "conv3d": Conv3d::<f64>::new(MAX, 1, [1, 1, 1], rng);
        "conv3d": Conv3d::<f64>::new(1, 1, [MAX, MAX, 2], rng);
        "conv3d": Conv3d::<f64>::grouped(4, 4, [1, 1, 1], 0, rng);
        "conv_transpose2d": ConvTranspose2d::<f64>::new(1, MAX, [2, 2], rng);
        "conv_transpose2d": ConvTranspose2d::<f64>::new(1, 1, [HALF, 2], rng);
        "batch_norm": BatchNorm2d::<f64>::new(MAX);
        "batch_norm": BatchNorm2d::<f64>::new(LONG);
        "layer_norm": LayerNorm::<f64>::new([MAX, MAX]);
        "layer_norm": LayerNorm::<f64>::new([LONG]);
        "rms_norm": RmsNorm::<f64>::new([HALF, 2]);
        "group_norm": GroupNorm::<f64>::new(1, MAX);
        "group_norm": GroupNorm::<f64>::new(MAX, 2);
        "group_norm": GroupNorm::<f64>::new(MAX, 0);
        "instance_norm": InstanceNorm::<f64>::new(MAX).affine();
        "prelu": PRelu::<f64>::new(MAX);
        "attention": MultiHeadAttention::<f64>::new(MAX, 1, rng);
        "attention": MultiHeadAttention::<f64>::new(1 << 40, 1, rng);
        "attention": MultiHeadAttention::<f64>::new(1 << 24, 1, rng);
        "attention": MultiHeadAttention::<f64>::new(4, MAX, rng);
        "attention": TransformerBlock::<f64>::new(MAX, 1, 1, rng);
        "linear": TransformerBlock::<f64>::new(2, 1, MAX, rng);
        "padding_mask": padding_mask::<f64>(&[1], MAX);
        "padding_mask": padding_mask::<f64>(&[1], LONG);
        "padding_mask": padding_mask::<f64>(&[MAX], 3);
        "recurrent": RnnCell::<f64>::new(MAX, 1, rng);
        "recurrent": GruCell::<f64>::new(1, MAX, rng);
        "recurrent": LstmCell::<f64>::new(1, MAX / 4, rng);
        "recurrent": LstmCell::<f64>::new(1, 1 << 62, rng);
        "recurrent": Rnn::<f64>::new(1, LONG, 1, rng);
        "recurrent": Gru::<f64>::new(1, 1, MAX, rng);
        "recurrent": Lstm::<f64>::new(1, 1, HALF, rng);
        "recurrent": Lstm::<f64>::new(1, 1, 0, rng);
        "zeros": RnnCell::<f64>::new(1, 1, rng).zero_state(&Tape::new(), MAX);
    };
    assert!(count >= 50, "{count} calls");
}

#[test]
fn windows_that_do_not_fit() {
    let rng = &mut StdRng::seed_from_u64(1);
    let tape = Tape::new();
    let cx = &mut Context::eval();
    let x = tape.constant(Tensor::ones([1, 1, 2, 2]));
    let signal = tape.constant(Tensor::ones([1, 1, 2]));
    let volume = tape.constant(Tensor::ones([1, 1, 2, 2, 2]));
    let count = all_refuse! {
        "conv2d": Conv2d::new(1, 1, [1, 1], rng).padding([HALF, 0]).forward(x, cx);
        "conv2d": Conv2d::new(1, 1, [1, 1], rng).padding([LONG, 0]).forward(x, cx);
        "conv2d": Conv2d::new(1, 1, [2, 2], rng).dilation([MAX, MAX]).forward(x, cx);
        "conv2d": Conv2d::new(1, 1, [1, 1], rng).stride([0, 1]).forward(x, cx);
        "conv2d": Conv1d::new(1, 1, 1, rng).padding(MAX).forward(signal, cx);
        "conv2d": Conv1d::new(1, 1, 2, rng).dilation(MAX).forward(signal, cx);
        "conv_transpose2d": ConvTranspose2d::new(1, 1, [1, 1], rng).stride([MAX, 1]).forward(x, cx);
        "conv_transpose2d": ConvTranspose2d::new(1, 1, [1, 1], rng).padding([MAX, 1]).forward(x, cx);
        "conv_transpose2d": ConvTranspose2d::new(1, 1, [2, 2], rng).dilation([HALF, 1]).forward(x, cx);
        "conv_transpose2d": ConvTranspose2d::new(1, 1, [1, 1], rng).output_padding([MAX, 1]).forward(x, cx);
        "max_pool2d": MaxPool2d::new([MAX, 1]).forward(x, cx);
        "avg_pool2d": AvgPool2d::new([1, MAX]).forward(x, cx);
        "avg_pool2d": AdaptiveAvgPool2d { size: [MAX, 1] }.forward(x, cx);
        "avg_pool2d": AdaptiveAvgPool2d { size: [LONG, 1] }.forward(x, cx);
        "max_pool1d": MaxPool1d::new(MAX).forward(signal, cx);
        "avg_pool1d": AvgPool1d::new(MAX).forward(signal, cx);
        "adaptive_avg_pool1d": AdaptiveAvgPool1d { size: MAX }.forward(signal, cx);
        "adaptive_max_pool1d": AdaptiveMaxPool1d { size: MAX }.forward(signal, cx);
        "adaptive_max_pool1d": AdaptiveMaxPool1d { size: LONG }.forward(signal, cx);
        "adaptive_max_pool1d": AdaptiveMaxPool1d { size: 0 }.forward(signal, cx);
        "adaptive_max_pool2d": AdaptiveMaxPool2d { size: [MAX, 1] }.forward(x, cx);
        "conv3d": Conv3d::new(1, 1, [1, 1, 1], rng).padding([HALF, 0, 0]).forward(volume, cx);
        "conv3d": Conv3d::new(1, 1, [1, 1, 1], rng).padding([LONG, 0, 0]).forward(volume, cx);
        "conv3d": Conv3d::new(1, 1, [2, 1, 1], rng).dilation([MAX, 1, 1]).forward(volume, cx);
        "conv3d": Conv3d::new(1, 1, [3, 1, 1], rng).forward(volume, cx);
        "interpolate": Upsample { to: Resize::To(vec![MAX]), how: Interpolation::Nearest }.forward(signal, cx);
        "interpolate": Upsample { to: Resize::By(vec![1e300]), how: Interpolation::Nearest }.forward(signal, cx);
        "interpolate": Upsample { to: Resize::By(vec![f64::NAN]), how: Interpolation::Nearest }.forward(signal, cx);
        "interpolate": Upsample { to: Resize::By(vec![0.1]), how: Interpolation::Nearest }.forward(signal, cx);
        "interpolate": Upsample { to: Resize::To(vec![2, 2]), how: Interpolation::Nearest }.forward(signal, cx);
        "pixel_shuffle": PixelShuffle { factor: MAX }.forward(x, cx);
        "pixel_shuffle": PixelShuffle { factor: 0 }.forward(x, cx);
        "pixel_shuffle": PixelShuffle { factor: 2 }.forward(x, cx);
        "pixel_unshuffle": PixelUnshuffle { factor: MAX }.forward(x, cx);
        "pixel_unshuffle": PixelUnshuffle { factor: 0 }.forward(x, cx);
    };
    assert!(count >= 35, "{count} calls");
}

#[test]
fn counts_that_there_is_no_memory_for() {
    let rng = &mut StdRng::seed_from_u64(1);
    let scores = Tensor::<f64>::ones([2, 3]);
    let count = all_refuse! {
        "confusion": expect(Confusion::new(&[0; 0], &[0; 0], MAX));
        "confusion": expect(Confusion::new(&[0], &[0], MAX));
        "confusion": expect(Confusion::new(&[0], &[0], 1 << 32));
        "confusion": expect(Confusion::new(&[0], &[0], (1 << 32) + 1));
        "confusion": expect(Confusion::new(&[0], &[0], 1 << 24));
        "confusion": expect(Confusion::new(&[MAX], &[0], 3));
        "confusion": expect(Confusion::new(&[0], &[HALF], 3));
        "one_hot": expect(Tensor::<f64>::one_hot(&[0][..], MAX));
        "one_hot": expect(Tensor::<f64>::one_hot(&[0, 1][..], HALF + 1));
        "one_hot": expect(Tensor::<f64>::one_hot(&[0][..], LONG));
        "one_hot": expect(Tensor::<f64>::one_hot(&[MAX][..], 3));
        "top_k": expect(top_k(&scores, &[0, MAX], 1));
        "batches": Batches::new(MAX, 1);
        "batches": Batches::new(3, 0);
        "batches": expect(Batches::try_new(MAX, MAX));
        "batches": expect(Batches::try_new(LONG, 1));
        "split": expect(Split::new(MAX, [0.5, 0.25, 0.25], rng));
        "split": expect(Split::new(LONG, [0.5, 0.25, 0.25], rng));
        "copy_rows": expect(copy_rows(&scores, &[MAX], &mut Tensor::default()));
        "copy_rows": expect(copy_rows(&Tensor::scalar(1.0).broadcast_to([1, LONG]), &[0], &mut Tensor::default()));
        "shards": expect(Shards::<f64>::eval(MAX));
        "shards": expect(Shards::<f64>::train(HALF, rng));
        "shards": expect(Shards::<f64>::eval(0));
    };
    assert!(count >= 23, "{count} calls");
}

#[test]
fn sizes_that_are_larger_than_what_there_is() {
    let rng = &mut StdRng::seed_from_u64(1);
    assert_eq!(Batches::new(3, MAX).iter().collect::<Vec<_>>(), [[0, 1, 2]]);
    assert_eq!(Batches::new(3, MAX).drop_last().len(), 0);
    assert_eq!(Batches::new(3, MAX).merge_last().get(0), Some(&[0, 1, 2][..]));
    let refused = top_k(&Tensor::<f64>::ones([2, 3]), &[0, 2], MAX).unwrap_err().to_string();
    assert_eq!(refused, format!("top_k: expected k from 1 to the number of classes, 3, found {MAX}"));
    let tape = Tape::new();
    let (x, gru) = (tape.constant(Tensor::ones([1, 5, 2])), Gru::new(2, 3, 1, rng));
    let (whole, last) = gru.forward(x, None);
    for steps in [MAX, HALF, HALF - 1, 5] {
        let (y, state) = gru.forward_truncated(x, None, steps);
        assert_eq!((y.value(), state.value()), (whole.value(), last.value()));
    }
    // The fans only choose the distribution.
    let w: Tensor = XavierUniform.tensor([2, 2], Fans::new(MAX, MAX), rng);
    assert!(w.to_vec().iter().all(|w| w.abs() < 1e-8));
    let w: Tensor = UniformFanIn.tensor([2, 2], Fans::new(MAX, 0), rng);
    assert!(w.to_vec().iter().all(|w| w.abs() < 1e-8));
}

/// Shapes without numbers, but with extents whose product no tensor can have, are refused when they are read.
#[test]
fn idx_files_of_no_numbers() {
    let most = u32::MAX as usize;
    assert_eq!(Idx::new([0, most, most], IdxData::U8(vec![])), None);
    assert_eq!(Idx::new([MAX, 0], IdxData::U8(vec![])), None);
    assert_eq!(Idx::new([0, 1 << 31, 1 << 31], IdxData::F32(vec![])), None);
    let empty = Idx::new([0, 28, 28], IdxData::U8(vec![])).expect("an empty file");
    assert_eq!(empty.to_tensor::<f64>().shape(), [0, 28, 28]);
    let header = |extents: [u32; 3]| {
        let words = extents.iter().flat_map(|n| n.to_be_bytes());
        [0, 0, 8, 3].into_iter().chain(words).collect::<Vec<u8>>()
    };
    for extents in [[0, u32::MAX, u32::MAX], [u32::MAX, u32::MAX, 0], [0, 1 << 31, 1 << 31], [u32::MAX; 3]] {
        let error = Idx::from_bytes(&header(extents)).expect_err("no tensor has this shape");
        assert!(matches!(error, nn::files::FileErrorKind::TooLarge { .. }), "{error}");
    }
    assert_eq!(Idx::from_bytes(&header([0, 28, 28])), Ok(empty));
}

#[test]
fn functions_of_extents_that_there_cannot_be() {
    let (one, numbers) = (Tensor::scalar(1.0), |n: usize| Tensor::<f64>::ones([n]));
    let count = all_refuse! {
        "conv2d": functional::conv1d(&numbers(3).reshape([1, 1, 3]), &numbers(1).reshape([1, 1, 1]), None, Conv1dOptions { padding: MAX, ..Conv1dOptions::default() });
        "conv2d": functional::conv1d(&numbers(3).reshape([1, 1, 3]), &numbers(1).reshape([1, 1, 1]), None, Conv1dOptions { dilation: MAX, groups: MAX, ..Conv1dOptions::default() });
        "group_norm": functional::group_norm(&numbers(3).reshape([1, 3]), MAX, None, None, 1e-5);
        "group_norm": functional::group_norm(&Tensor::<f64>::zeros([1, 0, 2]), MAX, None, None, 1e-5);
        "cross_entropy": functional::cross_entropy(&Tensor::<f64>::zeros([0, LONG]), &[0; 0], &functional::CrossEntropyOptions::default(), functional::Reduction::Mean);
        "dropout": functional::dropout(&one.broadcast_to([LONG]), 0.5, || 0.0);
    };
    assert_eq!(count, 6);
}
