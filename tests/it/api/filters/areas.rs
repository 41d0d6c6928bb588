//! Areas of every kind and size, everywhere on earth.

use std::collections::BTreeSet;

use airgraph::domain::{
    area::{Area, BoundingBox, Cells, Circle, Polygon, SharedArea},
    cell::cell_at,
};
use chrono::TimeDelta;
use h3o::Resolution;
use rand::RngExt as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::{Value, json};

use super::{chance, matching_ids, near, pick, place, text, within};
use crate::support::{TestApp, at};

/// An area of any kind near a place; none where the random one is invalid.
pub fn area(rng: &mut ChaCha8Rng, around: (f64, f64), degrees: f64) -> Option<(Value, SharedArea)> {
    let point = |(latitude, longitude): &(f64, f64)| json!({ "latitude": latitude, "longitude": longitude });
    let (input, area) = match rng.random_range(0..4) {
        0 => {
            let (one, other) = (near(rng, around, degrees), near(rng, around, degrees));
            let (south, north) = (one.0.min(other.0), one.0.max(other.0));
            let input = json!({ "boundingBox": { "south": south, "west": one.1, "north": north, "east": other.1 } });
            (input, Area::BoundingBox(BoundingBox::try_new(south, one.1, north, other.1).ok()?))
        }
        1 => {
            let (latitude, longitude) = near(rng, around, degrees);
            let radius = within(rng, 1.0, degrees * 111_000.0).min(2e7);
            let input = json!({ "circle": { "latitude": latitude, "longitude": longitude, "radius": radius } });
            (input, Area::Circle(Circle::try_new(latitude, longitude, radius).ok()?))
        }
        2 => {
            let count = if chance(rng, 0.3) { rng.random_range(40..400) } else { rng.random_range(3..12) };
            let corners: Vec<_> = (0..count).map(|_| near(rng, around, degrees)).collect();
            let polygon = Polygon::try_new(&corners).ok()?;
            (json!({ "polygon": corners.iter().map(point).collect::<Vec<_>>() }), Area::Polygon(polygon))
        }
        _ => {
            // Cells about as large as the other kinds.
            let finest =
                12 - [0.0001, 0.0005, 0.004, 0.03, 0.2, 1.5, 10.0].iter().filter(|&&size| size < degrees).count();
            let resolution = u8::try_from(rng.random_range(0..=finest)).expect("small");
            let resolution = Resolution::try_from(resolution).expect("a resolution");
            let cell = |_| cell_at(place(near(rng, around, degrees)), resolution).to_string();
            let cells: Vec<_> = (0..20).map(cell).collect();
            (json!({ "cells": cells }), Area::Cells(Cells::try_new(&cells).ok()?))
        }
    };
    Some((input, area.into()))
}

#[tokio::test]
async fn every_kind_of_area_everywhere_on_earth() {
    let app = TestApp::new().await;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let towns =
        [(52.2, 0.12), (-17.0, 179.99), (89.99, 10.0), (-90.0, 0.0), (0.0, 0.0), (31.8, -115.3), (-45.0, -180.0)];
    let sizes = [0.0005, 0.01, 1.0, 30.0];
    let mut samples = Vec::new();
    for number in 0..700 {
        let (town, size) = (*pick(&mut rng, &towns), *pick(&mut rng, &sizes));
        let (latitude, longitude) = near(&mut rng, town, size);
        let time = at("2026-04-01T00:00:00Z") + TimeDelta::minutes(number);
        samples.push(
            json!({ "device": "bike", "measuredAt": time, "pm10": 1, "latitude": latitude, "longitude": longitude }),
        );
    }
    samples.push(json!({ "device": "bike", "measuredAt": "2026-03-01T00:00:00Z", "pm10": 1 }));
    for chunk in samples.chunks(1000) {
        app.record(chunk.to_vec().into()).await;
    }
    let all = app.query("{ measurements(first: 10000) { nodes { id latitude longitude } } }").await;
    let all = all["measurements"]["nodes"].as_array().expect("nodes").clone();
    let (mut some, mut not_all) = (0, 0);
    for _ in 0..200 {
        let (town, size) = (*pick(&mut rng, &towns), *pick(&mut rng, &sizes));
        let Some((input, area)) = area(&mut rng, town, size) else { continue };
        let lies_in = |node: &&Value| {
            let place = node["latitude"].as_f64().zip(node["longitude"].as_f64()).map(place);
            place.is_some_and(|place| area.contains(place))
        };
        let expected: BTreeSet<_> = all.iter().filter(lies_in).map(|node| text(&node["id"])).collect();
        assert_eq!(matching_ids(&app, &json!({ "area": input })).await, expected, "{input}");
        let not: BTreeSet<_> = all.iter().map(|node| text(&node["id"])).filter(|id| !expected.contains(id)).collect();
        assert_eq!(matching_ids(&app, &json!({ "not": { "area": input } })).await, not, "not {input}");
        some += usize::from(!expected.is_empty());
        not_all += usize::from(!not.is_empty());
    }
    assert!(some > 80 && not_all > 80, "{some} {not_all}");
}
