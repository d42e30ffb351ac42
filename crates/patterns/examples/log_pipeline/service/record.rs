//! What a line says: a time in UTC, and a key.
//!
//! ```text
//! 2026-10-03T14:05:09.250Z checkout payment accepted
//! └────── the minute ────┘ └─ key, the word that `key_field` says
//! ```
//!
//! A line that can't be counted is rejected with the reason, and counted as that. Nothing is guessed: a time
//! without `Z` could be anybody's local time.

use std::fmt;
use std::str::FromStr;

/// A longer key is no key: it would be in every answer.
const MAX_KEY_BYTES: usize = 64;

/// A minute in UTC. Later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Minute {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
        } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}")
    }
}

/// The text is no minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoMinute;

impl FromStr for Minute {
    type Err = NoMinute;

    /// Reads `2026-10-03T14:05`.
    fn from_str(text: &str) -> Result<Self, NoMinute> {
        const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd";
        let fits = |(shape, byte): (&u8, u8)| match shape {
            b'd' => byte.is_ascii_digit(),
            _ => byte == *shape,
        };
        if text.len() != SHAPE.len() || !SHAPE.iter().zip(text.bytes()).all(fits) {
            return Err(NoMinute);
        }
        let number = |from: usize, least: u8, most: u8| {
            let number: u8 = text[from..from + 2].parse().map_err(|_| NoMinute)?;
            let is_within = (least..=most).contains(&number);
            is_within.then_some(number).ok_or(NoMinute)
        };
        Ok(Self {
            year: text[..4].parse().map_err(|_| NoMinute)?,
            month: number(5, 1, 12)?,
            day: number(8, 1, 31)?,
            hour: number(11, 0, 23)?,
            minute: number(14, 0, 59)?,
        })
    }
}

/// A line that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) key: &'a str,
    pub(crate) minute: Minute,
}

/// Why a line doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reject {
    NotUtf8,
    NoTime,
    NoKey,
}

/// Reads a line without its end.
pub(crate) fn parse(line: &[u8], key_field: usize) -> Result<Record<'_>, Reject> {
    let line = std::str::from_utf8(line).map_err(|_| Reject::NotUtf8)?;
    let mut words = line.split_ascii_whitespace();
    let minute = words.next().and_then(minute).ok_or(Reject::NoTime)?;
    // The time was the first.
    let key = words.nth(key_field - 2).ok_or(Reject::NoKey)?;
    if key.len() > MAX_KEY_BYTES || key.contains(char::is_control) {
        return Err(Reject::NoKey);
    }
    Ok(Record { key, minute })
}

/// The minute of `2026-10-03T14:05:09Z`, which may have a fraction.
fn minute(time: &str) -> Option<Minute> {
    let (minute, rest) = time.split_at_checked(16)?;
    let seconds = rest.strip_prefix(':')?.strip_suffix('Z')?;
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // 60 is a leap second.
    let is_time = whole.len() == 2 && is_number(whole) && whole <= "60" && is_number(fraction);
    is_time.then(|| minute.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_minute_and_a_key() {
        for line in [
            "2026-10-03T14:05:09Z web started",
            "2026-10-03T14:05:09.25Z web",
            "  2026-10-03T14:05:60Z\tweb\r",
        ] {
            let record = parse(line.as_bytes(), 2).expect(line);
            assert_eq!(record.key, "web");
            assert_eq!(record.minute.to_string(), "2026-10-03T14:05");
        }
        let third = parse(b"2026-10-03T14:05:09Z web started", 3);
        assert_eq!(third.map(|record| record.key), Ok("started"));
    }

    #[test]
    fn a_line_is_rejected_with_its_reason() {
        let long = format!("2026-10-03T14:05:09Z {}", "k".repeat(65));
        for (line, reject) in [
            (&b""[..], Reject::NoTime),
            (b"web 2026-10-03T14:05:09Z", Reject::NoTime),
            (b"2026-10-03T14:05:09 web", Reject::NoTime),
            (b"2026-10-03T14:05:09+02:00 web", Reject::NoTime),
            (b"2026-10-03T14:05:61Z web", Reject::NoTime),
            (b"2026-10-03T14:05:09.Z web", Reject::NoTime),
            (b"2026-13-03T14:05:09Z web", Reject::NoTime),
            (b"2026-10-00T14:05:09Z web", Reject::NoTime),
            (b"2026-10-03T24:05:09Z web", Reject::NoTime),
            (b"2026-10-03T14:60:09Z web", Reject::NoTime),
            ("2026-10-03T14:0\u{e9}:09Z web".as_bytes(), Reject::NoTime),
            (b"2026-10-03T14:05:09Z", Reject::NoKey),
            (b"2026-10-03T14:05:09Z a\x1bb", Reject::NoKey),
            (long.as_bytes(), Reject::NoKey),
            (b"2026-10-03T14:05:09Z w\xffb", Reject::NotUtf8),
        ] {
            assert_eq!(parse(line, 2), Err(reject), "{}", line.escape_ascii());
        }
        let two = parse(b"2026-10-03T14:05:09Z web", 3);
        assert_eq!(two, Err(Reject::NoKey));
    }

    #[test]
    fn later_minutes_are_greater() {
        let minute = |text: &str| text.parse::<Minute>().expect(text);
        assert!(minute("2026-10-03T14:05") < minute("2026-10-03T14:06"));
        assert!(minute("2026-12-31T23:59") < minute("2027-01-01T00:00"));
        assert_eq!("2026-10-03T14:05:00".parse::<Minute>(), Err(NoMinute));
    }
}
