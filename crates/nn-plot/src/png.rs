//! PNG by way of SVG, with the fonts of the system.

use crate::error::PlotError;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Family, Query};
use resvg::usvg::{Options, Tree};
use std::sync::{Arc, OnceLock};

/// Pixels of the PNG for one pixel of the SVG, so that text is sharp.
const SCALE: f32 = 2.0;

/// The largest number of pixels.
const MOST: f32 = 1e8;

/// Fonts that are taken as `sans-serif` where the system does not say: the first that there is.
const SANS_SERIF: [&str; 7] =
    ["DejaVu Sans", "Liberation Sans", "Noto Sans", "Arial", "Helvetica", "Segoe UI", "FreeSans"];

/// The fonts of the system, read once.
fn fonts() -> Result<Arc<Database>, PlotError> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut fonts = Database::new();
        fonts.load_system_fonts();
        let has = |fonts: &Database, family| fonts.query(&Query { families: &[family], ..Query::default() });
        if has(&fonts, Family::SansSerif).is_none() {
            let known = SANS_SERIF.into_iter().find(|name| has(&fonts, Family::Name(name)).is_some());
            let any = || Some(fonts.faces().next()?.families.first()?.0.clone());
            if let Some(family) = known.map(str::to_owned).or_else(any) {
                fonts.set_sans_serif_family(family);
            }
        }
        Arc::new(fonts)
    });
    if fonts.is_empty() { Err(PlotError::NoFont) } else { Ok(Arc::clone(fonts)) }
}

/// The bytes of a PNG file.
pub(crate) fn encode(svg: &str) -> Result<Vec<u8>, PlotError> {
    let refused = |reason: String| PlotError::Drawing { reason };
    let options = Options { fontdb: fonts()?, ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| refused(error.to_string()))?;
    let size = tree.size();
    let scale = SCALE.min((MOST / (size.width() * size.height())).sqrt());
    let [width, height] = [size.width(), size.height()].map(|side| (side * scale).ceil() as u32);
    let mut pixels = Pixmap::new(width, height)
        .ok_or_else(|| refused(format!("{width} x {height} pixels are too many")))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| refused(error.to_string()))
}
