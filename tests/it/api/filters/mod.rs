//! Filters of measurements: the gateway's result equals what the domain rules accept. Rows and filters are random, the
//! same at every run.

pub mod areas;
pub mod conditions;

use std::collections::BTreeSet;

use airgraph::domain::position::Position;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::support::TestApp;

pub fn pick<'a, T>(rng: &mut ChaCha8Rng, from: &'a [T]) -> &'a T {
    &from[rng.random_range(0..from.len())]
}

pub fn chance(rng: &mut ChaCha8Rng, of: f64) -> bool {
    rng.random::<f64>() < of
}

fn within(rng: &mut ChaCha8Rng, from: f64, to: f64) -> f64 {
    from + (to - from) * rng.random::<f64>()
}

/// A place near to another on the map, or anywhere.
pub fn near(rng: &mut ChaCha8Rng, (latitude, longitude): (f64, f64), degrees: f64) -> (f64, f64) {
    let latitude = (latitude + within(rng, -degrees, degrees)).clamp(-90.0, 90.0);
    let longitude = longitude + within(rng, -degrees, degrees);
    (latitude, (longitude + 180.0).rem_euclid(360.0) - 180.0)
}

pub fn place((latitude, longitude): (f64, f64)) -> Position {
    Position::try_new(latitude, longitude).expect("a place")
}

/// The ids of the measurements that match a filter, after checking their count.
async fn matching_ids(app: &TestApp, filter: &Value) -> BTreeSet<String> {
    let query = "query ($filter: MeasurementFilter) { measurements(filter: $filter, first: 10000) { totalCount nodes { id } } }";
    let data = app.query_with(query, json!({ "filter": filter })).await;
    let ids = ids(&data["measurements"]["nodes"]);
    assert_eq!(data["measurements"]["totalCount"], json!(ids.len()), "{filter}");
    ids
}

fn ids(nodes: &Value) -> BTreeSet<String> {
    nodes.as_array().expect("nodes").iter().map(|node| text(&node["id"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
