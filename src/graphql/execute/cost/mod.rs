//! Cost of a request, computed before execution.
//!
//! It has two parts. The response costs 1 for each field, times the rows of the enclosing lists. Reading costs about 1
//! for each half microsecond of work in Postgres. Each statement has a base cost; filters cost by rows, conditions and
//! joined tables; statistics by the hourly rollups or measurements they read; `totalCount` by its maximum of rows. The
//! number of measurements in a span is estimated from [`storage_statistics`]. `benches/cost.rs` compares costs with CPU
//! time.

mod arguments;
mod filter;
mod statistics;
pub mod storage_statistics;
#[cfg(test)]
mod tests;

use async_graphql::parser::types::{Field, OperationType, Selection, SelectionSet};
use async_graphql_value::Value;
use chrono::{DateTime, Utc};

use self::{
    arguments::Arguments,
    filter::{FilterAnalysis, ListParent},
    storage_statistics::StorageStatistics,
};
use super::operation::{Operation, TypeSystem, canonical::HIDDEN_RESPONSE_KEY};
use crate::{
    domain::sensor::Sensors,
    graphql::{page::DEFAULT_PAGE_SIZE, types},
};

/// Base cost of a statement: its round trip, connection and plan take as long as some hundred rows.
const STATEMENT_COST: u64 = 300;
/// Cost of an index lookup by key.
const KEY_LOOKUP_COST: u64 = 10;
/// Cost of an index lookup in another table for a condition, within a statement that examines many rows.
const CONDITION_LOOKUP_COST: u64 = 5;
/// Cost of each parent of a batched statement that reads the beginning of a list.
const LIST_COST_PER_PARENT: u64 = 20;
/// Cost of a joined row of another table for a measurement.
const READINGS_ROW_COST: u64 = 10;
/// Base cost of `totalCount`.
const TOTAL_COUNT_COST: u64 = 500;
/// Maximum rows counted by `totalCount`, and the number of them that cost 1.
const MAX_COUNTED_ROWS: u64 = 100_000;
const COUNTED_ROWS_PER_COST_UNIT: u64 = 10;
/// The same with conditions, when Postgres expects to read few rows; otherwise the count is an estimate.
const MAX_EXAMINED_ROWS: u64 = 200_000;
/// The same for an area: each row is compared with its cells and shape.
const ROWS_IN_AREA: u64 = 3;
/// The same for a polygon: fewer rows are read the more edges it has.
const MAX_EXAMINED_IN_POLYGON: u64 = 1000;
const EXAMINED_ROWS_PER_COST_UNIT: u64 = 6;
/// Cost of `totalCount` with conditions on other tables, which reads fewer rows.
const TOTAL_COUNT_WITH_JOINS_COST: u64 = 12_000;
/// Cost of `totalCount` per parent, when lists of several parents share a statement.
const TOTAL_COUNT_COST_PER_PARENT: u64 = 400;
/// Cost of `totalCount` of uplinks.
const UPLINK_TOTAL_COUNT_COST: u64 = 10_000;
/// Cost of an area: it is covered with cells, which are looked up before rows.
const AREA_LOOKUP_COST: u64 = 2000;
/// Cost of the newest measurement with a quantity: up to 10,000 are read.
const LATEST_BY_QUANTITY_COST: u64 = 1000;
/// Cost of the newest trips of devices: up to 100,000 samples are read and cut.
const NEWEST_TRIPS_COST: u64 = 50_000;
/// Cost of a sample that is read and cut into trips.
const TRIP_SAMPLE_COST: u64 = 1;
/// Cost of the hours that are read for an air-quality index.
const AIR_QUALITY_INDEX_COST: u64 = 100;
/// Maximum items and hours of a series.
pub const MAX_SERIES_ITEMS: usize = 1000;
const MAX_SERIES_HOURS: u64 = 10_000;
/// Polygon points that cost as much as one field. The argument is checked again for each parent.
const POLYGON_POINTS_PER_COST_UNIT: u64 = 10;
/// Cost of a device whose position or newest value is compared.
const DEVICE_COMPARISON_COST: u64 = 2;

/// Cost of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Cost of the response: fields times rows.
    pub response: u64,
    /// Cost of the work in Postgres.
    pub database: u64,
}

impl Cost {
    /// The sum of both.
    #[must_use]
    pub fn total(self) -> u64 {
        self.response.saturating_add(self.database)
    }
}

