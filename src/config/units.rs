//! Times, sizes and counts as people write them.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Reads `500ms`, `10s`, `1.5s` or `2m`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let time = parse_any_duration(text)?;
    // Somebody has probably mistaken the unit.
    if time > A_DAY {
        return Err("longer than a day".into());
    }
    Ok(time)
}

const A_DAY: Duration = Duration::from_secs(86_400);

/// The same, without a limit: what no clock can count becomes the longest time that one can.
pub fn parse_any_duration(text: &str) -> Result<Duration, String> {
    let error = || expected(text, "a time with its unit, such as 500ms, 10s or 2m");
    let (number, unit) = split(text).ok_or_else(error)?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "s" => number,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(error()),
    };
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// The same as [`parse_duration`], but above zero: in no time at all, nothing can arrive or be done.
pub fn parse_some_time(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("must be longer than 0".into()),
        time => Ok(time),
    }
}

/// Reads `800KiB`, `20MiB`, `20MB`, `1GiB` or a plain number of bytes, from 1 to what 32 bits hold: each byte of a
/// body takes a permit of a semaphore, and that counts no further.
pub fn parse_bytes(text: &str) -> Result<usize, String> {
    let error = || expected(text, "a size such as 800KiB, 20MiB or 1GiB, below 4GiB");
    let (number, unit) = split(text).ok_or_else(error)?;
    let scale = match unit {
        "" | "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(error()),
    };
    let bytes = number * scale;
    if (1.0..=f64::from(u32::MAX)).contains(&bytes) {
        Ok(bytes as usize)
    } else {
        Err(error())
    }
}

/// Reads a whole number from 1 to `MOST`, beyond which the system would give up in its own words, or in none.
pub fn parse_count<const MOST: usize>(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok();
    number
        .filter(|number: &NonZeroUsize| number.get() <= MOST)
        .ok_or_else(|| no_number(text, 1, MOST))
}

/// Reads a whole number from 0 to `MOST`; 0 means none.
pub fn parse_count_or_none<const MOST: usize>(text: &str) -> Result<usize, String> {
    let number = text.parse().ok();
    number
        .filter(|number| *number <= MOST)
        .ok_or_else(|| no_number(text, 0, MOST))
}

/// What to give instead of this text.
pub fn expected(text: &str, wanted: &str) -> String {
    match text.is_empty() {
        // What a deployment's template makes of a variable for which it has no value.
        true => format!("it is empty; unset it, or give {wanted}"),
        false => format!("expected {wanted}"),
    }
}

fn no_number(text: &str, least: usize, most: usize) -> String {
    expected(text, &format!("a whole number from {least} to {most}"))
}

/// Writes a number of bytes for people: `20 MiB`, `1.5 KiB`, `12 bytes`.
pub fn show_bytes(bytes: usize) -> String {
    let (scale, unit) = match bytes {
        0..1024 => return format!("{bytes} bytes"),
        1024..1_048_576 => (1024.0, "KiB"),
        1_048_576..1_073_741_824 => (1_048_576.0, "MiB"),
        _ => (1_073_741_824.0, "GiB"),
    };
    let number = format!("{:.1}", bytes as f64 / scale);
    format!("{} {unit}", number.strip_suffix(".0").unwrap_or(&number))
}

fn split(text: &str) -> Option<(f64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    Some((number, text[end..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_need_a_unit() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse_duration("1h"), Ok(Duration::from_secs(3600)));
        assert_eq!(parse_duration("0s"), Ok(Duration::ZERO));
        assert!(parse_some_time("0s").is_err());
        assert_eq!(parse_some_time("1ms"), Ok(Duration::from_millis(1)));
        for wrong in ["10", "s", "-1s", "10d", "", "1..5s", "99999m", "25h"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_may_be_longer_than_can_be_counted_but_not_in_a_flag() {
        let endless = "999999999999999999999h";
        assert_eq!(parse_any_duration(endless), Ok(Duration::MAX));
        assert_eq!(parse_duration(endless), Err("longer than a day".into()));
        let beyond_floats = "9".repeat(400) + "ms";
        assert_eq!(parse_any_duration(&beyond_floats), Ok(Duration::MAX));
    }

    #[test]
    fn sizes_know_binary_and_decimal_units() {
        assert_eq!(parse_bytes("20MiB"), Ok(20 << 20));
        assert_eq!(parse_bytes("20 MB"), Ok(20_000_000));
        assert_eq!(parse_bytes("512"), Ok(512));
        assert_eq!(parse_bytes("4095MiB"), Ok(4095 << 20));
        for wrong in ["0", "-1", "4GiB", "5GiB", "20M", "MiB", "1e9"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn counts_have_an_end_and_an_empty_one_is_explained() {
        assert_eq!(parse_count::<8>("8").map(NonZeroUsize::get), Ok(8));
        for wrong in ["0", "9", "-1", "1.5", "18446744073709551616"] {
            let message = parse_count::<8>(wrong).unwrap_err();
            assert_eq!(message, "expected a whole number from 1 to 8", "{wrong}");
        }
        assert!(parse_count::<8>("").unwrap_err().contains("unset"));
        assert_eq!(["0", "8"].map(parse_count_or_none::<8>), [Ok(0), Ok(8)]);
        for wrong in ["9", "-1", "x", ""] {
            let message = parse_count_or_none::<8>(wrong).unwrap_err();
            assert!(message.contains("from 0 to 8"), "{message}");
        }
    }

    #[test]
    fn sizes_are_shown_in_the_largest_whole_unit() {
        assert_eq!(show_bytes(20 << 20), "20 MiB");
        assert_eq!(show_bytes(1536), "1.5 KiB");
        assert_eq!(show_bytes(12), "12 bytes");
    }
}
