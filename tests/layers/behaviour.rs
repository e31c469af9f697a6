//! The documented behaviour of the layers: initial values, names, modes, masks and windows.

use nn::functional::AttentionOptions;
use nn::recurrent::{CellRule, GruGates, LstmGates, Recurrent, RnnGates, State};
use nn::{
    BatchNorm2d, Bilinear, Context, Conv1d, Conv2d, ConvTranspose2d, Dropout, Embedding, Flatten, Gru,
    LayerNorm, Linear, Lstm, LstmCell, MaxPool2d, Module, MultiHeadAttention, PRelu, Param, Parameters, Path,
    Relu, Residual, Rnn, Sequential, TransformerBlock, padding_mask,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tape::{Element, Tape, Tensor, Var};
use tests::compare::{EXACT, assert_close};
use tests::networks::uniform;

fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

fn random(shape: &[usize]) -> Tensor {
    uniform(shape, 1.0, &mut rng(5))
}

/// Asserts that the largest magnitude is below the bound, and near it if there are many elements.
#[track_caller]
fn within(param: &Param, bound: f64) {
    let largest = param.value().abs().max();
    assert!(largest <= bound && largest > 0.97 * bound, "largest {largest}, bound {bound}");
}

#[test]
fn initial_values_fill_their_bounds() {
    let rng = &mut rng(1);
    let fan = |n: usize| (n as f64).sqrt().recip();
    let layer = Bilinear::new([9, 16], 400, rng);
    within(&layer.weight, fan(9));
    within(&layer.bias.unwrap(), fan(9));
    let layer = Conv1d::grouped(8, 600, 5, 4, rng);
    within(&layer.weight, fan(2 * 5));
    within(&layer.bias.unwrap(), fan(2 * 5));
    let layer = Conv2d::grouped(8, 600, [3, 5], 4, rng);
    within(&layer.weight, fan(2 * 15));
    within(&layer.bias.unwrap(), fan(2 * 15));
    let layer = ConvTranspose2d::grouped(8, 600, [3, 5], 4, rng);
    within(&layer.weight, fan(150 * 15));
    within(&layer.bias.unwrap(), fan(150 * 15));
    for (_, param) in Lstm::new(6, 100, 2, rng).named_parameters() {
        within(param, fan(100));
    }
    let layer = MultiHeadAttention::new(24, 4, rng);
    within(&layer.in_proj_weight, (6.0 / (4.0 * 24.0f64)).sqrt());
    within(&layer.out_proj.weight, fan(24));
    assert_eq!(layer.in_proj_bias.unwrap().value(), &Tensor::zeros([72]));
    assert_eq!(layer.out_proj.bias.unwrap().value(), &Tensor::zeros([24]));
    let table = Embedding::<f64>::new(100, 50, rng).with_padding(3);
    let (mean, variance) = (table.weight.value().mean(), table.weight.value().variance(0));
    assert!(mean.abs() < 0.05 && (variance - 0.99).abs() < 0.05, "mean {mean}, variance {variance}");
    assert_eq!(table.weight.value().slice(0, 3..4), Tensor::zeros([1, 50]));
}

#[test]
fn parameters_have_the_names_of_other_libraries() {
    let rng = &mut rng(2);
    let model: (Gru, BatchNorm2d, TransformerBlock) =
        (Gru::new(2, 3, 2, rng), BatchNorm2d::new(3), TransformerBlock::new(4, 2, 5, rng));
    let names: Vec<String> = model.named_parameters().into_iter().map(|(name, _)| name).collect();
    let expected = "0.weight_ih_l0 0.weight_hh_l0 0.bias_ih_l0 0.bias_hh_l0 0.weight_ih_l1 0.weight_hh_l1 0.bias_ih_l1 \
                    0.bias_hh_l1 1.weight 1.bias 1.running_mean 1.running_var 1.num_batches_tracked \
                    2.self_attn.in_proj_weight 2.self_attn.in_proj_bias 2.self_attn.out_proj.weight \
                    2.self_attn.out_proj.bias 2.linear1.weight 2.linear1.bias 2.linear2.weight 2.linear2.bias \
                    2.norm1.weight 2.norm1.bias 2.norm2.weight 2.norm2.bias";
    assert_eq!(names.join(" "), expected);
}

/// The gradients of the sum of the outputs in the last window: truncated, and computed from that window
/// alone.
fn window_alone<G: CellRule>(model: &Recurrent<G>) {
    let x = random(&[2, 7, 3]);
    let all = Tape::new();
    let (y, _) = model.forward_truncated(all.constant(x.clone()), None, 3);
    let truncated = y.slice(1, 6..).sum().backward();
    // The same step by itself, from the values of the state after six steps.
    let tape = Tape::new();
    let (_, carried) = model.forward(tape.constant(x.slice(1, ..6)), None);
    let (alone, _) = model.forward(tape.constant(x.slice(1, 6..)), Some(carried.detach()));
    assert_eq!(y.slice(1, 6..).value(), alone.value());
    let alone = alone.sum().backward();
    let through = {
        let (y, _) = model.forward(tape.constant(x.clone()), None);
        y.slice(1, 6..).sum().backward()
    };
    for (name, param) in model.named_parameters() {
        assert_close(&name, &truncated.of(param), &alone.of(param), EXACT);
        let difference = (through.of(param) - alone.of(param)).abs().max();
        assert!(difference > 1e-4, "{name}: the whole sequence gives the same gradient");
    }
}

#[test]
fn truncated_gradients_are_those_of_the_window_alone() {
    window_alone(&Rnn::new(3, 4, 2, &mut rng(3)));
    window_alone(&Gru::new(3, 4, 2, &mut rng(3)));
    window_alone(&Lstm::new(3, 4, 2, &mut rng(3)));
}

#[test]
fn a_window_as_long_as_the_sequence_cuts_nothing() {
    let model = Lstm::new(3, 4, 1, &mut rng(4));
    let x = random(&[2, 5, 3]);
    let gradient = |steps: Option<usize>| {
        let tape = Tape::new();
        let x = tape.var(x.clone());
        let (y, (h, c)) = match steps {
            Some(steps) => model.forward_truncated(x, None, steps),
            None => model.forward(x, None),
        };
        ((y * y).sum() + h.sum() + c.sum()).backward().wrt(x)
    };
    assert_eq!(gradient(Some(5)), gradient(None));
    assert_eq!(gradient(Some(9)), gradient(None));
    assert_ne!(gradient(Some(4)), gradient(None));
}

#[test]
fn a_stack_is_its_cells_one_after_another() {
    let model = Gru::new(3, 4, 2, &mut rng(6));
    let tape = Tape::new();
    let x = tape.constant(random(&[2, 5, 3]));
    let mut states = [0, 1].map(|l| model.layers[l].zero_state(&tape, 2));
    for t in 0..5 {
        states[0] = model.layers[0].forward(x.slice(1, t..t + 1).squeeze(1), states[0]);
        states[1] = model.layers[1].forward(states[0], states[1]);
    }
    let (y, h) = model.forward(x, None);
    assert_eq!(h.value(), tape.stack(&states, 0).value());
    assert_eq!(y.slice(1, 4..).squeeze(1).value(), states[1].value());
}

/// Asserts that the derivative of output `i` of one position with respect to position `j` is nonzero exactly
/// where `sees` says so.
fn sees(
    forward: impl for<'t> Fn(Var<'t>) -> Var<'t>,
    shape: [usize; 3],
    sees: impl Fn(usize, usize, usize) -> bool,
) {
    let [batch, length, _] = shape;
    let weights = random(&[1, 1, shape[2]]);
    for i in 0..length {
        let tape = Tape::new();
        let x = tape.var(random(&shape));
        let slope = (forward(x).slice(1, i as isize..i as isize + 1) * &weights).sum().backward().wrt(x);
        for (n, j) in (0..batch).flat_map(|n| (0..length).map(move |j| (n, j))) {
            let (n_, j_) = (n as isize, j as isize);
            let largest = slope.slice(0, n_..n_ + 1).slice(1, j_..j_ + 1).abs().max();
            assert_eq!(largest > 0.0, sees(n, i, j), "sample {n}, output {i}, input {j}: {largest}");
        }
    }
}

