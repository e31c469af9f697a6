//! The documents, and what they get wrong.

/// A document: its name, the prefix of its rows, the number of rows, its test file, and its pictures.
pub(crate) struct Document {
    pub title: &'static str,
    pub prefix: &'static str,
    pub rows: usize,
    pub pictures: &'static [(&'static str, &'static str)],
}

/// The documents.
pub(crate) const DOCUMENTS: [Document; 5] = [
    Document {
        title: "A book chapter on forward propagation and backpropagation",
        prefix: "C8",
        rows: 14,
        pictures: &[
            ("descent-minima", "C8-08: where gradient descent ends depends on where it starts"),
            ("xor-loss", "C8-12: the loss of XOR"),
            ("demand-fit", "C8-14: demand, predicted and observed"),
        ],
    },
    Document {
        title: "A concise guide to neural networks, with a glossary",
        prefix: "WT",
        rows: 19,
        pictures: &[
            ("average-digits", "WT-02: the average digits"),
            ("one-vs-seven-loss", "WT-12, WT-15, WT-18: one neuron and two layers, three sizes of batch"),
            ("compute-graph", "WT-16: the recorded graph"),
        ],
    },
    Document {
        title: "An article on backpropagation with two planar examples",
        prefix: "TN",
        rows: 9,
        pictures: &[
            ("two-clusters", "TN-06: the learned boundary"),
            ("bounded-region", "TN-07 to TN-09: printed, corrected, published and learned weights"),
        ],
    },
    Document {
        title: "An article with a small class of multilayer perceptrons",
        prefix: "BP",
        rows: 14,
        pictures: &[
            ("parity-weights", "BP-11: the weights of the parity network"),
            ("mnist-weights", "BP-13: the 32 weight maps of the digit network"),
        ],
    },
    Document {
        title: "An article on gradient-based training",
        prefix: "MT",
        rows: 11,
        pictures: &[
            ("descent-momentum", "MT-03: with and without momentum"),
            ("vanishing", "MT-08: saturated outputs and deep chains"),
        ],
    },
];

/// Errors of the literature: the error, the correction, and the test that shows it.
pub(crate) const ERRORS: [(&str, &str, &str, &str); 23] = [
    (
        "E1",
        "a listing takes the activation before the first layer from index -1, which wraps to the last one",
        "the input",
        "c8_10_errors_of_the_listing",
    ),
    (
        "E2",
        "a vector of rank 1 is transposed, which does nothing",
        "columns, or an explicit outer product",
        "c8_10_errors_of_the_listing",
    ),
    (
        "E3",
        "a layer is said to be ready for its update as soon as its gradient is known",
        "the next lower delta needs the old weights",
        "c8_10_errors_of_the_listing",
    ),
    (
        "E4",
        "targets of shape [N] against outputs of shape [N, 1] broadcast to [N, N], and the network learns the mean",
        "equal shapes; the losses here refuse anything else",
        "c8_14_targets_of_another_shape",
    ),
    (
        "E5",
        "one name for squared errors with and without 1/2, as sum, average and element mean",
        "name the normalisation",
        "c8_06_squared_errors",
    ),
    ("E6", "a loss listing returns the vector of halves of squares", "their sum", "c8_06_squared_errors"),
    ("E7", "a mean absolute error without 1/N", "divide, or call it a sum", "wt_06_to_09_gradients"),
    (
        "E8",
        "the derivation of least squares keeps a norm where a vector belongs",
        "Xᵀ(Xθ - y)",
        "wt_10_least_squares",
    ),
    ("E9", "accuracy as correct over incorrect", "correct over all", "bp_14_accuracy"),
    (
        "E10",
        "an average over seven steps divides by the last index",
        "divide by the count",
        "bp_03_descent_on_a_paraboloid",
    ),
    (
        "E11",
        "a batch generator drops the first samples when there is one batch, and yields nothing when there is none",
        "every sample once",
        "bp_04_batch_generator",
    ),
    ("E12", "the last, larger batch is divided by the nominal size", "by its own size", "bp_05_sgd_step"),
    (
        "E13",
        "two printed products do not conform",
        "transposed as in the table of equations",
        "bp_06_delta_rule",
    ),
    ("E14", "the gradient of a sample is assigned to the accumulator", "added", "mt_10_training_scheme"),
    (
        "E15",
        "the derivation of softmax with cross-entropy differentiates y for ln y",
        "the result y - t is right",
        "mt_07_softmax_and_cross_entropy",
    ),
    (
        "E16",
        "printed weights are said to bound a region, and do not",
        "a constant unit, or a fifth weight below -3.3652",
        "tn_07_explicit_bounded_region",
    ),
    (
        "E17",
        "a derivative is printed as the value of the activation",
        "a (1 - a)",
        "wt_14_two_layer_gradients",
    ),
    (
        "E18",
        "a weight vector carries the index of a sample",
        "one vector for all samples",
        "wt_11_neuron_with_bce",
    ),
    (
        "E19",
        "the declared settings of the 784-2-1 network learn nothing",
        "a larger rate and more epochs",
        "wt_15_784_2_1",
    ),
    (
        "E20",
        "the effective rate with momentum is said to be larger for every α; bias gradients carry a source index",
        "equal at α = 0; no index",
        "mt_03_momentum",
    ),
    (
        "E21",
        "formulas that divide by N, beside libraries that divide by N m",
        "name it, and test with m > 1",
        "wt_14_two_layer_gradients",
    ),
    (
        "E22",
        "affine maps called linear; the log-loss as a synonym of softmax",
        "two words, two things",
        "mt_07_softmax_and_cross_entropy",
    ),
    (
        "E23",
        "minus signs lost when formulas were extracted from pictures",
        "the formulas checked here against differences",
        "c8_06_squared_errors",
    ),
];
