//! Devices, with their own fields, newest measurement, pages of measurements, and statistics.

use std::collections::HashMap;

use async_graphql::Context;

use super::{
    CompiledSelection, JsonType, PrefetchFuture,
    device_measurements::DeviceMeasurementsField,
    device_statistics::DeviceStatisticsField,
    json::{self, nullable},
    selection::SelectedField,
};
use crate::{
    api_error::ApiError,
    db::measurement_projection::MeasurementProjection,
    domain::{device::DeviceId, position::Position, quantity::Quantity},
    graphql::{
        context::ContextExt as _,
        execute::projection,
        id::GlobalId,
        loaders::LatestKey,
        types,
        types::{
            device::{Device, kind_name, missing_device},
            measurement::Measurement,
        },
    },
};

pub enum DeviceField {
    Id,
    /// A field of the device's row.
    Row(DeviceRowField),
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

#[derive(Clone, Copy)]
pub enum DeviceRowField {
    Key,
    Name,
    Kind,
    Latitude,
    Longitude,
    Licence,
    Attribution,
    CreatedAt,
}

impl JsonType for Device {
    type Field = DeviceField;

    fn compile_field(field: &SelectedField<'_>) -> Option<DeviceField> {
        Some(DeviceField::Row(match field.name() {
            "id" => return Some(DeviceField::Id),
            "latest" => {
                let quantity = field.argument::<Option<types::quantity::Quantity>>("of", None)?.map(Into::into);
                let (read, columns) =
                    (field.with_lookahead(projection::for_measurement), CompiledSelection::for_object(field)?);
                return Some(DeviceField::Latest(LatestField {
                    quantity,
                    projection: read,
                    selection: columns,
                    prefetched: HashMap::new(),
                }));
            }
            "measurements" => {
                return Some(DeviceField::Measurements(Box::new(DeviceMeasurementsField::for_field(field)?)));
            }
            "statistics" => return Some(DeviceField::Statistics(Box::new(DeviceStatisticsField::for_field(field)?))),
            "key" => DeviceRowField::Key,
            "name" => DeviceRowField::Name,
            "kind" => DeviceRowField::Kind,
            "latitude" => DeviceRowField::Latitude,
            "longitude" => DeviceRowField::Longitude,
            "licence" => DeviceRowField::Licence,
            "attribution" => DeviceRowField::Attribution,
            "createdAt" => DeviceRowField::CreatedAt,
            _ => return None,
        }))
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
            DeviceField::Row(own) => self.write_row_field(*own, out),
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

impl Device {
    /// Writes a field of the loaded row.
    fn write_row_field(&self, own: DeviceRowField, out: &mut Vec<u8>) {
        let Some(row) = self.loaded_row() else { return out.extend_from_slice(json::NULL) };
        match own {
            DeviceRowField::Key => json::string(row.key.as_str(), out),
            DeviceRowField::Name => nullable(row.name.as_deref(), json::string, out),
            DeviceRowField::Kind => json::unescaped_string(kind_name(row.kind), out),
            DeviceRowField::Latitude => nullable(row.position.map(Position::latitude), json::float, out),
            DeviceRowField::Longitude => nullable(row.position.map(Position::longitude), json::float, out),
            DeviceRowField::Licence => nullable(row.licence.as_deref(), json::string, out),
            DeviceRowField::Attribution => nullable(row.attribution.as_deref(), json::string, out),
            DeviceRowField::CreatedAt => json::timestamp(row.created_at, out),
        }
    }
}
