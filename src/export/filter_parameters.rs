//! Readable parameters of filters, such as `bbox=` and `pm2_5.min=`, as JSON of the GraphQL input, and the names of
//! parameters behind the paths of GraphQL's errors.

use serde_json::{Map, Value, json};

use crate::{api_error::ApiError, domain::quantity::Quantity, graphql::types::quantity};

/// Path of the filter in errors.
const FILTER: &str = "filter";

/// Names of the parameters behind paths of GraphQL's arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterNames(Vec<(String, String)>);

impl ParameterNames {
    /// Adds the parameter whose value is at this path.
    pub fn add(&mut self, path: impl Into<String>, parameter: impl Into<String>) {
        self.0.push((path.into(), parameter.into()));
    }

    /// The path of a value in the request: the parameter, and within `filter=` the rest of the path.
    pub fn find(&self, path: &str) -> String {
        let path = path.trim_start_matches('$');
        let rest =
            |prefix: &str| path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        let known = self.0.iter().filter_map(|(prefix, parameter)| Some((prefix.len(), parameter, rest(prefix)?)));
        match known.max_by_key(|&(length, ..)| length) {
            Some((_, parameter, rest)) if parameter == FILTER => format!("{parameter}{rest}"),
            Some((_, parameter, _)) => parameter.clone(),
            None => path.to_owned(),
        }
    }
}

/// A filter of measurements that is put together from parameters. Each of them becomes a filter, and all must match.
#[derive(Debug, Default)]
pub struct FilterParts(Vec<FilterPart>);

#[derive(Debug)]
struct FilterPart {
    filter: Value,
    /// Paths in the filter and the parameters of the values there.
    names: Vec<(&'static str, String)>,
}

impl FilterParts {
    /// Adds a parameter; `false` when it is not one of a filter of measurements.
    ///
    /// # Errors
    /// When its value can't be parsed, or it was given before.
    pub fn add(&mut self, name: &str, value: &str) -> Result<bool, ApiError> {
        let (path, filter) = match name {
            FILTER => ("", parse_filter(value)?),
            "device" => {
                self.append(name, "devices", value);
                return Ok(true);
            }
            "from" | "to" => return self.add_time(name, value).map(|()| true),
            "bbox" | "circle" | "cells" => ("area", json!({ "area": parse_area(name, value)? })),
            "trip" => ("trip", json!({ "trip": value })),
            "flags" => ("flags", json!({ "flags": { "any": names(value) } })),
            "notFlags" => ("flags", json!({ "flags": { "none": names(value) } })),
            _ => return self.add_range(name, value),
        };
        if self.has(name) {
            return Err(given_twice(name));
        }
        self.0.push(FilterPart { filter, names: vec![(path, name.to_owned())] });
        Ok(true)
    }

    fn has(&self, parameter: &str) -> bool {
        self.0.iter().any(|part| part.names.iter().any(|(_, known)| known == parameter))
    }

    /// Adds an item to the list of a parameter that may be repeated.
    fn append(&mut self, parameter: &str, field: &'static str, value: &str) {
        let known = self.0.iter_mut().find(|part| part.names.iter().any(|(_, known)| known == parameter));
        if let Some(items) = known.and_then(|part| part.filter[field].as_array_mut()) {
            items.push(value.into());
        } else {
            let names = vec![(field, parameter.to_owned())];
            self.0.push(FilterPart { filter: json!({ field: [value] }), names });
        }
    }

    /// Adds an end of the time span. Both ends are one filter, so that an empty span is found.
    fn add_time(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        if self.has(name) {
            return Err(given_twice(name));
        }
        let path = if name == "from" { "measuredAt.from" } else { "measuredAt.to" };
        let known =
            self.0.iter_mut().find(|part| part.filter.get("measuredAt").is_some() && !part.names[0].0.is_empty());
        if let Some(part) = known {
            part.filter["measuredAt"][name] = value.into();
            part.names.push((path, name.to_owned()));
        } else {
            let names = vec![(path, name.to_owned()), ("measuredAt", name.to_owned())];
            self.0.push(FilterPart { filter: json!({ "measuredAt": { name: value } }), names });
        }
        Ok(())
    }