#[test]
fn a_causal_block_sees_nothing_of_what_comes_later() {
    let block = TransformerBlock::new(4, 2, 5, &mut rng(7));
    sees(|x| block.forward(x, &mut Context::eval()), [2, 4, 4], |_, _, _| true);
    let block = block.causal();
    sees(|x| block.forward(x, &mut Context::eval()), [2, 4, 4], |_, i, j| j <= i);
}

#[test]
fn padded_positions_are_seen_by_themselves_at_most() {
    let block = TransformerBlock::new(4, 2, 5, &mut rng(8));
    let lengths = [4, 2];
    let attention = AttentionOptions { mask: Some(padding_mask(&lengths, 4)), ..AttentionOptions::default() };
    // Apart from attention, only the position's own input passes.
    sees(
        |x| block.forward_with(x, &attention, &mut Context::eval()),
        [2, 4, 4],
        |n, i, j| i == j || j < lengths[n],
    );
}

#[test]
fn causal_and_its_mask_are_the_same() {
    let layer = MultiHeadAttention::new(6, 3, &mut rng(9));
    let x = random(&[2, 4, 6]);
    let forward = |attention: AttentionOptions| {
        let tape = Tape::new();
        let x = tape.constant(x.clone());
        let (y, weights) = layer.forward(x, x, x, &attention, &mut Context::eval());
        (y.value(), weights.value())
    };
    let mask = Some(Tensor::ones([4, 4]).tril(0));
    let causal = forward(AttentionOptions { causal: true, ..AttentionOptions::default() });
    assert_eq!(causal, forward(AttentionOptions { mask, ..AttentionOptions::default() }));
    assert_eq!(causal.1.shape(), [2, 3, 4, 4]);
    assert_close("weights", &causal.1.sum_axes(-1, false), &Tensor::ones([2, 3, 4]), EXACT);
}

