//! `preprocessor_config.json`, as transformers' image processors write it (read against 4.57 and 5.24).

use normgate_core::manifest::{Filter, Resize};
use serde::Deserialize;

use super::super::options::Size;
use super::{Channels, Described, enlarged, normalisation};

/// The settings of a transformers image processor; what they mean is only in the processor's code.
#[derive(Deserialize)]
pub(super) struct HuggingFace {
    image_processor_type: Option<String>,
    /// The name of `image_processor_type` until 2022.
    feature_extractor_type: Option<String>,
    size: Sides,
    crop_size: Option<Sides>,
    crop_pct: Option<f64>,
    resample: Option<u8>,
    rescale_factor: Option<f64>,
    image_mean: Option<Channels>,
    image_std: Option<Channels>,
    do_resize: Option<bool>,
    do_center_crop: Option<bool>,
    do_rescale: Option<bool>,
    do_normalize: Option<bool>,
    do_pad: Option<bool>,
}

/// How an image processor scales and crops. Processors that do anything unusual besides, such as taking blue first or
/// normalising twice, are not among them.
#[derive(Clone, Copy)]
enum Processor {
    /// A size that is one number is the size of both sides.
    Square,
    /// It is the size of the shorter side.
    Shorter,
    /// The same, enlarged before the crop; but from 384 on, it is the size of both sides, and nothing is cropped.
    ConvNext,
    /// The shorter side, enlarged by 256 / 224 before the crop.
    Levit,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number, {\"height\": …, \"width\": …}, or {\"shortest_edge\": …}"
)]
enum Sides {
    One(u32),
    Both { height: u32, width: u32 },
    Shorter { shortest_edge: u32 },
}

/// What an image is scaled to.
enum Scaled {
    Both(Size),
    Shorter(u32),
}

impl HuggingFace {
    pub(super) fn described(self) -> Result<Described, String> {
        let (size, resize) = self.shape()?;
        let filter = self.resample.map(|number| match number {
            1 => Ok(Filter::Lanczos3),
            2 => Ok(Filter::Bilinear),
            3 => Ok(Filter::CatmullRom),
            4 => Ok(Filter::Box),
            _ => Err(format!("Normgate has no filter for its resample {number}")),
        });
        let scale = match self.do_rescale {
            Some(false) => 1.0,
            Some(true) => self.rescale_factor.unwrap_or(1.0 / 255.0),
            // Feature extractors always did that.
            None if self.feature_extractor_type.is_some() => 1.0 / 255.0,
            None => return Err("it does not set do_rescale".into()),
        };
        let (mean, std) = match (self.do_normalize, self.image_mean, self.image_std) {
            (Some(false), ..) => (Channels::One(0.0), Channels::One(1.0)),
            (Some(true), Some(mean), Some(std)) => (mean, std),
            (Some(true), ..) => return Err("it does not set image_mean and image_std".into()),
            (None, ..) => return Err("it does not set do_normalize".into()),
        };
        Ok(Described {
            size,
            resize,
            filter: filter.transpose()?,
            normalise: normalisation(mean, std, scale)?,
        })
    }

    fn processor(&self) -> Result<Processor, String> {
        let name = self.image_processor_type.as_ref();
        let name = name.or(self.feature_extractor_type.as_ref()).ok_or(
            "it does not set image_processor_type, which determines what its settings mean",
        )?;
        let kind = ["Fast", "Pil", "ImageProcessor", "FeatureExtractor"]
            .into_iter()
            .fold(&**name, |name, end| name.strip_suffix(end).unwrap_or(name));
        match kind {
            "ViT" | "DeiT" | "Beit" | "Pvt" | "Segformer" => Ok(Processor::Square),
            "CLIP" | "Bit" | "MobileNetV1" | "MobileNetV2" | "Siglip" => Ok(Processor::Shorter),
            "ConvNext" => Ok(Processor::ConvNext),
            "Levit" => Ok(Processor::Levit),
            _ => Err(format!(
                "Normgate does not know the processor {name}, only those of ViT, DeiT, BEiT, PVT, SegFormer, \
                 CLIP, BiT, MobileNet, SigLIP, ConvNeXT and LeViT, which other models use too"
            )),
        }
    }

    fn shape(&self) -> Result<(Size, Resize), String> {
        let processor = self.processor()?;
        if self.do_resize != Some(true) {
            return Err("it does not set do_resize: true".into());
        }
        if self.do_pad == Some(true) {
            return Err("it sets do_pad, which Normgate cannot do".into());
        }
        let crop = self.crop_size.filter(|_| self.do_center_crop == Some(true));
        let (scaled, crop) = self.scaled(processor, crop.map(Sides::both))?;
        match (scaled, crop) {
            (Scaled::Both(size), crop) if crop.is_none_or(|crop| crop == size) => {
                Ok((size, Resize::Stretch))
            }
            (Scaled::Shorter(shorter_side), Some(crop)) => {
                Ok((crop, Resize::CentreCrop { shorter_side }))
            }
            _ => Err(
                "it neither stretches images to the model's size nor scales their shorter side \
                 and cuts out the centre; Normgate can do nothing else"
                    .into(),
            ),
        }
    }

    /// What an image is scaled to, and what is then cut out.
    fn scaled(
        &self,
        processor: Processor,
        crop: Option<Size>,
    ) -> Result<(Scaled, Option<Size>), String> {
        let side = match self.size {
            Sides::Both { .. } => return Ok((Scaled::Both(self.size.both()), crop)),
            Sides::One(side)
            | Sides::Shorter {
                shortest_edge: side,
            } => side,
        };
        let is_both = matches!(self.size, Sides::One(_));
        Ok(match processor {
            Processor::Square if is_both => (Scaled::Both(Size(side, side)), crop),
            Processor::Square | Processor::Shorter => (Scaled::Shorter(side), crop),
            Processor::Levit => {
                let enlarged = Scaled::Shorter((f64::from(side) * (256.0 / 224.0)) as u32);
                (enlarged, crop)
            }
            Processor::ConvNext if side < 384 => {
                let share = self.crop_pct.unwrap_or(224.0 / 256.0);
                let enlarged = Scaled::Shorter(enlarged(side, share)?);
                (enlarged, crop.or(Some(Size(side, side))))
            }
            Processor::ConvNext => (Scaled::Both(Size(side, side)), crop),
        })
    }
}

impl Sides {
    fn both(self) -> Size {
        match self {
            Self::One(side)
            | Self::Shorter {
                shortest_edge: side,
            } => Size(side, side),
            Self::Both { height, width } => Size(width, height),
        }
    }
}
