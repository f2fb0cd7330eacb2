//! What the decoders hand to the resizer.

use image::metadata::Orientation;

use super::Rgb8;

/// A decoded image, and where it lies on its pixels.
pub(in crate::preprocess) struct Decoded {
    pub(in crate::preprocess) image: Rgb8,
    pub(in crate::preprocess) extent: Extent,
}

/// Where an image lies on its pixels: one that was scaled down while it was decoded may end within its last pixels.
/// All lengths are in the file's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::preprocess) struct Extent {
    /// The side of one decoded pixel: 1, 4 or 8.
    pub(in crate::preprocess) pixel: u32,
    pub(in crate::preprocess) left: u32,
    pub(in crate::preprocess) top: u32,
    pub(in crate::preprocess) width: u32,
    pub(in crate::preprocess) height: u32,
}

impl Decoded {
    pub(super) fn whole(image: Rgb8) -> Self {
        Self {
            extent: Extent::of(&image),
            image,
        }
    }
}

impl Extent {
    /// The extent of an image that was not scaled.
    pub(in crate::preprocess) fn of(image: &Rgb8) -> Self {
        Self {
            pixel: 1,
            left: 0,
            top: 0,
            width: image.width,
            height: image.height,
        }
    }

    /// The extent of a file of this many pixels, where each decoded pixel covers a square of side `pixel`.
    pub(super) fn scaled(pixel: u32, (width, height): (u32, u32)) -> Self {
        Self {
            pixel,
            left: 0,
            top: 0,
            width,
            height,
        }
    }

    /// The extent turned as the image is. If the last column or row comes first, so does the part of it that is
    /// beyond the image.
    pub(super) fn upright(self, orientation: Orientation) -> Self {
        use Orientation::*;
        let over = |side: u32| side.next_multiple_of(self.pixel) - side;
        let turned = match orientation {
            Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH => Self {
                width: self.height,
                height: self.width,
                ..self
            },
            _ => self,
        };
        let (mirrored, upside_down) = match orientation {
            NoTransforms | Rotate90FlipH => (false, false),
            FlipHorizontal | Rotate90 => (true, false),
            FlipVertical | Rotate270 => (false, true),
            Rotate180 | Rotate270FlipH => (true, true),
        };
        Self {
            left: if mirrored { over(turned.width) } else { 0 },
            top: if upside_down { over(turned.height) } else { 0 },
            ..turned
        }
    }
}
