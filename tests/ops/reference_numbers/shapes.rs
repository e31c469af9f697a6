//! The operations of `shape.json` that move, write and find elements.

use super::{LATER, index, pad_mode, signed_widths};
use tape::ops::Window;
use tape::{ScatterReduce, Tensor, Var};
use tests::reference::Case;

fn window(case: &Case) -> Window {
    let pair = |key: &str| <[usize; 2]>::try_from(case.sizes(key)).expect("a pair");
    Window {
        kernel: pair("kernel"),
        stride: pair("stride"),
        padding: pair("padding"),
        dilation: pair("dilation"),
    }
}

fn reduction(case: &Case) -> ScatterReduce {
    match case.attrs["by"].as_str() {
        Some("sum") => ScatterReduce::Sum,
        Some("prod") => ScatterReduce::Prod,
        Some("mean") => ScatterReduce::Mean,
        Some("amax") => ScatterReduce::Max,
        Some("amin") => ScatterReduce::Min,
        other => panic!("no reduction is called {other:?}"),
    }
}

/// One list of positions for each axis.
fn positions(case: &Case) -> Vec<Vec<usize>> {
    serde_json::from_value(case.attrs["at"].clone()).expect("lists of positions")
}

fn rearranged<'t>(case: &Case, x: Var<'t>) -> Var<'t> {
    let sizes: Vec<(String, usize)> = serde_json::from_value(case.attrs["sizes"].clone()).expect("sizes");
    let pattern = case.attrs["pattern"].as_str().expect("a pattern");
    x.rearrange(pattern, sizes.iter().map(|(name, size)| (&name[..], *size)))
}

/// The result on a tape, or nothing for an operation that comes later.
pub(super) fn apply<'t>(case: &Case, x: &[Var<'t>]) -> Option<Var<'t>> {
    let a = x[0];
    let plain = |y: Tensor| a.tape().constant(y);
    Some(match case.op.as_str() {
        "swap_axes" => a.swap_axes(case.int("a"), case.int("b")),
        "move_axis" => a.move_axis(case.int("from"), case.int("to")),
        "rot90" => a.rot90(case.int("k"), case.ints("axes").try_into().expect("two axes")),
        "diagonal" => a.diagonal(),
        "traces" => a.traces(),
        "diag_embed" => a.diag_embed(case.int("offset")),
        "rearrange" => rearranged(case, a),
        "pad_or_crop" => a.pad_or_crop(signed_widths(case), pad_mode(case)),
        "fold" => {
            let [size, step] = ["size", "step"].map(|key| case.int(key) as usize);
            a.fold(case.int("axis"), size, step, case.sizes("shape"))
        }
        "fold2d" => a.fold2d(window(case), case.sizes("size").try_into().expect("height and width")),
        "index_copy" => a.index_copy(x[1], case.int("axis"), case.sizes("indices")),
        "index_add" => a.index_add(x[1], case.int("axis"), case.sizes("indices")),
        "index_fill" => a.index_fill(case.int("axis"), case.sizes("indices"), case.get("value")),
        "index_put" => a.index_put(positions(case), x[1], case.flag("accumulate")),
        "scatter_reduce" => {
            a.scatter_reduce(x[1], case.int("axis"), index(case), reduction(case), case.flag("include_self"))
        }
        "masked_select" => a.masked_select(&case.mask()),
        "nonzero" => {
            let lists: Vec<Tensor> = a.nonzero().iter().map(|list| list.to_tensor()).collect();
            plain(Tensor::stack(&lists.iter().collect::<Vec<_>>(), 0))
        }
        "count_nonzero" => plain(a.count_nonzero_axes(case.int("axis"), false).to_tensor()),
        "any" => plain(a.any_axes(case.int("axis"), false)),
        "all" => plain(a.all_axes(case.int("axis"), false)),
        "searchsorted" => plain(a.searchsorted(x[1], case.flag("right")).to_tensor()),
        op if LATER.contains(&op) => return None,
        op => panic!("no operation is called {op}"),
    })
}
