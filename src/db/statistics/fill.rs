//! Buckets without measurements, between those that have some.

use std::collections::{BTreeSet, HashMap};

use h3o::CellIndex;

use super::StatisticsQuery;
use crate::domain::{
    device::DeviceId,
    statistics::{QuantitySummary, Statistics},
};

/// What has buckets of its own.
type GroupKey = (Option<DeviceId>, Option<CellIndex>);

/// Every bucket of every group, in order; the first `limit` of them. Groups are those of the rows; where devices alone are
/// told apart, also those that the filter names; where nothing is told apart, the only one.
pub(super) fn fill_empty_buckets(rows: Vec<Statistics>, question: &StatisticsQuery, limit: usize) -> Vec<Statistics> {
    let mut groups: BTreeSet<GroupKey> = rows.iter().map(|row| (row.device, row.cell)).collect();
    match (question.by_device, question.by_cell) {
        (false, None) => _ = groups.insert((None, None)),
        (true, None) => groups.extend(question.filter.devices.iter().flatten().map(|&device| (Some(device), None))),
        (_, Some(_)) => {}
    }
    let mut found: HashMap<_, _> = rows.into_iter().map(|row| ((row.bucket, row.device, row.cell), row)).collect();
    let buckets = 0..question.bounds.len().saturating_sub(1);
    let places = buckets.flat_map(|bucket| groups.iter().map(move |&(device, cell)| (Some(bucket), device, cell)));
    places.take(limit).map(|place| found.remove(&place).unwrap_or_else(|| empty_bucket(place, question))).collect()
}

fn empty_bucket(
    (bucket, device, cell): (Option<usize>, Option<DeviceId>, Option<CellIndex>),
    question: &StatisticsQuery,
) -> Statistics {
    Statistics {
        bucket,
        device,
        cell,
        hour_of_day: None,
        day_of_week: None,
        count: 0,
        hours: question.coverage.then_some(0),
        summaries: vec![QuantitySummary::default(); question.quantities.len()],
    }
}
