//! The parameters of an export, the same in a URL and on the command line.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    ExportFormat, ExportSubject, TimeFormat, columns,
    columns::ExportColumn,
    filter_parameters::{FilterParts, ParameterNames, given_twice, names, parse_area, parse_filter},
};
use crate::api_error::ApiError;

/// A parsed export. Its values are checked when it starts, by the rules of GraphQL.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// What is exported.
    pub subject: ExportSubject,
    /// Format.
    pub format: ExportFormat,
    /// Columns in order.
    pub columns: Arc<[ExportColumn]>,
    /// Format of times.
    pub times: TimeFormat,
    /// Arguments of the GraphQL field, by name.
    pub(super) arguments: Map<String, Value>,
    /// Names of the parameters that the arguments come from.
    pub(super) names: ParameterNames,
    /// Keys of the devices whose trips are exported.
    pub(super) trip_devices: Vec<String>,
    /// Part of the name of the file: the time span and the device.
    pub(super) label: Vec<String>,
}

/// How the value of a parameter is written in JSON.
#[derive(Clone, Copy)]
enum ArgumentKind {
    Text,
    Integer,
    Boolean,
    /// Separated by commas.
    List,
}

/// A parameter that is an argument of the GraphQL field: its name, that of the argument, and its kind.
type Argument = (&'static str, &'static str, ArgumentKind);

const MEASUREMENTS: &[Argument] = &[("order", "orderBy", ArgumentKind::Text), ("after", "after", ArgumentKind::Text)];
const STATISTICS: &[Argument] = &[
    ("every", "every", ArgumentKind::Text),
    ("maxBuckets", "maxBuckets", ArgumentKind::Integer),
    ("fill", "fill", ArgumentKind::Text),
    ("timezone", "timeZone", ArgumentKind::Text),
    ("groupBy", "groupBy", ArgumentKind::List),
    ("cellResolution", "cellResolution", ArgumentKind::Integer),
    ("includeInvalid", "includeInvalid", ArgumentKind::Boolean),
];
const DEVICES: &[Argument] = &[
    ("order", "orderBy", ArgumentKind::Text),
    ("orderByQuantity", "orderByQuantity", ArgumentKind::Text),
    ("after", "after", ArgumentKind::Text),
];
const TRIPS: &[Argument] = &[
    ("maxGap", "maxGap", ArgumentKind::Integer),
    ("minDistance", "minDistance", ArgumentKind::Integer),
    ("includeInvalid", "includeInvalid", ArgumentKind::Boolean),
];
const CELLS: &[Argument] =
    &[("resolution", "resolution", ArgumentKind::Integer), ("includeInvalid", "includeInvalid", ArgumentKind::Boolean)];

/// Parameters of every export, for errors.
const COMMON_PARAMETERS: &str = "columns, times";
/// Parameters of filters of measurements, for errors.
const FILTER_PARAMETERS: &str =
    "filter, device, from, to, bbox, circle, cells, trip, flags, notFlags, <quantity>.min, <quantity>.max";
/// Resolution of cells when none is given, as of `statistics`.
const DEFAULT_RESOLUTION: i32 = 8;
/// Order of measurements when none is given: oldest first, so that rows that arrive meanwhile are part of the export.
const DEFAULT_ORDER: &str = "MEASURED_AT_ASC";

