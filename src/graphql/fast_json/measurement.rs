//! Measurements, with all of their fields.

use std::collections::HashMap;

use async_graphql::Context;
use h3o::Resolution;

use super::{
    Columns, Flat, LookUp,
    json::{self, optional},
    readings::GroupColumn,
    selection::Selected,
};
use crate::{
    domain::{cell::cell_at, device::DeviceId, position::Position},
    graphql::{
        id::GlobalId,
        types::{
            device::Device,
            measurement::{DEFAULT_RESOLUTION, Measurement, resolution_of},
            quality_flag,
            readings::group_named,
        },
    },
};

pub enum Column {
    Id,
    Device(Box<Columns<Device>>, HashMap<DeviceId, Device>),
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
    Readings(GroupColumn),
}

impl Flat for Measurement {
    type Column = Column;

    fn column(field: &Selected<'_>) -> Option<Column> {
        Some(match field.name() {
            "id" => Column::Id,
            "device" => Column::Device(Box::new(Columns::of(field)?), HashMap::new()),
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
            name => Column::Readings(GroupColumn::of(group_named(name)?, field)?),
        })
    }

    fn look_up<'a>(column: &'a mut Column, rows: &'a [&'a Self], ctx: &'a Context<'_>) -> Option<LookUp<'a>> {
        match column {
            Column::Device(columns, devices) => {
                let ids = rows.iter().map(|row| row.0.key.device_id);
                devices.extend(ids.map(|id| (id, Device::numbered(id))));
                Some(Box::pin(async move { columns.look_up(&devices.values().collect::<Vec<_>>(), ctx).await }))
            }
            Column::Readings(group) if group.is_missing(rows) => Some(Box::pin(group.look_up(rows, ctx))),
            _ => None,
        }
    }

    fn write(&self, column: &Column, out: &mut Vec<u8>) {
        let row = &self.0;
        match *column {
            Column::Id => json::bare(&GlobalId::Measurement(row.key).encode(), out),
            Column::Device(ref columns, ref devices) => {
                optional(devices.get(&row.key.device_id), |device, out| columns.write(device, out), out);
            }
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
            Column::Readings(ref group) => group.write(self, out),
            Column::Flags => json::names(quality_flag::list(row.flags).into_iter().map(quality_flag::name), out),
        }
    }
}
