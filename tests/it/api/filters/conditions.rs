//! Conditions of every kind, alone, negated, and in trees.

use std::collections::BTreeSet;

use airgraph::domain::{
    device::DeviceId,
    filter::{Condition, Filter, ValueRange},
    joined_readings::JoinedReadings,
    measurement::{Measurement, MeasurementKey},
    quality::{QualityFlag, QualityFlags},
    quantity::Quantity,
    readings::{Readings, to_f32},
};
use chrono::TimeDelta;
use rand::RngExt as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::{Value, json};

use super::{areas::area, chance, ids, matching_ids, near, pick, place, text};
use crate::support::{TestApp, at};

/// A filter as a client writes it, and its form in the domain.
type InputAndCondition = (Value, Condition);

const DEVICES: [&str; 3] = ["bike-0", "bike-1", "bike-2"];

/// Samples of three bicycles with varying sets of values.
pub async fn fill(app: &TestApp, rng: &mut ChaCha8Rng) {
    let mut samples = Vec::new();
    for number in 0..400 {
        let time = at("2026-04-20T00:00:00Z") + TimeDelta::minutes(number * 40);
        let mut sample = json!({ "device": pick(rng, &DEVICES), "measuredAt": time, "pm1": rng.random_range(0..5) });
        for field in ["pm25", "pm4", "pm10"] {
            if chance(rng, 0.7) {
                sample[field] = json!(f64::from(rng.random_range(0..12)) / 10.0);
            }
        }
        if chance(rng, 0.7) {
            let (latitude, longitude) = if chance(rng, 0.1) { (0.0, 0.0) } else { near(rng, (52.2, 0.12), 0.01) };
            (sample["latitude"], sample["longitude"]) = (json!(latitude), json!(longitude));
        }
        if chance(rng, 0.6) {
            sample["weather"] =
                json!({ "humidity": rng.random_range(0..100), "temperature": rng.random_range(-45..40) });
        }
        if chance(rng, 0.4) {
            sample["motion"] = json!({ "speed": rng.random_range(0..30) });
        }
        if chance(rng, 0.4) {
            sample["ambient"] = json!({ "noise": rng.random_range(0..30) });
            sample["status"] = json!({ "batteryVoltage": f64::from(rng.random_range(0..50)) / 10.0 });
        }
        samples.push(sample);
    }
    app.record(samples.into()).await;
}

/// The recorded measurements in the domain's form, with the ids.
async fn recorded(app: &TestApp) -> Vec<(String, Measurement, Readings)> {
    let query =
        "{ measurements(first: 10000) { nodes { id device { key } measuredAt latitude longitude pm1 pm25 pm4 pm10 flags
        weather { humidity temperature } motion { speed } ambient { noise } status { batteryVoltage } } } }";
    let data = app.query(query).await;
    let row = |node: &Value| {
        let pm = |field: &str| node[field].as_f64().map(to_f32);
        let mut beside = Readings::default();
        for (quantity, group, field) in [
            (Quantity::Humidity, "weather", "humidity"),
            (Quantity::Temperature, "weather", "temperature"),
            (Quantity::Speed, "motion", "speed"),
            (Quantity::Noise, "ambient", "noise"),
            (Quantity::BatteryVoltage, "status", "batteryVoltage"),
        ] {
            if let Some(value) = node[group][field].as_f64() {
                beside.set(quantity, value).expect("a value");
            }
        }
        let mut flags = QualityFlags::default();
        for flag in node["flags"].as_array().expect("flags") {
            flags.insert(FLAGS.iter().find(|(name, _)| flag == name).expect("a flag that this test knows").1);
        }
        let measurement = Measurement {
            key: MeasurementKey {
                device_id: device(&node["device"]["key"]),
                measured_at: at(node["measuredAt"].as_str().expect("a time")),
                seq: 0,
            },
            recorded_at: at("2026-05-01T00:00:00Z"),
            position: node["latitude"].as_f64().zip(node["longitude"].as_f64()).map(place),
            pm1: pm("pm1"),
            pm2_5: pm("pm25"),
            pm4: pm("pm4"),
            pm10: pm("pm10"),
            flags,
            time_uncertainty_s: None,
            readings: JoinedReadings::default(),
        };
        (text(&node["id"]), measurement, beside)
    };
    data["measurements"]["nodes"].as_array().expect("nodes").iter().map(row).collect()
}

/// The id that the model gives to a device; that of the database is another one.
fn device(key: &Value) -> DeviceId {
    let at = DEVICES.iter().position(|name| key == name).expect("a device");
    DeviceId(i64::try_from(at).expect("small"))
}

