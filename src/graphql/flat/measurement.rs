//! Measurements, with all fields that stand in their row.

use h3o::Resolution;

use super::{
    Flat,
    json::{self, optional},
    selection::Selected,
};
use crate::{
    domain::{cell::cell_at, position::Position},
    graphql::{
        id::GlobalId,
        model::{
            measurement::{DEFAULT_RESOLUTION, Measurement, resolution_of},
            quality_flag,
        },
    },
};

pub enum Column {
    Id,
    MeasuredAt,
    RecordedAt,
    TimeUncertainty,
    Latitude,
    Longitude,
    Cell(Resolution),
    Pm1,
    Pm25,
    Pm4,
    Pm10,
    Flags,
}

impl Flat for Measurement {
    type Column = Column;

    fn column(field: &Selected<'_>) -> Option<Column> {
        Some(match field.name() {
            "id" => Column::Id,
            "measuredAt" => Column::MeasuredAt,
            "recordedAt" => Column::RecordedAt,
            "timeUncertainty" => Column::TimeUncertainty,
            "latitude" => Column::Latitude,
            "longitude" => Column::Longitude,
            "cell" => Column::Cell(resolution_of(field.argument("resolution", Some(|| DEFAULT_RESOLUTION))?).ok()?),
            "pm1" => Column::Pm1,
            "pm25" => Column::Pm25,
            "pm4" => Column::Pm4,
            "pm10" => Column::Pm10,
            "flags" => Column::Flags,
            _ => return None,
        })
    }

    fn write(&self, column: &Column, out: &mut Vec<u8>) {
        let row = &self.0;
        match *column {
            Column::Id => json::bare(&GlobalId::Measurement(row.key).encode(), out),
            Column::MeasuredAt => json::time(row.key.measured_at, out),
            Column::RecordedAt => json::time(row.recorded_at, out),
            Column::TimeUncertainty => optional(row.time_uncertainty_s, json::integer, out),
            Column::Latitude => optional(row.position.map(Position::latitude), json::float, out),
            Column::Longitude => optional(row.position.map(Position::longitude), json::float, out),
            Column::Cell(resolution) => {
                optional(row.position, |place, out| json::bare(&cell_at(place, resolution).to_string(), out), out);
            }
            Column::Pm1 => optional(row.pm1, json::particulate, out),
            Column::Pm25 => optional(row.pm2_5, json::particulate, out),
            Column::Pm4 => optional(row.pm4, json::particulate, out),
            Column::Pm10 => optional(row.pm10, json::particulate, out),
            Column::Flags => json::names(quality_flag::list(row.flags).into_iter().map(quality_flag::name), out),
        }
    }
}
