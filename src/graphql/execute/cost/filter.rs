//! What a filter of measurements costs.

use std::collections::BTreeSet;

use async_graphql::{InputType as _, Name, indexmap::IndexMap};
use async_graphql_value::Value;

use super::{
    AREA_LOOKUP_COST, COUNTED_ROWS_PER_COST_UNIT, EXAMINED_ROWS_PER_COST_UNIT, KEY_LOOKUP_COST, MAX_COUNTED_ROWS,
    MAX_EXAMINED_IN_POLYGON, MAX_EXAMINED_ROWS, ROWS_IN_AREA, TOTAL_COUNT_COST, TOTAL_COUNT_COST_PER_PARENT,
    TOTAL_COUNT_WITH_JOINS_COST,
    arguments::{TimeSpan, list_items, text},
    storage_statistics::StorageStatistics,
};
use crate::{
    domain::quantity::{Group, Quantity},
    graphql::types,
};

/// A point of a polygon: its edges are sorted, and compared with cells and measurements.
pub(super) const POLYGON_POINT_COST: u64 = 5;
/// For each row of a page so many are examined, as a rule, to find one that conditions let through.
const EXAMINED_ROWS_PER_PAGE_ROW: u64 = 10;
/// Ten conditions on a row cost as much as a field of it.
const CONDITIONS_PER_COST_UNIT: u64 = 10;
/// So do ten edges of a polygon.
const EDGES_PER_FIELD: u64 = 10;
/// Edges of a band of a polygon with short edges, and for each edge at its longitude (`domain::area::Bands`).
const EDGES_OF_BAND: u64 = 20;
const EDGES_BESIDE: f64 = 2.0;
/// An area holds so many of the measurements of its time, as a rule: one in ten.
const AREA_SELECTIVITY: u64 = 10;

/// What a filter asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FilterAnalysis {
    /// Devices that it names, where it names any.
    pub devices: Option<u64>,
    /// The span of time in which all it lets through lies.
    pub span: TimeSpan,
    /// Whether all it lets through lies in an area.
    pub has_area: bool,
    /// Conditions on values, flags and areas, and those within others.
    pub conditions: u64,
    /// Tables beside that of measurements in which rows are looked up.
    pub tables: BTreeSet<&'static str>,
    /// Areas.
    pub areas: u64,
    /// Points of polygons.
    pub points: u64,
    /// Edges of polygons that a measurement is compared with.
    pub edges: u64,
}

/// Whose measurements are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListParent {
    /// Those of all devices.
    Root,
    /// Those of one.
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

/// How many edges of an area's polygon a measurement is compared with: those of its band of longitude. These are some more than
/// lie at each longitude on average, which is two in a ring and most in a scribble.
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
        // The shorter way round the earth.
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

    /// Whether it is about devices and times only.
    pub fn has_only_devices_and_times(&self) -> bool {
        self.conditions == 0
    }

    /// Whether rollups can tell what it lets through.
    pub fn can_use_rollups(&self) -> bool {
        self.conditions == 0 || (self.conditions == 1 && self.has_area)
    }

    /// What holding one row against it costs.
    pub fn cost_per_row(&self) -> u64 {
        self.tables.len() as u64 * KEY_LOOKUP_COST
            + self.conditions.div_ceil(CONDITIONS_PER_COST_UNIT)
            + self.edges.div_ceil(EDGES_PER_FIELD)
    }

    /// Rows that are held against it, as a rule, to fill a page.
    pub fn examined_rows(&self, page: u64, archive: &StorageStatistics, place: ListParent) -> u64 {
        if self.has_only_devices_and_times() {
            return 0;
        }
        let devices = if place == ListParent::Device { Some(1) } else { self.devices };
        page.saturating_mul(EXAMINED_ROWS_PER_PAGE_ROW).min(archive.measurements(self.span, devices))
    }

    /// Measurements that it is about.
    pub fn estimated_measurements(&self, archive: &StorageStatistics, devices: Option<u64>) -> u64 {
        archive.measurements(self.span, devices.or(self.devices)) / self.selectivity()
    }

    /// One in how many measurements of its time and devices it is about.
    pub fn selectivity(&self) -> u64 {
        if self.has_area { AREA_SELECTIVITY } else { 1 }
    }

    /// What counting all that it lets through costs, or of each of so many devices.
    pub fn total_count_cost(&self, archive: &StorageStatistics, parents: Option<u64>) -> u64 {
        // All measurements of the time may lie in an area; a list ends at a full page, a count does not.
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

    /// What it costs to cover its areas with a few cells.
    pub fn area_price(&self) -> u64 {
        self.areas.saturating_mul(AREA_LOOKUP_COST)
    }

    /// What its polygons cost.
    pub fn polygon_cost(&self) -> u64 {
        self.points.saturating_mul(POLYGON_POINT_COST)
    }
}

const MEASUREMENT_TABLE: &str = "measurement";

/// The quantity that goes by this name in the schema.
pub(super) fn quantity_by_schema_name(name: &str) -> Option<Quantity> {
    let value = async_graphql::Value::Enum(Name::new(name));
    types::quantity::Quantity::parse(Some(value)).ok().map(Into::into)
}

/// The table that holds a quantity.
pub(super) fn quantity_table(quantity: Quantity) -> &'static str {
    match quantity.definition().group {
        Group::Air => MEASUREMENT_TABLE,
        Group::Weather => "weather",
        Group::Ambient => "ambient",
        Group::Motion => "motion",
        Group::Status => "device_status",
    }
}
