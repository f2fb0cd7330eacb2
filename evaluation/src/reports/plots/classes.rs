//! Accuracy and wrong flags of each class against its number of training images: whether rare
//! classes pay for frequent ones.

use normgate_core::detection::ClassGroup;

use super::Plot;
use super::fit;
use super::grid::{Grid, RIGHT};
use super::panel::{Axis, Panel};
use super::style;
use super::svg::{Anchor, Canvas};

/// A class.
pub struct ClassPoint<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its training images, at least 1.
    pub images: u64,
    /// Its group by these.
    pub group: ClassGroup,
    /// Share of its test images classified correctly, 0..=1; NaN if there are none.
    pub accuracy: f64,
    /// Share of them flagged as OOD, likewise.
    pub flagged: f64,
}

/// What a panel shows about a class.
type Value = fn(&ClassPoint<'_>) -> f64;

/// If there are more classes than this, they are not named.
const NAMED: usize = 20;
/// The width of a name, at most: about 20 letters.
const NAME: f64 = 130.0;

const GROUPS: [(ClassGroup, &str, &str); 3] = [
    (ClassGroup::Many, "Many", style::BLUE),
    (ClassGroup::Medium, "Medium", style::GREEN),
    (ClassGroup::Few, "Few", style::VERMILION),
];

/// One panel for accuracy, one for wrong flags, with a point for each class and a line for the mean of each group.
pub fn class_points(title: &str, classes: &[ClassPoint<'_>]) -> Plot {
    let grid = Grid::new(2, (410.0, 250.0));
    let (width, height) = grid.size();
    let mut canvas = Canvas::new(width, height);
    let legend = GROUPS.map(|(_, name, colour)| (name, style::solid(colour)));
    let note = "Each class of the ID test set, by its number of training images (logarithmic); \
                lines: means of the groups";
    style::heading(&mut canvas, title, note, &legend);
    let counts = || classes.iter().map(|class| class.images.max(1) as f64);
    let low = counts().fold(f64::INFINITY, f64::min).min(1e9);
    let high = counts().fold(1.0, f64::max);
    let highest_flag = classes
        .iter()
        .map(|class| class.flagged)
        .fold(0.0, f64::max);
    let panels: [(&str, Value, f64); 2] = [
        ("Classified correctly", |class| class.accuracy, 100.0),
        (
            "Wrongly flagged as OOD",
            |class| class.flagged,
            (120.0 * highest_flag).clamp(10.0, 100.0),
        ),
    ];
    for (index, (name, value, top_value)) in panels.into_iter().enumerate() {
        let x = Axis {
            min: (low / 1.4).log10(),
            max: (high * 1.4).log10(),
            label: "training images of the class",
            unit: "",
        };
        let y = Axis {
            min: 0.0,
            max: top_value,
            label: "test images of the class",
            unit: " %",
        };
        let panel = grid.place(index, x, y);
        panel.frame_with(&mut canvas, name, "", &decades(panel.x.min, panel.x.max));
        let mut lines = Vec::new();
        for (group, _, colour) in GROUPS {
            let own: Vec<_> = classes
                .iter()
                .filter(|class| class.group == group && value(class).is_finite())
                .collect();
            let places = || own.iter().map(|class| (class.images.max(1) as f64).log10());
            let mean = 100.0 * own.iter().map(|class| value(class)).sum::<f64>() / own.len() as f64;
            if own.is_empty() {
                continue;
            }
            let ends = (
                places().fold(f64::INFINITY, f64::min) - 0.04,
                places().fold(f64::NEG_INFINITY, f64::max) + 0.04,
            );
            lines.push((group, panel.at(ends.0, mean).1));
            panel.curve(
                &mut canvas,
                &[(ends.0, mean), (ends.1, mean)],
                style::dashed(colour),
            );
            for class in own {
                let at = panel.at((class.images.max(1) as f64).log10(), 100.0 * value(class));
                canvas.circle(at, 4.0, colour);
            }
        }
        if classes.len() <= NAMED {
            label(&mut canvas, &panel, classes, value, &lines);
        }
    }
    Plot {
        svg: canvas.finish(title),
    }
}

/// Writes names above the points, or below or beside them, where no other name, no point and no line of the group is in the
/// way; none where there is no room.
fn label(
    canvas: &mut Canvas,
    panel: &Panel<'_>,
    classes: &[ClassPoint<'_>],
    value: Value,
    lines: &[(ClassGroup, f64)],
) {
    let points = || classes.iter().filter(|class| value(class).is_finite());
    let at = |class: &ClassPoint<'_>| {
        panel.at((class.images.max(1) as f64).log10(), 100.0 * value(class))
    };
    let bottom = panel.top + panel.height;
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    for class in points() {
        let (x, y) = at(class);
        let half = (fit::width(class.name, style::TICK) / 2.0).min(NAME / 2.0) + 2.0;
        let right = panel.left + panel.width + RIGHT + 10.0;
        let x = x.min(right - half);
        let is_free = |&(x, y): &(f64, f64)| {
            let apart = |&(other, at, width): &(f64, f64, f64)| {
                (other - x).abs() > half + width || (at - y).abs() > 13.0
            };
            let covers = |other: &ClassPoint<'_>| {
                let (at, height) = at(other);
                (at - x).abs() < half + 4.0 && (height - (y - 4.0)).abs() < 9.0
            };
            // Above the panel is its title.
            let is_inside =
                (half..=right - half).contains(&x) && (panel.top + 4.0..bottom - 3.0).contains(&y);
            is_inside && taken.iter().all(apart) && !points().any(covers)
        };
        let is_off_line = |&(_, y): &(f64, f64)| {
            let off = |&(group, line): &(ClassGroup, f64)| {
                group != class.group || line < y - 12.0 || line > y + 4.0
            };
            lines.iter().all(off)
        };
        let beside = half + 7.0;
        let places = [
            (x, y - 9.0),
            (x, y + 17.0),
            (x - beside, y + 4.0),
            (x + beside, y + 4.0),
            (x, y - 22.0),
            (x, y - 35.0),
        ];
        let free = || places.into_iter().filter(is_free);
        let place = free().find(is_off_line).or_else(|| free().next());
        // Of many classes with equal numbers, not all names can be read.
        let Some(place) = place else {
            continue;
        };
        canvas.name(place, class.name, NAME, style::tick(Anchor::Middle));
        taken.push((place.0, place.1, half));
    }
}

/// 1, 2, 5, 10, 20, … as far as they lie between two logarithms.
fn decades(low: f64, high: f64) -> Vec<(f64, String)> {
    let powers = (0..9).map(|power| 10u64.pow(power));
    let numbers = powers.flat_map(|power| [power, 2 * power, 5 * power]);
    let placed = numbers.map(|number| ((number as f64).log10(), number.to_string()));
    placed
        .filter(|(place, _)| (low..=high).contains(place))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_point_in_each_panel_unless_nothing_is_known_of_it() {
        let class = |name, images, group, accuracy| ClassPoint {
            name,
            images,
            group,
            accuracy,
            flagged: 0.05,
        };
        let classes = [
            class("cat", 5000, ClassGroup::Many, 0.9),
            class("dog", 500, ClassGroup::Medium, 0.7),
            class("owl", 50, ClassGroup::Few, f64::NAN),
        ];
        let plot = class_points("m", &classes);
        assert_eq!(plot.svg().matches("<circle").count(), 5);
        assert!(!plot.svg().contains("NaN"));
    }

    #[test]
    fn an_axis_of_counts_is_marked_at_round_numbers() {
        let names: Vec<_> = decades(40f64.log10(), 600f64.log10())
            .into_iter()
            .map(|d| d.1)
            .collect();
        assert_eq!(names, ["50", "100", "200", "500"]);
    }
}
