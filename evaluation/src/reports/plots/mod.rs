//! The plots of a report, each as SVG and PNG: a file for each kind.

mod classes;
mod fit;
mod grid;
mod matrix;
mod norm_curves;
mod norms;
mod panel;
mod png;
mod roc;
mod sets;
mod style;
mod svg;
mod taken_for;
mod training;

pub(crate) use classes::{ClassPoint, class_points};
pub use matrix::matrix;
pub(crate) use norms::{NormPanel, norm_histograms};
pub(crate) use roc::{RocPanel, roc_curves};
pub(crate) use sets::{SetBars, set_bars};
pub(crate) use taken_for::taken_for;
pub use training::{Epoch, training_curves};

/// A plot could not be turned into pixels.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The renderer's own words.
    #[error("the plot could not be rendered as PNG: {0}")]
    Render(String),
}

/// A finished plot.
pub struct Plot {
    svg: String,
}

impl Plot {
    /// The SVG document. Its text names the font Inter and, if a viewer lacks it, plain sans-serif ones.
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// Whether the PNG has all letters: those that its fonts lack are boxes.
    pub fn is_legible_as_png(&self) -> bool {
        png::has_every_letter(&self.svg).unwrap_or(false)
    }

    /// The same plot as PNG, with two pixels for one of the SVG.
    ///
    /// # Errors
    /// [`PlotError::Render`] if the SVG cannot be read or is too large to hold in memory.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        png::render(&self.svg)
    }
}
