//! Cost of a filter of measurements.

use std::collections::BTreeSet;

use async_graphql::{InputType as _, Name, indexmap::IndexMap};
use async_graphql_value::Value;

use super::{
    AREA_LOOKUP_COST, CONDITION_LOOKUP_COST, COUNTED_ROWS_PER_COST_UNIT, EXAMINED_ROWS_PER_COST_UNIT, MAX_COUNTED_ROWS,
    MAX_EXAMINED_IN_POLYGON, MAX_EXAMINED_ROWS, ROWS_IN_AREA, TOTAL_COUNT_COST, TOTAL_COUNT_COST_PER_PARENT,
    TOTAL_COUNT_WITH_JOINS_COST,
    arguments::{TimeSpan, list_items, text},
    storage_statistics::StorageStatistics,
};
use crate::{
    domain::quantity::{Group, Quantity},
    graphql::types,
};

/// Cost of a point of a polygon: edges are sorted and compared with cells and measurements.
pub(super) const POLYGON_POINT_COST: u64 = 5;
/// Typical number of rows examined for each row of a filtered page.
const EXAMINED_ROWS_PER_PAGE_ROW: u64 = 10;
/// Conditions on a row that cost as much as one field.
const CONDITIONS_PER_COST_UNIT: u64 = 10;
/// Edges of a polygon that cost as much as one field.
const EDGES_PER_FIELD: u64 = 10;
/// Edges in a band of a polygon: a base for short edges, and a factor for each edge at its longitude
/// (`domain::area::Bands`).
const EDGES_OF_BAND: u64 = 20;
const EDGES_BESIDE: f64 = 2.0;
/// An area typically contains one in this many of the measurements in a time span.
const AREA_SELECTIVITY: u64 = 10;

/// Properties of a filter that determine its cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FilterAnalysis {
    /// Number of devices in the filter; `None` without a condition on devices.
    pub devices: Option<u64>,
    /// Time span of all matching measurements.
    pub span: TimeSpan,
    /// Whether all matching measurements are in an area.
    pub has_area: bool,
    /// Number of conditions on values, flags and areas, including nested ones.
    pub conditions: u64,
    /// Tables to join with the table of measurements.
    pub tables: BTreeSet<&'static str>,
    /// Number of areas.
    pub areas: u64,
    /// Number of points of polygons.
    pub points: u64,
    /// Number of edges of polygons compared with each measurement.
    pub edges: u64,
}

/// Parent of a list of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListParent {
    /// The query root: measurements of all devices.
    Root,
    /// A device.
    Device,
}

/// The fields of an input object.
pub(super) fn object_fields(value: &Value) -> &IndexMap<Name, Value> {
    static NONE: std::sync::LazyLock<IndexMap<Name, Value>> = std::sync::LazyLock::new(IndexMap::new);
    if let Value::Object(fields) = value { fields } else { &NONE }
}

/// The points of an area.
pub(super) fn polygon_points(area: &Value) -> u64 {
    list_items(object_fields(area).get("polygon")).count() as u64
}

/// Number of edges of an area's polygon compared with each measurement: those of its band of longitude. These are
/// somewhat more than the average number of edges at a longitude, which is two in a convex polygon and large in a
/// tangled one.
fn edges(area: &Value) -> u64 {
    let longitude = |point: &Value| match object_fields(point).get("longitude") {
        Some(Value::Number(number)) => number.as_f64().unwrap_or_default(),
        _ => 0.0,
    };
    let longitudes: Vec<_> = list_items(object_fields(area).get("polygon")).map(longitude).collect();
    let Some(&last) = longitudes.last() else { return 0 };
    let (mut before, mut east, mut covered) = (last, 0.0, 0.0);
    let (mut westmost, mut eastmost) = (0.0_f64, 0.0_f64);
    for &longitude in &longitudes {
        // The shorter way around the earth.
        let step = (longitude - before + 540.0).rem_euclid(360.0) - 180.0;
        (before, east, covered) = (longitude, east + step, covered + step.abs());
        (westmost, eastmost) = (westmost.min(east), eastmost.max(east));
    }
    let width = eastmost - westmost;
    let at_each = if width > 0.0 { covered / width } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; `as` saturates")]
    let edges = EDGES_OF_BAND + (EDGES_BESIDE * at_each) as u64;
    edges.min(longitudes.len() as u64)
}

impl FilterAnalysis {
    pub fn from_value(filter: Option<&Value>) -> Self {
        let mut found = Self::default();
        if let Some(filter) = filter {
            found.add(filter, true);
        }
        found
    }

