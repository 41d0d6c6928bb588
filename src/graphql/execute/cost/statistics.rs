//! Cost of statistics: by the hourly rollups or the measurements they are computed from, and by the response.

use std::collections::BTreeSet;

use async_graphql::parser::types::{Field, Selection};

use super::{
    CostAnalysis, POLYGON_POINTS_PER_COST_UNIT, STATEMENT_COST,
    arguments::{Arguments, list_items, text},
    filter::{self, FilterAnalysis},
};
use crate::{
    db::statistics::MAX_ROWS,
    domain::{
        cell::ROLLUP_RESOLUTION,
        quantity::{Group, Quantity},
    },
    graphql::types::statistics::particulate_quantity,
};

/// Cost of an hourly rollup of a device or a cell, and of each quantity in it.
const ROLLUP_HOUR_COST: u64 = 1;
/// Cost of a measurement that is read for statistics.
const MEASUREMENT_COST: u64 = 2;
/// Cost of an area for rollups, which is covered with some thousand cells.
const ROLLUP_AREA_COST: u64 = 5000;
/// One in this many measurements of an area is in a border cell and is read individually.
const BORDER_DIVISOR: u64 = 2;
/// Cost of a value that is sorted for a percentile.
const SORTED_VALUE_COST: u64 = 3;
/// Cost of a joined row: a hash join of a month costs less than reading a measurement.
const JOINED_ROW_COST: u64 = 1;
/// Typical number of cells of a map; a map of coarse cells has fewer.
const EXPECTED_CELLS: u64 = 2000;
const EXPECTED_COARSE_CELLS: u64 = 500;
/// Finest resolution of coarse cells.
const MAX_COARSE_RESOLUTION: u64 = 5;
/// Maximum buckets, and default of `maxBuckets` for `every: AUTO`.
const MAX_BUCKETS: u64 = 10_000;
const DEFAULT_AUTO_BUCKETS: u64 = 500;
/// Typical number of groups without buckets.
const EXPECTED_GROUPS: u64 = 100;

/// Selection of a field of statistics.
#[derive(Debug, Default)]
struct SelectedStatistics {
    quantities: BTreeSet<Quantity>,
    with_percentiles: BTreeSet<Quantity>,
    invalid_counts: bool,
}

impl SelectedStatistics {
    fn from_field(field: &Field) -> Self {
        let mut selected = Self::default();
        for item in &field.selection_set.node.items {
            let Selection::Field(child) = &item.node else { continue };
            let (child, arguments) = (&child.node, Arguments(&child.node.arguments));
            let quantity = match child.name.node.as_str() {
                "quantity" => arguments.text("of").and_then(filter::quantity_by_schema_name),
                name => particulate_quantity(name),
            };
            let Some(quantity) = quantity else { continue };
            selected.quantities.insert(quantity);
            for item in &child.selection_set.node.items {
                let Selection::Field(field) = &item.node else { continue };
                match field.node.name.node.as_str() {
                    "percentile" => _ = selected.with_percentiles.insert(quantity),
                    "invalidCount" => selected.invalid_counts = true,
                    _ => {}
                }
            }
        }
        selected
    }

    /// Whether rollups contain the selection.
    fn can_use_rollups(&self) -> bool {
        let is_air = |quantity: &Quantity| quantity.definition().group == Group::Air;
        self.with_percentiles.is_empty() && !self.invalid_counts && self.quantities.iter().all(is_air)
    }

    /// Tables to join with the table of measurements.
    fn joined_tables(&self) -> u64 {
        let tables: BTreeSet<_> = self.quantities.iter().map(|&quantity| filter::quantity_table(quantity)).collect();
        tables.into_iter().filter(|&table| table != "measurement").count() as u64
    }
}

