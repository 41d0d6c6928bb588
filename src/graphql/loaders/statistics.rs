//! Statistics per device. One statement for each distinct set of arguments.

use std::{collections::HashMap, sync::Arc};

use super::{DatabaseLoader, LoadError, group_keys};
use crate::{
    db::statistics::{self, StatisticsQuery},
    domain::{device::DeviceId, statistics::Statistics},
};

/// Key: the statistics of a device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceStatisticsKey {
    /// The device.
    pub device: DeviceId,
    /// The query.
    pub query: Arc<StatisticsQuery>,
}

/// Statistics of a device.
#[derive(Clone, Debug)]
pub enum DeviceStatisticsResult {
    /// Rows, oldest first.
    Rows(Vec<Statistics>),
    /// All devices together have more rows than the maximum.
    TooMany,
}

impl async_graphql::dataloader::Loader<DeviceStatisticsKey> for DatabaseLoader {
    type Value = DeviceStatisticsResult;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[DeviceStatisticsKey],
    ) -> Result<HashMap<DeviceStatisticsKey, DeviceStatisticsResult>, LoadError> {
        let mut results: HashMap<_, _> = HashMap::with_capacity(keys.len());
        for (query, devices) in group_keys(keys, |key| (key.query.clone(), key.device)) {
            let mut of_all = StatisticsQuery { by_device: true, ..(*query).clone() };
            of_all.filter.devices = Some(devices.clone());
            let rows = statistics::list(&self.read_pool, &of_all, statistics::MAX_ROWS + 1).await.map_err(Arc::new)?;
            for (from, to) in statistics::row_spans(&of_all) {
                self.read_pool.note_rows_read(from, to);
            }
            let fits = rows.len() <= statistics::MAX_ROWS;
            let mut each: HashMap<_, Vec<_>> = HashMap::new();
            for row in rows {
                each.entry(row.device).or_default().push(row);
            }
            results.extend(devices.into_iter().map(|device| {
                let rows = each.remove(&Some(device)).unwrap_or_default();
                let of = DeviceStatisticsKey { device, query: query.clone() };
                (of, if fits { DeviceStatisticsResult::Rows(rows) } else { DeviceStatisticsResult::TooMany })
            }));
        }
        Ok(results)
    }
}
