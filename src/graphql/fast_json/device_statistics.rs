//! The same statistics of each device.

use std::{collections::HashMap, sync::Arc};

use async_graphql::Context;

use super::{Columns, Rows, json::optional, selection::Selected};
use crate::{
    api_error::ApiError,
    domain::{device::DeviceId, validity::CountedValues},
    graphql::{
        context::ContextExt as _,
        inputs::{
            filter::MeasurementFilter,
            interval::DEFAULT_TIME_ZONE,
            statistics::{DEFAULT_CELL_RESOLUTION, Parting, StatisticsFill, Wanted},
        },
        loaders::{StatisticsOf, Told},
        queries::statistics::too_many,
        types::{device::Device, statistics, statistics::Statistics},
    },
};

/// A field `statistics` of devices.
pub struct Tables {
    filter: Option<MeasurementFilter>,
    parting: Parting,
    wanted: Wanted,
    columns: Columns<Statistics>,
    found: HashMap<DeviceId, Rows<Statistics>>,
}

impl Tables {
    /// Of the field; none where one of its arguments can't be read, or what it selects can't be written here.
    pub fn of(field: &Selected<'_>) -> Option<Self> {
        let parting = Parting {
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
            parting,
            wanted: field.ahead(Wanted::of),
            columns: Columns::of(field)?,
            found: HashMap::new(),
        })
    }

    /// Asks the statistics of these devices.
    ///
    /// # Errors
    /// When an argument can't be, there are too many, or the database fails.
    pub async fn look_up(&mut self, devices: &[&Device], ctx: &Context<'_>) -> Result<(), ApiError> {
        let mut filter = self.filter.take().unwrap_or_default().check(ctx, "filter").await?;
        Device::check_devices(devices, &mut filter)?;
        let now = ctx.state().clock.now();
        let (mut question, labels) = self.parting.clone().question(filter, self.wanted.clone(), now)?;
        question.by_device = true;
        let question = Arc::new(question);
        let of = |device: &Device| StatisticsOf { device: device.id, question: question.clone() };
        for (of, told) in ctx.loader().load_many(devices.iter().map(|device| of(device))).await? {
            let Told::Rows(rows) = told else { return Err(too_many()) };
            self.found.insert(of.device, statistics::list(rows, &question, labels));
        }
        let rows: Vec<_> = self.found.values().flat_map(|table| &table.0).collect();
        self.columns.look_up(&rows, ctx).await
    }

    /// Writes the statistics of a device that was asked.
    pub fn write(&self, device: DeviceId, out: &mut Vec<u8>) {
        optional(self.found.get(&device), |table, out| self.columns.write_list(&table.0, out), out);
    }
}
