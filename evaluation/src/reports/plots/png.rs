//! SVG to PNG, with the fonts inside the program: a server often has none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use resvg::{tiny_skia, usvg};

use super::PlotError;

/// Inter, latin subset, SIL Open Font Licence (`fonts/LICENSE-OFL`).
const FONTS: [&[u8]; 2] = [
    include_bytes!("fonts/inter-regular.ttf"),
    include_bytes!("fonts/inter-semibold.ttf"),
];

/// Pixels of the PNG for one of the SVG, so that it is sharp on dense screens.
const SCALE: f32 = 2.0;

/// Whether the fonts have every letter of an SVG document.
pub(super) fn has_every_letter(svg: &str) -> Result<bool, PlotError> {
    let is_one_missing = AtomicBool::new(false);
    parse(svg, &is_one_missing)?;
    Ok(!is_one_missing.into_inner())
}

fn parse(svg: &str, is_one_missing: &AtomicBool) -> Result<usvg::Tree, PlotError> {
    let mut fonts = usvg::fontdb::Database::new();
    for font in FONTS {
        fonts.load_font_data(font.to_vec());
    }
    fonts.set_sans_serif_family("Inter");
    let in_another = usvg::FontResolver::default_fallback_selector();
    let options = usvg::Options {
        fontdb: Arc::new(fonts),
        font_resolver: usvg::FontResolver {
            select_fallback: Box::new(|letter, tried, fonts| {
                let found = in_another(letter, tried, fonts);
                is_one_missing.fetch_or(found.is_none(), Ordering::Relaxed);
                found
            }),
            ..Default::default()
        },
        ..Default::default()
    };
    usvg::Tree::from_str(svg, &options).map_err(|e| PlotError::Render(e.to_string()))
}

/// Renders an SVG document.
pub(super) fn render(svg: &str) -> Result<Vec<u8>, PlotError> {
    let tree = parse(svg, &AtomicBool::new(false))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn has_every_letter_of(name: &str) -> bool {
        let text = |weight: u16| {
            format!(r#"<text x="1" y="9" font-family="Inter" font-weight="{weight}">{name}</text>"#)
        };
        let svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{}{}</svg>"#,
            text(400),
            text(600)
        );
        has_every_letter(&svg).unwrap()
    }

    #[test]
    fn letters_that_the_fonts_lack_are_found() {
        for name in [
            "cats &amp; dogs",
            "Fr\u{f6}schlein (gr\u{fc}n)",
            "\u{2212}0.5 \u{2026}",
        ] {
            assert!(has_every_letter_of(name), "{name}");
        }
        for name in ["\u{732b}", "mine \u{43a}\u{43e}\u{442}"] {
            assert!(!has_every_letter_of(name), "{name}");
        }
    }
}
