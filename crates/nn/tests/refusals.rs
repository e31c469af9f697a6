//! Inputs that a layer cannot take: the name of the layer, and the line of the caller.

use nn::functional::{AttentionOptions, Conv1dOptions};
use nn::{
    AdaptiveMaxPool2d, AvgPool1d, BatchNorm1d, BatchNorm2d, Bilinear, Context, Conv1d, Conv2d, Conv3d,
    Embedding, Glu, GroupNorm, GruCell, Identity, InstanceNorm, LayerNorm, Linear, Lstm, MaxPool2d, Module,
    MultiHeadAttention, PRelu, Parameters, PixelShuffle, Relu, Residual, RmsNorm, Sequential, Tanh,
    TransformerBlock, mlp,
};
use rand::{SeedableRng, rngs::StdRng};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use tape::{Tape, Tensor, Var};

/// One test at a time replaces the hook.
static HOOK: Mutex<()> = Mutex::new(());

/// The text of a panic, and the file and line where it is reported.
fn panicked(f: impl FnOnce()) -> (String, String, u32) {
    let _guard = HOOK.lock();
    static PLACE: Mutex<Option<(String, u32)>> = Mutex::new(None);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| (at.file().to_owned(), at.line()));
        *PLACE.lock().unwrap() = place;
    }));
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("this panics");
    std::panic::set_hook(before);
    let (file, line) = PLACE.lock().unwrap().take().unwrap();
    (payload.downcast_ref::<String>().cloned().unwrap_or_default(), file, line)
}

/// Asserts that a panic with this text is reported in this file, between two lines.
fn assert_panics_here(lines: [u32; 2], expected: &str, f: impl FnOnce()) {
    let (text, file, at) = panicked(f);
    assert_eq!((text.as_str(), file.as_str()), (expected, file!()));
    assert!((lines[0]..=lines[1]).contains(&at), "line {at}, not {lines:?}");
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape.to_vec())
}

#[test]
fn a_wrong_width_panics_at_the_callers_line_with_the_name_of_the_layer() {
    let rng = &mut StdRng::seed_from_u64(0);
    let model = mlp(&[2, 3, 1], Tanh, Identity, rng);
    let expected = "linear: expected shape [5, 2], found [5, 4] (layer of 0.weight)";
    let call = [line!(), line!() + 1];
    assert_panics_here(call, expected, || _ = model.predict(&zeros(&[5, 4])));
    let tape = Tape::new();
    let call = [line!(), line!() + 3];
    assert_panics_here(call, expected, || {
        model.forward(tape.constant(zeros(&[5, 4])), &mut Context::eval());
    });

    let broken = Sequential::new()
        .push(Linear::new(2, 3, rng))
        .push(Relu)
        .push(Sequential::new().push(Tanh).push(Linear::new(4, 1, rng)).push(Relu));
    let expected = "linear: expected shape [5, 4], found [5, 3] (layer of 2.1.weight)";
    let call = [line!(), line!() + 1];
    assert_panics_here(call, expected, || _ = broken.predict(&zeros(&[5, 2])));
    let residual = Residual::new(Linear::new(2, 2, rng));
    let call = [line!(), line!() + 3];
    assert_panics_here(call, "linear: expected shape [2], found [1] (layer of body.weight)", || {
        residual.forward(tape.constant([1.0]), &mut Context::eval());
    });
    let layer = Linear::new(2, 3, rng);
    let call = [line!(), line!() + 3];
    assert_panics_here(call, "linear: expected shape [2], found [1]", || {
        layer.forward(tape.constant([1.0]), &mut Context::eval());
    });
}