impl CostAnalysis<'_> {
    pub(super) fn add_statistics(&mut self, of: &str, field: &Field, count: u64) {
        let arguments = Arguments(&field.arguments);
        let (filter, selected) =
            (FilterAnalysis::from_value(arguments.get("filter")), SelectedStatistics::from_field(field));
        let groups: BTreeSet<_> = list_items(arguments.get("groupBy")).filter_map(text).collect();
        let is_map = field.name.node == "cells";
        let by_cell = is_map || groups.contains("CELL");
        let devices = if of == "Device" { Some(count) } else { filter.devices };
        let resolution = arguments.int(if is_map { "resolution" } else { "cellResolution" }).unwrap_or(0);
        let is_finer = by_cell && resolution > u64::from(u8::from(ROLLUP_RESOLUTION));
        let by_area = by_cell || filter.has_area;
        let of_devices = devices.is_some() || groups.contains("DEVICE");
        let hours = filter.span.hours(self.archive.last_month_end());
        let max_auto = arguments.int("maxBuckets").unwrap_or(DEFAULT_AUTO_BUCKETS).clamp(1, MAX_BUCKETS);
        let every = arguments.text("every").map(|interval| {
            let auto = || hours * 3600 / max_auto;
            interval_seconds(interval).unwrap_or_else(auto).max(1)
        });
        let is_fine = every.is_some_and(|seconds| seconds < 3600);

        let from_rollups = selected.can_use_rollups()
            && filter.can_use_rollups()
            && !arguments.bool("includeInvalid")
            && !(is_finer || is_fine || by_area && of_devices);
        let quantities = selected.quantities.len() as u64;
        let read = if from_rollups && by_area {
            let has_border = filter.has_area && !arguments.bool("wholeCells");
            let border =
                if has_border { filter.estimated_measurements(self.archive, None) / BORDER_DIVISOR } else { 0 };
            let border_cost = border.saturating_mul(MEASUREMENT_COST + quantities + filter.cost_per_row());
            (self.archive.cell_hours(filter.span) / filter.selectivity())
                .saturating_mul(ROLLUP_HOUR_COST + quantities)
                .saturating_add(border_cost)
        } else if from_rollups {
            self.archive.device_hours(filter.span, devices).saturating_mul(ROLLUP_HOUR_COST + quantities)
        } else {
            let each = MEASUREMENT_COST
                + quantities
                + SORTED_VALUE_COST * selected.with_percentiles.len() as u64
                + JOINED_ROW_COST * selected.joined_tables()
                + filter.cost_per_row();
            filter.estimated_measurements(self.archive, devices).saturating_mul(each)
        };
        let areas = if from_rollups && filter.has_area { ROLLUP_AREA_COST } else { filter.area_price() };
        self.add_database_cost(
            STATEMENT_COST.saturating_add(read).saturating_add(areas).saturating_add(filter.polygon_cost()),
        );

        if of == "Device" {
            self.add_response_cost(count.saturating_mul(filter.points / POLYGON_POINTS_PER_COST_UNIT));
        }
        // Buckets end with the filter, or now. Filled buckets without measurements are part of the response.
        let is_filled = arguments.text("fill").is_some_and(|fill| fill != "NONE");
        let bucket_hours = if is_filled { filter.span.until(self.now).hours(None) } else { hours };
        let max_buckets = if arguments.text("every") == Some("AUTO") { max_auto } else { MAX_BUCKETS };
        let buckets = every.map_or(1, |seconds| (bucket_hours * 3600 / seconds).clamp(1, max_buckets));
        let of_clock = |group: &str, count: u64| if groups.contains(group) { count } else { 1 };
        let clocks = of_clock("HOUR_OF_DAY", 24) * of_clock("DAY_OF_WEEK", 7);
        let rows = if by_cell {
            if resolution > MAX_COARSE_RESOLUTION { EXPECTED_CELLS } else { EXPECTED_COARSE_CELLS }
                .saturating_mul(buckets)
        } else if groups.contains("DEVICE") && of != "Device" {
            // With `fill`, each named device has all buckets. Otherwise the number of devices with measurements is
            // unknown.
            filter.devices.filter(|_| is_filled).unwrap_or(EXPECTED_GROUPS).saturating_mul(buckets)
        } else {
            buckets.saturating_mul(clocks)
        };
        // Rows only exist for groups with measurements.
        let measurements = filter.estimated_measurements(self.archive, devices).max(if is_map {
            EXPECTED_CELLS
        } else {
            EXPECTED_GROUPS
        });
        let measured = if is_filled { u64::MAX } else { measurements.saturating_mul(count) };
        let rows = count.saturating_mul(rows).min(measured);
        self.add_children(of, field, rows.min(MAX_ROWS as u64));
    }
}

/// Seconds of the interval with this name in the schema.
fn interval_seconds(interval: &str) -> Option<u64> {
    const DAY: u64 = 86_400;
    Some(match interval {
        "MINUTE" => 60,
        "FIVE_MINUTES" => 300,
        "TEN_MINUTES" => 600,
        "FIFTEEN_MINUTES" => 900,
        "THIRTY_MINUTES" => 1800,
        "HOUR" => 3600,
        "THREE_HOURS" => 3 * 3600,
        "SIX_HOURS" => 6 * 3600,
        "TWELVE_HOURS" => 12 * 3600,
        "DAY" => DAY,
        "WEEK" => 7 * DAY,
        "MONTH" => 28 * DAY,
        "QUARTER" => 90 * DAY,
        "YEAR" => 365 * DAY,
        _ => return None,
    })
}
