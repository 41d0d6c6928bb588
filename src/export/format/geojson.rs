//! `GeoJSON` (RFC 7946): a collection with a feature for each row. Positions are longitude and latitude (§3.1.1), and
//! the geometry of a row without a place is null (§3.2). The member `endCursor` of the collection continues an export
//! (§6.1 allows further members).

use h3o::CellIndex;
use serde_json::Value;

use super::{
    TimeFormat,
    ndjson::{object_keys, write_value},
};
use crate::{
    domain::position::Position,
    export::{ExportRequest, ExportSubject, columns::ExportColumn, rows::Row},
    graphql::fast_json::json,
};

/// Half of the circumference of the earth, in degrees.
const HALF_CIRCLE: f64 = 180.0;

/// Writes rows as features.
pub struct GeoJsonEncoder {
    subject: ExportSubject,
    times: TimeFormat,
    /// The properties: all columns but those of a point.
    columns: Vec<ExportColumn>,
    keys: Vec<Vec<u8>>,
    is_first: bool,
}

impl GeoJsonEncoder {
    pub fn new(request: &ExportRequest) -> Self {
        let is_property = |column: &&ExportColumn| !["latitude", "longitude"].contains(&&*column.name);
        let columns: Vec<_> = request.columns.iter().filter(is_property).cloned().collect();
        let keys = object_keys(&columns);
        Self { subject: request.subject, times: request.times, columns, keys, is_first: true }
    }

    /// The beginning of the collection.
    pub fn start() -> Vec<u8> {
        b"{\"type\":\"FeatureCollection\",\"features\":[\n".to_vec()
    }

    /// The feature of a row.
    pub fn row(&mut self, row: Row<'_>, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.is_first, false) {
            out.extend_from_slice(b",\n");
        }
        out.extend_from_slice(b"{\"type\":\"Feature\",\"geometry\":");
        self.geometry(row, out);
        out.extend_from_slice(b",\"properties\":");
        for (column, key) in self.columns.iter().zip(&self.keys) {
            out.extend_from_slice(key);
            write_value(&row.value(column), self.times, out);
        }
        out.extend_from_slice(if self.columns.is_empty() { b"{}}" } else { b"}}" });
    }

    /// The end of the collection.
    pub fn finish(end_cursor: Option<&str>) -> Vec<u8> {
        let mut out = b"\n]".to_vec();
        if let Some(cursor) = end_cursor {
            out.extend_from_slice(b",\"endCursor\":");
            json::string(cursor, &mut out);
        }
        out.extend_from_slice(b"}\n");
        out
    }

    fn geometry(&self, row: Row<'_>, out: &mut Vec<u8>) {
        match row {
            Row::Measurement(measurement, _) => {
                let place = measurement.position().map(|place: Position| [place.longitude(), place.latitude()]);
                json::nullable(place, point, out);
            }
            Row::Object(row) => match self.subject {
                ExportSubject::Trips => line(&path(row), out),
                ExportSubject::Statistics => json::nullable(cell(row, "cell"), polygon, out),
                ExportSubject::Cells => json::nullable(cell(row, "index"), polygon, out),
                ExportSubject::Devices | ExportSubject::Measurements => json::nullable(position(row), point, out),
            },
        }
    }
}

/// Longitude and latitude of an object.
fn position(row: &Value) -> Option<[f64; 2]> {
    Some([row.get("longitude")?.as_f64()?, row.get("latitude")?.as_f64()?])
}

fn path(trip: &Value) -> Vec<[f64; 2]> {
    trip.get("points").and_then(Value::as_array).into_iter().flatten().filter_map(position).collect()
}

fn cell(row: &Value, field: &str) -> Option<CellIndex> {
    row.get(field)?.as_str()?.parse().ok()
}

fn point(position: [f64; 2], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"Point\",\"coordinates\":");
    coordinates(position, out);
    out.push(b'}');
}

/// A line needs two positions (§3.1.4).
fn line(path: &[[f64; 2]], out: &mut Vec<u8>) {
    match path {
        [] => out.extend_from_slice(json::NULL),
        [position] => point(*position, out),
        _ => {
            out.extend_from_slice(b"{\"type\":\"LineString\",\"coordinates\":");
            ring(path, out);
            out.push(b'}');
        }
    }
}

/// The outline of a cell, counterclockwise and closed (§3.1.6). Longitudes of a cell across the antimeridian are
/// continuous, so that some are beyond 180°.
fn polygon(cell: CellIndex, out: &mut Vec<u8>) {
    let mut outline: Vec<[f64; 2]> = cell.boundary().iter().map(|corner| [corner.lng(), corner.lat()]).collect();
    if let Some(&[first, _]) = outline.first() {
        for [longitude, _] in &mut outline {
            if *longitude - first > HALF_CIRCLE {
                *longitude -= 2.0 * HALF_CIRCLE;
            } else if *longitude - first < -HALF_CIRCLE {
                *longitude += 2.0 * HALF_CIRCLE;
            }
        }
        outline.push(outline[0]);
    }
    out.extend_from_slice(b"{\"type\":\"Polygon\",\"coordinates\":[");
    ring(&outline, out);
    out.extend_from_slice(b"]}");
}

fn ring(positions: &[[f64; 2]], out: &mut Vec<u8>) {
    for (at, position) in positions.iter().enumerate() {
        out.push(if at == 0 { b'[' } else { b',' });
        coordinates(*position, out);
    }
    out.push(b']');
}

fn coordinates([longitude, latitude]: [f64; 2], out: &mut Vec<u8>) {
    out.push(b'[');
    json::float(longitude, out);
    out.push(b',');
    json::float(latitude, out);
    out.push(b']');
}