/// Layers that are no modules have no context, which knows the model: the line is that of the caller.
#[test]
fn layers_that_are_no_modules_panic_at_the_callers_line() {
    let (rng, tape) = (&mut StdRng::seed_from_u64(0), &Tape::new());
    let on = |shape: &[usize]| tape.constant(zeros(shape));
    let (lstm, cell) = (Lstm::new(3, 5, 2, rng), GruCell::new(3, 5, rng));
    let (bilinear, attention) = (Bilinear::new([2, 3], 4, rng), MultiHeadAttention::new(4, 2, rng));
    let (table, options) = (Embedding::new(4, 2, rng), AttentionOptions::default());
    let call = [line!(), line!() + 34];
    let wrong: [(&str, &dyn Fn()); 9] = [
        ("recurrent input: expected shape [4, 7, 3], found [4, 7, 2]", &|| {
            _ = lstm.forward(on(&[4, 7, 2]), None)
        }),
        (
            "recurrent: expected sequences [batch, time, inputs] of 1 step or more, found shape [4, 3]",
            &|| _ = lstm.forward(on(&[4, 3]), None),
        ),
        ("recurrent input: expected shape [4, 3], found [4, 2]", &|| {
            _ = cell.forward(on(&[4, 2]), on(&[4, 5]))
        }),
        ("recurrent state: expected shape [4, 5], found [3, 5]", &|| {
            _ = cell.forward(on(&[4, 3]), on(&[3, 5]))
        }),
        ("bilinear: expected inputs [.., 2] and [.., 3], found shapes [4, 2] and [4, 4]", &|| {
            _ = bilinear.forward(on(&[4, 2]), on(&[4, 4]))
        }),
        ("bilinear: expected inputs [.., 2] and [.., 3], found shapes [4, 3] and [4, 3]", &|| {
            _ = bilinear.forward(on(&[4, 3]), on(&[4, 3]))
        }),
        ("embedding: index 4 is out of range for axis 0 of shape [4, 2]", &|| _ = table.forward(tape, [4])),
        ("attention: expected [batch, length, 4], found shape [1, 3, 5]", &|| {
            _ = attention.forward(
                on(&[1, 3, 4]),
                on(&[1, 3, 5]),
                on(&[1, 3, 4]),
                &options,
                &mut Context::eval(),
            )
        }),
        ("attention: expected [batch, length, 4], found shape [3, 4]", &|| {
            _ = attention.forward(on(&[3, 4]), on(&[3, 4]), on(&[3, 4]), &options, &mut Context::eval())
        }),
    ];
    for (expected, run) in wrong {
        assert_panics_here(call, expected, run);
    }
}

