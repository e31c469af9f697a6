//! The distributions of named values: weights, gradients, activations.

use crate::chart::Panels;
use crate::colour::CURVES;
use crate::error::PlotError;
use crate::picture::{Canvas, Draw, Drawn, range, short, text};
use nn::optim::GradientSource;
use nn::{Module, Parameters, Path, Sequential};
use plotters::prelude::*;
use tape::{Element, Tensor};

/// A picture of distributions: a histogram for each named list of values. Values that are not finite are counted in the title of
/// their panel.
///
/// ```
/// use nn::{Context, Identity, Module, Tanh, mlp};
/// use nn_plot::Histograms;
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
/// let model = mlp::<f64>(&[2, 8, 1], Tanh, Identity, &mut StdRng::seed_from_u64(0));
/// let (tape, x) = (Tape::new(), Tensor::from([[0.5, -1.0], [2.0, 0.25]]));
/// let gradients = model.forward(tape.constant(x.clone()), &mut Context::eval()).square().mean().backward();
/// for picture in [
///     Histograms::parameters("Weights", &model),
///     Histograms::gradients("Gradients", &model, &gradients),
///     Histograms::activations("Activations", &model, &x),
/// ] {
///     assert!(picture.svg()?.contains(": 16 values"));
/// }
/// # Ok::<(), nn_plot::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Histograms {
    title: String,
    panels: Vec<(String, Vec<f64>)>,
    per_row: usize,
    /// The reason why there are no values.
    refused: Option<PlotError>,
}

impl Histograms {
    /// No values yet, under this title.
    ///
    /// ```
    /// use nn_plot::Histograms;
    /// assert!(Histograms::new("Weights").svg()?.contains("Weights"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn new(title: impl Into<String>) -> Histograms {
        Histograms { title: text(title), panels: Vec::new(), per_row: 2, refused: None }
    }

    /// The values of every parameter of a model.
    ///
    /// ```
    /// use nn::Linear;
    /// use nn_plot::Histograms;
    /// let model = Linear::from_values([[1.0, -2.0, 0.5]], [0.0]);
    /// assert!(Histograms::parameters("", &model).svg()?.contains("weight: 3 values"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn parameters<T: Element>(
        title: impl Into<String>,
        model: &(impl Parameters<T> + ?Sized),
    ) -> Histograms {
        let named = model.named_parameters().into_iter();
        named.fold(Histograms::new(title), |all, (name, param)| all.tensor(name, param.value()))
    }

    /// The gradients with respect to every trainable parameter of a model that took part.
    ///
    /// ```
    /// use nn::Param;
    /// use nn_plot::Histograms;
    /// use tape::Tape;
    /// let (w, tape): (Param, _) = (Param::new([1.0, 2.0]), Tape::new());
    /// let gradients = w.on(&tape).square().sum().backward();
    /// assert!(Histograms::gradients("", &[w], &gradients).svg()?.contains("0: 2 values"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn gradients<T: Element>(
        title: impl Into<String>,
        model: &(impl Parameters<T> + ?Sized),
        gradients: &(impl GradientSource<T> + ?Sized),
    ) -> Histograms {
        let (mut all, mut position) = (Histograms::new(title), 0);
        model.visit(&Path::root(), &mut |path, param| {
            if param.is_trainable() {
                if let Some(gradient) = gradients.gradient_at(param.id(), position, path) {
                    all.add(path.to_string(), &gradient);
                }
                position += 1;
            }
        });
        all
    }

    /// The output of every layer for the input `x`, in evaluation mode. An input that a layer does not take is reported when
    /// the picture is drawn.
    ///
    /// ```
    /// use nn::{Linear, Relu, Sequential};
    /// use nn_plot::Histograms;
    /// use tape::Tensor;
    /// let model = Sequential::new().push(Linear::from_values([[1.0], [-1.0]], [0.0, 0.0])).push(Relu);
    /// let text = Histograms::activations("", &model, &Tensor::from([[1.0], [2.0]])).svg()?;
    /// assert!(text.contains("layer 0: 4 values") && text.contains("layer 1: 4 values"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn activations<T: Element>(
        title: impl Into<String>,
        model: &Sequential<T>,
        x: &Tensor<T>,
    ) -> Histograms {
        let (mut all, mut x) = (Histograms::new(title), x.clone());
        for (i, layer) in model.layers().iter().enumerate() {
            match layer.try_predict(&x) {
                Ok(y) => x = y,
                Err(error) => {
                    all.refused = Some(PlotError::data(format!("layer {i}: {error}")));
                    break;
                }
            }
            all.add(format!("layer {i}"), &x);
        }
        all
    }

    /// Adds the values of a tensor of any shape, under a name.
    ///
    /// ```
    /// use nn_plot::Histograms;
    /// use tape::Tensor;
    /// let text = Histograms::new("").tensor("noise", &Tensor::from([0.5, -1.0, f64::NAN])).svg()?;
    /// assert!(text.contains("noise: 3 values, 1 not finite"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn tensor<T: Element>(mut self, name: impl Into<String>, values: &Tensor<T>) -> Histograms {
        self.add(name, values);
        self
    }

    /// The number of histograms side by side: 2 by default.
    ///
    /// ```
    /// use nn_plot::Histograms;
    /// use tape::Tensor;
    /// let picture = (0..3).fold(Histograms::new(""), |picture, i| picture.tensor(i.to_string(), &Tensor::from([1.0])));
    /// assert!(picture.per_row(3).svg()?.starts_with("<svg width=\"1020\""));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn per_row(self, panels: usize) -> Histograms {
        Histograms { per_row: panels, ..self }
    }

    fn layout(&self) -> Panels {
        let (count, per_row) = (self.panels.len(), self.per_row);
        Panels { count, per_row, size: (340, 230), head: (40, 12), foot: 0 }
    }

    fn add<T: Element>(&mut self, name: impl Into<String>, values: &Tensor<T>) {
        self.panels.push((text(name), values.cast::<f64>().to_vec()));
    }
}