#[test]
fn dropout_keeps_the_expectation_and_its_generator_decides() {
    let x = Tensor::ones([100, 100]);
    let forward = |seed: u64| {
        let tape = Tape::new();
        Dropout::new(0.25).forward(tape.constant(x.clone()), &mut Context::train(rng(seed))).value()
    };
    let y = forward(0);
    let dropped = y.lt(0.5).mean();
    // Five standard deviations of the mean of 10⁴ draws.
    assert!((dropped - 0.25).abs() < 5.0 * (0.25 * 0.75f64).sqrt() / 100.0, "{dropped}");
    for y in y.to_vec() {
        assert!(y == 0.0 || y == 1.0 / 0.75, "output: found {y}, expected 0 or {}", 1.0 / 0.75);
    }
    assert_eq!(y, forward(0));
    assert_ne!(y, forward(1));
    assert_eq!(Dropout::new(0.25).predict(&x), x);
    let everything =
        Dropout::new(1.0).forward(Tape::new().constant(x.clone()), &mut Context::train(rng(0))).value();
    assert_eq!(everything, Tensor::zeros([100, 100]));
}

#[test]
fn a_block_drops_in_training_only() {
    let block = TransformerBlock::new(4, 2, 5, &mut rng(10)).dropout(0.5);
    let x = random(&[2, 3, 4]);
    let forward = |cx: &mut Context| block.forward(Tape::new().constant(x.clone()), cx).value();
    assert_ne!(forward(&mut Context::train(rng(0))), forward(&mut Context::eval()));
    let plain = block.clone().dropout(0.0);
    assert_eq!(block.predict(&x), plain.predict(&x));
}

