//! Elements in other places: compositions of permutations, slices, gathering and scattering.

use super::{Composed, any_shape, doc, entry, position};
use gradcheck::registry::{Case, Entry, Input, Operation};
use tape::internal::{Draw, OpDoc};
use tape::{Index, PadMode, ScatterReduce, Shape, Tensor, Var};

pub(super) fn compositions() -> Vec<Entry> {
    [axes(), diagonals(), windows(), writes()].into_iter().flatten().collect()
}

fn axes() -> Vec<Entry> {
    vec![
        entry("move_axis", doc("an axis at another position", "moveaxis", "movedim"), |draw, cases| {
            let shape = any_shape(draw, 1);
            let (from, to) = (draw.axis(&shape), draw.axis(&shape));
            case!(cases: [shape]; [from, to] |x| x[0].move_axis(from, to));
        }),
        entry("ravel", doc("all elements as a vector", "ravel", "ravel"), |draw, cases| {
            let shape = any_shape(draw, 0);
            case!(cases: [shape]; [] |x| x[0].ravel());
        }),
        entry("rearrange", doc("axes by a pattern of names", "", "einops.rearrange"), |draw, cases| {
            let [b, h, w, c] = [0, 1, 1, 1].map(|low| draw.between(low, 3));
            let pattern = ["b (h w) c -> b h w c", "b (h w) c -> (b h) c w", "b (h w) ... -> ... 1 (w h b)"];
            let pattern = pattern[draw.between(0, 2)];
            case!(cases: [Shape::from([b, h * w, c])]; [pattern, h] |x| x[0].rearrange(pattern, [("h", h)]));
        }),
        entry("rot90", doc("rotated in the plane of two axes", "rot90", "rot90"), |draw, cases| {
            let shape = any_shape(draw, 2);
            let quarters = draw.offset(-4, 4);
            let a = position(&shape, draw.axis(&shape)) as isize;
            let b = (a + 1) % shape.rank() as isize;
            case!(cases: [shape]; [quarters, a, b] |x| x[0].rot90(quarters, [a, b]));
        }),
        entry("swap_axes", doc("two axes exchanged", "swapaxes", "swapaxes"), |draw, cases| {
            let shape = any_shape(draw, 1);
            let (a, b) = (draw.axis(&shape), draw.axis(&shape));
            case!(cases: [shape]; [a, b] |x| x[0].swap_axes(a, b));
        }),
    ]
}

fn diagonals() -> Vec<Entry> {
    vec![
        entry(
            "diag_embed",
            doc("vectors as diagonals of matrices of zeros", "", "diag_embed"),
            |draw, cases| {
                let shape = any_shape(draw, 1);
                let offset = draw.offset(-2, 2);
                case!(cases: [shape]; [offset] |x| x[0].diag_embed(offset));
            },
        ),
        entry(
            "diagonal",
            doc("main diagonals of the last two axes", "diagonal", "diagonal"),
            |draw, cases| {
                let shape = any_shape(draw, 2);
                case!(cases: [shape]; [] |x| x[0].diagonal());
            },
        ),
        entry("traces", doc("Σ xᵢᵢ of the last two axes", "trace", ""), |draw, cases| {
            let shape = any_shape(draw, 2);
            case!(cases: [shape]; [] |x| x[0].traces());
        }),
    ]
}

fn windows() -> Vec<Entry> {
    let cropped = doc("pad, with elements removed where a width is negative", "pad", "nn.functional.pad");
    vec![entry("pad_or_crop", cropped, |draw, cases| {
        let shape = draw.shape(1, 3);
        let width = |n: usize, draw: &mut Draw| draw.offset(-(n as isize / 2), 2);
        let widths: Vec<(isize, isize)> = shape.iter().map(|&n| (width(n, draw), width(n, draw))).collect();
        let mode = [PadMode::Constant(-1.5), PadMode::Replicate, PadMode::Circular][draw.between(0, 2)];
        let empty = shape.iter().zip(&widths).any(|(&n, &(a, b))| n as isize + a.min(0) + b.min(0) == 0);
        let mode = if empty { PadMode::Constant(0.5) } else { mode };
        case!(cases: [shape]; [widths, mode] |x| x[0].pad_or_crop(widths.clone(), mode));
    })]
}

fn writes() -> Vec<Entry> {
    let several = OpDoc {
        convention: "of several writes the last stays and gets the derivative; several additions add up",
        ..doc("x with values at positions along several axes", "x[i, j] = v, add.at", "index_put")
    };
    let reduced = OpDoc {
        convention: "ties of max and min share equally",
        ..doc(
            "sum, product, mean, max or min of all that is written to a position",
            "ufunc.at",
            "scatter_reduce",
        )
    };
    vec![
        entry(
            "index_fill",
            doc("x with entries of an axis replaced by a number", "x[i] = v", "index_fill"),
            |draw, cases| {
                let shape = draw.shape(1, 3);
                let axis = draw.axis(&shape);
                let count = draw.between(0, 3);
                let index = draw.positions(shape[position(&shape, axis)], count);
                case!(cases: [shape]; [axis, index] |x| x[0].index_fill(axis, &index[..], 0.75));
            },
        ),
        entry("index_put of positions", several, |draw, cases| {
            let shape = draw.shape(1, 3);
            let axes = draw.between(1, shape.rank());
            let count = draw.between(0, 4);
            let at: Vec<Vec<usize>> = shape[..axes].iter().map(|&n| draw.positions(n, count)).collect();
            let values: Shape = [count].iter().chain(&shape[axes..]).copied().collect();
            let values = if draw.coin() { values } else { Shape::from(&shape[axes..]) };
            let accumulate = draw.coin();
            case!(cases: [&shape, &values]; [at, accumulate] |x| {
                x[0].index_put(at.clone(), &x[1], accumulate)
            });
        }),
        entry(
            "masked_select",
            doc("the elements where a mask is not 0", "x[mask]", "masked_select"),
            |draw, cases| {
                let shape = any_shape(draw, 1);
                let last = shape[shape.rank() - 1];
                let flags: Vec<f64> = (0..last).map(|_| f64::from(u8::from(draw.coin()))).collect();
                let mask = Tensor::from(flags);
                case!(cases: [shape]; [mask] |x| x[0].masked_select(&mask.cast()));
            },
        ),
        entry("scatter_reduce", reduced, |draw, cases| {
            const WAYS: [ScatterReduce; 5] = [
                ScatterReduce::Sum,
                ScatterReduce::Prod,
                ScatterReduce::Mean,
                ScatterReduce::Max,
                ScatterReduce::Min,
            ];
            let shape = draw.shape(1, 3);
            let axis = draw.axis(&shape);
            let along = position(&shape, axis);
            let mut extents = shape.dims();
            extents[along] = draw.between(0, 5);
            let count = extents.iter().product();
            let index = Index::new(&extents[..], draw.positions(shape[along], count))
                .expect("as many as the shape has");
            let src = Shape::from(extents);
            for by in WAYS {
                let own = draw.coin();
                case!(cases: [&shape, &src]; [axis, index, by, own] |x| {
                    x[0].scatter_reduce(&x[1], axis, &index, by, own)
                });
            }
        }),
    ]
}
