//! Convolutions as matrix products with the patches of images, one image at a time: its patches are still in the cache when
//! the product reads them.

use crate::ops::common::columns::Columns;
use crate::parallel;
use crate::rules::algebra::Element;
use crate::simd::{self, Kernel};
use crate::tensor::Tensor;
use crate::tensor::matmul::{self, Matrix};

/// The products of a convolution of images `x` with kernels `w` and results `y`.
///
/// An image has `groups · inputs` planes, a result `groups · outputs`; `w` holds a matrix
/// `[outputs, inputs · kernel]` for each group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lowering {
    pub(crate) columns: Columns,
    pub(crate) groups: usize,
    /// Planes of an image in a group.
    pub(crate) inputs: usize,
    /// Planes of a result in a group.
    pub(crate) outputs: usize,
}

/// The most parts of a batch whose gradients of kernels are summed before they are added.
const MOST_PARTS: usize = 32;

impl Lowering {
    /// The elements of an image.
    fn image(&self) -> usize {
        self.groups * self.inputs * self.columns.plane()
    }

    /// The elements of the patches of an image.
    fn patches(&self) -> usize {
        self.columns.patches().saturating_mul(self.groups * self.inputs)
    }

    /// The elements of a result.
    fn result(&self) -> usize {
        self.groups * self.outputs * self.columns.windows()
    }

    /// Rows of the patches in a group.
    fn rows(&self) -> usize {
        self.inputs * (self.columns.patches() / self.columns.windows())
    }

    /// The work for an image, in elements of a cheap loop.
    fn cost(&self) -> usize {
        let products = self.patches().saturating_mul(self.outputs) / parallel::PER_ELEMENT;
        self.patches().saturating_add(products)
    }

    /// A buffer for the patches of an image, zero where unfolding writes nothing; empty if they are the image.
    fn buffer<T: Element>(&self) -> Tensor<T> {
        let size = if self.columns.trivial() { 0 } else { self.patches() };
        if self.columns.padded() { Tensor::zeros([size]) } else { Tensor::build([size].into(), |_| ()) }
    }

    /// The patches of an image, in the buffer if they are not the image.
    fn unfold<'a, T: Element>(&self, image: &'a [T], buffer: &'a mut Tensor<T>) -> &'a [T] {
        if self.columns.trivial() {
            return image;
        }
        let patches = buffer.as_mut_slice();
        self.columns.unfold(image, patches);
        patches
    }

    /// The patches of a group.
    fn group<'a, T: Element>(&self, patches: &'a [T], group: usize) -> Matrix<'a, T> {
        let (rows, windows) = (self.rows(), self.columns.windows());
        Matrix::new(&patches[group * rows * windows..][..rows * windows], rows, windows)
    }

    /// The results of a group.
    fn results<'a, T: Element>(&self, y: &'a [T], group: usize) -> Matrix<'a, T> {
        let (outputs, windows) = (self.outputs, self.columns.windows());
        Matrix::new(&y[group * outputs * windows..][..outputs * windows], outputs, windows)
    }

    /// The kernels of a group.
    fn kernels<'a, T: Element>(&self, w: &'a [T], group: usize) -> Matrix<'a, T> {
        let (outputs, rows) = (self.outputs, self.rows());
        Matrix::new(&w[group * outputs * rows..][..outputs * rows], outputs, rows)
    }

    /// `y = w · patches(x)`, plus one element of `b` for each plane of a result.
    pub(crate) fn convolve<T: Element>(&self, x: &[T], w: &[T], b: Option<&[T]>, y: &mut [T]) {
        // Without images a kernel may be so large that its patches have no size.
        if y.is_empty() {
            return;
        }
        let (image, result) = (self.image(), self.result());
        let of_group = self.outputs * self.columns.windows();
        parallel::rows(y, result, self.cost(), |first, y| {
            let mut buffer = self.buffer();
            for (n, y) in (first..).zip(y.chunks_exact_mut(result)) {
                let patches = self.unfold(&x[n * image..][..image], &mut buffer);
                for (g, y) in y.chunks_exact_mut(of_group).enumerate() {
                    matmul::write(y, self.kernels(w, g), self.group(patches, g));
                }
                if let Some(b) = b {
                    simd::run(y.len(), AddToPlanes { y, b, size: self.columns.windows() });
                }
            }
        });
    }

    /// The images of which every patch is the sum of its cotangents: `patches(x) = wᵀ · y`, added to `x`, which holds zeros.
    pub(crate) fn transpose<T: Element>(&self, y: &[T], w: &[T], x: &mut [T]) {
        if x.is_empty() {
            return;
        }
        let (image, result) = (self.image(), self.result());
        let of_group = self.rows() * self.columns.windows();
        parallel::rows(x, image, self.cost(), |first, x| {
            let mut buffer = self.buffer();
            for (n, x) in (first..).zip(x.chunks_exact_mut(image)) {
                let y = &y[n * result..][..result];
                let patches = if self.columns.trivial() { &mut *x } else { buffer.as_mut_slice() };
                for (g, patches) in patches.chunks_exact_mut(of_group).enumerate() {
                    matmul::write(patches, self.kernels(w, g).transposed(), self.results(y, g));
                }
                if !self.columns.trivial() {
                    self.columns.fold(buffer.as_mut_slice(), x);
                }
            }
        });
    }

    /// The sum over `batch` images of `patches(x) · yᵀ`: a matrix `[inputs · kernel, outputs]` for each group.
    ///
    /// Images are added in order within each of several parts of the batch, then the parts. Their number depends on the
    /// sizes alone.
    pub(crate) fn correlate<T: Element>(&self, x: &[T], y: &[T], batch: usize, sum: &mut [T]) {
        if batch == 0 || sum.is_empty() {
            return;
        }
        let (image, result, size) = (self.image(), self.result(), sum.len());
        let of_group = self.rows() * self.outputs;
        let per_part = self.images_per_part(batch, size);
        let mut parts = Tensor::zeros([batch.div_ceil(per_part), size]);
        let cost = self.cost().saturating_mul(per_part);
        parallel::rows(parts.as_mut_slice(), size, cost, |first, parts| {
            let mut buffer = self.buffer();
            for (part, sum) in (first..).zip(parts.chunks_exact_mut(size)) {
                for n in part * per_part..batch.min((part + 1) * per_part) {
                    let patches = self.unfold(&x[n * image..][..image], &mut buffer);
                    let y = &y[n * result..][..result];
                    for (g, sum) in sum.chunks_exact_mut(of_group).enumerate() {
                        // A row of patches has more elements than one of results: this way the smaller factor is transposed.
                        matmul::add(sum, self.group(patches, g), self.results(y, g).transposed());
                    }
                }
            }
        });
        for part in parts.as_mut_slice().chunks_exact(size) {
            sum.iter_mut().zip(part).for_each(|(sum, &x)| *sum += x);
        }
    }

    /// The images whose gradients of kernels, of `size` elements, are summed by one thread: enough work, and few enough sums.
    fn images_per_part(&self, batch: usize, size: usize) -> usize {
        let parts = batch.saturating_mul(self.cost()) / size.max(parallel::CHUNK_WORK);
        batch.div_ceil(parts.clamp(1, MOST_PARTS)).max(1)
    }
}

/// Adds an element of `b` to every plane of `size` elements.
struct AddToPlanes<'a, T> {
    y: &'a mut [T],
    b: &'a [T],
    size: usize,
}

impl<T: Element> Kernel for AddToPlanes<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        for (plane, &b) in self.y.chunks_exact_mut(self.size).zip(self.b) {
            plane.iter_mut().for_each(|y| *y += b);
        }
    }
}
