//! The price of a request, known before it runs.
//!
//! It has two parts. The answer costs 1 for each field, times the rows of the lists around it. Reading costs what Postgres
//! does for it: about 1 for what takes half a microsecond there. Statements have a price of their own, also where they read
//! little; filters cost by rows, conditions and look-ups in other tables; statistics by the hours or measurements they are
//! made of; `totalCount` what it reads at most. How many measurements there are in a span is known from [`archive`].
//! `benches/cost.rs` holds prices against CPU time.

pub mod archive;
mod arguments;
mod filter;
mod statistics;
#[cfg(test)]
mod tests;

use async_graphql::parser::types::{Field, OperationType, Selection, SelectionSet};
use async_graphql_value::Value;
use chrono::{DateTime, Utc};

use self::{
    archive::Archive,
    arguments::Arguments,
    filter::{Filter, Place},
};
use super::operation::{Operation, TypeSystem, canonical::HIDDEN};
use crate::{
    domain::sensor::Sensors,
    graphql::{page::DEFAULT_PAGE, types},
};

/// A statement, however little it reads: its round trip, the connection, and its plan take as long as some hundred rows.
const STATEMENT: u64 = 300;
/// A row that a look-up by key finds in an index.
const LOOK_UP: u64 = 10;
/// A parent for which a batched statement reads the beginning of a list.
const LIST_OF_PARENT: u64 = 20;
/// The row of another table that belongs to a measurement, read with it.
const READINGS: u64 = 10;
/// `totalCount`, however little is counted.
const COUNT: u64 = 500;
/// Rows that `totalCount` counts at most, and how many of them cost 1.
const MAX_COUNTED: u64 = 100_000;
const COUNTED_ROWS: u64 = 10;
/// The same with conditions, where Postgres expects to read little; else it estimates.
const MAX_EXAMINED: u64 = 200_000;
/// The same in an area, whose cells and shape a row is compared with.
const ROWS_IN_AREA: u64 = 3;
/// The same in a polygon, where fewer rows are read the more edges a row is compared with.
const MAX_EXAMINED_IN_POLYGON: u64 = 1000;
const EXAMINED_ROWS: u64 = 6;
/// `totalCount` with conditions on other tables, of which fewer rows are looked up.
const COUNT_WITH_LOOK_UPS: u64 = 12_000;
/// `totalCount` of one of many lists, which share what is read.
const COUNT_OF_EACH: u64 = 400;
/// `totalCount` of a list of uplinks.
const COUNT_OF_UPLINKS: u64 = 10_000;
/// An area: it is covered with cells, which are looked up before rows.
const AREA: u64 = 1000;
/// The newest measurement with a quantity: up to 10,000 are read.
const LATEST_OF_QUANTITY: u64 = 1000;
/// The newest rides of some devices: up to 100,000 samples are read and cut.
const NEWEST_TRIPS: u64 = 50_000;
/// A sample that is read and cut into rides.
const TRIP_SAMPLE: u64 = 1;
/// Hours that are read for an index of air quality.
const AIR_QUALITY_HOURS: u64 = 100;
/// Items that a series has at most, and hours that it spans.
pub const MAX_SERIES: usize = 1000;
const MAX_SERIES_HOURS: u64 = 10_000;
/// Points of an argument that is checked for each parent anew: so many cost as much as a field.
const POINTS_CHECKED: u64 = 10;
/// A device whose place or newest value is compared.
const DEVICE_COMPARED: u64 = 2;

/// What a request costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Its answer: fields times rows.
    pub answer: u64,
    /// What Postgres does for it.
    pub reading: u64,
}

impl Price {
    /// Both together.
    #[must_use]
    pub fn total(self) -> u64 {
        self.answer.saturating_add(self.reading)
    }
}

