//! The field `measurements` of devices: the same page of each device's measurements.

use std::{collections::HashMap, sync::Arc};

use async_graphql::Context;

use super::{CompiledSelection, json::nullable, selection::SelectedField};
use crate::{
    api_error::ApiError,
    concurrency::prehashed::Prehashed,
    db::measurement_projection::MeasurementProjection,
    domain::device::DeviceId,
    graphql::{
        context::ContextExt as _,
        execute::projection,
        inputs::filter::{MeasurementFilter, MeasurementOrder},
        loaders::DevicePageKey,
        page::PageArguments,
        queries::measurement::MeasurementList,
        types::{
            device::Device,
            measurement_connection::{MeasurementConnection, MeasurementScope},
        },
    },
};

/// The field `measurements` of devices.
pub struct DeviceMeasurementsField {
    filter: Option<MeasurementFilter>,
    order: Option<MeasurementOrder>,
    page: PageArguments,
    projection: MeasurementProjection,
    selects_page_info: bool,
    selection: CompiledSelection<MeasurementConnection>,
    prefetched: HashMap<DeviceId, MeasurementConnection>,
}

impl DeviceMeasurementsField {
    /// Compiles the field; `None` when an argument is invalid or the selection needs a resolver.
    pub fn for_field(field: &SelectedField<'_>) -> Option<Self> {
        Some(Self {
            filter: field.argument("filter", None)?,
            order: field.argument("orderBy", None)?,
            page: PageArguments {
                first: field.argument("first", None)?,
                after: field.argument("after", None)?,
                last: field.argument("last", None)?,
                before: field.argument("before", None)?,
            },
            projection: field.with_lookahead(projection::for_page),
            selects_page_info: field.with_lookahead(projection::selects_page_info),
            selection: CompiledSelection::for_object(field)?,
            prefetched: HashMap::new(),
        })
    }

    /// Loads the pages of these devices.
    ///
    /// # Errors
    /// When an argument is invalid or the database fails.
    pub async fn prefetch(&mut self, devices: &[&Device], ctx: &Context<'_>) -> Result<(), ApiError> {
        let (filter, page) = (self.filter.take(), std::mem::take(&mut self.page));
        let mut list = MeasurementList::check(ctx, filter, self.order, page, self.selects_page_info).await?;
        Device::check_devices(devices, &mut list.page.filter)?;
        let page = Arc::new(Prehashed::new(list.page));
        let filter = Arc::new(page.filter.clone());
        let of = |device: &&Device| DevicePageKey { device: device.id, page: page.clone(), columns: self.projection };
        let mut lists = ctx.loader().load_many(devices.iter().map(of)).await?;
        for device in devices {
            let rows = lists.remove(&of(device)).map(Arc::unwrap_or_clone).unwrap_or_default();
            let all = MeasurementScope::OfDevice(device.id, filter.clone());
            self.prefetched.insert(device.id, MeasurementConnection::new(list.request.slice(rows), all));
        }
        self.selection.prefetch(&self.prefetched.values().collect::<Vec<_>>(), ctx).await
    }

    /// Writes the prefetched page of a device.
    pub fn write(&self, device: DeviceId, out: &mut Vec<u8>) {
        nullable(self.prefetched.get(&device), |page, out| self.selection.write(page, out), out);
    }
}