#[test]
fn a_small_residual_network_is_a_chain_of_modules() {
    let rng = &mut rng(11);
    let body = Sequential::new()
        .push(Conv2d::new(1, 2, [3, 3], rng).padding([1, 1]).without_bias())
        .push(BatchNorm2d::new(2))
        .push(Relu);
    let mut model = Sequential::<f64>::new()
        .push(Residual::new(body).with_shortcut(Conv2d::new(1, 2, [1, 1], rng)))
        .push(MaxPool2d::new([2, 2]))
        .push(Flatten)
        .push(LayerNorm::new([8]))
        .push(Linear::new(8, 3, rng));
    let names = model.named_parameters().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names[..2], ["0.body.0.weight", "0.body.1.weight"]);
    assert!(names.contains(&"0.shortcut.bias".to_owned()), "no shortcut in {names:?}");
    let tape = Tape::new();
    let mut cx = Context::train(StdRng::seed_from_u64(0));
    let y = model.forward(tape.constant(random(&[5, 1, 4, 4])), &mut cx);
    assert_eq!(y.shape(), [5, 3]);
    let grads = (y * y).sum().backward();
    for (name, param) in model.named_parameters().into_iter().filter(|(_, param)| param.is_trainable()) {
        assert!(grads.of(param).abs().max() > 0.0, "{name}");
    }
    let moved = model.predict(&random(&[5, 1, 4, 4]));
    cx.commit(&mut model);
    assert_eq!(model.predict(&random(&[5, 1, 4, 4])), moved);
    model.forward(tape.constant(random(&[5, 1, 4, 4])), &mut cx);
    cx.discard();
    assert_eq!(model.predict(&random(&[5, 1, 4, 4])), moved);
}

#[test]
fn layers_compute_in_single_precision_too() {
    let single = TransformerBlock::<f32>::new(4, 2, 5, &mut rng(12));
    let double = TransformerBlock::<f64>::new(4, 2, 5, &mut rng(12));
    let x = random(&[2, 3, 4]);
    assert_close("block", &single.predict(&x.cast()).cast(), &double.predict(&x), 1e-5);
    let (single, double) = (Lstm::<f32>::new(4, 3, 2, &mut rng(13)), Lstm::<f64>::new(4, 3, 2, &mut rng(13)));
    let (short, tape) = (Tape::single(), Tape::new());
    let found = single.forward(short.constant(x.cast::<f32>()), None).0.value();
    assert_close("lstm", &found.cast(), &double.forward(tape.constant(x), None).0.value(), 1e-5);
}

#[test]
#[should_panic(expected = "attention: 3 heads do not divide a width of 4")]
fn heads_divide_the_width() {
    MultiHeadAttention::<f64>::new(4, 3, &mut rng(0));
}

#[test]
#[should_panic(expected = "conv2d: 2 groups do not divide 4 input and 3 output channels")]
fn groups_divide_the_channels() {
    Conv2d::<f64>::grouped(4, 3, [1, 1], 2, &mut rng(0));
}

#[test]
#[should_panic(
    expected = "recurrent: expected sequences [batch, time, inputs] of 1 step or more, found shape [2, 0, 3]"
)]
fn a_sequence_has_a_step() {
    let tape = Tape::new();
    Rnn::new(3, 4, 1, &mut rng(0)).forward(tape.constant(Tensor::zeros([2, 0, 3])), None);
}

#[test]
#[should_panic(expected = "recurrent state: expected shape [1, 2, 4], found [1, 1, 4]")]
fn the_state_of_one_sample_is_not_that_of_many() {
    let (tape, model) = (Tape::new(), Rnn::new(3, 4, 1, &mut rng(0)));
    model.forward(tape.constant(random(&[2, 5, 3])), Some(tape.constant(random(&[1, 1, 4]))));
}

#[test]
#[should_panic(expected = "recurrent state: expected shape [2, 4], found [2, 1]")]
fn every_part_of_a_state_fits() {
    let (tape, cell) = (Tape::new(), LstmCell::new(3, 4, &mut rng(0)));
    let state = (tape.constant(random(&[2, 4])), tape.constant(random(&[2, 1])));
    cell.forward(tape.constant(random(&[2, 3])), state);
}