/// The number of bars of a histogram.
const BARS: usize = 40;

impl Draw for Histograms {
    fn size(&self) -> (usize, usize) {
        self.layout().picture()
    }

    fn draw(&self, root: &Canvas<'_>) -> Drawn {
        if let Some(error) = &self.refused {
            return Err(error.clone().into());
        }
        for (area, (name, values)) in self.layout().areas(root, &self.title)?.iter().zip(&self.panels) {
            draw_panel(area, name, values)?;
        }
        Ok(())
    }
}

fn draw_panel(area: &Canvas<'_>, name: &str, values: &[f64]) -> Drawn {
    let x = range(values.iter().copied())?;
    let bars = count(values, x.start, x.end);
    let most = bars.iter().copied().max().unwrap_or(0).max(1) as f64;
    let others = values.iter().filter(|value| !value.is_finite()).count();
    let caption = match others {
        0 => format!("{name}: {} values", values.len()),
        others => format!("{name}: {} values, {others} not finite", values.len()),
    };
    let mut chart = ChartBuilder::on(area)
        .caption(caption, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(24)
        .y_label_area_size(42)
        .build_cartesian_2d(x.clone(), 0.0..1.04 * most)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .x_labels(5)
        .y_labels(5)
        .x_label_formatter(&|value| short(if value.abs() < 1e-9 * (x.end - x.start) { 0.0 } else { *value }))
        .y_label_formatter(&|count| if count.fract() == 0.0 { short(*count) } else { String::new() })
        .label_style(("sans-serif", 12))
        .draw()?;
    let edge = |i: usize| x.start + (x.end - x.start) * i as f64 / BARS as f64;
    let filled = bars.iter().enumerate().filter(|(_, count)| **count > 0);
    chart.draw_series(filled.map(|(i, &count)| {
        Rectangle::new([(edge(i), 0.0), (edge(i + 1), count as f64)], CURVES[0].mix(0.75).filled())
    }))?;
    Ok(())
}

/// The number of finite values in each of the intervals of equal width; the last one contains its upper end.
fn count(values: &[f64], start: f64, end: f64) -> [usize; BARS] {
    let mut bars = [0; BARS];
    for value in values.iter().filter(|value| value.is_finite()) {
        let bar = ((value - start) / (end - start) * BARS as f64) as usize;
        bars[bar.min(BARS - 1)] += 1;
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::Linear;

    #[test]
    fn every_finite_value_is_in_one_bar() {
        let values = [0.0, 1.0, 0.5, f64::NAN, 0.999, f64::INFINITY, 0.01];
        let bars = count(&values, 0.0, 1.0);
        assert_eq!((bars.iter().sum::<usize>(), bars[0], bars[20], bars[39]), (5, 2, 1, 2));
        assert_eq!(count(&[3.0; 7], 2.5, 3.5)[20], 7);
    }

    #[test]
    fn frozen_parameters_have_no_gradient() {
        let mut model: [Linear; 2] = [[0.5], [2.0]].map(|w| Linear::from_values([w], [0.0]));
        model[0].weight.freeze();
        let gradients: Vec<Tensor> = [7.0, 8.0, 9.0].map(|g| Tensor::from_fn([1, 1], |_| g)).into();
        let all = Histograms::gradients("", &model, &gradients);
        let found: Vec<(&str, f64)> =
            all.panels.iter().map(|(name, values)| (name.as_str(), values[0])).collect();
        assert_eq!(found, [("0.bias", 7.0), ("1.weight", 8.0), ("1.bias", 9.0)]);
    }

    #[test]
    fn an_input_that_a_layer_refuses_is_reported() {
        let model = Sequential::new().push(Linear::from_values([[1.0, 1.0]], [0.0]));
        let error = Histograms::activations("", &model, &Tensor::ones([1, 3])).svg().unwrap_err().to_string();
        assert!(error.starts_with("layer 0: ") && error.contains("found [1, 3]"), "{error}");
    }
}
