//! Devices, with their own fields, their newest measurement, pages of their measurements, and statistics of these.

use std::collections::HashMap;

use async_graphql::Context;

use super::{
    Columns, Flat, LookUp,
    device_measurements::Pages,
    device_statistics::Tables,
    json::{self, optional},
    selection::Selected,
};
use crate::{
    api_error::ApiError,
    db::measurement_projection::MeasurementProjection,
    domain::{device::DeviceId, position::Position, quantity::Quantity},
    graphql::{
        context::ContextExt as _,
        execute::projection,
        id::GlobalId,
        loaders::LatestOf,
        types,
        types::{
            device::{Device, kind_name, missing},
            measurement::Measurement,
        },
    },
};

pub enum Column {
    Id,
    /// What stands in its own row.
    Own(Own),
    Latest(Latest),
    Measurements(Box<Pages>),
    Statistics(Box<Tables>),
}

/// A field `latest` of devices.
pub struct Latest {
    quantity: Option<Quantity>,
    read: MeasurementProjection,
    columns: Columns<Measurement>,
    found: HashMap<DeviceId, Measurement>,
}

#[derive(Clone, Copy)]
pub enum Own {
    Key,
    Name,
    Kind,
    Latitude,
    Longitude,
    Licence,
    Attribution,
    CreatedAt,
}

impl Flat for Device {
    type Column = Column;

    fn column(field: &Selected<'_>) -> Option<Column> {
        Some(Column::Own(match field.name() {
            "id" => return Some(Column::Id),
            "latest" => {
                let quantity = field.argument::<Option<types::quantity::Quantity>>("of", None)?.map(Into::into);
                let (read, columns) = (field.ahead(projection::of_measurement), Columns::of(field)?);
                return Some(Column::Latest(Latest { quantity, read, columns, found: HashMap::new() }));
            }
            "measurements" => return Some(Column::Measurements(Box::new(Pages::of(field)?))),
            "statistics" => return Some(Column::Statistics(Box::new(Tables::of(field)?))),
            "key" => Own::Key,
            "name" => Own::Name,
            "kind" => Own::Kind,
            "latitude" => Own::Latitude,
            "longitude" => Own::Longitude,
            "licence" => Own::Licence,
            "attribution" => Own::Attribution,
            "createdAt" => Own::CreatedAt,
            _ => return None,
        }))
    }

    fn look_up<'a>(column: &'a mut Column, rows: &'a [&'a Self], ctx: &'a Context<'_>) -> Option<LookUp<'a>> {
        match column {
            Column::Id => None,
            Column::Own(_) => {
                let known = rows.iter().all(|device| device.known().is_some());
                (!known).then(|| -> LookUp<'a> { Box::pin(learn(rows, ctx)) })
            }
            Column::Latest(Latest { quantity, read, columns, found }) => Some(Box::pin(async move {
                let of = rows.iter().map(|device| LatestOf { device: device.id, quantity: *quantity, columns: *read });
                let latest = ctx.loader().load_many(of).await?;
                found.extend(latest.into_iter().map(|(of, row)| (of.device, Measurement(row))));
                columns.look_up(&found.values().collect::<Vec<_>>(), ctx).await
            })),
            Column::Measurements(pages) => Some(Box::pin(pages.look_up(rows, ctx))),
            Column::Statistics(tables) => Some(Box::pin(tables.look_up(rows, ctx))),
        }
    }

    fn write(&self, column: &Column, out: &mut Vec<u8>) {
        match column {
            Column::Id => json::bare(&GlobalId::Device(self.id).encode(), out),
            Column::Own(own) => self.write_own(*own, out),
            Column::Latest(Latest { columns, found, .. }) => {
                optional(found.get(&self.id), |latest, out| columns.write(latest, out), out);
            }
            Column::Measurements(pages) => pages.write(self.id, out),
            Column::Statistics(tables) => tables.write(self.id, out),
        }
    }
}

/// Reads the rows of devices of which only the number is known.
async fn learn(devices: &[&Device], ctx: &Context<'_>) -> Result<(), ApiError> {
    let unknown = || devices.iter().filter(|device| device.known().is_none());
    let mut rows = ctx.loader().load_many(unknown().map(|device| device.id)).await?;
    for device in unknown() {
        device.learn(rows.remove(&device.id).ok_or_else(|| missing(device.id))?);
    }
    Ok(())
}

impl Device {
    /// Writes what stands in its row, which is known by now.
    fn write_own(&self, own: Own, out: &mut Vec<u8>) {
        let Some(row) = self.known() else { return out.extend_from_slice(json::NULL) };
        match own {
            Own::Key => json::text(row.key.as_str(), out),
            Own::Name => optional(row.name.as_deref(), json::text, out),
            Own::Kind => json::bare(kind_name(row.kind), out),
            Own::Latitude => optional(row.position.map(Position::latitude), json::float, out),
            Own::Longitude => optional(row.position.map(Position::longitude), json::float, out),
            Own::Licence => optional(row.licence.as_deref(), json::text, out),
            Own::Attribution => optional(row.attribution.as_deref(), json::text, out),
            Own::CreatedAt => json::time(row.created_at, out),
        }
    }
}
