//! The field `statistics` of devices: the same statistics of each device.

use std::{collections::HashMap, sync::Arc};

use async_graphql::Context;

use super::{CompiledSelection, JsonRows, json::nullable, selection::SelectedField};
use crate::{
    api_error::ApiError,
    domain::{device::DeviceId, validity::CountedValues},
    graphql::{
        context::ContextExt as _,
        inputs::{
            filter::MeasurementFilter,
            interval::DEFAULT_TIME_ZONE,
            statistics::{DEFAULT_CELL_RESOLUTION, Grouping, RequestedStatistics, StatisticsFill},
        },
        loaders::{DeviceStatisticsKey, DeviceStatisticsResult},
        queries::statistics::too_many_rows,
        types::{device::Device, statistics, statistics::Statistics},
    },
};

/// The field `statistics` of devices.
pub struct DeviceStatisticsField {
    filter: Option<MeasurementFilter>,
    grouping: Grouping,
    requested: RequestedStatistics,
    selection: CompiledSelection<Statistics>,
    prefetched: HashMap<DeviceId, JsonRows<Statistics>>,
}

impl DeviceStatisticsField {
    /// Compiles the field; `None` when an argument is invalid or the selection needs a resolver.
    pub fn for_field(field: &SelectedField<'_>) -> Option<Self> {
        let grouping = Grouping {
            every: field.argument("every", None)?,
            max_buckets: field.argument("maxBuckets", None)?,
            fill: field.argument("fill", Some(|| StatisticsFill::None))?,
            time_zone: field.argument("timeZone", Some(|| DEFAULT_TIME_ZONE.to_owned()))?,
            group_by: field.argument::<Option<_>>("groupBy", None)?.unwrap_or_default(),
            cell_resolution: field.argument("cellResolution", Some(|| DEFAULT_CELL_RESOLUTION))?,
            counted: CountedValues::from_include_invalid(field.argument("includeInvalid", Some(|| false))?),
        };
        Some(Self {
            filter: field.argument("filter", None)?,
            grouping,
            requested: field.with_lookahead(RequestedStatistics::from_selection),
            selection: CompiledSelection::for_object(field)?,
            prefetched: HashMap::new(),
        })
    }

    /// Loads the statistics of these devices.
    ///
    /// # Errors
    /// When an argument is invalid, there are too many rows, or the database fails.
    pub async fn prefetch(&mut self, devices: &[&Device], ctx: &Context<'_>) -> Result<(), ApiError> {
        let mut filter = self.filter.take().unwrap_or_default().check(ctx, "filter").await?;
        Device::check_devices(devices, &mut filter)?;
        let now = ctx.state().clock.now();
        let (mut query, labels) = self.grouping.clone().to_query(filter, self.requested.clone(), now)?;
        query.by_device = true;
        let query = Arc::new(query);
        let of = |device: &Device| DeviceStatisticsKey { device: device.id, query: query.clone() };
        for (key, result) in ctx.loader().load_many(devices.iter().map(|device| of(device))).await? {
            let DeviceStatisticsResult::Rows(rows) = result else { return Err(too_many_rows()) };
            self.prefetched.insert(key.device, statistics::from_rows(rows, &query, labels));
        }
        let rows: Vec<_> = self.prefetched.values().flat_map(|table| &table.0).collect();
        self.selection.prefetch(&rows, ctx).await
    }

    /// Writes the prefetched statistics of a device.
    pub fn write(&self, device: DeviceId, out: &mut Vec<u8>) {
        nullable(self.prefetched.get(&device), |table, out| self.selection.write_list(&table.0, out), out);
    }
}