/// The price of an operation at this time.
#[must_use]
pub fn of(operation: &Operation, archive: &Archive, now: DateTime<Utc>) -> Price {
    let mut pricing = Pricing { types: types(), archive, now, price: Price::default() };
    let kind = match operation.kind {
        OperationType::Query => apollo_compiler::executable::OperationType::Query,
        OperationType::Mutation => apollo_compiler::executable::OperationType::Mutation,
        OperationType::Subscription => apollo_compiler::executable::OperationType::Subscription,
    };
    if let Some(root) = pricing.types.root(kind) {
        pricing.set(root, operation.selection_set(), 1);
    }
    pricing.price
}

struct Pricing<'a> {
    types: &'a TypeSystem,
    archive: &'a Archive,
    now: DateTime<Utc>,
    price: Price,
}

impl Pricing<'_> {
    fn answer(&mut self, amount: u64) {
        self.price.answer = self.price.answer.saturating_add(amount);
    }

    fn read(&mut self, amount: u64) {
        self.price.reading = self.price.reading.saturating_add(amount);
    }

    /// A statement for so many parents together, each of which costs so much.
    fn statement(&mut self, parents: u64, each: u64) {
        self.read(STATEMENT.saturating_add(parents.saturating_mul(each)));
    }

    /// The fields of so many objects of a type.
    fn set(&mut self, of: &str, set: &SelectionSet, count: u64) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => self.field(of, &field.node, count),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let of = condition.map_or(of, |condition| condition.node.on.node.as_str());
                    self.set(of, &fragment.node.selection_set.node, count);
                }
                Selection::FragmentSpread(_) => {} // there are none in a canonical operation
            }
        }
    }

    fn field(&mut self, of: &str, field: &Field, count: u64) {
        if field.response_key().node == HIDDEN {
            return; // no client selected it
        }
        self.answer(count);
        let arguments = Arguments(&field.arguments);
        let rows = match (of, field.name.node.as_str()) {
            ("Query", "measurements") => return self.measurements(field, None),
            ("Device", "measurements") => return self.measurements(field, Some(count)),
            ("Query", "devices") => return self.devices(field),
            ("Query", "uplinks") => return self.connection(field, 1, page(&arguments), COUNT_OF_UPLINKS, 0),
            ("Query", "statistics" | "cells") | ("Device", "statistics") => return self.statistics(of, field, count),
            ("Query", "trips") => {
                self.statement(1, NEWEST_TRIPS);
                page(&arguments)
            }
            ("Query", "nodes") => {
                let ids = arguments.length("ids");
                self.statement(ids, LOOK_UP);
                ids
            }
            ("Query", "node") => {
                self.statement(1, LOOK_UP);
                1
            }
            ("Query", "device") => {
                self.read(LOOK_UP);
                1
            }
            ("Query", "feedCursor") | ("Server", "database" | "tables") => {
                self.statement(1, STATEMENT);
                1
            }
            ("Device", "sensors") => {
                self.statement(count, LOOK_UP);
                Sensors::MAX as u64
            }
            ("Device", "latest") => {
                let of_quantity = if arguments.get("of").is_some() { LATEST_OF_QUANTITY } else { 0 };
                self.statement(count, LOOK_UP + of_quantity);
                1
            }
            ("Device" | "Cell", "airQualityIndex") => {
                self.statement(count, AIR_QUALITY_HOURS);
                2
            }
            ("Device", "airQualityIndices") => {
                let hours = arguments.span("measuredAt").hours(self.archive.end()).min(MAX_SERIES_HOURS);
                self.statement(count, hours);
                MAX_SERIES as u64
            }
            ("Device", "trips") => {
                let samples = self.archive.measurements(arguments.span("measuredAt"), Some(1));
                self.statement(count, samples.saturating_mul(TRIP_SAMPLE));
                page(&arguments)
            }
            ("Trip", "points") => arguments.int("most").unwrap_or(1000),
            ("Measurement", "weather" | "ambient" | "motion" | "status") => {
                self.statement(count, READINGS);
                1
            }
            ("Measurement" | "Trip" | "Statistics" | "Uplink", "device") | ("Uplink", "text" | "base64" | "apiKey") => {
                self.statement(count, LOOK_UP);
                1
            }
            ("Subscription", "measurementRecorded") => {
                let filter = Filter::of(arguments.get("filter"));
                self.read(filter.conditions + filter.points);
                1
            }
            ("Subscription", "statisticsUpdated") => arguments.length("devices"),
            _ => 1,
        };
        self.children(of, field, count.saturating_mul(rows));
    }

    fn children(&mut self, of: &str, field: &Field, count: u64) {
        let set = &field.selection_set.node;
        if set.items.is_empty() {
            return;
        }
        if let Some(ty) = self.types.field(of, field.name.node.as_str()) {
            self.set(ty.inner_named_type().as_str(), set, count);
        }
    }

    /// Measurements of all devices, or of each of some.
    fn measurements(&mut self, field: &Field, parents: Option<u64>) {
        let arguments = Arguments(&field.arguments);
        let (filter, rows) = (Filter::of(arguments.get("filter")), page(&arguments));
        let count = parents.unwrap_or(1);
        let place = if parents.is_some() { Place::Device } else { Place::Root };
        if selects_rows(field) {
            self.statement(count, LIST_OF_PARENT);
            let examined = filter.examined(rows, self.archive, place);
            self.read(count.saturating_mul(filter.per_row().saturating_mul(examined)));
            self.read(filter.area_price());
        }
        self.read(filter.points_price());
        self.answer(parents.map_or(0, |parents| parents.saturating_mul(filter.points / POINTS_CHECKED)));
        let total = filter.count(self.archive, parents);
        let ty = "MeasurementConnection";
        self.connection_fields(ty, field, count, rows, total);
    }

    fn devices(&mut self, field: &Field) {
        let arguments = Arguments(&field.arguments);
        let filter = arguments.get("filter").map(filter::fields);
        let is_set =
            |name: &str| filter.is_some_and(|fields| fields.get(name).is_some_and(|value| *value != Value::Null));
        let points = filter.and_then(|fields| fields.get("area")).map_or(0, filter::points);
        let order = arguments.text("orderBy").unwrap_or_default();
        let is_compared =
            is_set("area") || is_set("text") || order.starts_with("LAST_SEEN") || order.starts_with("LATEST");
        let compared = if is_compared { self.archive.devices().saturating_mul(DEVICE_COMPARED) } else { 0 };
        self.statement(1, LIST_OF_PARENT + compared);
        self.read(points.saturating_mul(filter::POINT));
        let total = self.archive.devices().min(MAX_COUNTED) / COUNTED_ROWS;
        self.connection_fields("DeviceConnection", field, 1, page(&arguments), total);
    }

    fn connection(&mut self, field: &Field, count: u64, rows: u64, total: u64, each: u64) {
        self.statement(count, LIST_OF_PARENT + each);
        self.connection_fields("UplinkConnection", field, count, rows, total);
    }

    /// The fields of so many connections: rows are multiplied, and the total is counted once for all of them.
    fn connection_fields(&mut self, ty: &str, field: &Field, count: u64, rows: u64, total: u64) {
        let mut counted = false;
        for item in &field.selection_set.node.items {
            let Selection::Field(child) = &item.node else { continue };
            match child.node.name.node.as_str() {
                "totalCount" | "totalCountIsEstimate" => {
                    self.answer(count);
                    if !std::mem::replace(&mut counted, true) {
                        self.read(STATEMENT.saturating_add(total));
                    }
                }
                "pageInfo" => self.field(ty, &child.node, count),
                _ => self.field(ty, &child.node, count.saturating_mul(rows)),
            }
        }
    }
}

/// Whether anything of a connection is selected that needs its rows.
fn selects_rows(field: &Field) -> bool {
    field.selection_set.node.items.iter().any(|item| match &item.node {
        Selection::Field(child) => {
            !matches!(child.node.name.node.as_str(), "totalCount" | "totalCountIsEstimate" | "__typename")
        }
        _ => true,
    })
}

/// The size of a page.
fn page(arguments: &Arguments<'_>) -> u64 {
    let given = arguments.int("first").or(arguments.int("last"));
    given.unwrap_or(DEFAULT_PAGE as u64)
}
