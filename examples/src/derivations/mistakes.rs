//! The lists of mistakes.

use super::Mistake;
use nn::trace::Pack;

/// Makes a list of mistakes from rows of name, row, cause and text.
pub(super) fn list(rows: &[(&'static str, &str, &'static str, &'static str)]) -> Vec<Mistake> {
    let mistake = |&(name, row, cause, text): &(&'static str, &str, &'static str, &'static str)| Mistake {
        name,
        text,
        row: row.to_string(),
        cause,
    };
    rows.iter().map(mistake).collect()
}

/// The mistakes in networks of two layers that change something with this number of samples and outputs; `alike` if both weight
/// matrices have one shape.
pub fn of_networks(pack: &Pack, samples: usize, outputs: usize, alike: bool) -> Vec<Mistake> {
    let layer = |letter: usize, l: usize| {
        let first = if letter == 2 || letter == 3 { pack.first_weight } else { pack.first_layer };
        format!("{}{}", pack.letters[letter], first + l - 1)
    };
    let [z1, z2, a2] = [layer(0, 1), layer(0, 2), layer(1, 2)];
    let [w1, w2, b1, b2] = [layer(2, 1), layer(2, 2), layer(3, 1), layer(3, 2)];
    let x = pack.input;
    // N = 1 has no mean to forget; two samples cannot be told from a factor 2.
    let batch = samples > 1;
    let mut all = list(&[
        ("loss-sign", &a2, "sign", "Y - A in place of A - Y"),
        ("loss-two", &a2, "factor", "a factor 2 too many in the gradient of the loss"),
        ("loss-half", &a2, "factor", "the factor 2 of the square is forgotten"),
        (
            "d2-upstream",
            &z2,
            "upstream ignored",
            "the slope of the output alone, without the gradient of the loss",
        ),
        ("d2-linear", &z2, "slope", "the slope of the output's sigmoid is forgotten"),
        ("d2-tanh", &z2, "slope", "the output's slope is that of tanh, 1 - a²"),
        ("d2-input", &z2, "input for output", "the output's slope is z (1 - z) in place of a (1 - a)"),
        ("d2-two", &z2, "factor", "a factor 2 too many in the last delta"),
        ("w2-transposed", &w2, "transpose", "A1ᵀ D2 in place of D2ᵀ A1"),
        ("w2-layer", &w2, "other value", "the input X in place of A1 (off by one layer)"),
        ("w2-sign", &w2, "sign", "the sign of the last weights' gradient"),
        ("w2-half", &w2, "factor", "half the gradient of the last weights"),
        ("b2-half", &b2, "factor", "half the gradient of the last biases"),
        ("d1-sign", &z1, "sign", "the sign of the hidden delta"),
        ("d1-updated", &z1, "updated value", "W2 after its update in the hidden delta"),
        ("d1-linear", &z1, "slope", "the slope of the hidden sigmoid is forgotten"),
        ("d1-tanh", &z1, "slope", "the hidden slope is that of tanh, 1 - a²"),
        ("d1-input", &z1, "input for output", "the hidden slope is z (1 - z) in place of a (1 - a)"),
        ("d1-upstream", &z1, "upstream ignored", "the slope of the hidden layer alone"),
        ("d1-weights-alone", &z1, "upstream ignored", "the hidden delta without D2: weights and slope alone"),
        ("d1-loss-gradient", &z1, "slope", "the gradient of A2 in place of D2 in the hidden delta"),
        ("w1-transposed", &w1, "transpose", "Xᵀ D1 in place of D1ᵀ X"),
        ("w1-layer", &w1, "other value", "A1 in place of the input X (off by one layer)"),
        (
            "w1-output",
            &w1,
            "other value",
            "A2 in place of X (the index -1 that wraps to the last activation)",
        ),
        ("w1-next-delta", &w1, "other gradient", "D2 in place of D1"),
        ("w1-two", &w1, "factor", "a factor 2 too many in the first weights' gradient"),
        ("b1-sign", &b1, "sign", "the sign of the first biases' gradient"),
    ]);
    if alike {
        all.extend(list(&[
            (
                "d1-not-transposed",
                &z1,
                "transpose",
                "D2 W2ᵀ in place of D2 W2, which fits because W2 is square",
            ),
            ("d1-own-weights", &z1, "other value", "W1 in place of W2 in the hidden delta"),
            ("x-transposed", x, "transpose", "D1 W1ᵀ in place of D1 W1, which fits because W1 is square"),
            ("x-layer", x, "other value", "W2 in place of W1 in the gradient of the input"),
        ]));
    }
    if batch {
        all.extend(list(&[
            ("loss-sum", &a2, "mean missing", "the 1/N of the mean is forgotten"),
            ("loss-mean-twice", &a2, "mean twice", "1/N twice: in the loss and again here"),
            ("bessel", &a2, "N/(N-1)", "1/(N - 1) in place of 1/N"),
            ("d2-sum", &z2, "mean missing", "the last delta N times too large"),
            ("w2-sum", &w2, "mean missing", "the last weights' gradient N times too large"),
            ("w2-mean-twice", &w2, "mean twice", "1/N once more in the last weights' gradient"),
            ("w2-last", &w2, "one sample", "the last weights' gradient of the last sample only"),
            (
                "b2-not-summed",
                &b2,
                "sum missing",
                "the sum over the batch is missing in the last biases' gradient",
            ),
            (
                "b2-mean",
                &b2,
                "mean twice",
                "the mean over the batch in place of the sum, in the last biases' gradient",
            ),
            ("b2-sum", &b2, "mean missing", "the last biases' gradient N times too large"),
            ("b2-last", &b2, "one sample", "the last biases' gradient of the last sample only"),
            ("d1-sum", &z1, "mean missing", "the hidden delta N times too large"),
            ("d1-mean-twice", &z1, "mean twice", "1/N once more in the hidden delta"),
            ("d1-last-only", &z1, "one sample", "the hidden delta of the last sample only"),
            ("w1-sum", &w1, "mean missing", "the first weights' gradient N times too large"),
            ("w1-mean-twice", &w1, "mean twice", "1/N once more in the first weights' gradient"),
            ("w1-last", &w1, "one sample", "the first weights' gradient of the last sample only"),
            (
                "b1-not-summed",
                &b1,
                "sum missing",
                "the sum over the batch is missing in the first biases' gradient",
            ),
            (
                "b1-mean",
                &b1,
                "mean twice",
                "the mean over the batch in place of the sum, in the first biases' gradient",
            ),
            ("b1-sum", &b1, "mean missing", "the first biases' gradient N times too large"),
            ("b1-last", &b1, "one sample", "the first biases' gradient of the last sample only"),
        ]));
    }
    debug_assert!(outputs > 0);
    all
}

/// The mistakes in the statements of [`compute_graph`](super::compute_graph).
pub fn of_the_compute_graph() -> Vec<Mistake> {
    list(&[
        ("t4-sum", "T4", "mean missing", "the mean taken as a sum: no 1/(N n2)"),
        ("t4-samples-only", "T4", "factor", "1/N in place of 1/(N n2): a mean over samples only"),
        ("t3-square", "T3", "factor", "the factor 2 of the square is forgotten"),
        ("t3-upstream", "T3", "upstream ignored", "2 T3 without the 1/(N n2) from above"),
        ("t3-sign", "T3", "sign", "the sign of the residual"),
        ("z2-input", "Z2", "input for output", "Z2 (1 - Z2) in place of A2 (1 - A2)"),
        ("z2-linear", "Z2", "slope", "the slope of the sigmoid is forgotten"),
        ("b2-not-summed", "b2", "sum missing", "the sum over the batch is missing"),
        ("b2-last", "b2", "one sample", "the last sample only"),
        ("w2-transposed", "W2", "transpose", "A1ᵀ D2 in place of D2ᵀ A1"),
        ("w2-last", "W2", "one sample", "the last sample only"),
        ("a1-updated", "A1", "updated value", "W2 after its update"),
        ("a1-upstream", "A1", "upstream ignored", "W2 alone, without D2"),
        ("z1-tanh", "Z1", "slope", "the slope of tanh, 1 - a²"),
        ("z1-upstream", "Z1", "upstream ignored", "the slope alone"),
        ("t1-broadcast", "T1", "mean twice", "divided by N, as if the sum of b1 were a mean"),
        ("w1-layer", "W1", "other value", "A1 in place of A0 (off by one layer)"),
        ("w1-next-delta", "W1", "other gradient", "D2 in place of D1"),
        ("b1-mean", "b1", "mean twice", "the mean over the batch in place of the sum"),
        ("b1-not-summed", "b1", "sum missing", "the sum over the batch is missing"),
    ])
}

/// The mistakes in the exercise of [`staged`](super::staged).
pub fn of_the_exercise() -> Vec<Mistake> {
    list(&[
        ("logprob-sum", "logprob", "mean missing", "the 1/N of the mean is forgotten"),
        ("logprob-sign", "logprob", "sign", "the minus of the loss is forgotten"),
        ("prob-slope", "prob", "slope", "the slope 1/p of the logarithm is forgotten"),
        ("prob-upstream", "prob", "upstream ignored", "1/p alone"),
        ("inv_total-not-summed", "inv_total", "sum missing", "the sum along the row is missing"),
        ("total-sign", "total", "sign", "the minus of the reciprocal's slope is forgotten"),
        ("power-fork", "power", "+= missing", "the way by prob only: = in place of +="),
        ("power-last", "power", "+= missing", "the way by total only: = in place of +="),
        ("shifted-input", "shifted", "input for output", "exp's slope from its input"),
        ("logit-two", "logit", "factor", "a factor 2 too many"),
        ("hidden-not-transposed", "W2", "transpose", "the transpose of the gradient of W2"),
        ("b2-not-summed", "b2", "sum missing", "the sum over the batch is missing"),
        ("b2-last", "b2", "one sample", "the last sample only"),
        ("w2-last", "W2", "one sample", "the last sample only"),
        ("hidden-updated", "hidden", "updated value", "W2 after its update"),
        ("act-linear", "act", "slope", "the slope of tanh is forgotten"),
        ("act-input", "act", "input for output", "1 - act² in place of 1 - hidden²"),
        ("act-sigmoid", "act", "slope", "the slope of the sigmoid, h (1 - h)"),
        ("gain-not-summed", "gain", "sum missing", "the sum over the batch is missing"),
        ("gain-dev", "gain", "other value", "the deviations in place of the normalised values"),
        ("shift-mean", "shift", "mean twice", "the mean over the batch in place of the sum"),
        ("normed-gain", "normed", "other value", "the shift in place of the gain"),
        ("inv_std-not-summed", "inv_std", "sum missing", "the sum over the batch is missing"),
        ("var-half", "var", "factor", "the 1/2 of the root's slope is forgotten"),
        ("var-sign", "var", "sign", "the minus of the reciprocal root's slope is forgotten"),
        ("dev2-bessel", "dev2", "N/(N-1)", "1/n in place of 1/(n - 1)"),
        ("dev-fork", "dev", "+= missing", "the way by normed only: = in place of +="),
        ("dev-last", "dev", "+= missing", "the way by dev2 only: = in place of +="),
        ("mean-not-summed", "mean", "sum missing", "the sum over the batch is missing"),
        ("mean-sign", "mean", "sign", "the minus of the difference is forgotten"),
        ("pre-fork", "pre", "+= missing", "the way by dev only: = in place of +="),
        ("w1-transposed", "W1", "transpose", "the transpose of the gradient of W1"),
        ("w1-next-delta", "W1", "other gradient", "the gradient of act in place of that of pre"),
        ("b1-not-summed", "b1", "sum missing", "the sum over the batch is missing"),
        ("table-overwritten", "table", "+= missing", "rows that occur twice are overwritten, not added up"),
        ("table-mean", "table", "mean twice", "divided by N once more"),
    ])
}
