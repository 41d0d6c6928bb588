//! Devices, with their own fields, newest measurement, pages of measurements, and statistics.

use std::collections::HashMap;

use async_graphql::Context;

use super::{
    CompiledSelection, JsonType, PrefetchFuture,
    device_measurements::DeviceMeasurementsField,
    device_statistics::DeviceStatisticsField,
    json::{self, nullable},
    row_fields::WriteField,
    selection::SelectedField,
};
use crate::{
    api_error::ApiError,
    db::measurement_projection::MeasurementProjection,
    domain::{device::DeviceId, quantity::Quantity},
    graphql::{
        context::ContextExt as _,
        execute::projection,
        id::GlobalId,
        loaders::LatestKey,
        types,
        types::{
            device::{Device, DeviceRow, missing_device},
            measurement::Measurement,
        },
    },
};

pub enum DeviceField {
    Id,
    /// A value of the row.
    Row(WriteField<Device>),
    Latest(LatestField),
    Measurements(Box<DeviceMeasurementsField>),
    Statistics(Box<DeviceStatisticsField>),
}

/// The field `latest` of devices.
pub struct LatestField {
    quantity: Option<Quantity>,
    projection: MeasurementProjection,
    selection: CompiledSelection<Measurement>,
    prefetched: HashMap<DeviceId, Measurement>,
}

impl JsonType for Device {
    type Field = DeviceField;

    fn compile_field(field: &SelectedField<'_>) -> Option<DeviceField> {
        Some(match field.name() {
            "id" => DeviceField::Id,
            "latest" => DeviceField::Latest(LatestField {
                quantity: field.argument::<Option<types::quantity::Quantity>>("of", None)?.map(Into::into),
                projection: field.with_lookahead(projection::for_measurement),
                selection: CompiledSelection::for_object(field)?,
                prefetched: HashMap::new(),
            }),
            "measurements" => DeviceField::Measurements(Box::new(DeviceMeasurementsField::for_field(field)?)),
            "statistics" => DeviceField::Statistics(Box::new(DeviceStatisticsField::for_field(field)?)),
            name => DeviceField::Row(DeviceRow::writer(name)?),
        })
    }

    fn prefetch<'a>(
        column: &'a mut DeviceField,
        rows: &'a [&'a Self],
        ctx: &'a Context<'_>,
    ) -> Option<PrefetchFuture<'a>> {
        match column {
            DeviceField::Id => None,
            DeviceField::Row(_) => {
                let known = rows.iter().all(|device| device.loaded_row().is_some());
                (!known).then(|| -> PrefetchFuture<'a> { Box::pin(load_rows(rows, ctx)) })
            }
            DeviceField::Latest(LatestField { quantity, projection: read, selection: columns, prefetched: found }) => {
                Some(Box::pin(async move {
                    let of =
                        rows.iter().map(|device| LatestKey { device: device.id, quantity: *quantity, columns: *read });
                    let latest = ctx.loader().load_many(of).await?;
                    found.extend(latest.into_iter().map(|(of, row)| (of.device, Measurement(row))));
                    columns.prefetch(&found.values().collect::<Vec<_>>(), ctx).await
                }))
            }
            DeviceField::Measurements(pages) => Some(Box::pin(pages.prefetch(rows, ctx))),
            DeviceField::Statistics(tables) => Some(Box::pin(tables.prefetch(rows, ctx))),
        }
    }

    fn write(&self, column: &DeviceField, out: &mut Vec<u8>) {
        match column {
            DeviceField::Id => json::unescaped_string(&GlobalId::Device(self.id).encode(), out),
            DeviceField::Row(write) => write(self, out),
            DeviceField::Latest(LatestField { selection: columns, prefetched: found, .. }) => {
                nullable(found.get(&self.id), |latest, out| columns.write(latest, out), out);
            }
            DeviceField::Measurements(pages) => pages.write(self.id, out),
            DeviceField::Statistics(tables) => tables.write(self.id, out),
        }
    }
}

/// Loads the rows of devices that are known only by id.
async fn load_rows(devices: &[&Device], ctx: &Context<'_>) -> Result<(), ApiError> {
    let unknown = || devices.iter().filter(|device| device.loaded_row().is_none());
    let mut rows = ctx.loader().load_many(unknown().map(|device| device.id)).await?;
    for device in unknown() {
        device.set_row(rows.remove(&device.id).ok_or_else(|| missing_device(device.id))?);
    }
    Ok(())
}