const FLAGS: [(&str, QualityFlag); 8] = [
    ("OUT_OF_RANGE", QualityFlag::OutOfRange),
    ("PM25_ABOVE_PM10", QualityFlag::Pm25AbovePm10),
    ("NULL_ISLAND", QualityFlag::NullIsland),
    ("HIGH_HUMIDITY", QualityFlag::HighHumidity),
    ("IMPLAUSIBLE_SPEED", QualityFlag::ImplausibleSpeed),
    ("STUCK_VALUE", QualityFlag::StuckValue),
    ("SPIKE", QualityFlag::Spike),
    ("LATE", QualityFlag::Late),
];

/// One condition, of the kind with this number.
fn random_condition(rng: &mut ChaCha8Rng, kind: usize) -> InputAndCondition {
    let mut range = |from: i32, to: i32| {
        let (one, other) = (f64::from(rng.random_range(from..to)) / 10.0, f64::from(rng.random_range(from..to)) / 10.0);
        let min = (rng.random_range(0..3) > 0).then_some(one.min(other));
        let max = (rng.random_range(0..3) > 0).then_some(one.max(other));
        ValueRange { min, max }
    };
    match kind {
        0..4 => {
            let (field, quantity) =
                [("pm1", Quantity::Pm1), ("pm25", Quantity::Pm2_5), ("pm4", Quantity::Pm4), ("pm10", Quantity::Pm10)]
                    [kind];
            let range = range(0, if quantity == Quantity::Pm1 { 50 } else { 12 });
            (json!({ field: { "min": range.min, "max": range.max } }), Condition::Between(quantity, range))
        }
        4 => {
            let quantities = [
                ("HUMIDITY", Quantity::Humidity, range(0, 1000)),
                ("TEMPERATURE", Quantity::Temperature, range(-450, 400)),
                ("SPEED", Quantity::Speed, range(0, 300)),
                ("NOISE", Quantity::Noise, range(0, 300)),
                ("BATTERY_VOLTAGE", Quantity::BatteryVoltage, range(0, 50)),
                ("PM2_5", Quantity::Pm2_5, range(0, 12)),
            ];
            let picked: Vec<_> = quantities.into_iter().filter(|_| chance(rng, 0.3)).collect();
            let bounds = |&(name, _, range): &(&str, Quantity, ValueRange)| json!({ "quantity": name, "min": range.min, "max": range.max });
            let condition = |&(_, quantity, range): &(&str, Quantity, ValueRange)| Condition::Between(quantity, range);
            let input: Vec<_> = picked.iter().map(bounds).collect();
            (json!({ "quantities": input }), Condition::All(picked.iter().map(condition).collect()))
        }
        5 => {
            let keys: Vec<_> = DEVICES.iter().filter(|_| chance(rng, 0.6)).collect();
            let ids = keys.iter().map(|key| device(&json!(key))).collect();
            (json!({ "devices": keys }), Condition::Devices(ids))
        }
        6 => {
            let day = |number: i64| at("2026-04-20T00:00:00Z") + TimeDelta::days(number);
            let (from, length) = (rng.random_range(0..10), rng.random_range(1..6));
            let (from, to) = (chance(rng, 0.7).then(|| day(from)), chance(rng, 0.7).then(|| day(from + length)));
            (json!({ "measuredAt": { "from": from, "to": to } }), Condition::MeasuredBetween { from, to })
        }
        7 => loop {
            if let Some((input, area)) = area(rng, (52.2, 0.12), 0.01) {
                break (json!({ "area": input }), Condition::Within(area));
            }
        },
        _ => {
            let mut set = QualityFlags::default();
            let picked: Vec<_> = FLAGS.iter().filter(|_| chance(rng, 0.4)).collect();
            for (_, flag) in &picked {
                set.insert(*flag);
            }
            let names: Vec<_> = picked.iter().map(|(name, _)| name).collect();
            if picked.is_empty() {
                (json!({ "flags": { "none": [] } }), Condition::NoFlag(set))
            } else if chance(rng, 0.5) {
                (json!({ "flags": { "any": names } }), Condition::AnyFlag(set))
            } else {
                (json!({ "flags": { "none": names } }), Condition::NoFlag(set))
            }
        }
    }
}