    /// Adds a filter; `must_hold` is false within `or` and `not`.
    fn add(&mut self, filter: &Value, must_hold: bool) {
        for (name, value) in object_fields(filter).iter().filter(|(_, value)| **value != Value::Null) {
            match name.as_str() {
                "devices" if must_hold => {
                    let count = list_items(Some(value)).count() as u64;
                    self.devices = Some(self.devices.map_or(count, |before| before.min(count)));
                }
                "measuredAt" if must_hold => self.span = self.span.intersect(TimeSpan::from_value(value)),
                "trip" if must_hold => self.devices = Some(1),
                "area" => {
                    self.points = self.points.saturating_add(polygon_points(value));
                    self.edges = self.edges.saturating_add(edges(value));
                    self.areas += 1;
                    self.conditions += 1;
                    self.has_area |= must_hold;
                }
                "quantities" => {
                    for range in list_items(Some(value)) {
                        self.conditions += 1;
                        let of = object_fields(range).get("quantity").and_then(text).and_then(quantity_by_schema_name);
                        self.tables.extend(of.map(quantity_table).filter(|&table| table != MEASUREMENT_TABLE));
                    }
                }
                "and" => list_items(Some(value)).for_each(|filter| self.add(filter, must_hold)),
                "or" => list_items(Some(value)).for_each(|filter| self.add(filter, false)),
                "not" => self.add(value, false),
                _ => self.conditions += 1,
            }
        }
    }

    /// Whether it has only conditions on devices and times.
    pub fn has_only_devices_and_times(&self) -> bool {
        self.conditions == 0
    }

    /// Whether rollups can answer it.
    pub fn can_use_rollups(&self) -> bool {
        self.conditions == 0 || (self.conditions == 1 && self.has_area)
    }

    /// Cost of evaluating it on one row.
    pub fn cost_per_row(&self) -> u64 {
        self.tables.len() as u64 * CONDITION_LOOKUP_COST
            + self.conditions.div_ceil(CONDITIONS_PER_COST_UNIT)
            + self.edges.div_ceil(EDGES_PER_FIELD)
    }

    /// Typical number of rows examined to fill a page.
    pub fn examined_rows(&self, page: u64, archive: &StorageStatistics, parent: ListParent) -> u64 {
        if self.has_only_devices_and_times() {
            return 0;
        }
        let devices = if parent == ListParent::Device { Some(1) } else { self.devices };
        page.saturating_mul(EXAMINED_ROWS_PER_PAGE_ROW).min(archive.measurements(self.span, devices))
    }

    /// Estimated number of matching measurements, ignoring conditions on values.
    pub fn estimated_measurements(&self, archive: &StorageStatistics, devices: Option<u64>) -> u64 {
        archive.measurements(self.span, devices.or(self.devices)) / self.selectivity()
    }

    /// The filter matches one in this many measurements of its time span and devices.
    pub fn selectivity(&self) -> u64 {
        if self.has_area { AREA_SELECTIVITY } else { 1 }
    }

    /// Cost of the total count of matching measurements, in total or for each parent.
    pub fn total_count_cost(&self, archive: &StorageStatistics, parents: Option<u64>) -> u64 {
        // All measurements of the time span may be in an area: a list stops at a full page, a count does not.
        let rows = archive.measurements(self.span, parents.or(self.devices));
        let counted = if self.has_only_devices_and_times() {
            rows.min(MAX_COUNTED_ROWS) / COUNTED_ROWS_PER_COST_UNIT
        } else if self.tables.is_empty() {
            rows.min(MAX_EXAMINED_ROWS) / EXAMINED_ROWS_PER_COST_UNIT
                + self.areas.saturating_mul(rows.min(MAX_EXAMINED_ROWS) / ROWS_IN_AREA)
                + rows.min(MAX_EXAMINED_IN_POLYGON).saturating_mul(self.edges.div_ceil(EDGES_PER_FIELD))
        } else {
            TOTAL_COUNT_WITH_JOINS_COST
        };
        (TOTAL_COUNT_COST + counted + self.area_price())
            .saturating_add(parents.map_or(0, |parents| parents.saturating_mul(TOTAL_COUNT_COST_PER_PARENT)))
    }

    /// Cost of covering its areas with cells.
    pub fn area_price(&self) -> u64 {
        self.areas.saturating_mul(AREA_LOOKUP_COST)
    }

    /// Cost of its polygons.
    pub fn polygon_cost(&self) -> u64 {
        self.points.saturating_mul(POLYGON_POINT_COST)
    }
}

const MEASUREMENT_TABLE: &str = "measurement";

/// The quantity with this name in the schema.
pub(super) fn quantity_by_schema_name(name: &str) -> Option<Quantity> {
    let value = async_graphql::Value::Enum(Name::new(name));
    types::quantity::Quantity::parse(Some(value)).ok().map(Into::into)
}

/// The table of a quantity.
pub(super) fn quantity_table(quantity: Quantity) -> &'static str {
    match quantity.definition().group {
        Group::Air => MEASUREMENT_TABLE,
        Group::Weather => "weather",
        Group::Ambient => "ambient",
        Group::Motion => "motion",
        Group::Status => "device_status",
    }
}