impl ExportRequest {
    /// Parses parameters.
    ///
    /// # Errors
    /// Names the parameter that is unknown or can't be parsed.
    pub fn parse(
        subject: ExportSubject,
        format: ExportFormat,
        parameters: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ApiError> {
        let mut draft = Draft::new(subject);
        for (name, value) in parameters {
            draft.add(&name, &value)?;
        }
        let request = draft.into_request(format)?;
        format.check_subject(&request)?;
        Ok(request)
    }

    /// A name for the file, with characters that every system allows.
    #[must_use]
    pub fn file_name(&self) -> String {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
        let label: String = self.label.iter().flat_map(|part| ["-", part]).collect();
        let label: String = label.chars().map(|char| if is_plain(char) { char } else { '_' }).take(100).collect();
        format!("airgraph-{}{label}.{}", self.subject.name(), self.format.extension())
    }

    /// Whether measurements are in descending order of time; `None` for other rows.
    pub(super) fn is_descending_in_time(&self) -> Option<bool> {
        let order = self.arguments.get("orderBy").filter(|_| self.subject == ExportSubject::Measurements)?;
        Some(order != DEFAULT_ORDER)
    }

    /// An export of the measurements that the filter of this one matches.
    pub(super) fn of_measurements(&self) -> Self {
        let filter = self.arguments.get("filter").cloned().unwrap_or_default();
        let arguments = Map::from_iter([("filter".to_owned(), filter)]);
        Self { subject: ExportSubject::Measurements, arguments, ..self.clone() }
    }

    /// Whether statistics are grouped by cell, so that they have a place.
    pub(super) fn is_grouped_by_cell(&self) -> bool {
        is_grouped_by(&self.arguments, "cell")
    }
}

/// An export while its parameters are read.
struct Draft {
    subject: ExportSubject,
    columns: Vec<String>,
    times: Option<TimeFormat>,
    arguments: Map<String, Value>,
    names: ParameterNames,
    filter: FilterParts,
    /// Filter of devices, or time span of trips.
    fields: Map<String, Value>,
    trip_devices: Vec<String>,
    label: Vec<String>,
}

impl Draft {
    fn new(subject: ExportSubject) -> Self {
        Self {
            subject,
            columns: Vec::new(),
            times: None,
            arguments: Map::new(),
            names: ParameterNames::default(),
            filter: FilterParts::default(),
            fields: Map::new(),
            trip_devices: Vec::new(),
            label: Vec::new(),
        }
    }

    fn arguments_of_subject(&self) -> &'static [Argument] {
        match self.subject {
            ExportSubject::Measurements => MEASUREMENTS,
            ExportSubject::Statistics => STATISTICS,
            ExportSubject::Devices => DEVICES,
            ExportSubject::Trips => TRIPS,
            ExportSubject::Cells => CELLS,
        }
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        match name {
            "columns" => {
                self.columns.extend(names(value).into_iter().map(str::to_owned));
                return Ok(());
            }
            "times" if self.times.is_some() => return Err(given_twice(name)),
            "times" => {
                self.times = Some(value.parse().map_err(|reason| ApiError::bad_input(name, reason))?);
                return Ok(());
            }
            "from" | "to" => self.label.push(value.chars().take("2026-05-01".len()).collect()),
            "device" => self.label.push(value.to_owned()),
            _ => {}
        }
        if let Some(&(_, argument, kind)) = self.arguments_of_subject().iter().find(|(known, ..)| *known == name) {
            let value = argument_value(name, value, kind)?;
            self.names.add(argument, name);
            return match self.arguments.insert(argument.to_owned(), value) {
                None => Ok(()),
                Some(_) => Err(given_twice(name)),
            };
        }
        let is_known = match self.subject {
            ExportSubject::Measurements | ExportSubject::Statistics | ExportSubject::Cells => {
                self.filter.add(name, value)?
            }
            ExportSubject::Devices => self.add_device_filter(name, value)?,
            ExportSubject::Trips => self.add_trip_parameter(name, value)?,
        };
        if is_known { Ok(()) } else { Err(self.unknown(name)) }
    }

    fn unknown(&self, name: &str) -> ApiError {
        if name == "after" {
            let reason = format!("an export of {} has no cursors: it is read at once", self.subject.name());
            return ApiError::bad_input(name, reason);
        }
        let filters = match self.subject {
            ExportSubject::Measurements | ExportSubject::Statistics | ExportSubject::Cells => FILTER_PARAMETERS,
            ExportSubject::Devices => "filter, device, kind, text, seenSince, bbox, circle, cells",
            ExportSubject::Trips => "device, from, to",
        };
        let own: Vec<_> = self.arguments_of_subject().iter().map(|(name, ..)| *name).collect();
        let known = [filters, &own.join(", "), COMMON_PARAMETERS].join(", ");
        ApiError::bad_input(
            name,
            format!("unknown parameter of an export of {}; there are: {known}", self.subject.name()),
        )
    }