/// Nested conditions.
pub fn random_tree(rng: &mut ChaCha8Rng, depth: usize) -> InputAndCondition {
    let (mut input, mut all) = (json!({}), Vec::new());
    for kind in 0..9 {
        if chance(rng, 0.15) {
            let (one, condition) = random_condition(rng, kind);
            input.as_object_mut().expect("an object").extend(one.as_object().expect("an object").clone());
            all.push(condition);
        }
    }
    if depth > 0 {
        for word in ["and", "or", "not"] {
            if !chance(rng, 0.4) {
                continue;
            }
            let count = if word == "not" { 1 } else { rng.random_range(1..4) };
            let (inner, conditions): (Vec<_>, Vec<_>) = (0..count).map(|_| random_tree(rng, depth - 1)).unzip();
            input[word] = if word == "not" { inner[0].clone() } else { json!(inner) };
            all.push(match word {
                "and" => Condition::All(conditions),
                "or" => Condition::Any(conditions),
                _ => Condition::Not(Box::new(Condition::All(conditions))),
            });
        }
    }
    (input, Condition::All(all))
}

/// Checks that the gateway and the domain agree on a filter: on its matches, or on its being a contradiction.
async fn assert_agrees(
    app: &TestApp,
    rows: &[(String, Measurement, Readings)],
    (input, condition): InputAndCondition,
) -> Option<usize> {
    let mut filter = Filter::default();
    let contradiction = filter.add(condition.clone()).err();
    if let Some(contradiction) = contradiction {
        let query = "query ($filter: MeasurementFilter) { measurements(filter: $filter) { totalCount } }";
        let answer = app.graphql(None, query, json!({ "filter": input })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{input}: {contradiction}");
        return None;
    }
    let let_through = |device: Option<DeviceId>| -> BTreeSet<String> {
        let matches = |(_, measurement, beside): &&(String, Measurement, Readings)| {
            let matches = filter.matches(measurement, beside);
            assert_eq!(matches, condition.matches(measurement, beside), "merging changed {input}");
            matches && device.is_none_or(|device| measurement.key.device_id == device)
        };
        rows.iter().filter(matches).map(|(id, ..)| id.clone()).collect()
    };
    let expected = let_through(None);
    assert_eq!(matching_ids(app, &input).await, expected, "{input}");

    // The same of each device, where the filter doesn't name devices.
    if filter.devices.is_none() {
        let query = "query ($filter: MeasurementFilter) { devices { nodes { key measurements(filter: $filter, first: 1000) { totalCount nodes { id } } } } }";
        let data = app.query_with(query, json!({ "filter": input })).await;
        for node in data["devices"]["nodes"].as_array().expect("nodes") {
            let expected = let_through(Some(device(&node["key"])));
            assert_eq!(ids(&node["measurements"]["nodes"]), expected, "of {}: {input}", node["key"]);
            assert_eq!(node["measurements"]["totalCount"], json!(expected.len()), "of {}: {input}", node["key"]);
        }
    }
    Some(expected.len())
}

#[tokio::test]
async fn conditions_match_alone_and_combined() {
    let app = TestApp::new().await;
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    fill(&app, &mut rng).await;
    let rows = recorded(&app).await;
    assert_eq!(rows.len(), 400);

    for kind in 0..9 {
        let mut telling = 0;
        for _ in 0..12 {
            let (input, condition) = random_condition(&mut rng, kind);
            let not = (json!({ "not": input }), Condition::Not(Box::new(condition.clone())));
            let through = assert_agrees(&app, &rows, (input, condition)).await.expect("no contradiction");
            assert_eq!(assert_agrees(&app, &rows, not).await, Some(400 - through));
            telling += usize::from((1..400).contains(&through));
        }
        assert!(telling > 3, "kind {kind} matched little: {telling}");
    }

    // Many conditions on the same joined tables, in one tree.
    for _ in 0..20 {
        let (input, conditions): (Vec<_>, Vec<_>) = (0..12).map(|_| random_condition(&mut rng, 4)).unzip();
        let (word, condition) = if chance(&mut rng, 0.5) {
            ("or", Condition::Any(conditions))
        } else {
            ("and", Condition::All(conditions.into_iter().map(|it| Condition::Not(Box::new(it))).collect()))
        };
        let input = if word == "or" { input } else { input.into_iter().map(|it| json!({ "not": it })).collect() };
        assert_agrees(&app, &rows, (json!({ word: input }), condition)).await;
    }

    let (mut contradictions, mut telling) = (0, 0);
    for _ in 0..150 {
        match assert_agrees(&app, &rows, random_tree(&mut rng, 2)).await {
            None => contradictions += 1,
            Some(through) => telling += usize::from((1..400).contains(&through)),
        }
    }
    assert!(
        telling > 40 && contradictions > 3,
        "{telling} matched some rows, {contradictions} contradicted themselves"
    );
}
