//! The layers of the reference file, built from their attributes, and how each is called.

use super::{mode, total};
use gradcheck::GradCheck;
use nn::functional::{AttentionOptions, Interpolation, Pool1dOptions, Resize};
use nn::recurrent::{Cell, CellRule, GruGates, LstmGates, Recurrent, RnnGates, State};
use nn::{
    AdaptiveAvgPool1d, AdaptiveMaxPool1d, AdaptiveMaxPool2d, AvgPool1d, BatchNorm, Bilinear, Context, Conv1d,
    Conv2d, Conv3d, ConvTranspose2d, Embedding, Gelu, Glu, GroupNorm, GruCell, InstanceNorm, LayerNorm,
    Linear, LstmCell, MaxPool1d, Module, MultiHeadAttention, PRelu, Param, Parameters, PixelShuffle,
    PixelUnshuffle, RmsNorm, RnnCell, TransformerBlock, Upsample,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use tape::{Index, Tape, Tensor, Var};
use tests::reference::flags;

/// A layer with any inputs and outputs.
pub(super) trait Layer {
    /// Its parameters and statistics.
    fn parameters(&self) -> &dyn Parameters;
    /// The same, mutably.
    fn parameters_mut(&mut self) -> &mut dyn Parameters;
    /// Its outputs.
    fn run<'t>(&self, tape: &'t Tape, x: &[Var<'t>], cx: &mut Context) -> Vec<Var<'t>>;
    /// The gradient check of `Σ Σ wₖ (yₖ + ½ yₖ²)`, of these inputs and all parameters: the square gives
    /// linear functions a second derivative.
    fn check(&self, inputs: Vec<Tensor>, weights: Vec<Tensor>, train: bool) -> GradCheck<'static>;
}

/// A layer and how it is called.
struct Entry<M, F> {
    model: M,
    run: F,
}

impl<M, F> Layer for Entry<M, F>
where
    M: Parameters + Clone + 'static,
    F: for<'t> Fn(&M, &'t Tape, &[Var<'t>], &mut Context) -> Vec<Var<'t>> + Clone + 'static,
{
    fn parameters(&self) -> &dyn Parameters {
        &self.model
    }

    fn parameters_mut(&mut self) -> &mut dyn Parameters {
        &mut self.model
    }

    fn run<'t>(&self, tape: &'t Tape, x: &[Var<'t>], cx: &mut Context) -> Vec<Var<'t>> {
        (self.run)(&self.model, tape, x, cx)
    }

    fn check(&self, inputs: Vec<Tensor>, weights: Vec<Tensor>, train: bool) -> GradCheck<'static> {
        let inputs: Vec<Param> = inputs.into_iter().map(Param::new).collect();
        let run = self.run.clone();
        nn::gradcheck::module(&(inputs, self.model.clone()), move |(inputs, model), tape| {
            let x: Vec<Var<'_>> = inputs.iter().map(|x| x.on(tape)).collect();
            let y = run(model, tape, &x, &mut mode(train));
            let bent: Vec<Var<'_>> = y.into_iter().map(|y| y + y * y * 0.5).collect();
            total(&bent, &weights)
        })
    }
}

fn entry<M, F>(model: M, run: F) -> Box<dyn Layer>
where
    M: Parameters + Clone + 'static,
    F: for<'t> Fn(&M, &'t Tape, &[Var<'t>], &mut Context) -> Vec<Var<'t>> + Clone + 'static,
{
    Box::new(Entry { model, run })
}

pub(super) fn module(model: impl Module + Clone + 'static) -> Box<dyn Layer> {
    entry(model, |model, _, x, cx| vec![model.forward(x[0], cx)])
}

/// The output, then the parts of the state.
fn with_state<'t, S: State<'t, f64>>(state: S, parts: usize) -> Vec<Var<'t>> {
    (0..parts).map(|i| state.part(i)).collect()
}

fn cell<G: CellRule>(model: Cell<G>) -> Box<dyn Layer> {
    entry(model, |model, _, x, _| with_state(model.forward(x[0], State::from_fn(|i| x[1 + i])), x.len() - 1))
}

fn recurrent<G: CellRule>(at: &Attrs<'_>, parts: usize, rng: &mut StdRng) -> Box<dyn Layer> {
    let (inputs, hidden, layers) = (at.size("input_size"), at.size("hidden_size"), at.size("num_layers"));
    let model = match at.0["bidirectional"].as_bool() {
        Some(true) => Recurrent::<G>::bidirectional(inputs, hidden, layers, rng),
        _ => Recurrent::<G>::new(inputs, hidden, layers, rng),
    };
    let model = if at.flag("bias") { model } else { model.without_bias() };
    let lengths = at.0.get("lengths").map(|_| at.sizes("lengths"));
    entry(model, move |model, _, x, _| {
        let state = (x.len() > 1).then(|| State::from_fn(|i| x[1 + i]));
        let (y, state) = match &lengths {
            Some(lengths) => model.forward_lengths(x[0], lengths, state),
            None => model.forward(x[0], state),
        };
        [vec![y], with_state(state, parts)].concat()
    })
}

/// Attributes of a layer.
struct Attrs<'a>(&'a Value);

impl Attrs<'_> {
    fn size(&self, key: &str) -> usize {
        self.0[key].as_u64().unwrap_or_else(|| panic!("{key} of {}", self.0)) as usize
    }

    fn number(&self, key: &str) -> f64 {
        self.0[key].as_f64().unwrap_or_else(|| panic!("{key} of {}", self.0))
    }

    /// A flag that is true by default.
    fn flag(&self, key: &str) -> bool {
        self.0[key].as_bool().unwrap_or(true)
    }

    fn sizes(&self, key: &str) -> Vec<usize> {
        let list = self.0[key].as_array().unwrap_or_else(|| panic!("{key} of {}", self.0));
        list.iter().map(|n| n.as_u64().expect("an extent") as usize).collect()
    }

    fn pair(&self, key: &str) -> [usize; 2] {
        self.sizes(key).try_into().expect("two numbers")
    }

    fn triple(&self, key: &str) -> [usize; 3] {
        self.sizes(key).try_into().expect("three numbers")
    }

    /// The number that the reference has for an attribute, or its list.
    fn each(&self, key: &str) -> Option<Vec<f64>> {
        let value = self.0.get(key)?;
        let list = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        Some(list.iter().map(|n| n.as_f64().expect("a number")).collect())
    }

    /// The masks combined: the reference marks the hidden positions.
    fn attention(&self) -> AttentionOptions {
        let seen =
            |key: &str| self.0.get(key).map(|mask| flags(mask).map_elements(|excluded| 1.0 - excluded));
        let samples = seen("key_padding_mask").map(|mask| mask.unsqueeze(1).unsqueeze(1));
        let pairs = seen("attn_mask").or_else(|| seen("src_mask"));
        let mask = match (samples, pairs) {
            (Some(samples), Some(pairs)) => Some(samples * pairs),
            (samples, pairs) => samples.or(pairs),
        };
        AttentionOptions { mask, ..AttentionOptions::default() }
    }
}

/// A layer without its bias, unless the case has one.
macro_rules! biased {
    ($at:ident, $layer:expr) => {{
        let layer = $layer;
        if $at.flag("bias") { layer } else { layer.without_bias() }
    }};
}

/// The layer of a case, with random parameters.
pub(super) fn build(case: &Value) -> Box<dyn Layer> {
    let at = Attrs(&case["attrs"]);
    let rng = &mut StdRng::seed_from_u64(0);
    let cell_sizes = || (at.size("input_size"), at.size("hidden_size"));
    match case["layer"].as_str().expect("a name") {
        "Linear" => module(biased!(at, Linear::new(at.size("in_features"), at.size("out_features"), rng))),
        "Bilinear" => {
            let inputs = [at.size("in1_features"), at.size("in2_features")];
            let layer = biased!(at, Bilinear::new(inputs, at.size("out_features"), rng));
            entry(layer, |layer, _, x, _| vec![layer.forward(x[0], x[1])])
        }
        "Embedding" => embedding(case, &at, rng),
        "PReLU" => module(PRelu::new(at.size("num_parameters"))),
        "Conv1d" => module(conv1d(&at, rng)),
        "Conv2d" => module(conv2d(&at, rng)),
        "Conv3d" => module(conv3d(&at, rng)),
        "ConvTranspose2d" => module(conv_transpose2d(&at, rng)),
        "MaxPool1d" => {
            let dilation = at.size("dilation");
            module(MaxPool1d { pool: Pool1dOptions { dilation, ..pool1d(&at) } })
        }
        "AvgPool1d" => module(AvgPool1d { pool: pool1d(&at), count_padding: at.flag("count_include_pad") }),
        "AdaptiveAvgPool1d" => module(AdaptiveAvgPool1d { size: at.size("output_size") }),
        "AdaptiveMaxPool1d" => module(AdaptiveMaxPool1d { size: at.size("output_size") }),
        "AdaptiveMaxPool2d" => module(AdaptiveMaxPool2d { size: at.pair("output_size") }),
        "Upsample" => module(upsample(&at)),
        "PixelShuffle" => module(PixelShuffle { factor: at.size("upscale_factor") }),
        "PixelUnshuffle" => module(PixelUnshuffle { factor: at.size("downscale_factor") }),
        "GLU" => module(Glu::default()),
        "InstanceNorm" => {
            let layer = InstanceNorm::new(at.size("num_features")).eps(at.number("eps"));
            module(if at.flag("affine") { layer.affine() } else { layer })
        }
        "LayerNorm" => module(LayerNorm::new(&at.sizes("normalized_shape")[..]).eps(at.number("eps"))),
        "RMSNorm" => module(RmsNorm::new(&at.sizes("normalized_shape")[..]).eps(at.number("eps"))),
        "GroupNorm" => {
            module(GroupNorm::new(at.size("num_groups"), at.size("num_channels")).eps(at.number("eps")))
        }
        "BatchNorm1d" => module(batch_norm::<1>(&at)),
        "BatchNorm2d" => module(batch_norm::<2>(&at)),
        "RNNCell" => cell(biased!(at, RnnCell::new(cell_sizes().0, cell_sizes().1, rng))),
        "GRUCell" => cell(biased!(at, GruCell::new(cell_sizes().0, cell_sizes().1, rng))),
        "LSTMCell" => cell(biased!(at, LstmCell::new(cell_sizes().0, cell_sizes().1, rng))),
        "RNN" => recurrent::<RnnGates>(&at, 1, rng),
        "GRU" => recurrent::<GruGates>(&at, 1, rng),
        "LSTM" => recurrent::<LstmGates>(&at, 2, rng),
        "MultiheadAttention" => attention(&at, rng),
        "TransformerEncoderLayer" => transformer(&at, rng),
        other => panic!("{other} is not a layer"),
    }
}

fn batch_norm<const DIMENSIONS: usize>(at: &Attrs<'_>) -> BatchNorm<DIMENSIONS> {
    BatchNorm::new(at.size("num_features")).eps(at.number("eps")).momentum(Some(at.number("momentum")))
}

fn embedding(case: &Value, at: &Attrs<'_>, rng: &mut StdRng) -> Box<dyn Layer> {
    let layer = Embedding::new(at.size("num_embeddings"), at.size("embedding_dim"), rng);
    let layer = match at.0["padding_idx"].as_u64() {
        Some(row) => layer.with_padding(row as usize),
        None => layer,
    };
    let indices = tests::reference::tensor(&case["inputs"][0]).expect("indices");
    let rows: Vec<usize> = indices.to_vec().into_iter().map(|x| x as usize).collect();
    let indices = Index::new(indices.shape().clone(), rows).expect("as many indices as their shape says");
    entry(layer, move |layer, tape, _, _| vec![layer.forward(tape, indices.clone())])
}

fn conv1d(at: &Attrs<'_>, rng: &mut StdRng) -> Conv1d {
    let (inputs, outputs) = (at.size("in_channels"), at.size("out_channels"));
    let layer = Conv1d::grouped(inputs, outputs, at.size("kernel_size"), at.size("groups"), rng);
    let layer = layer.stride(at.size("stride")).padding(at.size("padding")).dilation(at.size("dilation"));
    biased!(at, layer)
}

fn conv2d(at: &Attrs<'_>, rng: &mut StdRng) -> Conv2d {
    let (inputs, outputs) = (at.size("in_channels"), at.size("out_channels"));
    let layer = Conv2d::grouped(inputs, outputs, at.pair("kernel_size"), at.size("groups"), rng);
    let layer = layer.stride(at.pair("stride")).padding(at.pair("padding")).dilation(at.pair("dilation"));
    biased!(at, layer)
}

fn conv3d(at: &Attrs<'_>, rng: &mut StdRng) -> Conv3d {
    let (inputs, outputs) = (at.size("in_channels"), at.size("out_channels"));
    let layer = Conv3d::grouped(inputs, outputs, at.triple("kernel_size"), at.size("groups"), rng);
    let layer =
        layer.stride(at.triple("stride")).padding(at.triple("padding")).dilation(at.triple("dilation"));
    biased!(at, layer)
}

fn pool1d(at: &Attrs<'_>) -> Pool1dOptions {
    let [kernel, stride, padding] = ["kernel_size", "stride", "padding"].map(|key| at.size(key));
    Pool1dOptions { kernel, stride, padding, dilation: 1 }
}

fn upsample(at: &Attrs<'_>) -> Upsample {
    let to = match at.each("size") {
        Some(size) => Resize::To(size.into_iter().map(|n| n as usize).collect()),
        None => Resize::By(at.each("scale_factor").expect("a size or a factor")),
    };
    let how = match at.0["mode"].as_str() {
        Some("nearest") => Interpolation::Nearest,
        _ => Interpolation::Linear { align_corners: at.flag("align_corners") },
    };
    Upsample { to, how }
}

fn conv_transpose2d(at: &Attrs<'_>, rng: &mut StdRng) -> ConvTranspose2d {
    let (inputs, outputs) = (at.size("in_channels"), at.size("out_channels"));
    let layer = ConvTranspose2d::grouped(inputs, outputs, at.pair("kernel_size"), at.size("groups"), rng);
    let layer = layer.stride(at.pair("stride")).padding(at.pair("padding")).dilation(at.pair("dilation"));
    biased!(at, layer.output_padding(at.pair("output_padding")))
}

/// One input is query, key and value; the weights, where the reference has them, are means over the heads.
fn attention(at: &Attrs<'_>, rng: &mut StdRng) -> Box<dyn Layer> {
    let layer = biased!(at, MultiHeadAttention::new(at.size("embed_dim"), at.size("num_heads"), rng));
    let attention = at.attention();
    entry(layer, move |layer, _, x, cx| match *x {
        [query, key, value] => vec![layer.forward(query, key, value, &attention, cx).0],
        [x] => {
            let (y, weights) = layer.forward(x, x, x, &attention, cx);
            vec![y, weights.mean_axes(1, false)]
        }
        _ => panic!("{} operands of attention", x.len()),
    })
}

fn transformer(at: &Attrs<'_>, rng: &mut StdRng) -> Box<dyn Layer> {
    let block = TransformerBlock::new(at.size("d_model"), at.size("nhead"), at.size("dim_feedforward"), rng);
    let block = if at.flag("norm_first") { block.norm_first() } else { block };
    let block = if at.0["activation"] == "gelu" { block.activation(Gelu) } else { block };
    let block = block.dropout(at.number("dropout"));
    let attention = at.attention();
    match attention.mask {
        // The only mask of these cases is the causal one, which the block makes itself.
        Some(mask) => {
            assert_eq!(mask, Tensor::ones(mask.shape()).tril(0));
            module(block.causal())
        }
        None => module(block),
    }
}