#[test]
#[should_panic(expected = "attention weights: expected shape [1, 2, 3, 3], found [2, 2, 3, 3]")]
fn a_mask_has_no_more_samples_than_the_batch() {
    let (tape, layer) = (Tape::new(), MultiHeadAttention::new(4, 2, &mut rng(0)));
    let attention = AttentionOptions { mask: Some(padding_mask(&[3, 2], 3)), ..AttentionOptions::default() };
    let x = tape.constant(random(&[1, 3, 4]));
    layer.forward(x, x, x, &attention, &mut Context::eval());
}

#[test]
#[should_panic(expected = "residual: expected shape [2, 1], found [2, 3]")]
fn the_branch_of_a_residual_has_the_shape_of_its_input() {
    Residual::new(Linear::new(1, 3, &mut rng(0))).predict(&random(&[2, 1]));
}

#[test]
#[should_panic(expected = "prelu: expected 3 channels on axis 1, found shape [2, 1]")]
fn there_is_a_slope_for_each_channel() {
    PRelu::new(3).predict(&random(&[2, 1]));
}

#[test]
fn the_state_of_a_short_sequence_is_that_of_the_sequence_alone() {
    let gru: Gru = Gru::new(1, 3, 1, &mut rng(0));
    let tape = Tape::new();
    let batch = tape.constant(Tensor::from([[0.3, -0.2, 0.9], [0.7, 0.0, 0.0]]).reshape([2, 3, 1]));
    let alone = tape.constant(Tensor::from([0.7]).reshape([1, 1, 1]));
    let (_, together) = gru.forward_lengths(batch, &[3, 1], None);
    let (_, single) = gru.forward(alone, None);
    let difference = (together.slice(1, 1..) - single).value().abs().max();
    assert!(difference < 1e-12, "the state of the short sequence is off by {difference:.3}");
}

/// Outputs, states, and gradients of inputs and parameters, first of `Σ y² + Σ s³` and then of their sum of
/// squares.
fn padded<G: CellRule, T: Element>(
    model: &Recurrent<G, T>,
    x: &Tensor<T>,
    lengths: &[usize],
) -> Vec<Tensor<T>> {
    let tape = Tape::of();
    let x = tape.var(x.clone());
    let (y, state) = model.forward_lengths(x, lengths, None);
    let loss = y.square().sum() + state.part(0).powi(3).sum() + state.part(1).powi(3).sum();
    let slope = loss.grad(x);
    let (first, second) = (loss.backward(), slope.square().sum().backward());
    let mut all = vec![y.value(), state.part(0).value(), state.part(1).value(), first.wrt(x), second.wrt(x)];
    model.visit(&Path::root(), &mut |_, param| all.extend([first.of(param), second.of(param)]));
    all
}

/// Whatever values the padding holds, every result is the same, to the last bit; and results in the padding
/// are 0.
fn padding_has_no_influence<G: CellRule, T: Element>(model: &Recurrent<G, T>) {
    let (lengths, rng) = ([2, 4, 1], &mut rng(31));
    let clean: Tensor<T> = uniform([3, 5, 2], 1.0, rng).cast();
    let filled = |wild: f64| {
        Tensor::from_fn([3, 5, 2], |i| {
            if i[1] < lengths[i[0]] { clean.get(i).unwrap_or(T::NAN) } else { T::from_f64(wild) }
        })
    };
    let expected = padded(model, &filled(0.0), &lengths);
    for wild in [1.0, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(padded(model, &filled(wild), &lengths), expected, "{wild} in {}", T::NAME);
    }
    for behind in [&expected[0], &expected[3], &expected[4]] {
        for (sequence, &length) in (0..).zip(&lengths) {
            let behind = behind.slice(0, sequence..sequence + 1).slice(1, length as isize..);
            assert_eq!(behind, Tensor::zeros(behind.shape()), "past the end of sequence {sequence}");
        }
    }
    for (i, x) in expected.iter().enumerate() {
        assert!(x.to_vec().iter().all(|x| x.is_finite()), "tensor {i}: expected finite elements, found {x}");
    }
}

