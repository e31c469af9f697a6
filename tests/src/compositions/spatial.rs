//! Rows and cases of functions of volumes, signals and images, and of attention with a bias.

use super::*;
use nn::functional::{Conv3dOptions, Interpolation, Pool1dOptions, Resize};

pub(super) fn entries() -> Vec<Entry> {
    [volumes(), pools(), sizes(), others()].into_iter().flatten().collect()
}

fn volumes() -> Vec<Entry> {
    let row =
        OpDoc { domain: "a window fits", ..doc("Σ x w over a window, + b", "", "nn.functional.conv3d") };
    vec![entry("conv3d", row, |draw, cases| {
        let (groups, inputs, outputs) = (draw.between(1, 2), draw.between(1, 2), draw.between(1, 2));
        let kernel = [0; 3].map(|_| draw.between(1, 2));
        let (stride, dilation) = ([0; 3].map(|_| draw.between(1, 2)), [0; 3].map(|_| draw.between(1, 2)));
        let padding = [0; 3].map(|_| draw.between(0, 1));
        let size: [usize; 3] = std::array::from_fn(|k| dilation[k] * (kernel[k] - 1) + draw.between(1, 2));
        let shapes = [
            Shape::from([draw.between(0, 2), groups * inputs, size[0], size[1], size[2]]),
            Shape::from([groups * outputs, inputs, kernel[0], kernel[1], kernel[2]]),
            Shape::from([groups * outputs]),
        ];
        let conv = Conv3dOptions { stride, padding, dilation, groups };
        case!(cases: shapes; [conv] |x| functional::conv3d(&x[0], &x[1], Some(&x[2]), conv));
    })]
}

/// A window, and the shape of a signal that it fits into.
fn signal_of(draw: &mut Draw, dilated: bool) -> (Pool1dOptions, Shape) {
    let (kernel, stride) = (draw.between(1, 3), draw.between(1, 3));
    let dilation = if dilated { draw.between(1, 2) } else { 1 };
    let length = dilation * (kernel - 1) + draw.between(1, 4);
    let pool = Pool1dOptions { kernel, stride, padding: draw.between(0, kernel / 2), dilation };
    (pool, Shape::from([draw.between(0, 2), draw.between(1, 2), length]))
}

fn pools() -> Vec<Entry> {
    let ties = |row: OpDoc| OpDoc { convention: "ties share equally", ..row };
    let fits = |row: OpDoc| OpDoc { domain: "the window fits", ..row };
    let some = |row: OpDoc| OpDoc { domain: "extents of 1 or more", ..row };
    vec![
        entry(
            "max_pool1d",
            fits(ties(doc("max x over windows", "", "nn.functional.max_pool1d"))),
            |draw, cases| {
                let (pool, shape) = signal_of(draw, true);
                case!(cases: [shape]; [pool] |x| functional::max_pool1d(&x[0], pool));
            },
        ),
        entry(
            "avg_pool1d",
            fits(doc("mean x over windows", "", "nn.functional.avg_pool1d")),
            |draw, cases| {
                let ((pool, shape), count) = (signal_of(draw, false), draw.coin());
                case!(cases: [shape]; [pool, count] |x| functional::avg_pool1d(&x[0], pool, count));
            },
        ),
        entry(
            "adaptive_avg_pool1d",
            some(doc("mean x over m windows", "", "nn.functional.adaptive_avg_pool1d")),
            |draw, cases| {
                let shape = Shape::from([draw.between(0, 2), draw.between(1, 2), draw.between(1, 6)]);
                let size = draw.between(1, 4);
                case!(cases: [shape]; [size] |x| functional::adaptive_avg_pool1d(&x[0], size));
            },
        ),
        entry(
            "adaptive_max_pool1d",
            some(ties(doc("max x over m windows", "", "nn.functional.adaptive_max_pool1d"))),
            |draw, cases| {
                let shape = Shape::from([draw.between(0, 2), draw.between(1, 2), draw.between(1, 6)]);
                let size = draw.between(1, 4);
                case!(cases: [shape]; [size] |x| functional::adaptive_max_pool1d(&x[0], size));
            },
        ),
        entry(
            "adaptive_max_pool2d",
            some(ties(doc("max x over m n windows", "", "nn.functional.adaptive_max_pool2d"))),
            |draw, cases| {
                let shape = [draw.between(0, 2), draw.between(1, 2), draw.between(1, 4), draw.between(1, 4)];
                let size = [draw.between(1, 3), draw.between(1, 3)];
                case!(cases: [Shape::from(shape)]; [size] |x| functional::adaptive_max_pool2d(&x[0], size));
            },
        ),
    ]
}

