//! `config.json`, as timm writes it.

use normgate_core::manifest::{Filter, Resize};
use serde::Deserialize;

use super::super::options::Size;
use super::{Channels, Described, enlarged, normalisation};

/// timm's `pretrained_cfg`.
#[derive(Deserialize)]
pub(super) struct Timm {
    input_size: [u32; 3],
    interpolation: String,
    crop_pct: f64,
    #[serde(default = "centre")]
    crop_mode: String,
    mean: Channels,
    std: Channels,
}

fn centre() -> String {
    "center".into()
}

impl Timm {
    pub(super) fn described(self) -> Result<Described, String> {
        let [channels, height, width] = self.input_size;
        let filter = match &*self.interpolation {
            "bilinear" => Filter::Bilinear,
            "bicubic" => Filter::CatmullRom,
            "lanczos" => Filter::Lanczos3,
            "box" => Filter::Box,
            other => {
                return Err(format!(
                    "Normgate has no filter for its interpolation {other}"
                ));
            }
        };
        let resize = match &*self.crop_mode {
            "center" if channels == 3 && width == height => Resize::CentreCrop {
                shorter_side: enlarged(width, self.crop_pct)?,
            },
            "squash" if channels == 3 && self.crop_pct == 1.0 => Resize::Stretch,
            mode => {
                return Err(format!(
                    "Normgate cannot do its crop_mode {mode} with crop_pct {} on {channels} channels of \
                     {height} × {width}",
                    self.crop_pct
                ));
            }
        };
        Ok(Described {
            size: Size(width, height),
            resize,
            filter: Some(filter),
            normalise: normalisation(self.mean, self.std, 1.0 / 255.0)?,
        })
    }
}
