//! Measurements, with all of their fields. Those of the row are in the table of [`MeasurementRow`].

use std::collections::HashMap;

use async_graphql::Context;
use h3o::Resolution;

use super::{
    CompiledSelection, JsonType, PrefetchFuture,
    json::{self, nullable},
    readings::ReadingsField,
    row_fields::WriteField,
    selection::SelectedField,
};
use crate::{
    domain,
    domain::{cell::cell_at, device::DeviceId},
    graphql::{
        id::GlobalId,
        types::{
            device::Device,
            measurement::{DEFAULT_RESOLUTION, Measurement, MeasurementRow, check_resolution},
            readings::group_by_field,
        },
    },
};

pub enum MeasurementField {
    Id,
    /// A value of the row.
    Row(WriteField<domain::measurement::Measurement>),
    Device(Box<CompiledSelection<Device>>, HashMap<DeviceId, Device>),
    Cell(Resolution),
    Readings(ReadingsField),
}

impl JsonType for Measurement {
    type Field = MeasurementField;

    fn compile_field(field: &SelectedField<'_>) -> Option<MeasurementField> {
        Some(match field.name() {
            "id" => MeasurementField::Id,
            "device" => MeasurementField::Device(Box::new(CompiledSelection::for_object(field)?), HashMap::new()),
            "cell" => MeasurementField::Cell(
                check_resolution(field.argument("resolution", Some(|| DEFAULT_RESOLUTION))?).ok()?,
            ),
            name => match group_by_field(name) {
                Some(group) => MeasurementField::Readings(ReadingsField::for_group(group, field)?),
                None => MeasurementField::Row(MeasurementRow::writer(name)?),
            },
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
            MeasurementField::Row(write) => write(row, out),
            MeasurementField::Id => json::unescaped_string(&GlobalId::Measurement(row.key).encode(), out),
            MeasurementField::Device(ref columns, ref devices) => {
                nullable(devices.get(&row.key.device_id), |device, out| columns.write(device, out), out);
            }
            MeasurementField::Cell(resolution) => {
                nullable(
                    row.position,
                    |place, out| json::unescaped_string(&cell_at(place, resolution).to_string(), out),
                    out,
                );
            }
            MeasurementField::Readings(ref group) => group.write(self, out),
        }
    }
}
