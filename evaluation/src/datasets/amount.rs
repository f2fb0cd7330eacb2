//! How many images of a class.

use std::fmt;
use std::str::FromStr;

/// `N` images of each class, or `N%` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// This many.
    Images(usize),
    /// This many in a hundred, 1 to 99, rounded down: none of a class with few images.
    Percent(u8),
}

impl Amount {
    /// How many images that is, of a class with `images` images.
    #[must_use]
    pub fn of(self, images: usize) -> usize {
        match self {
            Amount::Images(count) => count,
            Amount::Percent(percent) => (images as u128 * u128::from(percent) / 100) as usize,
        }
    }

    /// Whether it is no more than the other, however many images a class has.
    pub(crate) fn is_at_most(self, other: Self) -> bool {
        match (self, other) {
            (Amount::Images(own), Amount::Images(other)) => own <= other,
            (Amount::Percent(own), Amount::Percent(other)) => own <= other,
            _ => self == Amount::Images(0),
        }
    }

    /// The sum of both, if it is known without knowing the class; otherwise the first.
    pub(crate) fn with(self, other: Self) -> Self {
        match (self, other) {
            (Amount::Images(own), Amount::Images(other)) => {
                Amount::Images(own.saturating_add(other))
            }
            (Amount::Images(0), other) => other,
            _ => self,
        }
    }
}

/// The text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not N or N%, with 1 to 99 percent")]
pub struct NoAmount;

impl FromStr for Amount {
    type Err = NoAmount;

    fn from_str(text: &str) -> Result<Self, NoAmount> {
        match text.strip_suffix('%') {
            None => text.parse().map(Amount::Images).map_err(|_| NoAmount),
            Some(percent) => match percent.parse() {
                Ok(percent @ 1..=99) => Ok(Amount::Percent(percent)),
                _ => Err(NoAmount),
            },
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Images(count) => write!(f, "{count}"),
            Amount::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_down() {
        let of = |text: &str, images| text.parse::<Amount>().unwrap().of(images);
        assert_eq!(
            [of("10%", 9), of("10%", 10), of("10%", 39), of("99%", 200)],
            [0, 1, 3, 198]
        );
        assert_eq!(of("7", 3), 7);
    }

    #[test]
    fn amounts_are_compared_where_no_class_matters() {
        let is_at_most = |a: &str, b: &str| {
            let [a, b] = [a, b].map(|text| text.parse::<Amount>().unwrap());
            a.is_at_most(b)
        };
        assert!(is_at_most("3", "3") && is_at_most("9%", "10%") && is_at_most("0", "1%"));
        assert!(!is_at_most("4", "3") && !is_at_most("11%", "10%"));
        assert!(!is_at_most("1", "99%") && !is_at_most("1%", "1000"));
    }
}
