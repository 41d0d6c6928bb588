//! Times in source formats. All formats parse their times here.
//!
//! | form | example |
//! |---|---|
//! | RFC 3339 | `2026-05-01T10:00:00.5Z`, `2026-05-01T12:00:00+02:00` |
//! | with a space or slashes | `2026-05-01 10:00:00`, `2026/05/01 10:00` |
//! | other zones | `… UTC`, `… GMT`, `…+0200`, `…+02` |
//! | a number since 1970 | seconds, milliseconds, microseconds or nanoseconds, by its size |
//!
//! Forms with the day or the month first are rejected: `01/02/2026` is ambiguous.

use chrono::{
    DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, Timelike as _, Utc,
};

use super::{ignored::truncate_name, parse::Reason};

/// Meaning of a time without a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ZoneRule {
    /// An error.
    #[default]
    Required,
    /// UTC, for files of loggers and archives.
    UtcByDefault,
}

/// Range of numbers of seconds since 1970: 2000 to 2100. Milliseconds, microseconds and nanoseconds of
/// that period are larger, so the size of a number determines its unit.
const EPOCH_SECONDS_RANGE: (i128, i128) = (946_684_800, 4_102_444_800);
const NANOS_PER_SECOND: i128 = 1_000_000_000;
/// Seconds, milliseconds, microseconds and nanoseconds.
const UNITS_PER_SECOND: [i128; 4] = [1, 1000, 1_000_000, NANOS_PER_SECOND];

/// Parses a time of the field `name`.
///
/// # Errors
/// `INVALID_TIME`, with an example of a valid form.
pub(super) fn parse(name: &str, text: &str, zone: ZoneRule) -> Result<DateTime<Utc>, Reason> {
    let text = text.trim();
    let time = if is_number(text) {
        epoch_of_digits(text)
    } else {
        match calendar(text) {
            Some((_, None)) if zone == ZoneRule::Required => {
                let detail = format!(
                    "{name}: {:?} has no zone; end it with Z for UTC, such as 2026-05-01T10:00:00Z",
                    truncate_name(text)
                );
                return Err(("INVALID_TIME", detail));
            }
            Some((local, offset)) => {
                // Subtracting an offset keeps a leap second, subtracting a duration does not.
                local.checked_sub_offset(offset.unwrap_or_else(|| Utc.fix())).map(|time| time.and_utc())
            }
            None => None,
        }
    };
    // An offset may move the last day of 9999 into a year that RFC 3339 cannot represent.
    time.filter(|time| (0..=9999).contains(&time.year())).ok_or_else(|| {
        let detail =
            format!("{name}: {:?} is no time; expected a form such as 2026-05-01T10:00:00Z", truncate_name(text));
        ("INVALID_TIME", detail)
    })
}

/// Parses a number since 1970.
///
/// # Errors
/// `INVALID_TIME` if the number is in none of the units.
pub(super) fn epoch(name: &str, number: f64) -> Result<DateTime<Utc>, Reason> {
    let (first, last) = EPOCH_SECONDS_RANGE;
    #[expect(clippy::cast_precision_loss, reason = "bounds with few digits")]
    let per_second = UNITS_PER_SECOND
        .into_iter()
        .map(|per_second| per_second as f64)
        .find(|per_second| (first as f64..last as f64).contains(&(number / per_second)));
    #[expect(clippy::cast_possible_truncation, reason = "below 2100 in microseconds")]
    let micros = per_second.map(|per_second| (number * (1e6 / per_second)).round() as i64);
    micros.and_then(DateTime::from_timestamp_micros).ok_or_else(|| {
        let expected = "expected seconds or milliseconds since 1970, or a time such as 2026-05-01T10:00:00Z";
        ("INVALID_TIME", format!("{name}: {number} is no time; {expected}"))
    })
}

/// Digits, with or without a fraction. Shorter ones (`20260501`) are dates of another form or invalid.
fn is_number(text: &str) -> bool {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction)
}