    /// Adds `<quantity>.min` or `<quantity>.max`.
    fn add_range(&mut self, name: &str, value: &str) -> Result<bool, ApiError> {
        let Some((quantity, end @ ("min" | "max"))) = name.rsplit_once('.') else { return Ok(false) };
        let Some(quantity) = Quantity::from_name(quantity) else {
            return Err(ApiError::bad_input(name, format!("no quantity {quantity:?}")));
        };
        if self.has(name) {
            return Err(given_twice(name));
        }
        let range = json!({ "quantity": quantity::schema_name(quantity), end: parse_number(name, value)? });
        let filter = json!({ "quantities": [range] });
        self.0.push(FilterPart { filter, names: vec![("quantities", name.to_owned())] });
        Ok(true)
    }

    /// The filter as JSON, with the names of its parameters added to `names`. An empty object without parameters.
    pub fn into_filter(self, names: &mut ParameterNames) -> Value {
        let is_single = self.0.len() == 1;
        if !self.has(FILTER) {
            // a time span that is required, but not given
            names.add(format!("{FILTER}.measuredAt.from"), "from");
        }
        let mut filters = Vec::with_capacity(self.0.len());
        for (at, part) in self.0.into_iter().enumerate() {
            let outer = if is_single { FILTER.to_owned() } else { format!("{FILTER}.and[{at}]") };
            for (path, parameter) in part.names {
                names.add(if path.is_empty() { outer.clone() } else { format!("{outer}.{path}") }, parameter);
            }
            filters.push(part.filter);
        }
        match filters.len() {
            0 => Value::Object(Map::new()),
            1 => filters.swap_remove(0),
            _ => json!({ "and": filters }),
        }
    }
}

/// The JSON object of the parameter `filter`.
pub fn parse_filter(value: &str) -> Result<Value, ApiError> {
    match serde_json::from_str(value) {
        Ok(Value::Object(filter)) => Ok(Value::Object(filter)),
        Ok(_) => Err(ApiError::bad_input(FILTER, "must be a JSON object, such as {\"devices\":[\"bike-07\"]}")),
        Err(error) => Err(ApiError::bad_input(FILTER, format!("not valid JSON: {error}"))),
    }
}

/// The area of `bbox`, `circle` or `cells`.
pub fn parse_area(name: &str, value: &str) -> Result<Value, ApiError> {
    Ok(match name {
        // the order of GeoJSON
        "bbox" => match numbers(name, value)?[..] {
            [west, south, east, north] => {
                json!({ "boundingBox": { "west": west, "south": south, "east": east, "north": north } })
            }
            _ => return Err(ApiError::bad_input(name, "must be west,south,east,north in degrees")),
        },
        "circle" => match numbers(name, value)?[..] {
            [latitude, longitude, radius] => {
                json!({ "circle": { "latitude": latitude, "longitude": longitude, "radius": radius } })
            }
            _ => return Err(ApiError::bad_input(name, "must be latitude,longitude,radius in degrees and metres")),
        },
        _ => json!({ "cells": names(value) }),
    })
}

/// The items of a comma-separated list.
pub fn names(value: &str) -> Vec<&str> {
    value.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

fn numbers(name: &str, value: &str) -> Result<Vec<f64>, ApiError> {
    value.split(',').map(|number| parse_number(name, number.trim())).collect()
}

fn parse_number(name: &str, value: &str) -> Result<f64, ApiError> {
    let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| ApiError::bad_input(name, format!("{value:?} is not a number")))
}

/// The error for a parameter that is given more than once.
pub fn given_twice(name: &str) -> ApiError {
    ApiError::bad_input(name, "given more than once")
}
