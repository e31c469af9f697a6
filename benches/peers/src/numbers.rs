//! The workloads, as written by `step write`.

use std::path::Path;

/// One of W1 to W6.
pub struct Workload {
    pub name: String,
    pub batch: usize,
    /// Inputs, row-major.
    pub x: Vec<f32>,
    /// Targets, row-major; for classes a 1 at the label.
    pub y: Vec<f32>,
    /// w1, b1, w2, b2, ...: shapes, initial values, and the gradients there.
    pub shapes: Vec<Vec<usize>>,
    pub parameters: Vec<Vec<f32>>,
    pub gradients: Vec<Vec<f32>>,
}

impl Workload {
    /// Reads a workload, or `None` if there is none of that name.
    pub fn read(name: &str, directory: &str) -> Option<Workload> {
        let (batch, widths, images): (usize, &[usize], bool) = match name {
            "W1" => (8, &[10, 3, 2], false),
            "W2" => (1000, &[3, 10, 5, 1], false),
            "W3" => (256, &[784, 32, 10], false),
            "W4" => (128, &[784, 512, 512, 10], false),
            "W5" => (512, &[1024; 4], false),
            "W6" => (64, &[256, 120, 84, 10], true),
            _ => return None,
        };
        let bytes = std::fs::read(Path::new(directory).join(name)).ok()?;
        let mut numbers = bytes.chunks_exact(4).map(|x| f32::from_le_bytes([x[0], x[1], x[2], x[3]]));
        let mut take = |n: usize| numbers.by_ref().take(n).collect::<Vec<f32>>();
        let x = take(batch * if images { 28 * 28 } else { widths[0] });
        let y = take(batch * widths[widths.len() - 1]);
        let mut shapes = Vec::new();
        if images {
            shapes.extend([vec![6, 1, 5, 5], vec![6], vec![16, 6, 5, 5], vec![16]]);
        }
        for pair in widths.windows(2) {
            shapes.extend([vec![pair[1], pair[0]], vec![pair[1]]]);
        }
        let mut all = || shapes.iter().map(|shape| take(shape.iter().product())).collect();
        let (parameters, gradients) = (all(), all());
        Some(Workload { name: name.to_string(), batch, x, y, shapes, parameters, gradients })
    }

    /// Compares gradients with the expected ones, relative to the largest element of each tensor.
    pub fn compare(&self, found: &[Vec<f32>]) -> Result<(), String> {
        for (k, (a, b)) in found.iter().zip(&self.gradients).enumerate() {
            let largest = b.iter().fold(0f32, |max, b| max.max(b.abs()));
            let error = a.iter().zip(b).fold(0f32, |max, (a, b)| max.max((a - b).abs())) / largest;
            if a.len() != b.len() || !(error < 1e-4) {
                return Err(format!(
                    "wrong gradient: number {k} differs by {error:.1e} of its largest element"
                ));
            }
        }
        Ok(())
    }
}
