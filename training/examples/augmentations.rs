//! A sheet of training images as the network sees them, to judge an augmentation by eye.
//!
//! ```text
//! cargo run --release -p normgate-training --example augmentations -- \
//!     --data cifar-10-batches-bin --camera 0.75 --out sheet.png
//! ```
//!
//! Every row is one image: first as it is, then varied again and again.

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use image::{Rgb, RgbImage, imageops};
use normgate_evaluation::datasets::{LoadOptions, SetSpec};
use normgate_training::augment::{AugmentArgs, AugmentConfig, Augmenter};
use normgate_training::randomness::{Purpose, generator};

#[derive(Parser)]
struct Args {
    /// The image set
    #[arg(long)]
    data: SetSpec,
    /// Where to write the sheet
    #[arg(long, default_value = "augmentations.png")]
    out: PathBuf,
    /// How many images
    #[arg(long, default_value_t = 10)]
    images: usize,
    /// How many variations of each
    #[arg(long, default_value_t = 12)]
    variations: usize,
    #[command(flatten)]
    augmentation: AugmentArgs,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let set = args.data.load(&LoadOptions::train())?;
    let original = Augmenter::new(AugmentConfig::off());
    let varied = Augmenter::new(AugmentConfig::from(&args.augmentation));
    let side = set.width as u32;
    let cell = side + 2;
    let columns = args.variations as u32 + 1;
    let mut sheet = RgbImage::new(cell * columns, cell * args.images as u32);
    let mut out = vec![0.0; set.image_bytes()];
    for row in 0..args.images {
        let pixels = set.image(row * set.len() / args.images.max(1));
        for column in 0..=args.variations {
            // As in training: an epoch a column.
            let (epoch, position) = (column as u64, row as u64);
            let mut random = generator(0, Purpose::Augmentation, 0, epoch, position);
            let chain = if column == 0 { &original } else { &varied };
            chain.apply(pixels, &mut random, &mut out);
            let area = (side * side) as usize;
            let image = RgbImage::from_fn(side, side, |x, y| {
                let at = (y * side + x) as usize;
                Rgb([0, 1, 2].map(|channel| (out[channel * area + at] * 255.0).round() as u8))
            });
            let (x, y) = (column as u32 * cell + 1, row as u32 * cell + 1);
            imageops::replace(&mut sheet, &image, x.into(), y.into());
        }
    }
    let enlarged = (3 * sheet.width(), 3 * sheet.height());
    imageops::resize(
        &sheet,
        enlarged.0,
        enlarged.1,
        imageops::FilterType::Nearest,
    )
    .save(&args.out)?;
    println!("{}", args.out.display());
    Ok(())
}