/// Parsed from text, since an `f64` loses the last digits of nanoseconds.
fn epoch_of_digits(text: &str) -> Option<DateTime<Utc>> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let whole: i128 = whole.parse().ok()?;
    let (first, last) = EPOCH_SECONDS_RANGE;
    let per_second =
        UNITS_PER_SECOND.into_iter().find(|per_second| (first..last).contains(&whole.div_euclid(*per_second)))?;
    let fraction: i128 = format!("{fraction:0<9.9}").parse().ok()?;
    let nanos = whole * (NANOS_PER_SECOND / per_second) + fraction / per_second;
    DateTime::from_timestamp(
        i64::try_from(nanos / NANOS_PER_SECOND).ok()?,
        u32::try_from(nanos % NANOS_PER_SECOND).ok()?,
    )
}

/// A date and a local time, and its offset from UTC if the text has a zone.
fn calendar(text: &str) -> Option<(NaiveDateTime, Option<FixedOffset>)> {
    let date = date(text.get(..10)?)?;
    let rest = text[10..].strip_prefix(['T', 't', ' '])?.trim_start();
    let end = rest.find(|char: char| !(char.is_ascii_digit() || matches!(char, ':' | '.' | ','))).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(end);
    Some((date.and_time(time_of_day(time)?), offset(zone.trim_start())?))
}

/// `2026-05-01` or `2026/05/01`.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != bytes[7] || !matches!(bytes[4], b'-' | b'/') {
        return None;
    }
    let year = i32::try_from(digits(&text[..4])?).ok()?;
    NaiveDate::from_ymd_opt(year, digits(text.get(5..7)?)?, digits(text.get(8..)?)?)
}

/// Whether a text begins with a time of day.
pub(super) fn is_time_of_day(text: &str) -> bool {
    text.as_bytes().get(2) == Some(&b':')
}

/// `10:00:00.5` or `10:00`. Second 60 is a leap second, as in RFC 3339.
pub(super) fn time_of_day(text: &str) -> Option<NaiveTime> {
    let (clock, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut parts = clock.split(':').map(|part| digits(part).filter(|_| part.len() == 2));
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        Some(second) => second?,
        None if clock.len() == text.len() => 0,
        None => return None,
    };
    if parts.next().is_some() {
        return None;
    }
    let nanos: u32 = if fraction == "0" { 0 } else { format!("{fraction:0<9.9}").parse().ok()? };
    match second {
        60 => NaiveTime::from_hms_opt(hour, minute, 59)?.with_nanosecond(1_000_000_000 + nanos),
        _ => NaiveTime::from_hms_opt(hour, minute, second)?.with_nanosecond(nanos),
    }
}

