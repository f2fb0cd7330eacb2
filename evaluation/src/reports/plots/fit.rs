//! How much of a name fits where it is drawn. No text is measured here: the widths are about those of Inter.

/// The widest column that names get.
const WIDEST: f64 = 260.0;
/// Space around the names of a column.
const AROUND: f64 = 16.0;

/// About how wide a text of this size is drawn.
pub(super) fn width(text: &str, size: f64) -> f64 {
    size * text.chars().map(em).sum::<f64>()
}

fn em(letter: char) -> f64 {
    match letter {
        // From here on nearly all are Chinese, Japanese or Korean.
        '\u{2e80}'.. => 1.0,
        '…' => 0.9,
        _ if letter.is_uppercase() => 0.72,
        _ => 0.53,
    }
}

/// The width of a column of these names, not narrower than `least`.
pub(super) fn column<'a>(names: impl Iterator<Item = &'a str>, size: f64, least: f64) -> f64 {
    let longest = names.map(|name| width(name, size)).fold(0.0, f64::max);
    (longest + AROUND).clamp(least, WIDEST)
}

/// The part of a name that fits into `room`, with an ellipsis; `None` if all of it does.
pub(super) fn cut(name: &str, size: f64, room: f64) -> Option<String> {
    if width(name, size) <= room {
        return None;
    }
    let mut left = room - width("…", size);
    let fits = |letter: &char| {
        left -= size * em(*letter);
        left >= 0.0
    };
    let kept: String = name.chars().take_while(fits).collect();
    Some(format!("{}…", kept.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_only_where_it_does_not_fit_and_then_ends_in_an_ellipsis() {
        assert_eq!(cut("automobile", 10.0, 53.5), None);
        assert_eq!(cut("automobiles", 10.0, 57.0).unwrap(), "automobil…");
        assert_eq!(cut("a b cd", 10.0, 20.0).unwrap(), "a…");
        assert_eq!(cut("automobile", 10.0, 0.0).unwrap(), "…");
    }

    #[test]
    fn capitals_take_more_room_than_small_letters_and_ideographs_most() {
        assert!(width("CAT", 10.0) > width("cat", 10.0));
        assert!(width("猫犬鳥", 10.0) > width("CAT", 10.0));
    }

    #[test]
    fn a_column_grows_with_its_longest_name_to_an_end() {
        let of = |name: &str| column([name, "b"].into_iter(), 10.0, 90.0);
        assert_eq!(of("a"), 90.0);
        assert!((of(&"a".repeat(30)) - 175.0).abs() < 1e-9);
        assert_eq!(of(&"a".repeat(300)), WIDEST);
    }
}
