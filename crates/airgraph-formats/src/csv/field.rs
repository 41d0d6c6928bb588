//! Parsing of fields.

use airgraph_domain::quantity::Quantity;
use chrono::{DateTime, NaiveDate, NaiveTime, Timelike as _, Utc};

use super::dialect::Decimals;
use crate::{
    ignored::truncate_name,
    parse::{self, Reason},
    timestamp::{self, ZoneRule},
};

/// Texts of a missing value, besides the empty text: those of pandas, R, spreadsheets, Home Assistant and
/// archives.
const NO_VALUE_TEXTS: [&str; 8] = ["nan", "na", "null", "none", "n/a", "-", "unavailable", "unknown"];

/// The text of a field, or `None` if it has no value.
pub(super) fn text<'a>(column: &str, field: &'a [u8]) -> Result<Option<&'a str>, Reason> {
    let text = str::from_utf8(field).map_err(|_| ("INVALID_UTF8", format!("{column}: no text in UTF-8")))?;
    let is_no_value = text.is_empty() || NO_VALUE_TEXTS.iter().any(|mark| text.eq_ignore_ascii_case(mark));
    Ok((!is_no_value).then_some(text))
}

/// The finite number of a field.
pub(super) fn number(column: &str, text: &str, decimals: &mut Decimals) -> Result<f64, Reason> {
    let number = decimals.number(text);
    number.ok_or_else(|| ("WRONG_TYPE", format!("{column}: {:?} is no number", truncate_name(text))))
}

/// The value of a quantity; `gps_updated` also as `true` or `false`, as exports write it.
pub(super) fn value(quantity: Quantity, column: &str, text: &str, decimals: &mut Decimals) -> Result<f64, Reason> {
    match quantity {
        Quantity::GpsUpdated if text.eq_ignore_ascii_case("true") => Ok(1.0),
        Quantity::GpsUpdated if text.eq_ignore_ascii_case("false") => Ok(0.0),
        _ => number(column, text, decimals),
    }
}

/// A coordinate in degrees.
pub(super) fn coordinate(column: &str, text: &str, decimals: &mut Decimals) -> Result<f64, Reason> {
    number(column, text, decimals).map_err(|(_, detail)| ("INVALID_POSITION", detail))
}

/// A time, in UTC if it has no zone; a time of day is combined with the date of another column.
pub(super) fn moment(column: &str, text: &str, date: Option<&str>) -> Result<DateTime<Utc>, Reason> {
    match date {
        Some(date) if timestamp::is_time_of_day(text) => {
            timestamp::parse(column, &format!("{date} {text}"), ZoneRule::UtcByDefault)
        }
        _ => timestamp::parse(column, text, ZoneRule::UtcByDefault),
    }
}

/// A date of the SD card: `20260501`.
pub(super) fn card_date(column: &str, text: &str) -> Result<NaiveDate, Reason> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let date = digits.then(|| NaiveDate::parse_from_str(text, "%Y%m%d").ok()).flatten();
    date.or_else(|| timestamp::date(text)).ok_or_else(|| invalid(column, text, "20260501"))
}

/// A time of day of the SD card: `93005` is 09:30:05; a leading zero is omitted.
pub(super) fn card_time(column: &str, text: &str) -> Result<NaiveTime, Reason> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let time = || {
        let number: u32 = (digits(whole) && digits(fraction)).then(|| whole.parse().ok())??;
        let time = NaiveTime::from_hms_opt(number / 10_000, number / 100 % 100, number % 100)?;
        time.with_nanosecond(format!("{fraction:0<9.9}").parse().ok()?)
    };
    time().or_else(|| timestamp::time_of_day(text)).ok_or_else(|| invalid(column, text, "93005 for 09:30:05"))
}

/// A date of the backup: `1041024` is 24 October of the year 1900 + 104.
pub(super) fn backup_date(column: &str, text: &str) -> Result<NaiveDate, Reason> {
    let date = || {
        let number: u32 = text.strip_suffix(".0").unwrap_or(text).parse().ok()?; // pandas writes all numbers as floats
        let year = i32::try_from(number / 10_000).ok()?.checked_add(1900)?;
        NaiveDate::from_ymd_opt(year, number / 100 % 100, number % 100)
    };
    date().ok_or_else(|| invalid(column, text, "1041024 for 2004-10-24"))
}

/// A time of day of the backup, in hours: `19.0938` is 19:05:38. The logger's clock had whole seconds, and a
/// ten-thousandth of an hour is less than one.
pub(super) fn backup_time(column: &str, text: &str) -> Result<NaiveTime, Reason> {
    let hours = parse::number(text).ok_or_else(|| invalid(column, text, "19.0938 for 19:05:38"))?;
    let seconds = (hours * 3600.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie within a day")]
    let time = (0.0..86_400.0)
        .contains(&seconds)
        .then(|| NaiveTime::from_num_seconds_from_midnight_opt(seconds as u32, 0))
        .flatten();
    time.ok_or_else(|| invalid(column, text, "19.0938 for 19:05:38"))
}

fn invalid(column: &str, text: &str, example: &str) -> Reason {
    ("INVALID_TIME", format!("{column}: {:?} is invalid; expected a value such as {example}", truncate_name(text)))
}