/// The UTC offset of a zone; the outer `None` is an unknown zone.
#[expect(clippy::option_option, reason = "no zone and an unknown zone are different answers")]
fn offset(text: &str) -> Option<Option<FixedOffset>> {
    if text.is_empty() {
        return Some(None);
    }
    if ["Z", "UTC", "GMT"].iter().any(|utc| text.eq_ignore_ascii_case(utc)) {
        return Some(Some(Utc.fix()));
    }
    let sign = match text.as_bytes()[0] {
        b'+' => 60,
        b'-' => -60,
        _ => return None,
    };
    let (hours, minutes) = match text.get(1..)?.as_bytes() {
        [_, _] => (text.get(1..3)?, "00"),
        [_, _, _, _] => (text.get(1..3)?, text.get(3..)?),
        [_, _, b':', _, _] => (text.get(1..3)?, text.get(4..)?),
        _ => return None,
    };
    let (hours, minutes) =
        (digits(hours).filter(|&hours| hours < 24)?, digits(minutes).filter(|&minutes| minutes < 60)?);
    FixedOffset::east_opt(sign * i32::try_from(hours * 60 + minutes).ok()?).map(Some)
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::at;

    #[test]
    fn every_form_of_a_time_is_read() {
        for (text, expected) in [
            ("2017-11-28T17:20:58Z", "2017-11-28T17:20:58Z"),
            ("2017-11-28t17:20:58.25z", "2017-11-28T17:20:58.25Z"),
            ("2017-11-28T17:20:58", "2017-11-28T17:20:58Z"),
            ("2017-11-28 17:20:58", "2017-11-28T17:20:58Z"),
            ("2017/11/28 17:20:58", "2017-11-28T17:20:58Z"),
            ("2017-11-28 17:20", "2017-11-28T17:20:00Z"),
            ("2017-11-28 17:20:58 UTC", "2017-11-28T17:20:58Z"),
            ("2017-11-28 17:20:58 gmt", "2017-11-28T17:20:58Z"),
            ("2017-11-28T17:20:58+0100", "2017-11-28T16:20:58Z"),
            ("2017-11-28T17:20:58 -01:30", "2017-11-28T18:50:58Z"),
            ("2017-11-28T17:20:58.000+01", "2017-11-28T16:20:58Z"),
            ("2017-11-28T17:20:58,123456789Z", "2017-11-28T17:20:58.123456789Z"),
            ("2016-08-13T00:00:26.053188+00:00", "2016-08-13T00:00:26.053188Z"),
            ("1511889658", "2017-11-28T17:20:58Z"),
            ("1511889658.5", "2017-11-28T17:20:58.5Z"),
            ("1511889658123", "2017-11-28T17:20:58.123Z"),
            ("1511889658123456", "2017-11-28T17:20:58.123456Z"),
            ("1511889658123456789", "2017-11-28T17:20:58.123456789Z"),
            ("2026-11-01T10:00:60Z", "2026-11-01T10:00:60Z"),
        ] {
            assert_eq!(parse("time", text, ZoneRule::UtcByDefault), Ok(at(expected)), "{text}");
        }
    }

    #[test]
    fn a_zone_is_required_where_the_format_says_so() {
        for text in ["2017-11-28T17:20:58", "2017/11/28 17:20"] {
            let (code, detail) = parse("createdAt", text, ZoneRule::Required).expect_err("no zone");
            assert_eq!(code, "INVALID_TIME");
            assert!(detail.contains("createdAt") && detail.contains("2026-05-01T10:00:00Z"), "{detail}");
        }
        for text in ["2017-11-28T17:20:58Z", "2017/11/28 17:20 UTC", "1511889658"] {
            assert!(parse("time", text, ZoneRule::Required).is_ok(), "{text}");
        }
    }

    #[test]
    fn ambiguous_and_impossible_times_are_rejected_with_an_example() {
        for text in [
            "",
            "yesterday",
            "01/02/2026",
            "01/02/2026 10:00:00",
            "28.11.2017 17:20:58",
            "2017-11/28 17:20:58",
            "2017-11-28",
            "20171128",
            "2026-02-30T10:00:00Z",
            "2026-02-03T24:00:00Z",
            "2026-02-03T10:00:61Z",
            "2026-02-03T10:0:00Z",
            "2026-02-03T10:00:00.Z",
            "2026-02-03T10:00.5Z",
            "2026-02-03T10:00:00 CET",
            "2026-02-03T10:00:00+25:00",
            "2026-02-03T10:00:00+1",
            "9999-12-31T23:59:59-01:00",
            "0",
            "123456",
            "-1511889658",
            "1e9",
            "99999999999999999999999999999999999999999999",
        ] {
            let (code, detail) = parse("time", text, ZoneRule::UtcByDefault).expect_err(text);
            assert_eq!(code, "INVALID_TIME");
            assert!(detail.contains("2026-05-01T10:00:00Z"), "{detail}");
        }
    }

    proptest! {
        #[test]
        fn parsing_arbitrary_text_does_not_panic(text in "\\PC{0,40}", digits in "[-0-9/:TZ .,+é]{0,30}") {
            for text in [text, digits] {
                let _ = parse("time", &text, ZoneRule::UtcByDefault);
            }
        }

        #[test]
        fn rfc_3339_is_read_as_chrono_reads_it(micros in 0..4_000_000_000_000_000_i64, minutes in -1439..1440_i32) {
            let zone = chrono::FixedOffset::east_opt(minutes * 60).expect("an offset");
            let time = DateTime::from_timestamp_micros(micros).expect("a time");
            prop_assert_eq!(parse("time", &time.with_timezone(&zone).to_rfc3339(), ZoneRule::Required), Ok(time));
        }
    }
}
