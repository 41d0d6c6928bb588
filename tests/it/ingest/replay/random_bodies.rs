//! A replay of all uplinks stores exactly what they contain, whatever was stored before.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{RngSeed, TestRunner},
};
use serde_json::{Value, json};

use super::{EVERYTHING, REPLAY, fix, post, replay_all, rows};
use crate::support::{TestApp, empty_database};

const DEVICES: [&str; 3] = ["a", "b", "c"];

/// A sample: its device, its second, its PM10, its temperature.
type BodySample = (usize, i64, u8, Option<u8>);

fn body(samples: &[BodySample]) -> Value {
    let sample = |&(device, second, pm10, temperature): &BodySample| {
        let time = crate::support::at("2026-05-01T10:00:00Z") + TimeDelta::seconds(second);
        let mut sample = json!({ "device": DEVICES[device], "time": time, "pm10": pm10 });
        if let Some(temperature) = temperature {
            sample["temperature"] = temperature.into();
        }
        sample
    };
    samples.iter().map(sample).collect::<Vec<_>>().into()
}

/// Whatever was recorded before: after a replay the stored samples are those of the current bodies, each once; a second
/// replay changes nothing, and neither do two at once, one of them at another gateway.
#[tokio::test]
async fn replay_after_a_fix_stores_random_bodies_as_if_decoded_correctly_at_first() {
    let options = empty_database().await;
    let (app, other) = (TestApp::on(&options, true).await, TestApp::on_second(&options).await);
    // Each uplink has its own times, within which the fix changes values; some times are shared.
    let one = (0..DEVICES.len(), 0..4_i64, 0..3_u8, proptest::option::of(0..2_u8));
    let some =
        proptest::collection::vec(proptest::collection::vec((one, 0..3_u8, proptest::option::of(0..2_u8)), 1..8), 40);
    let mut runner =
        TestRunner::new(ProptestConfig { rng_seed: RngSeed::Fixed(20_260_502), ..ProptestConfig::default() });
    let some = some.new_tree(&mut runner).expect("input").current();
    let mut expected = BTreeSet::new();
    for uplink in &some {
        post(&app, &app.admin, &body(&uplink.iter().map(|(old, ..)| *old).collect::<Vec<_>>())).await;
    }
    for (place, uplink) in some.iter().enumerate() {
        let new: Vec<BodySample> = uplink
            .iter()
            .map(|((device, second, ..), pm10, temperature)| (*device, *second, *pm10, *temperature))
            .collect();
        expected.extend(new.iter().copied());
        fix(&app, place, &body(&new)).await;
    }
    replay_all(&app).await;
    let check = async |expected: &BTreeSet<BodySample>| {
        let found: Vec<(String, i64, f32, Option<f64>)> = sqlx::query_as(
            "select key, extract(epoch from measured_at - timestamptz '2026-05-01 10:00Z')::bigint, pm10, temperature
             from measurement join device using (device_id) left join weather using (device_id, measured_at, seq)",
        )
        .fetch_all(&app.database.reads)
        .await
        .expect("rows");
        let rows = found.len();
        let found: BTreeSet<_> = found
            .into_iter()
            .map(|(device, second, pm10, temperature)| format!("{device} {second} {pm10} {temperature:?}"))
            .collect();
        let expected: BTreeSet<_> = expected
            .iter()
            .map(|&(device, second, pm10, temperature)| {
                format!("{} {second} {pm10} {:?}", DEVICES[device], temperature.map(f64::from))
            })
            .collect();
        assert_eq!((&found, rows), (&expected, expected.len()));
        let wrong: (i64, i64, i64) = sqlx::query_as(
            "select (select count(*) from (select from measurement group by device_id, measured_at having min(seq) <> 0) m),
                    (select count(*) from latest
                     where (measured_at, seq) is distinct from (
                         select (measured_at, seq) from measurement m where m.device_id = latest.device_id
                         order by measured_at desc, seq desc limit 1)),
                    (select count(*) from weather left join measurement m using (device_id, measured_at, seq)
                     where m.device_id is null)",
        )
        .fetch_one(&app.database.reads)
        .await
        .expect("counts");
        assert_eq!(wrong, (0, 0, 0), "moments without a first row, `latest`, readings without their row");
    };
    check(&expected).await;
    let before = rows(&app, &EVERYTHING).await;
    replay_all(&app).await;
    assert_eq!(rows(&app, &EVERYTHING).await, before);

    for (place, uplink) in some.iter().enumerate() {
        let old: Vec<_> = uplink.iter().map(|(old, ..)| *old).collect();
        fix(&app, place, &body(&old)).await;
    }
    expected.clear();
    expected.extend(some.iter().flatten().map(|(old, ..)| *old));
    let elsewhere = async {
        let body = json!({ "query": REPLAY, "variables": { "input": { "filter": {} } } }).to_string();
        assert!(other.post("/graphql", Some(&app.admin), body).await.json()["errors"].is_null());
    };
    tokio::join!(replay_all(&app), replay_all(&app), elsewhere);
    replay_all(&app).await; // what one of them took back, another may have found stored a moment before
    check(&expected).await;
}