#[test]
fn padding_after_the_end_of_a_sequence_has_no_influence() {
    fn check<G: CellRule>() {
        padding_has_no_influence(&Recurrent::<G>::new(2, 3, 2, &mut rng(30)));
        padding_has_no_influence(&Recurrent::<G>::bidirectional(2, 3, 2, &mut rng(30)));
        padding_has_no_influence(&Recurrent::<G, f32>::bidirectional(2, 3, 1, &mut rng(30)));
    }
    check::<RnnGates>();
    check::<GruGates>();
    check::<LstmGates>();
}

/// Each sequence gives the same result in the batch as alone and unpadded, gradients too.
#[test]
fn a_padded_batch_is_its_sequences_one_by_one() {
    fn check<G: CellRule>(model: &Recurrent<G>) {
        let (lengths, x) = ([2, 4, 1], uniform([3, 4, 2], 1.0, &mut rng(32)));
        let together = padded(model, &x, &lengths);
        let mut sums: Vec<Tensor> = Vec::new();
        for (i, &length) in (0..).zip(&lengths) {
            let length = length as isize;
            let alone =
                padded(model, &x.slice(0, i..i + 1).slice(1, ..length).contiguous(), &[length as usize]);
            let own = |t: &Tensor, axis| t.slice(axis, i..i + 1);
            assert_close("y", &own(&together[0], 0).slice(1, ..length), &alone[0], 1e-14);
            assert_close("h", &own(&together[1], 1), &alone[1], 1e-14);
            assert_close("c", &own(&together[2], 1), &alone[2], 1e-14);
            assert_close("dx", &own(&together[3], 0).slice(1, ..length), &alone[3], 1e-13);
            assert_close("d²x", &own(&together[4], 0).slice(1, ..length), &alone[4], 1e-12);
            match sums.is_empty() {
                true => sums = alone[5..].to_vec(),
                false => sums.iter_mut().zip(&alone[5..]).for_each(|(sum, grad)| *sum = &*sum + grad),
            }
        }
        for (sum, together) in sums.iter().zip(&together[5..]) {
            assert_close("dw", together, sum, 1e-12);
        }
        // Full lengths change no bit.
        let tape = Tape::new();
        let (full, plain) = (
            model.forward_lengths(tape.constant(x.clone()), &[4; 3], None).0,
            model.forward(tape.constant(x), None).0,
        );
        assert_eq!(full.value(), plain.value());
    }
    check::<RnnGates>(&Recurrent::new(2, 3, 2, &mut rng(33)));
    check::<GruGates>(&Recurrent::bidirectional(2, 3, 2, &mut rng(33)));
    check::<LstmGates>(&Recurrent::bidirectional(2, 3, 1, &mut rng(33)));
}

#[test]
fn the_second_direction_is_the_first_one_of_the_reversed_sequence() {
    let model = Gru::bidirectional(2, 3, 1, &mut rng(34));
    let turned: Gru = Recurrent { layers: model.reverse.clone(), reverse: Vec::new() };
    let tape = Tape::new();
    let x = tape.constant(uniform([2, 4, 2], 1.0, &mut rng(35)));
    let ((y, h), (reverse, end)) = (model.forward(x, None), turned.forward(x.flip(1), None));
    assert_eq!(y.slice(2, 3..).value(), reverse.flip(1).value());
    assert_eq!(h.slice(0, 1..).value(), end.value());
}

