//! The same page of each device's measurements.

use std::{collections::HashMap, sync::Arc};

use async_graphql::Context;

use super::{Columns, json::optional, selection::Selected};
use crate::{
    api_error::ApiError,
    db::measurement_projection::MeasurementProjection,
    domain::device::DeviceId,
    graphql::{
        context::ContextExt as _,
        execute::projection,
        inputs::filter::{MeasurementFilter, MeasurementOrder},
        loaders::PageOf,
        page::PageArguments,
        queries::measurement::MeasurementList,
        types::{
            device::Device,
            measurement_connection::{AllMeasurements, MeasurementConnection},
        },
    },
};

/// A field `measurements` of devices.
pub struct Pages {
    filter: Option<MeasurementFilter>,
    order: Option<MeasurementOrder>,
    page: PageArguments,
    read: MeasurementProjection,
    columns: Columns<MeasurementConnection>,
    found: HashMap<DeviceId, MeasurementConnection>,
}

impl Pages {
    /// Of the field; none where one of its arguments can't be read, or what it selects can't be written here.
    pub fn of(field: &Selected<'_>) -> Option<Self> {
        Some(Self {
            filter: field.argument("filter", None)?,
            order: field.argument("orderBy", None)?,
            page: PageArguments {
                first: field.argument("first", None)?,
                after: field.argument("after", None)?,
                last: field.argument("last", None)?,
                before: field.argument("before", None)?,
            },
            read: field.ahead(projection::of_page),
            columns: Columns::of(field)?,
            found: HashMap::new(),
        })
    }

    /// Reads the pages of these devices.
    ///
    /// # Errors
    /// When an argument can't be, or the database fails.
    pub async fn look_up(&mut self, devices: &[&Device], ctx: &Context<'_>) -> Result<(), ApiError> {
        let (filter, page) = (self.filter.take(), std::mem::take(&mut self.page));
        let mut asked = MeasurementList::check(ctx, filter, self.order, page).await?;
        Device::check_devices(devices, &mut asked.page.filter)?;
        let page = Arc::new(asked.page);
        let filter = Arc::new(page.filter.clone());
        let of = |device: &&Device| PageOf { device: device.id, page: page.clone(), columns: self.read };
        let mut lists = ctx.loader().load_many(devices.iter().map(of)).await?;
        for device in devices {
            let rows = lists.remove(&of(device)).unwrap_or_default();
            let all = AllMeasurements::OfEach(device.id, filter.clone());
            self.found.insert(device.id, MeasurementConnection::new(asked.request.slice(rows), all));
        }
        self.columns.look_up(&self.found.values().collect::<Vec<_>>(), ctx).await
    }

    /// Writes the page of a device that was looked up.
    pub fn write(&self, device: DeviceId, out: &mut Vec<u8>) {
        optional(self.found.get(&device), |page, out| self.columns.write(page, out), out);
    }
}
