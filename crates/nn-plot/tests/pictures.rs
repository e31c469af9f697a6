//! Data of every kind become a picture or an error, never a panic, and files are written as a whole or not at all.

use nn::train::History;
use nn_plot::{
    Band, Cloud, Heatmaps, Histograms, Landscape, Lines, Matrices, Matrix, PlotError, Region, Regions,
    Scatter,
};
use std::path::PathBuf;
use tape::Tensor;

/// Values that are easily forgotten.
const EDGES: [&[f64]; 11] = [
    &[],
    &[0.0],
    &[3.0, 3.0, 3.0],
    &[f64::NAN],
    &[f64::NAN, 1.0],
    &[f64::INFINITY, f64::NEG_INFINITY],
    &[f64::INFINITY, 1.0, 2.0],
    &[0.0, 5e-324],
    &[1e18, 1e18 + 256.0],
    &[-1e299, 1e299],
    &[-1e-20, 2e-20, 1.0],
];

/// The text of one picture of each kind of these values.
fn pictures(values: &[f64]) -> Vec<Result<String, PlotError>> {
    let points: Vec<(f64, f64)> = values.iter().map(|&value| (value, value)).collect();
    let groups: Vec<(f64, f64, usize)> = points.iter().enumerate().map(|(i, p)| (p.0, p.1, i)).collect();
    let classes: Vec<(f64, f64, usize)> = points.iter().map(|p| (p.0, p.1, 1)).collect();
    let rows: Vec<[f64; 4]> = values.iter().map(|&value| [value; 4]).collect();
    let matrix = Tensor::from_vec([1, values.len()], values.to_vec()).unwrap();
    let first = values.first().copied().unwrap_or_default();
    let lines = Lines::new("lines").curve("a", &points).curve("", &points);
    let plane =
        Landscape::new("plane", -1.0..1.0, 0.0..2.0).curve(&points).path("a", &points).points("b", &points);
    let region = |k: usize| {
        let region = Region::new("region", -1.0..1.0, 0.0..2.0, |x| {
            Tensor::from_fn([x.shape()[0], k], |i| first * (i[1] as f64 + 1.0))
        });
        Regions::new("regions").panel(region.points(&classes))
    };
    vec![
        lines.svg(),
        lines.log_y().svg(),
        plane.svg(),
        Landscape::new("plane", -1.0..1.0, 0.0..2.0).height(|_, _| first, &[0.0, 1.0]).svg(),
        Scatter::new("scatter").panel(Cloud::new("a").points(&groups).marks(&points)).svg(),
        Band::new("band", "95 %", &rows).points("a", &points).points("b", &points).svg(),
        Heatmaps::new("heat").image(&matrix).svg(),
        Matrices::new("matrices").matrix(Matrix::new("W", &matrix)).svg(),
        Histograms::new("histograms").tensor("a", &matrix).svg(),
        region(1).svg(),
        region(3).svg(),
    ]
}

#[test]
fn values_of_every_kind_become_a_picture() {
    for values in EDGES {
        for (i, text) in pictures(values).into_iter().enumerate() {
            let text = text.unwrap_or_else(|error| panic!("picture {i} of {values:?}: {error}"));
            assert!(
                text.starts_with("<svg") && text.trim_end().ends_with("</svg>"),
                "picture {i} of {values:?}"
            );
            // A matrix prints its entries.
            assert!(i == 7 || !text.contains("NaN"), "picture {i} of {values:?}");
        }
    }
}

#[test]
fn values_too_large_for_an_axis_are_refused() {
    let refused: Vec<usize> = pictures(&[-f64::MAX, f64::MAX])
        .iter()
        .enumerate()
        .filter_map(|(i, text)| text.as_ref().err().map(|error| (i, error.to_string())))
        .inspect(|(_, error)| assert_eq!(error, "expected values up to 1e300, found 1.7976931348623157e308"))
        .map(|(i, _)| i)
        .collect();
    assert_eq!(refused, [0, 1, 4, 5, 8]);
}

#[test]
fn pictures_without_data_are_pictures() {
    for text in [
        Lines::new("").svg(),
        Lines::history("", &History::default()).svg(),
        Scatter::new("").svg(),
        Scatter::new("").panel(Cloud::new("")).per_row(0).svg(),
        Heatmaps::new("").svg(),
        Heatmaps::new("").images(&Tensor::<f64>::zeros([0, 4, 4])).svg(),
        Matrices::new("").svg(),
        Histograms::new("").svg(),
        Regions::new("").svg(),
        Band::new("", "", []).svg(),
    ] {
        assert!(
            text.is_ok() || matches!(&text, Err(PlotError::Data { reason }) if reason.starts_with("image 0"))
        );
    }
}

#[test]
fn any_text_is_shown() {
    let title = "a < b & \"c\" > 'd'\u{0} \n é 数";
    let text = Lines::new(title).x_label(title).curve(title, [(0.0, 1.0), (1.0, 2.0)]).svg().unwrap();
    assert!(text.contains("a &lt; b &amp;") && text.contains("数") && !text.contains('\u{0}'));
}

/// A directory of this test, empty.
fn directory(test: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("nn-plot-{test}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

#[test]
fn a_file_is_written_as_a_whole_or_not_at_all() {
    let directory = directory("atomic");
    let path = directory.join("below/loss.svg");
    let picture = Lines::new("Loss").curve("loss", [(1.0, 0.5), (2.0, 0.25)]);
    picture.save(&path).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert_eq!(before, picture.svg().unwrap().into_bytes());
    picture.clone().curve("", [(f64::MAX, 0.0)]).save(&path).unwrap_err();
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    picture.save(directory.join("LOSS.SVG")).unwrap();
    std::fs::remove_dir_all(directory).unwrap();
    let nowhere = picture.save("/dev/null/no/loss.svg").unwrap_err();
    assert!(nowhere.to_string().starts_with("/dev/null/no/loss.svg: "), "{nowhere}");
}

#[test]
fn another_ending_is_refused_by_name() {
    let picture = Lines::new("Loss");
    for name in ["loss.gif", "loss", "loss.svg.bak", ".svg", ""] {
        let error = picture.save(name).unwrap_err();
        assert_eq!(error, PlotError::Ending { path: name.into() });
        assert!(
            error.to_string().starts_with(&format!("{name}: expected a name that ends in .svg")),
            "{error}"
        );
        assert!(error.to_string().contains(".png"), "{error}");
    }
}

#[cfg(feature = "png")]
#[test]
fn a_png_has_twice_the_pixels_of_its_svg() {
    let directory = directory("png");
    let path = directory.join("loss.png");
    match Lines::new("Loss").curve("loss", [(1.0, 0.5), (2.0, 0.25)]).save(&path) {
        Err(PlotError::NoFont) => return,
        result => result.unwrap(),
    }
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let side = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!((side(16), side(20)), (1440, 880));
    std::fs::remove_dir_all(directory).unwrap();
}

#[cfg(not(feature = "png"))]
#[test]
fn a_png_needs_the_feature() {
    let error = Lines::new("Loss").save("loss.png").unwrap_err().to_string();
    assert_eq!(
        error,
        "loss.png: expected a name that ends in .svg (or .png, with the feature `png` of nn-plot)"
    );
}