fn sizes() -> Vec<Entry> {
    let size =
        OpDoc { domain: "extents of 1 or more", ..doc("x at another size", "", "nn.functional.interpolate") };
    let squares = OpDoc {
        domain: "the factor divides",
        ..doc("channels as squares of pixels", "", "nn.functional.pixel_shuffle")
    };
    let blocks =
        OpDoc { formula: "squares of pixels as channels", torch: "nn.functional.pixel_unshuffle", ..squares };
    vec![
        entry("interpolate", size, |draw, cases| {
            let axes = draw.between(1, 2);
            let mut shape = vec![draw.between(0, 2), draw.between(1, 2)];
            shape.extend((0..axes).map(|_| draw.between(1, 4)));
            let to = match draw.coin() {
                true => Resize::To((0..axes).map(|_| draw.between(1, 5)).collect()),
                false => Resize::By((0..axes).map(|_| 1.0 + draw.between(0, 6) as f64 / 4.0).collect()),
            };
            let how = match draw.between(0, 2) {
                0 => Interpolation::Nearest,
                corners => Interpolation::Linear { align_corners: corners == 1 },
            };
            case!(cases: [Shape::from(shape)]; [to, how] |x| functional::interpolate(&x[0], &to, how));
        }),
        entry("pixel_shuffle", squares, |draw, cases| {
            let (factor, [n, c, h, w]) = (draw.between(1, 2), [0, 1, 1, 1].map(|low| draw.between(low, 2)));
            let shape = Shape::from([n, c * factor * factor, h, w]);
            case!(cases: [shape]; [factor] |x| functional::pixel_shuffle(&x[0], factor));
        }),
        entry("pixel_unshuffle", blocks, |draw, cases| {
            let (factor, [n, c, h, w]) = (draw.between(1, 2), [0, 1, 1, 1].map(|low| draw.between(low, 2)));
            let shape = Shape::from([n, c, h * factor, w * factor]);
            case!(cases: [shape]; [factor] |x| functional::pixel_unshuffle(&x[0], factor));
        }),
    ]
}

fn others() -> Vec<Entry> {
    let attention = OpDoc {
        convention: "no derivative where the bias is -∞",
        ..doc("softmax(q kᵀ scale + b) v", "", "nn.functional.scaled_dot_product_attention")
    };
    vec![
        entry(
            "instance_norm",
            doc("layer_norm of each channel", "", "nn.functional.instance_norm"),
            |draw, cases| {
                let channels = draw.between(1, 3);
                let image = [draw.between(0, 2), channels, draw.between(1, 3), draw.between(1, 2)];
                let (image, channels) = (Shape::from(image), Shape::from([channels]));
                case!(cases: [&image, &channels, &channels]; [] |x| {
                    functional::instance_norm(&x[0], Some(&x[1]), Some(&x[2]), 0.5)
                });
            },
        ),
        entry("scaled_dot_product_attention_with_bias", attention, |draw, cases| {
            let [n, queries, keys, width, out] = [0, 1, 1, 1, 1].map(|low| draw.between(low, 3));
            let shapes = [
                Shape::from([n, queries, width]),
                Shape::from([n, keys, width]),
                Shape::from([keys, out]),
                if draw.coin() { Shape::from([queries, keys]) } else { Shape::from([n, 1, keys]) },
            ];
            let causal = draw.coin();
            case!(cases: shapes; [causal] |x| {
                let options = AttentionOptions { causal, ..AttentionOptions::default() };
                functional::scaled_dot_product_attention_with_bias(&x[0], &x[1], &x[2], &x[3], &options)
            });
        }),
    ]
}
