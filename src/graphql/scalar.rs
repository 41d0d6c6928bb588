//! Scalars.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, InputValueError, InputValueResult, OutputType, Positioned, Scalar, ScalarType, ServerResult,
    Value, parser::types::Field, registry::Registry,
};
use chrono::{SecondsFormat, Utc};

use crate::domain::{readings::to_decimal, time};

/// Description of the format of a [`DateTime`], for errors.
const EXPECTED_TIME: &str = "an RFC 3339 time with zone such as 2026-05-01T10:00:00Z";

/// Checks a value of a custom scalar, as part of input coercion before execution.
///
/// # Errors
/// The expected format.
pub(super) fn check(scalar: &str, value: &Value) -> Result<(), &'static str> {
    match scalar {
        "DateTime" => parse_time(value).map(drop).ok_or(EXPECTED_TIME),
        _ => Ok(()),
    }
}

/// A point in time in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// Point in time in RFC 3339 with UTC offset, such as `2026-05-01T10:00:00Z` or `2026-05-01T12:00:00+02:00`. Results
/// are in UTC with at most six decimals of a second. Arguments may have any offset; further decimals are truncated. A
/// date alone (`2026-05-01`), a time without offset (`2026-05-01T10:00:00`) and numbers are rejected, as they are
/// ambiguous without a time zone. Calendar days are defined by the `timeZone` argument of a field.
#[Scalar(specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        parse_time(&value)
            .map(Self)
            .ok_or_else(|| InputValueError::custom(format!("expected {EXPECTED_TIME}, found {value}")))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(time: chrono::DateTime<Utc>) -> Self {
        Self(time)
    }
}

/// A stored 32-bit float: a `Float` with its shortest decimal number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Float32(pub f32);

impl OutputType for Float32 {
    fn type_name() -> Cow<'static, str> {
        <f64 as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <f64 as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        to_decimal(self.0).resolve(ctx, field).await
    }
}

fn parse_time(value: &Value) -> Option<chrono::DateTime<Utc>> {
    let Value::String(text) = value else { return None };
    time::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<DateTime> {
        DateTime::parse(Value::String(text.to_owned())).ok()
    }

    #[test]
    fn times_are_parsed_in_any_zone_and_returned_in_utc() {
        let time = parse("2019-02-25T17:00:46.840341614+01:00").expect("a time");
        assert_eq!(time.to_value(), Value::String("2019-02-25T16:00:46.840341Z".to_owned()));
        let whole = parse("2026-05-01T10:00:00Z").expect("a time");
        assert_eq!(whole.to_value(), Value::String("2026-05-01T10:00:00Z".to_owned()));
    }

    #[test]
    fn a_leap_second_is_the_second_after_it() {
        assert_eq!(parse("2016-12-31T23:59:60.5Z"), parse("2017-01-01T00:00:00.5Z"));
        assert_eq!(parse("9999-12-31T23:59:60Z"), None);
    }

    #[test]
    fn other_values_are_rejected() {
        for text in [
            "",
            "now",
            "2026-05-01",
            "2026-05-01T10:00:00",
            "1777629600000",
            "2026-13-01T00:00:00Z",
            "+12026-05-01T10:00:00Z",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert!(DateTime::parse(Value::Number(0.into())).is_err());
    }
}
