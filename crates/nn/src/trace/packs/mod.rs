//! The notations of texts, as data.

mod backward_pass;
mod chapter_8;
mod mlp_training;
mod rows;
mod train_a_network;
mod walk_through;

/// The notation of a text: its names and indices, its layout of samples, and its equations as templates.
///
/// In a template `{l}` is the index of the layer, `{p}` that of the one before and `{n}` that of the next, as the text counts
/// them for pre-activations; `{wl}` and `{wn}` are the indices of the weights of this layer and the next. `{a}`, `{ap}` are the
/// activations of this layer and the one before, `{loss}` the derivative of the loss by the output, `{slope}` that of the
/// activation, and `{mean}` the divisor of the mean where the text puts it behind the sum over samples.
///
/// ```
/// use nn::trace::Pack;
/// let names: Vec<&str> = Pack::ALL.iter().map(|pack| pack.name).collect();
/// assert_eq!(names, ["rows", "chapter-8", "walk-through", "train-a-network", "backward-pass", "mlp-training"]);
/// assert!(Pack::named("chapter-8").unwrap().columns);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Its name.
    pub name: &'static str,
    /// The conventions, for the header of a report.
    pub conventions: &'static [&'static str],
    /// One sample per column; else one per row.
    pub columns: bool,
    /// The bias is a column of the weights, for an input that is constant 1.
    pub constant_input: bool,
    /// The gradient with respect to the output of a hidden layer has an equation of its own.
    pub aggregated: bool,
    /// The mean over samples is taken behind the sums over them, in the equations of weights and biases.
    pub mean_last: bool,
    /// The index of the first weights.
    pub first_weight: usize,
    /// The index of the first pre-activation.
    pub first_layer: usize,
    /// The name of the input.
    pub input: &'static str,
    /// The name of the target.
    pub target: &'static str,
    /// The letters of pre-activations, activations, weights and biases.
    pub letters: [&'static str; 4],
    /// The templates.
    pub formulas: Formulas,
}

/// The right-hand sides of the equations of a [`Pack`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formulas {
    /// The loss by the output.
    pub loss: &'static str,
    /// The loss by the last pre-activation.
    pub output: &'static str,
    /// The same behind a softmax.
    pub softmax: &'static str,
    /// The loss by a hidden activation, where it has an equation.
    pub aggregated: &'static str,
    /// The loss by a hidden pre-activation.
    pub hidden: &'static str,
    /// The loss by weights.
    pub weight: &'static str,
    /// The loss by biases.
    pub bias: &'static str,
    /// The loss by the input.
    pub input: &'static str,
}

impl Pack {
    /// Every notation.
    pub const ALL: [Pack; 6] = [
        Pack::ROWS,
        Pack::CHAPTER_8,
        Pack::WALK_THROUGH,
        Pack::TRAIN_A_NETWORK,
        Pack::BACKWARD_PASS,
        Pack::MLP_TRAINING,
    ];

    /// The notation of this name.
    pub fn named(name: &str) -> Option<Pack> {
        Pack::ALL.into_iter().find(|pack| pack.name == name)
    }
}
