//! Measurements, with all of their fields.

use std::collections::HashMap;

use async_graphql::Context;
use h3o::Resolution;

use super::{
    CompiledSelection, JsonType, PrefetchFuture,
    json::{self, nullable},
    readings::ReadingsField,
    selection::SelectedField,
};
use crate::{
    domain::{cell::cell_at, device::DeviceId, position::Position},
    graphql::{
        id::GlobalId,
        types::{
            device::Device,
            measurement::{DEFAULT_RESOLUTION, Measurement, check_resolution},
            quality_flag,
            readings::group_by_field,
        },
    },
};

pub enum MeasurementField {
    Id,
    Device(Box<CompiledSelection<Device>>, HashMap<DeviceId, Device>),
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
    Readings(ReadingsField),
}

impl JsonType for Measurement {
    type Field = MeasurementField;

    fn compile_field(field: &SelectedField<'_>) -> Option<MeasurementField> {
        Some(match field.name() {
            "id" => MeasurementField::Id,
            "device" => MeasurementField::Device(Box::new(CompiledSelection::for_object(field)?), HashMap::new()),
            "measuredAt" => MeasurementField::MeasuredAt,
            "recordedAt" => MeasurementField::RecordedAt,
            "timeUncertainty" => MeasurementField::TimeUncertainty,
            "latitude" => MeasurementField::Latitude,
            "longitude" => MeasurementField::Longitude,
            "cell" => MeasurementField::Cell(
                check_resolution(field.argument("resolution", Some(|| DEFAULT_RESOLUTION))?).ok()?,
            ),
            "pm1" => MeasurementField::Pm1,
            "pm25" => MeasurementField::Pm25,
            "pm4" => MeasurementField::Pm4,
            "pm10" => MeasurementField::Pm10,
            "flags" => MeasurementField::Flags,
            name => MeasurementField::Readings(ReadingsField::for_group(group_by_field(name)?, field)?),
        })
    }

    fn prefetch<'a>(
        column: &'a mut MeasurementField,
        rows: &'a [&'a Self],
        ctx: &'a Context<'_>,
    ) -> Option<PrefetchFuture<'a>> {
        match column {
            MeasurementField::Device(columns, devices) => {
                let ids = rows.iter().map(|row| row.0.key.device_id);
                devices.extend(ids.map(|id| (id, Device::from_id(id))));
                Some(Box::pin(async move { columns.prefetch(&devices.values().collect::<Vec<_>>(), ctx).await }))
            }
            MeasurementField::Readings(group) if group.needs_prefetch(rows) => {
                Some(Box::pin(group.prefetch(rows, ctx)))
            }
            _ => None,
        }
    }

    fn write(&self, column: &MeasurementField, out: &mut Vec<u8>) {
        let row = &self.0;
        match *column {
            MeasurementField::Id => json::unescaped_string(&GlobalId::Measurement(row.key).encode(), out),
            MeasurementField::Device(ref columns, ref devices) => {
                nullable(devices.get(&row.key.device_id), |device, out| columns.write(device, out), out);
            }
            MeasurementField::MeasuredAt => json::timestamp(row.key.measured_at, out),
            MeasurementField::RecordedAt => json::timestamp(row.recorded_at, out),
            MeasurementField::TimeUncertainty => nullable(row.time_uncertainty_s, json::integer, out),
            MeasurementField::Latitude => nullable(row.position.map(Position::latitude), json::float, out),
            MeasurementField::Longitude => nullable(row.position.map(Position::longitude), json::float, out),
            MeasurementField::Cell(resolution) => {
                nullable(
                    row.position,
                    |place, out| json::unescaped_string(&cell_at(place, resolution).to_string(), out),
                    out,
                );
            }
            MeasurementField::Pm1 => nullable(row.pm1, json::float32, out),
            MeasurementField::Pm25 => nullable(row.pm2_5, json::float32, out),
            MeasurementField::Pm4 => nullable(row.pm4, json::float32, out),
            MeasurementField::Pm10 => nullable(row.pm10, json::float32, out),
            MeasurementField::Readings(ref group) => group.write(self, out),
            MeasurementField::Flags => {
                json::string_list(quality_flag::from_set(row.flags).into_iter().map(quality_flag::schema_name), out);
            }
        }
    }
}