/// A field that no constructor has checked is checked by the forward pass.
#[test]
fn settings_of_layers_can_be_written_as_fields() {
    let rng = &mut StdRng::seed_from_u64(0);
    let norm = BatchNorm1d::<f64> { momentum: None, eps: 3.0, ..BatchNorm1d::new(1) };
    assert_eq!(norm.predict(&Tensor::from([[4.0]])).to_vec(), [2.0]);
    let block = TransformerBlock { norm_first: true, causal: true, ..TransformerBlock::new(4, 2, 8, rng) };
    assert_eq!(block.predict(&zeros(&[1, 3, 4])).shape(), [1, 3, 4]);
    let stride = Conv1dOptions { stride: 2, ..Conv1dOptions::default() };
    let conv = Conv1d { conv: stride, ..Conv1d::new(1, 1, 2, rng) };
    assert_eq!(conv.predict(&zeros(&[1, 1, 4])).shape(), [1, 1, 2]);
    let refused: [(Box<dyn Module>, &[usize], &str); 7] = [
        (
            Box::new(BatchNorm1d { eps: -1.0, ..BatchNorm1d::new(1) }),
            &[2, 1],
            "epsilon of 0 or more, found -1",
        ),
        (Box::new(BatchNorm1d { momentum: Some(2.0), ..BatchNorm1d::new(1) }), &[2, 1], "in [0, 1], found 2"),
        (
            Box::new(LayerNorm { eps: f64::NAN, ..LayerNorm::new([2]) }),
            &[2],
            "epsilon of 0 or more, found NaN",
        ),
        (
            Box::new(LayerNorm { normalized: [3].into(), ..LayerNorm::new([2]) }),
            &[2],
            "ends in [3], found [2]",
        ),
        (Box::new(RmsNorm { eps: -1.0, ..RmsNorm::new([2]) }), &[2], "epsilon of 0 or more, found -1"),
        (
            Box::new(GroupNorm { eps: -1.0, ..GroupNorm::new(1, 2) }),
            &[1, 2],
            "epsilon of 0 or more, found -1",
        ),
        (
            Box::new(TransformerBlock {
                self_attn: MultiHeadAttention { heads: 3, ..MultiHeadAttention::new(4, 2, rng) },
                ..TransformerBlock::new(4, 2, 8, rng)
            }),
            &[1, 3, 4],
            "3 heads do not divide a width of 4",
        ),
    ];
    for (layer, shape, expected) in refused {
        let error = layer.try_predict(&zeros(shape)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn every_kind_of_layer_is_named() {
    let rng = &mut StdRng::seed_from_u64(0);
    let error = |layer: Box<dyn Module>, shape: &[usize]| {
        let model = Sequential::new().push(Identity).push(layer);
        model.try_predict(&zeros(shape)).unwrap_err().to_string()
    };
    for (layer, shape, expected) in [
        (Box::new(BatchNorm1d::new(3)) as Box<dyn Module>, &[4, 2][..], "(layer of 1.weight)"),
        (Box::new(BatchNorm2d::new(3).without_affine()), &[4, 2], "(layer of 1.running_mean)"),
        (Box::new(LayerNorm::new([3])), &[4, 2], "(layer of 1.weight)"),
        (Box::new(GroupNorm::new(1, 3)), &[4, 2], "(layer of 1.weight)"),
        (Box::new(Conv1d::new(2, 3, 2, rng)), &[4, 3, 9], "(layer of 1.weight)"),
        (Box::new(Conv1d::new(2, 3, 2, rng)), &[4, 3], "(layer of 1.weight)"),
        (Box::new(Conv2d::new(2, 3, [2, 2], rng)), &[4, 3, 9, 9], "(layer of 1.weight)"),
        (Box::new(Conv3d::new(2, 3, [2, 2, 2], rng)), &[4, 3, 9, 9, 9], "(layer of 1.weight)"),
        (Box::new(Conv3d::new(2, 3, [2, 2, 2], rng)), &[4, 2, 9, 9], "(layer of 1.weight)"),
        (Box::new(InstanceNorm::new(3).affine()), &[4, 2, 5], "(layer of 1.weight)"),
        (Box::new(InstanceNorm::new(3)), &[4, 3], "(layer 1)"),
        (Box::new(AvgPool1d::new(2)), &[4, 2], "(layer 1)"),
        (Box::new(AdaptiveMaxPool2d { size: [2, 2] }), &[4, 2, 3], "(layer 1)"),
        (Box::new(PixelShuffle { factor: 2 }), &[4, 3, 2, 2], "(layer 1)"),
        (Box::new(Glu::default()), &[4, 3], "(layer 1)"),
        (Box::new(PRelu::new(3)), &[4, 2], "(layer of 1.weight)"),
        (Box::new(MaxPool2d::new([2, 2])), &[4, 2], "(layer 1)"),
        (Box::new(TransformerBlock::new(4, 2, 8, rng)), &[1, 3, 2], "(layer of 1.self_attn.in_proj_weight)"),
        (Box::new(Residual::new(Linear::new(2, 3, rng))), &[4, 2], "(layer 1)"),
        (Box::new(Residual::new(Linear::new(3, 3, rng))), &[4, 2], "(layer of 1.body.weight)"),
    ] {
        let text = error(layer, shape);
        assert!(text.ends_with(expected) && text.contains("expected"), "{text}, not {expected}");
    }
}

/// A user-defined model.
#[derive(Clone, Debug, Parameters)]
struct Encoder {
    first: Linear,
    rest: Vec<Linear>,
}

impl Module for Encoder {
    fn forward<'t>(&self, x: Var<'t>, cx: &mut Context) -> Var<'t> {
        self.rest.iter().fold(self.first.forward(x, cx), |x, layer| layer.forward(x, cx).tanh())
    }
}

#[test]
fn a_user_defined_model_names_its_fields() {
    let rng = &mut StdRng::seed_from_u64(0);
    let rest = vec![Linear::new(3, 3, rng), Linear::new(5, 1, rng)];
    let model = Encoder { first: Linear::new(2, 3, rng), rest };
    let error = model.try_predict(&zeros(&[4, 2])).unwrap_err().to_string();
    assert_eq!(error, "linear: expected shape [4, 5], found [4, 3] (layer of rest.1.weight)");
    let call = [line!(), line!() + 1];
    assert_panics_here(call, &error, || _ = model.predict(&zeros(&[4, 2])));
}

/// Only the code of `forward` knows the model in a plain loop, so the layer has no name; `predict` finds it.
#[test]
fn a_user_defined_model_in_a_plain_loop_panics_at_the_callers_line_without_a_name() {
    let rng = &mut StdRng::seed_from_u64(0);
    let model = Encoder { first: Linear::new(2, 3, rng), rest: vec![Linear::new(3, 1, rng)] };
    let (tape, mut cx) = (Tape::new(), Context::train(StdRng::seed_from_u64(0)));
    let (x, expected) = (zeros(&[4, 5]), "linear: expected shape [4, 2], found [4, 5]");
    let call = [line!(), line!() + 3];
    assert_panics_here(call, expected, || {
        model.forward(tape.constant(x.clone()), &mut cx);
    });
    let error = model.try_predict(&x).unwrap_err().to_string();
    assert_eq!(error, format!("{expected} (layer of first.weight)"));
}

#[test]
fn a_context_that_panicked_panics_again() {
    let model = mlp(&[2, 3, 1], Tanh, Identity, &mut StdRng::seed_from_u64(0));
    let (tape, mut cx) = (Tape::new(), Context::eval());
    for _ in 0..2 {
        let (text, ..) = panicked(|| _ = model.forward(tape.constant(zeros(&[5, 4])), &mut cx));
        assert!(text.starts_with("linear: expected shape [5, 2]"), "{text}");
    }
    assert_eq!(model.forward(tape.constant(zeros(&[5, 2])), &mut cx).shape(), [5, 1]);
}
