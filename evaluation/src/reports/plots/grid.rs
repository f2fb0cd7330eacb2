//! Small multiples: equal panels in rows of three, or as many as look good.

use super::panel::{Axis, Panel};
use super::style;

/// Where each panel of a grid is.
pub(super) struct Grid {
    columns: usize,
    rows: usize,
    /// Width and height of a panel's drawing area.
    panel: (f64, f64),
}

/// Left of a panel: tick labels and the axis label.
pub(super) const LEFT: f64 = 72.0;
/// Right of a panel.
pub(super) const RIGHT: f64 = 14.0;
/// Above a panel: its own title.
pub(super) const ABOVE: f64 = 26.0;
/// Below a panel: tick labels and the axis label.
pub(super) const BELOW: f64 = 56.0;

impl Grid {
    /// A grid for this many panels, of about this width and height; a single one is wider.
    pub fn new(panels: usize, (width, height): (f64, f64)) -> Self {
        let columns = if panels == 4 { 2 } else { panels.clamp(1, 3) };
        let panel = (if columns == 1 { 2.2 * width } else { width }, height);
        Self {
            columns,
            rows: panels.div_ceil(columns).max(1),
            panel,
        }
    }

    /// Width and height of the whole plot; it is never narrower than its heading needs.
    pub fn size(&self) -> (f64, f64) {
        let (width, height) = self.cell();
        (
            (self.columns as f64 * width + 10.0).max(700.0),
            style::HEADING + self.rows as f64 * height + 4.0,
        )
    }

    /// The panel with this number, counted from 0 along the rows, with these axes.
    pub fn place<'a>(&self, index: usize, x: Axis<'a>, y: Axis<'a>) -> Panel<'a> {
        let (width, height) = self.cell();
        let (row, column) = (index / self.columns, index % self.columns);
        Panel {
            left: column as f64 * width + LEFT,
            top: style::HEADING + row as f64 * height + ABOVE,
            width: self.panel.0,
            height: self.panel.1,
            x,
            y,
        }
    }

    fn cell(&self) -> (f64, f64) {
        (self.panel.0 + LEFT + RIGHT, self.panel.1 + ABOVE + BELOW)
    }
}
