//! Time spans and value ranges.

use async_graphql::InputObject;

use crate::{api_error::ApiError, domain::filter::ValueRange, graphql::scalar::DateTime};

/// Point in time of the domain layer.
type Moment = chrono::DateTime<chrono::Utc>;

/// Time span. Open at an end that is not given.
#[derive(Clone, Debug, InputObject)]
pub struct TimeRange {
    /// Start (inclusive).
    from: Option<DateTime>,
    /// End (exclusive).
    to: Option<DateTime>,
}

/// Value range, both ends inclusive. Open at an end that is not given.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct FloatRange {
    /// Minimum (inclusive).
    min: Option<f64>,
    /// Maximum (inclusive).
    max: Option<f64>,
}

impl TimeRange {
    /// Whether neither end is given.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.from.or(self.to).is_none()
    }

    /// Checks the span and returns its start (inclusive) and end (exclusive). `argument` is its path in the request.
    ///
    /// # Errors
    /// When the span is empty.
    pub fn check(&self, argument: &str) -> Result<(Option<Moment>, Option<Moment>), ApiError> {
        let (from, to) = (self.from.map(|time| time.0), self.to.map(|time| time.0));
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(ApiError::bad_input(argument, "`from` must be before `to`"));
        }
        Ok((from, to))
    }
}

impl FloatRange {
    /// Whether neither end is given.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.min.or(self.max).is_none()
    }

    /// Checks the range. `argument` is its path in the request.
    ///
    /// # Errors
    /// When an end is not finite, or the range is empty.
    pub fn check(self, argument: &str) -> Result<ValueRange, ApiError> {
        range(argument, self.min, self.max)
    }
}

/// The range between two ends. `argument` is its path in the request.
pub(super) fn range(argument: &str, min: Option<f64>, max: Option<f64>) -> Result<ValueRange, ApiError> {
    for (end, value) in [("min", min), ("max", max)] {
        if let Some(value) = value.filter(|value| !value.is_finite()) {
            return Err(ApiError::bad_input(format!("{argument}.{end}"), format!("{value} is not a finite number")));
        }
    }
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(ApiError::bad_input(argument, "`min` must not be above `max`"));
    }
    Ok(ValueRange { min, max })
}
