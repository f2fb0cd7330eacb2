//! SVG to PNG, with the fonts inside the program: a server often has none.

use std::sync::Arc;

use resvg::{tiny_skia, usvg};

use super::PlotError;

/// Inter, latin subset, SIL Open Font Licence (`fonts/LICENSE-OFL`).
const FONTS: [&[u8]; 2] = [
    include_bytes!("fonts/inter-regular.ttf"),
    include_bytes!("fonts/inter-semibold.ttf"),
];

/// Pixels of the PNG for one of the SVG, so that it is sharp on dense screens.
const SCALE: f32 = 2.0;

/// Renders an SVG document.
pub(super) fn render(svg: &str) -> Result<Vec<u8>, PlotError> {
    let mut fonts = usvg::fontdb::Database::new();
    for font in FONTS {
        fonts.load_font_data(font.to_vec());
    }
    fonts.set_sans_serif_family("Inter");
    let options = usvg::Options {
        fontdb: Arc::new(fonts),
        ..Default::default()
    };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|e| PlotError::Render(e.to_string()))?;
    let size = tree.size();
    let (width, height) = (size.width() * SCALE, size.height() * SCALE);
    let mut pixels = tiny_skia::Pixmap::new(width.ceil() as u32, height.ceil() as u32)
        .ok_or_else(|| PlotError::Render(format!("no image of {width} × {height} pixels")))?;
    let transform = tiny_skia::Transform::from_scale(SCALE, SCALE);
    resvg::render(&tree, transform, &mut pixels.as_mut());
    pixels
        .encode_png()
        .map_err(|e| PlotError::Render(e.to_string()))
}