#[test]
fn both_directions_have_the_parameters_of_the_field_and_round_trip() {
    let names = |model: &dyn Parameters| {
        model.named_parameters().into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    let mut model: Lstm = Lstm::bidirectional(2, 3, 2, &mut rng(36));
    let kinds = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];
    let expected: Vec<String> = ["l0", "l0_reverse", "l1", "l1_reverse"]
        .iter()
        .flat_map(|place| kinds.map(|kind| format!("{kind}_{place}")))
        .collect();
    assert_eq!(names(&model), expected);
    let mut visited = Vec::new();
    model.visit_mut(&Path::root(), &mut |path, _| visited.push(path.to_string()));
    assert_eq!(visited, expected);
    assert_eq!(model.reverse[1].weight_ih.value().shape(), [12, 6]);
    assert_eq!(names(&model.clone().without_bias()).len(), 8);
    let other: Lstm = Lstm::bidirectional(2, 3, 2, &mut rng(37));
    nn::load_state_dict(&mut model, nn::state_dict(&other)).expect("the same names and shapes");
    assert_eq!(
        model.reverse[1].bias_hh.as_ref().map(Param::value),
        other.reverse[1].bias_hh.as_ref().map(Param::value)
    );
}

#[test]
fn impossible_lengths_are_errors() {
    let (tape, model) = (Tape::new(), Rnn::new(2, 3, 1, &mut rng(38)));
    let x = tape.constant(Tensor::zeros([2, 4, 2]));
    let refused = |lengths: &[usize]| model.try_forward_lengths(x, lengths, None).unwrap_err().to_string();
    assert_eq!(refused(&[4]), "recurrent: expected a length for each of 2 sequences, found 1");
    assert_eq!(refused(&[4, 0]), "recurrent: expected lengths from 1 to 4, found 0 of sequence 1");
    assert_eq!(refused(&[5, 4]), "recurrent: expected lengths from 1 to 4, found 5 of sequence 0");
    let expected = format!("recurrent: expected lengths from 1 to 4, found {} of sequence 0", usize::MAX);
    assert_eq!(refused(&[usize::MAX, 1]), expected);
    let none = model.try_forward_lengths(tape.constant(Tensor::zeros([2, 0, 2])), &[0, 0], None);
    let error = none.expect_err("no steps").to_string();
    assert!(error.contains("of 1 step or more"), "{error}");
    let state = Some(tape.constant(Tensor::zeros([2, 2, 3])));
    let error = model.try_forward_lengths(x, &[1, 4], state).expect_err("two directions").to_string();
    assert_eq!(error, "recurrent state: expected shape [1, 2, 3], found [2, 2, 3]");
    // A batch without sequences is allowed.
    let (y, h) = model.forward_lengths(tape.constant(Tensor::zeros([0, 4, 2])), &[], None);
    assert_eq!((y.shape(), h.shape()), ([0, 4, 3].into(), [1, 0, 3].into()));
}

#[test]
#[should_panic(expected = "recurrent: expected lengths from 1 to 4, found 0 of sequence 0")]
fn the_panicking_form_has_the_same_text() {
    let tape = Tape::new();
    Rnn::new(2, 3, 1, &mut rng(0)).forward_lengths(tape.constant(Tensor::zeros([1, 4, 2])), &[0], None);
}

#[test]
#[should_panic(expected = "recurrent: expected one direction to cut into windows, found two")]
fn two_directions_have_no_windows() {
    let tape = Tape::new();
    let x = tape.constant(Tensor::zeros([1, 4, 2]));
    Rnn::bidirectional(2, 3, 1, &mut rng(0)).forward_truncated(x, None, 2);
}

#[test]
#[should_panic(expected = "recurrent: expected a reverse cell for each of 2 layers, or none, found 1")]
fn a_second_direction_has_every_layer() {
    let mut model = Rnn::bidirectional(2, 3, 2, &mut rng(0));
    model.reverse.pop();
    model.forward(Tape::new().constant(Tensor::zeros([1, 4, 2])), None);
}

#[test]
#[should_panic(expected = "recurrent: expected 1 hidden unit or more, found 0")]
fn a_cell_has_hidden_units() {
    Gru::<f64>::new(2, 0, 1, &mut rng(0));
}
