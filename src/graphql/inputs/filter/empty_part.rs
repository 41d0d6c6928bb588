//! Parts of a filter without content, such as `measuredAt: {}` or `or: []`.
//!
//! A client sends such parts when it builds a filter from missing values. Queries accept them. A deletion rejects them,
//! as it would delete more than intended.

use super::{FlagFilter, FloatRange, MeasurementFilter, TimeRange};
use crate::api_error::ApiError;

impl MeasurementFilter {
    /// Rejects a filter with an empty part. `argument` is the filter's path in the request.
    ///
    /// # Errors
    /// Names the first such part.
    pub fn require_content(&self, argument: &str) -> Result<(), ApiError> {
        match self.empty_part(argument) {
            Some(part) => Err(ApiError::bad_input(part, "has no content; give it a condition, or leave it out")),
            None => Ok(()),
        }
    }

    fn empty_part(&self, argument: &str) -> Option<String> {
        // Destructured without `..`: a new field fails to compile until it is handled here.
        let Self { devices, measured_at, area, pm1, pm25, pm4, pm10, trip, quantities, flags, and, or, not } = self;
        let has_any = [
            devices.is_some(),
            measured_at.is_some(),
            area.is_some(),
            pm1.is_some(),
            pm25.is_some(),
            pm4.is_some(),
            pm10.is_some(),
            trip.is_some(),
            quantities.is_some(),
            flags.is_some(),
            and.is_some(),
            or.is_some(),
            not.is_some(),
        ];
        if !has_any.contains(&true) {
            return Some(argument.to_owned());
        }
        let is_open = |range: &Option<FloatRange>| range.as_ref().is_some_and(FloatRange::is_open);
        let own = [
            ("devices", devices.as_ref().is_some_and(Vec::is_empty)),
            ("measuredAt", measured_at.as_ref().is_some_and(TimeRange::is_open)),
            ("pm1", is_open(pm1)),
            ("pm25", is_open(pm25)),
            ("pm4", is_open(pm4)),
            ("pm10", is_open(pm10)),
            ("quantities", quantities.as_ref().is_some_and(Vec::is_empty)),
            ("and", and.as_ref().is_some_and(Vec::is_empty)),
            ("or", or.as_ref().is_some_and(Vec::is_empty)),
        ];
        let own = own.into_iter().find_map(|(name, is_empty)| is_empty.then(|| format!("{argument}.{name}")));
        let quantity = || {
            let open = quantities.iter().flatten().position(|range| range.min.or(range.max).is_none())?;
            Some(format!("{argument}.quantities[{open}]"))
        };
        let flag = || Some(format!("{argument}.{}", flags.as_ref()?.empty_part()?));
        let inner =
            || self.nested_filters(argument).into_iter().find_map(|(argument, filter)| filter.empty_part(&argument));
        own.or_else(quantity).or_else(flag).or_else(inner)
    }
}

impl FlagFilter {
    fn empty_part(&self) -> Option<&'static str> {
        let is_empty = |flags: &Option<Vec<_>>| flags.as_ref().is_some_and(Vec::is_empty);
        match self {
            Self { any: None, none: None } => Some("flags"),
            Self { any, .. } if is_empty(any) => Some("flags.any"),
            Self { none, .. } if is_empty(none) => Some("flags.none"),
            Self { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{InputType as _, Value};
    use serde_json::json;

    use super::*;

    fn empty_part(filter: serde_json::Value) -> Option<String> {
        let filter = MeasurementFilter::parse(Some(Value::from_json(filter).expect("a value"))).expect("a filter");
        filter.empty_part("filter")
    }

    #[test]
    fn empty_part_is_found_at_any_depth() {
        let some = json!({ "pm10": { "min": 1 } });
        for (part, path) in [
            (json!({}), ""),
            (json!({ "pm10": null }), ""),
            (json!({ "devices": [] }), ".devices"),
            (json!({ "measuredAt": {} }), ".measuredAt"),
            (json!({ "measuredAt": { "from": null } }), ".measuredAt"),
            (json!({ "pm1": {} }), ".pm1"),
            (json!({ "pm25": {} }), ".pm25"),
            (json!({ "pm4": { "min": null, "max": null } }), ".pm4"),
            (json!({ "pm10": {} }), ".pm10"),
            (json!({ "quantities": [] }), ".quantities"),
            (json!({ "quantities": [{ "quantity": "CO2", "min": 1 }, { "quantity": "CO2" }] }), ".quantities[1]"),
            (json!({ "flags": {} }), ".flags"),
            (json!({ "flags": { "any": [] } }), ".flags.any"),
            (json!({ "flags": { "any": ["LATE"], "none": [] } }), ".flags.none"),
            (json!({ "and": [] }), ".and"),
            (json!({ "or": [] }), ".or"),
            (json!({ "and": [some, {}] }), ".and[1]"),
            (json!({ "or": [some, {}] }), ".or[1]"),
            (json!({ "not": {} }), ".not"),
        ] {
            assert_eq!(empty_part(part.clone()), Some(format!("filter{path}")), "{part}");
            let nested = json!({ "pm10": { "min": 1 }, "or": [some, { "not": part }] });
            assert_eq!(empty_part(nested), Some(format!("filter.or[1].not{path}")), "{part}");
        }
    }

    #[test]
    fn filter_without_empty_parts_is_accepted() {
        for filter in [
            json!({ "devices": ["a"], "measuredAt": { "from": "2026-05-01T00:00:00Z" }, "pm25": { "max": 1 } }),
            json!({ "quantities": [{ "quantity": "CO2", "max": 1 }], "flags": { "any": ["LATE"] } }),
            json!({ "trip": "x", "and": [{ "not": { "flags": { "none": ["LATE"] } } }], "area": { "cells": [] } }),
        ] {
            assert_eq!(empty_part(filter.clone()), None, "{filter}");
        }
    }
}
