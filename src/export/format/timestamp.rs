//! Times in text formats.

use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::graphql::fast_json::json;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Format of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeFormat {
    /// RFC 3339 in UTC.
    #[default]
    Rfc3339,
    /// Seconds since 1970, with up to six decimals.
    Epoch,
}

impl FromStr for TimeFormat {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "rfc3339" => Ok(Self::Rfc3339),
            "epoch" => Ok(Self::Epoch),
            _ => Err("must be rfc3339 or epoch"),
        }
    }
}

impl TimeFormat {
    /// Writes a time without quotation marks.
    pub fn write(self, time: DateTime<Utc>, out: &mut Vec<u8>) {
        match self {
            Self::Rfc3339 => json::unquoted_timestamp(time, out),
            Self::Epoch => epoch(time.timestamp_micros(), out),
        }
    }

    /// Writes a time as JSON: text, or a number.
    pub fn write_json(self, time: DateTime<Utc>, out: &mut Vec<u8>) {
        match self {
            Self::Rfc3339 => json::timestamp(time, out),
            Self::Epoch => self.write(time, out),
        }
    }
}

fn epoch(micros: i64, out: &mut Vec<u8>) {
    if micros < 0 {
        out.push(b'-');
    }
    let (seconds, fraction) = (micros.abs() / MICROS_PER_SECOND, micros.abs() % MICROS_PER_SECOND);
    json::integer(seconds, out);
    if fraction > 0 {
        let digits = format!(".{fraction:06}");
        out.extend_from_slice(digits.trim_end_matches('0').as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epoch_has_the_decimals_of_the_time() {
        for (micros, expected) in [
            (0, "0"),
            (1_777_629_600_000_000, "1777629600"),
            (1_777_629_600_250_000, "1777629600.25"),
            (1_000_001, "1.000001"),
            (-1_500_000, "-1.5"),
        ] {
            let mut out = Vec::new();
            epoch(micros, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
