//! Adds buckets without measurements.

use std::collections::{BTreeSet, HashMap};

use h3o::CellIndex;

use super::StatisticsQuery;
use crate::domain::{
    device::DeviceId,
    statistics::{QuantitySummary, Statistics},
};

/// A group with buckets of its own.
type GroupKey = (Option<DeviceId>, Option<CellIndex>);

/// Every bucket of every group, in order; the first `limit` of them. The groups are those of the rows; when grouped by
/// device only, also the devices of the filter; without grouping, a single one.
pub(super) fn fill_empty_buckets(rows: Vec<Statistics>, query: &StatisticsQuery, limit: usize) -> Vec<Statistics> {
    let mut groups: BTreeSet<GroupKey> = rows.iter().map(|row| (row.device, row.cell)).collect();
    match (query.by_device, query.by_cell) {
        (false, None) => _ = groups.insert((None, None)),
        (true, None) => groups.extend(query.filter.devices.iter().flatten().map(|&device| (Some(device), None))),
        (_, Some(_)) => {}
    }
    let mut found: HashMap<_, _> = rows.into_iter().map(|row| ((row.bucket, row.device, row.cell), row)).collect();
    let buckets = 0..query.bounds.len().saturating_sub(1);
    let keys = buckets.flat_map(|bucket| groups.iter().map(move |&(device, cell)| (Some(bucket), device, cell)));
    keys.take(limit).map(|key| found.remove(&key).unwrap_or_else(|| empty_bucket(key, query))).collect()
}

fn empty_bucket(
    (bucket, device, cell): (Option<usize>, Option<DeviceId>, Option<CellIndex>),
    query: &StatisticsQuery,
) -> Statistics {
    Statistics {
        bucket,
        device,
        cell,
        hour_of_day: None,
        day_of_week: None,
        count: 0,
        hours: query.coverage.then_some(0),
        summaries: vec![QuantitySummary::default(); query.quantities.len()],
    }
}