/// Computes the cost of an operation at this time.
#[must_use]
pub fn analyze(operation: &Operation, archive: &StorageStatistics, now: DateTime<Utc>) -> Cost {
    let mut analysis = CostAnalysis { types: types(), archive, now, cost: Cost::default() };
    let kind = match operation.kind {
        OperationType::Query => apollo_compiler::executable::OperationType::Query,
        OperationType::Mutation => apollo_compiler::executable::OperationType::Mutation,
        OperationType::Subscription => apollo_compiler::executable::OperationType::Subscription,
    };
    if let Some(root) = analysis.types.root_type(kind) {
        analysis.add_selection_set(root, operation.selection_set(), 1);
    }
    analysis.cost
}

struct CostAnalysis<'a> {
    types: &'a TypeSystem,
    archive: &'a StorageStatistics,
    now: DateTime<Utc>,
    cost: Cost,
}

impl CostAnalysis<'_> {
    fn add_response_cost(&mut self, amount: u64) {
        self.cost.response = self.cost.response.saturating_add(amount);
    }

    fn add_database_cost(&mut self, amount: u64) {
        self.cost.database = self.cost.database.saturating_add(amount);
    }

    /// Adds a batched statement for `parents`, with the cost `each` per parent.
    fn add_statement(&mut self, parents: u64, each: u64) {
        self.add_database_cost(STATEMENT_COST.saturating_add(parents.saturating_mul(each)));
    }

    /// Adds the fields of `count` objects of a type.
    fn add_selection_set(&mut self, of: &str, set: &SelectionSet, count: u64) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => self.add_field(of, &field.node, count),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let of = condition.map_or(of, |condition| condition.node.on.node.as_str());
                    self.add_selection_set(of, &fragment.node.selection_set.node, count);
                }
                Selection::FragmentSpread(_) => {} // a canonical operation has none
            }
        }
    }

    fn add_field(&mut self, of: &str, field: &Field, count: u64) {
        if field.response_key().node == HIDDEN_RESPONSE_KEY {
            return; // not part of the client's selection
        }
        self.add_response_cost(count);
        let arguments = Arguments(&field.arguments);
        let rows = match (of, field.name.node.as_str()) {
            ("Query", "measurements") => return self.add_measurements(field, None),
            ("Device", "measurements") => return self.add_measurements(field, Some(count)),
            ("Query", "devices") => return self.add_devices(field),
            ("Query", "uplinks") => {
                return self.add_uplink_connection(field, 1, page_size(&arguments), UPLINK_TOTAL_COUNT_COST, 0);
            }
            ("Query", "apiKeys") => {
                self.add_statement(1, LIST_COST_PER_PARENT);
                return self.add_connection_fields("ApiKeyConnection", field, 1, page_size(&arguments), 0);
            }
            ("Query", "statistics" | "cells") | ("Device", "statistics") => {
                return self.add_statistics(of, field, count);
            }
            ("Query", "trips") => {
                self.add_statement(1, NEWEST_TRIPS_COST);
                page_size(&arguments)
            }
            ("Query", "nodes") => {
                let ids = arguments.list_len("ids");
                self.add_statement(ids, KEY_LOOKUP_COST);
                ids
            }
            ("Query", "node") => {
                self.add_statement(1, KEY_LOOKUP_COST);
                1
            }
            ("Query", "device") => {
                self.add_database_cost(KEY_LOOKUP_COST);
                1
            }
            ("Query", "feedCursor") | ("Server", "database" | "tables") => {
                self.add_statement(1, STATEMENT_COST);
                1
            }
            ("Device", "sensors") => {
                self.add_statement(count, KEY_LOOKUP_COST);
                Sensors::MAX_SENSORS as u64
            }
            ("Device", "latest") => {
                let of_quantity = if arguments.get("of").is_some() { LATEST_BY_QUANTITY_COST } else { 0 };
                self.add_statement(count, KEY_LOOKUP_COST + of_quantity);
                1
            }
            ("Device" | "Cell", "airQualityIndex") => {
                self.add_statement(count, AIR_QUALITY_INDEX_COST);
                2
            }
            ("Device", "airQualityIndices") => {
                let hours = arguments.span("measuredAt").hours(self.archive.last_month_end()).min(MAX_SERIES_HOURS);
                self.add_statement(count, hours);
                MAX_SERIES_ITEMS as u64
            }
            ("Device", "trips") => {
                let samples = self.archive.measurements(arguments.span("measuredAt"), Some(1));
                self.add_statement(count, samples.saturating_mul(TRIP_SAMPLE_COST));
                page_size(&arguments)
            }
            ("Trip", "points") => arguments.int("limit").unwrap_or(1000),
            ("Measurement", "weather" | "ambient" | "motion" | "status") => {
                self.add_statement(count, READINGS_ROW_COST);
                1
            }
            ("Measurement" | "Trip" | "Statistics" | "Uplink", "device")
            | ("Uplink", "text" | "base64" | "apiKey")
            | ("ApiKey", "createdBy") => {
                self.add_statement(count, KEY_LOOKUP_COST);
                1
            }
            ("Subscription", "measurementRecorded") => {
                let filter = FilterAnalysis::from_value(arguments.get("filter"));
                self.add_database_cost(filter.conditions + filter.points);
                1
            }
            ("Subscription", "statisticsUpdated") => arguments.list_len("devices"),
            _ => 1,
        };
        self.add_children(of, field, count.saturating_mul(rows));
    }

    fn add_children(&mut self, of: &str, field: &Field, count: u64) {
        let set = &field.selection_set.node;
        if set.items.is_empty() {
            return;
        }
        if let Some(ty) = self.types.field_type(of, field.name.node.as_str()) {
            self.add_selection_set(ty.inner_named_type().as_str(), set, count);
        }
    }

    /// Adds a list of measurements of all devices, or of each of `parents`.
    fn add_measurements(&mut self, field: &Field, parents: Option<u64>) {
        let arguments = Arguments(&field.arguments);
        let (filter, rows) = (FilterAnalysis::from_value(arguments.get("filter")), page_size(&arguments));
        let count = parents.unwrap_or(1);
        let list_parent = if parents.is_some() { ListParent::Device } else { ListParent::Root };
        if selects_rows(field) {
            self.add_statement(count, LIST_COST_PER_PARENT);
            let examined = filter.examined_rows(rows, self.archive, list_parent);
            self.add_database_cost(count.saturating_mul(filter.cost_per_row().saturating_mul(examined)));
            self.add_database_cost(filter.area_price());
        }
        self.add_database_cost(filter.polygon_cost());
        self.add_response_cost(
            parents.map_or(0, |parents| parents.saturating_mul(filter.points / POLYGON_POINTS_PER_COST_UNIT)),
        );
        let total = filter.total_count_cost(self.archive, parents);
        let ty = "MeasurementConnection";
        self.add_connection_fields(ty, field, count, rows, total);
    }

    fn add_devices(&mut self, field: &Field) {
        let arguments = Arguments(&field.arguments);
        let filter = arguments.get("filter").map(filter::object_fields);
        let is_set =
            |name: &str| filter.is_some_and(|fields| fields.get(name).is_some_and(|value| *value != Value::Null));
        let points = filter.and_then(|fields| fields.get("area")).map_or(0, filter::polygon_points);
        let order = arguments.text("orderBy").unwrap_or_default();
        let is_compared =
            is_set("area") || is_set("text") || order.starts_with("LAST_SEEN") || order.starts_with("LATEST");
        let compared = if is_compared { self.archive.devices().saturating_mul(DEVICE_COMPARISON_COST) } else { 0 };
        self.add_statement(1, LIST_COST_PER_PARENT + compared);
        self.add_database_cost(points.saturating_mul(filter::POLYGON_POINT_COST));
        let total = self.archive.devices().min(MAX_COUNTED_ROWS) / COUNTED_ROWS_PER_COST_UNIT;
        self.add_connection_fields("DeviceConnection", field, 1, page_size(&arguments), total);
    }

    fn add_uplink_connection(&mut self, field: &Field, count: u64, rows: u64, total: u64, each: u64) {
        self.add_statement(count, LIST_COST_PER_PARENT + each);
        self.add_connection_fields("UplinkConnection", field, count, rows, total);
    }

    /// Adds the fields of `count` connections. Rows are multiplied; the total count is one statement for all.
    fn add_connection_fields(&mut self, ty: &str, field: &Field, count: u64, rows: u64, total: u64) {
        let mut counted = false;
        for item in &field.selection_set.node.items {
            let Selection::Field(child) = &item.node else { continue };
            match child.node.name.node.as_str() {
                "totalCount" | "totalCountIsEstimate" => {
                    self.add_response_cost(count);
                    if !std::mem::replace(&mut counted, true) {
                        self.add_database_cost(STATEMENT_COST.saturating_add(total));
                    }
                }
                "pageInfo" => self.add_field(ty, &child.node, count),
                _ => self.add_field(ty, &child.node, count.saturating_mul(rows)),
            }
        }
    }
}

/// Whether the selection on a connection needs its rows.
fn selects_rows(field: &Field) -> bool {
    field.selection_set.node.items.iter().any(|item| match &item.node {
        Selection::Field(child) => {
            !matches!(child.node.name.node.as_str(), "totalCount" | "totalCountIsEstimate" | "__typename")
        }
        _ => true,
    })
}

/// The size of a page.
fn page_size(arguments: &Arguments<'_>) -> u64 {
    let given = arguments.int("first").or(arguments.int("last"));
    given.unwrap_or(DEFAULT_PAGE_SIZE as u64)
}
