//! Decodes a large photo at a fraction of its size, and no detail that this size does not show.
//!
//! No decoder at hand is fast enough: most of a photo's time goes into reading the values of fine detail, which
//! scaling to a model's size loses again. Here that detail is skipped, several coefficients at a time, and the image
//! is made from the coarse coefficients alone.
//!
//! Only ordinary files are decoded: sequential, in one scan, grey or YCbCr, and undamaged. For all others the answer
//! is `None`, and the complete decoder judges.

mod bits;
mod header;
mod huffman;
mod idct;
mod scan;

#[cfg(test)]
mod tests;

use bits::Bits;
use header::{Component, Header};
use huffman::{AcCodes, Codes, Next};
use idct::{Basis, Inverse};
use image::RgbImage;
use scan::Scan;

/// Where the coefficients of a block belong, in the order in which they come: along diagonals.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// No block takes more: 64 coefficients of 16 bits of code and 15 of value each.
const MOST_BYTES: usize = 64 * 31 / 8;

/// This many bytes are looked at beyond what is taken.
const WINDOW: usize = 8;

/// The image at `eighths` eighths of its size, rounded up. `eighths` is 1, 2 or 4.
pub(super) fn decode(bytes: &[u8], eighths: usize) -> Option<RgbImage> {
    let header = header::read(bytes)?;
    let across = header.components.iter().map(|c| c.across).max()?;
    let down = header.components.iter().map(|c| c.down).max()?;
    let mut planes = header
        .components
        .iter()
        .map(|component| Plane::new(component, &header, eighths, (across, down)))
        .collect::<Option<Vec<Plane>>>()?;
    let [width, height] = [header.width, header.height].map(|side| (side * eighths).div_ceil(8));
    let rows_each = eighths * down;
    let mcus_across = header.width.div_ceil(8 * across);
    let mcus = mcus_across * header.height.div_ceil(8 * down);

    let basis = Basis::new();
    let mcu_blocks: usize = header.components.iter().map(|c| c.across * c.down).sum();
    let mut scan = Scan::new(header.scan);
    let mut bits = Bits::default();
    let mut pixels = vec![0; 3 * width * height];
    let mut done = 0;
    for rows in pixels.chunks_mut(3 * width * rows_each) {
        for mcu in 0..mcus_across {
            if bits.bytes_left() < mcu_blocks * MOST_BYTES + WINDOW && !scan.is_at_marker() {
                let (place, unused) = (bits.go_on(&[]), bits.bytes_left());
                scan.advance(unused);
                bits = place.go_on(scan.plain());
            }
            for plane in &mut planes {
                plane.decode(&mut bits, &basis, mcu)?;
            }
            done += 1;
            if !bits.are_real() {
                return None;
            }
            if header.restart_interval > 0 && done % header.restart_interval == 0 && done < mcus {
                let number = (done / header.restart_interval - 1) % 8;
                bits.are_used_up()
                    .then(|| scan.pass(0xD0 + number as u8))??;
                bits = Bits::default();
                planes.iter_mut().for_each(|plane| plane.dc = 0);
            }
        }
        paint(&planes, rows, width);
    }
    bits.are_used_up().then(|| scan.pass(0xD9))??;
    let is_partial = |side: usize| !(side * eighths).is_multiple_of(8);
    if width > 1 && is_partial(header.width) {
        repeat_column(&mut pixels, width);
    }
    if height > 1 && is_partial(header.height) {
        repeat_row(&mut pixels, width);
    }
    RgbImage::from_raw(width as u32, height as u32, pixels)
}

/// Puts the pixels before them in the place of the last column's, which lie only in part within the image: the rest
/// of their blocks is whatever the encoder has put there, black with some cameras.
fn repeat_column(pixels: &mut [u8], width: usize) {
    for row in pixels.chunks_exact_mut(3 * width) {
        row.copy_within(3 * (width - 2)..3 * (width - 1), 3 * (width - 1));
    }
}

/// The same for the last row.
fn repeat_row(pixels: &mut [u8], width: usize) {
    let last = pixels.len() - 3 * width;
    pixels.copy_within(last - 3 * width..last, last);
}

/// A component's decoder, and its pixels of one row of MCUs.
///
/// All components have the same number of pixels: if one is coded with fewer, its blocks are scaled down by less.
struct Plane<'a> {
    component: &'a Component,
    dc_codes: &'a Codes,
    ac_codes: &'a AcCodes,
    inverse: Inverse,
    /// The width and height of a block, in pixels.
    block: (usize, usize),
    /// The last coefficient, in the order in which they come, that the pixels show.
    last: usize,
    /// The last block's first coefficient; the next block gives its difference from it.
    dc: i32,
    coefficients: [f32; 64],
    stride: usize,
    pixels: Vec<u8>,
}

