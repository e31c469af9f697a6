//! The parts of a model, as a table.

use crate::Sequential;
use crate::module::{Context, Module};
use crate::param::{Param, Role};
use crate::parameters::Parameters;
use std::fmt;
use tape::{Element, Shape, Tape, Tensor};

/// A line of a [`Summary`].
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryRow {
    /// The name of the parameter or layer.
    pub name: String,
    /// The shape of the parameter, or of the output of the layer.
    pub shape: Shape,
    /// The number of trainable elements.
    pub trainable: usize,
    /// The number of frozen elements and of those of buffers.
    pub fixed: usize,
}

/// The parts of a model with their sizes: of [`Parameters::summary`] and [`Sequential::summary_for`]. `Display` writes a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The parameters, or the layers.
    pub rows: Vec<SummaryRow>,
    /// The size of all parameters in bytes.
    pub bytes: usize,
    /// The size of the values that a forward pass keeps for the gradient, in bytes, if there was one.
    pub kept: Option<usize>,
}

impl Summary {
    /// The summary of the parameters of a model.
    pub(crate) fn of<T: Element>(model: &(impl Parameters<T> + ?Sized)) -> Summary {
        let named = model.named_parameters();
        let row = |(name, param): (String, &Param<T>)| {
            let size = param.value().size();
            let trainable = if param.role() == Role::Trainable { size } else { 0 };
            SummaryRow { name, shape: param.value().shape().clone(), trainable, fixed: size - trainable }
        };
        Summary::new::<T>(named.into_iter().map(row).collect())
    }

    fn new<T: Element>(rows: Vec<SummaryRow>) -> Summary {
        let bytes = size_of::<T>() * rows.iter().map(|row| row.trainable + row.fixed).sum::<usize>();
        Summary { rows, bytes, kept: None }
    }

    /// The number of trainable elements.
    pub fn trainable(&self) -> usize {
        self.rows.iter().map(|row| row.trainable).sum()
    }

    /// The number of frozen elements and of those of buffers.
    pub fn fixed(&self) -> usize {
        self.rows.iter().map(|row| row.fixed).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shapes: Vec<String> = self.rows.iter().map(|row| row.shape.to_string()).collect();
        let names = self.rows.iter().map(|row| row.name.chars().count()).chain([4]).max().unwrap_or(0);
        let widest = shapes.iter().map(String::len).chain([5]).max().unwrap_or(0);
        writeln!(f, "{:names$}  {:widest$}  {:>10}  {:>10}", "name", "shape", "trainable", "fixed")?;
        for (row, shape) in self.rows.iter().zip(&shapes) {
            let SummaryRow { name, trainable, fixed, .. } = row;
            writeln!(f, "{name:names$}  {shape:widest$}  {trainable:>10}  {fixed:>10}")?;
        }
        write!(f, "{:names$}  {:widest$}  {:>10}  {:>10}", "all", "", self.trainable(), self.fixed())?;
        write!(f, "\n{} bytes of parameters", self.bytes)?;
        self.kept.map_or(Ok(()), |kept| write!(f, ", {kept} bytes kept for the gradient"))
    }
}

/// The name of a layer's type, as `Debug` begins with it.
fn kind<T: Element>(layer: &dyn Module<T>) -> String {
    let text = format!("{layer:?}");
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

impl<T: Element> Sequential<T> {
    /// The layers with the shapes of their outputs for an input of this shape, and the memory of a forward pass.
    ///
    /// ```
    /// use nn::{Tanh, mlp};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// let model = mlp::<f64>(&[784, 32, 10], Tanh, Tanh, &mut StdRng::seed_from_u64(1));
    /// let summary = model.summary_for([100, 784]);
    /// assert_eq!((&summary.rows[1].name[..], summary.rows[1].shape.dims()), ("1 Tanh", vec![100, 32]));
    /// assert_eq!(summary.trainable(), 785 * 32 + 33 * 10);
    /// println!("{summary}");
    /// ```
    ///
    /// # Panics
    /// If a layer does not take what the one before gives.
    #[track_caller]
    pub fn summary_for(&self, input: impl Into<Shape>) -> Summary {
        let tape = Tape::of();
        let mut x = tape.constant(Tensor::zeros(input));
        let mut cx = Context::eval();
        let mut rows = Vec::new();
        for (at, layer) in self.layers().iter().enumerate() {
            x = layer.forward(x, &mut cx);
            let all = Summary::of(layer);
            let name = format!("{at} {}", kind(&**layer));
            let (trainable, fixed) = (all.trainable(), all.fixed());
            rows.push(SummaryRow { name, shape: x.shape(), trainable, fixed });
        }
        let all = Summary::new::<T>(rows);
        // The tape shares the buffers of the parameters.
        let kept = Some(tape.memory().value_bytes.saturating_sub(all.bytes));
        Summary { kept, ..all }
    }
}