    fn add_device_filter(&mut self, name: &str, value: &str) -> Result<bool, ApiError> {
        let (field, value) = match name {
            "filter" => {
                let Value::Object(filter) = parse_filter(value)? else { return Ok(false) };
                for (field, value) in filter {
                    self.set_field("filter", &field, value)?;
                }
                return Ok(true);
            }
            "device" => {
                let keys = self.fields.entry("keys").or_insert_with(|| json!([]));
                keys.as_array_mut().ok_or_else(|| given_twice(name))?.push(value.into());
                self.names.add("filter.keys", name);
                return Ok(true);
            }
            "kind" => ("kind", value.into()),
            "text" => ("text", value.into()),
            "seenSince" => ("seenSince", value.into()),
            "bbox" | "circle" | "cells" => ("area", parse_area(name, value)?),
            _ => return Ok(false),
        };
        self.set_field(name, field, value)?;
        self.names.add(format!("filter.{field}"), name);
        Ok(true)
    }

    fn set_field(&mut self, parameter: &str, field: &str, value: Value) -> Result<(), ApiError> {
        match self.fields.insert(field.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(ApiError::bad_input(parameter, format!("{field} is given more than once"))),
        }
    }

    fn add_trip_parameter(&mut self, name: &str, value: &str) -> Result<bool, ApiError> {
        match name {
            "device" => self.trip_devices.push(value.to_owned()),
            "from" | "to" => {
                self.set_field(name, name, value.into())?;
                self.names.add(format!("measuredAt.{name}"), name);
                self.names.add("measuredAt", name);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn into_request(mut self, format: ExportFormat) -> Result<ExportRequest, ApiError> {
        match self.subject {
            ExportSubject::Measurements => {
                self.arguments.entry("orderBy").or_insert_with(|| DEFAULT_ORDER.into());
            }
            ExportSubject::Cells => {
                self.arguments.entry("resolution").or_insert_with(|| DEFAULT_RESOLUTION.into());
            }
            ExportSubject::Trips if self.trip_devices.is_empty() => {
                return Err(ApiError::bad_input("device", "required: trips are exported device by device"));
            }
            _ => {}
        }
        match self.subject {
            ExportSubject::Measurements | ExportSubject::Statistics | ExportSubject::Cells => {
                self.arguments.insert("filter".to_owned(), self.filter.into_filter(&mut self.names));
            }
            ExportSubject::Devices => _ = self.arguments.insert("filter".to_owned(), self.fields.into()),
            ExportSubject::Trips => _ = self.arguments.insert("measuredAt".to_owned(), self.fields.into()),
        }
        let columns: Vec<_> = self.columns.iter().map(String::as_str).collect();
        let mut selected = columns::select(self.subject, &columns)?;
        if self.subject == ExportSubject::Statistics && columns.is_empty() {
            selected.retain(|column| is_grouped_by(&self.arguments, &column.name));
        }
        Ok(ExportRequest {
            subject: self.subject,
            format,
            columns: selected.into(),
            times: self.times.unwrap_or_default(),
            arguments: self.arguments,
            names: self.names,
            trip_devices: self.trip_devices,
            label: self.label,
        })
    }
}

/// Whether statistics have this column: all do, but those of a group that they are not grouped by.
fn is_grouped_by(arguments: &Map<String, Value>, column: &str) -> bool {
    let group = match column {
        "device" => "DEVICE",
        "cell" => "CELL",
        "hour_of_day" => "HOUR_OF_DAY",
        "day_of_week" => "DAY_OF_WEEK",
        _ => return true,
    };
    let groups = arguments.get("groupBy").and_then(Value::as_array);
    groups.is_some_and(|groups| groups.iter().any(|known| known == group))
}

fn argument_value(name: &str, value: &str, kind: ArgumentKind) -> Result<Value, ApiError> {
    match kind {
        ArgumentKind::Text => Ok(value.into()),
        ArgumentKind::Integer => {
            let number = value.parse::<i32>().map(Value::from);
            number.map_err(|_| ApiError::bad_input(name, format!("{value:?} is not a whole number")))
        }
        ArgumentKind::Boolean => {
            let value = value.parse::<bool>().map(Value::from);
            value.map_err(|_| ApiError::bad_input(name, "must be true or false"))
        }
        ArgumentKind::List => Ok(names(value).into()),
    }
}
