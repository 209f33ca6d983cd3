//! Durations as people and Slurm write them: `90s`, `15m`, `1h30m`, `2d`, `[d-]hh:mm:ss`, `mm:ss`.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A duration that reads and writes as text in job files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// Parses a duration.
///
/// # Errors
/// A message that says what was expected.
pub fn parse_span(text: &str) -> Result<Span, String> {
    let seconds = if text.contains(':') { clock(text) } else { units(text) };
    seconds.map(|s| Span(Duration::from_secs(s))).ok_or_else(|| {
        format!("\"{text}\" is not a duration: expected for instance 90s, 15m, 1h30m or 1-12:00:00")
    })
}

/// `[d-]hh:mm:ss` or `mm:ss`.
fn clock(text: &str) -> Option<u64> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(digits(days)?), rest),
        None => (None, text),
    };
    let parts: Vec<u64> = rest.split(':').map(digits).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match parts[..] {
        [hours, minutes, seconds] if minutes < 60 => (hours, minutes, seconds),
        [minutes, seconds] if days.is_none() => (0, minutes, seconds),
        _ => return None,
    };
    if seconds > 59 {
        return None;
    }
    let hours = days.unwrap_or(0).checked_mul(24)?.checked_add(hours)?;
    hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60)?.checked_add(seconds)
}

/// `1h30m`: units in falling order, each at most once.
fn units(text: &str) -> Option<u64> {
    let (mut rest, mut total, mut last) = (text, 0u64, u64::MAX);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let count = digits(&rest[..end])?;
        let mut tail = rest[end..].chars();
        let unit = match tail.next()? {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        if unit >= last {
            return None;
        }
        last = unit;
        total = total.checked_add(count.checked_mul(unit)?)?;
        rest = tail.as_str();
    }
    Some(total)
}

fn digits(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.as_secs();
        let parts = [
            (seconds / 86_400, 'd'),
            (seconds % 86_400 / 3_600, 'h'),
            (seconds % 3_600 / 60, 'm'),
            (seconds % 60, 's'),
        ];
        for (count, unit) in parts.into_iter().filter(|&(count, _)| count > 0) {
            write!(f, "{count}{unit}")?;
        }
        if seconds == 0 { write!(f, "0s") } else { Ok(()) }
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_span(text)
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_span(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_styles_and_prints_the_short_one() {
        for (text, seconds, printed) in [
            ("90s", 90, "1m30s"),
            ("15m", 900, "15m"),
            ("1h30m", 5_400, "1h30m"),
            ("2d", 172_800, "2d"),
            ("1-02:03:04", 93_784, "1d2h3m4s"),
            ("00:10:00", 600, "10m"),
            ("59:30", 3_570, "59m30s"),
            ("0s", 0, "0s"),
        ] {
            let span = parse_span(text).unwrap();
            assert_eq!(span.0.as_secs(), seconds, "{text}");
            assert_eq!(span.to_string(), printed);
            assert_eq!(parse_span(printed).unwrap(), span);
        }
    }

    #[test]
    fn refuses_nonsense() {
        let long = "99999999999999999999s";
        for text in ["", "15", "m", "1m1h", "1m2m", "-5s", "1.5h", "1:60", "1:2:3:4", "x:1", long] {
            assert!(parse_span(text).is_err(), "{text}");
        }
    }
}