impl<'a> Plane<'a> {
    fn new(
        component: &'a Component,
        header: &'a Header,
        eighths: usize,
        (across, down): (usize, usize),
    ) -> Option<Self> {
        if across % component.across != 0 || down % component.down != 0 {
            return None;
        }
        let block = (
            eighths * across / component.across,
            eighths * down / component.down,
        );
        let shown =
            |&place: &u8| usize::from(place % 8) < block.0 && usize::from(place / 8) < block.1;
        let stride = header.width.div_ceil(8 * across) * eighths * across;
        Some(Self {
            component,
            dc_codes: header.dc.get(component.dc)?.as_ref()?,
            ac_codes: header.ac.get(component.ac)?.as_ref()?,
            inverse: idct::inverse(block.0, block.1)?,
            block,
            last: ZIGZAG.iter().rposition(shown)?,
            dc: 0,
            coefficients: [0.0; 64],
            stride,
            pixels: vec![0; stride * eighths * down],
        })
    }

    /// Decodes this component's blocks of the next MCU.
    fn decode(&mut self, bits: &mut Bits, basis: &Basis, mcu: usize) -> Option<()> {
        let Component { across, down, .. } = *self.component;
        let (width, height) = self.block;
        for block_down in 0..down {
            for block_across in 0..across {
                let flat = self.read_block(bits)?;
                let column = (mcu * across + block_across) * width;
                let out = self
                    .pixels
                    .get_mut(block_down * height * self.stride + column..)?;
                // For a 4:2:0 photo at an eighth, these are two blocks in three.
                if self.last == 0 {
                    *out.first_mut()? = idct::mean(self.coefficients[0]);
                    continue;
                }
                (self.inverse)(basis, &mut self.coefficients, flat, out, self.stride);
            }
        }
        Some(())
    }

    /// Reads a block's coefficients; returns whether all but the first are 0.
    #[inline(always)]
    fn read_block(&mut self, bits: &mut Bits) -> Option<bool> {
        let quantisation = &self.component.quantisation;
        bits.fill();
        match u32::from(self.dc_codes.take(bits)?) {
            0 => {}
            size @ 1..=11 => self.dc = self.dc.wrapping_add(bits.value(size)),
            _ => return None,
        }
        self.coefficients[0] = self.dc as f32 * quantisation[0];
        let (mut place, mut flat) = (1, true);
        while place <= self.last {
            bits.fill();
            match self.ac_codes.take(bits)? {
                Next::End => return Some(flat),
                Next::Zeros(zeros) => place += zeros,
                Next::Coefficient { zeros, value } => {
                    place += zeros;
                    let value = value as f32 * quantisation.get(place)?;
                    self.coefficients[usize::from(ZIGZAG[place])] = value;
                    flat = false;
                    place += 1;
                }
            }
        }
        self.ac_codes.pass(bits, place)?;
        Some(flat)
    }
}

/// Writes the pixels of a row of MCUs as RGB.
fn paint(planes: &[Plane], rows: &mut [u8], width: usize) {
    for (y, row) in rows.chunks_exact_mut(3 * width).enumerate() {
        let line = |plane: &'_ Plane| y * plane.stride..y * plane.stride + width;
        let pixels = row.as_chunks_mut::<3>().0.iter_mut();
        match planes {
            [grey] => {
                for (pixel, &value) in pixels.zip(&grey.pixels[line(grey)]) {
                    *pixel = [value; 3];
                }
            }
            [luma, blue, red] => {
                let chroma = blue.pixels[line(blue)].iter().zip(&red.pixels[line(red)]);
                for (pixel, (&luma, (&blue, &red))) in
                    pixels.zip(luma.pixels[line(luma)].iter().zip(chroma))
                {
                    *pixel = rgb(luma, blue, red);
                }
            }
            _ => {}
        }
    }
}

/// The colour of a luma and two colour differences (JFIF), computed with 16 fractional bits.
#[inline(always)]
fn rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let luma = (i32::from(luma) << 16) + (1 << 15);
    let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
    let channel = |value: i32| (value >> 16).clamp(0, 255) as u8;
    [
        channel(luma + 91_881 * red),
        channel(luma - 22_554 * blue - 46_802 * red),
        channel(luma + 116_130 * blue),
    ]
}
