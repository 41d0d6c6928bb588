//! Whole rides, as sixteen clients post their packets: each twice, at the same time and in any order.

use std::sync::Arc;

use airgraph::recorder::Receipt;
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::{
    TestApp, at,
    packet::{RawSample, encode, ttn_body},
};

/// A synthetic ride: a spiral, a sample every three seconds.
fn ride(samples: u32) -> Vec<RawSample> {
    (0..samples)
        .map(|n| {
            let angle = f64::from(n) / 40.0;
            let (latitude, longitude) =
                (52.2 + 0.00004 * f64::from(n) * angle.sin(), 0.12 + 0.00005 * f64::from(n) * angle.cos());
            RawSample::new(latitude, longitude, 10.0 + f64::from(n % 90), 5.0 + f64::from(n % 5))
        })
        .collect()
}

async fn post_by_sixteen(app: &Arc<TestApp>, ride: &[RawSample]) {
    let start = at("2019-02-25T16:00:00Z");
    let packets: Vec<_> = ride
        .chunks(8)
        .enumerate()
        .map(|(number, samples)| {
            let received_at = start + TimeDelta::seconds(24 * i64::try_from(number).expect("small"));
            ttn_body("bike-07", &received_at.to_rfc3339(), &encode(samples)).to_string()
        })
        .collect();
    let packets = Arc::new(packets);
    let clients = (0..16).map(|client| {
        let (app, packets) = (app.clone(), packets.clone());
        tokio::spawn(async move {
            let mut receipt = Receipt::default();
            // Each packet twice: the second time by another client, while the first may still be in flight.
            for number in (0..packets.len() * 2).filter(|number| number % 16 == client) {
                let answer = app.uplink(packets[number / 2].clone()).await;
                assert_eq!(answer.status, 201, "{}", answer.text);
                let response = answer.json();
                let count = |field: &str| usize::try_from(response[field].as_u64().expect("a number")).expect("small");
                receipt.recorded += count("recorded");
                receipt.duplicates += count("duplicates");
            }
            receipt
        })
    });
    let receipts: Vec<_> = join_all(clients).await.into_iter().map(|receipt| receipt.expect("no panic")).collect();
    let sum = |count: fn(&Receipt) -> usize| receipts.iter().map(count).sum::<usize>();
    assert_eq!((sum(|receipt| receipt.recorded), sum(|receipt| receipt.duplicates)), (ride.len(), ride.len()));

    let mut found = Vec::new();
    let mut after = None;
    loop {
        let query = "query ($after: String) { measurements(orderBy: MEASURED_AT_ASC, first: 1000, after: $after) {
            nodes { latitude longitude pm10 pm25 } pageInfo { hasNextPage endCursor } } }";
        let page = app.query_with(query, json!({ "after": after })).await;
        let nodes = page["measurements"]["nodes"].as_array().expect("nodes");
        found.extend(nodes.iter().map(|node| {
            ["latitude", "longitude", "pm10", "pm25"].map(|field| node[field].as_f64().expect("a number"))
        }));
        after = page["measurements"]["pageInfo"]["endCursor"].as_str().map(str::to_owned);
        if page["measurements"]["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    let expected: Vec<_> =
        ride.iter().map(|raw| [raw.degrees().0, raw.degrees().1, f64::from(raw.pm10), f64::from(raw.pm2_5)]).collect();
    assert_eq!(found.len(), expected.len());
    for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "sample {number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ride_sent_twice_by_sixteen_clients_is_stored_once() {
    let app = Arc::new(TestApp::new().await);
    post_by_sixteen(&app, &ride(800)).await;
}

/// Reads a real ride from the folder beside the repository; skipped where that is missing. The test above uses a
/// synthetic one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_ride_sent_twice_by_sixteen_clients_is_stored_once() {
    let Ok(track) =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/cleancycle-track.csv"))
    else {
        println!("left out: ../shared/data/cleancycle-track.csv is not there");
        return;
    };
    let ride: Vec<_> = track
        .lines()
        .map(|line| {
            let values: Vec<f64> = line.split(',').map(|value| value.trim().parse().expect("a number")).collect();
            RawSample::new(values[0], values[1], values[2], values[3])
        })
        .collect();
    assert_eq!(ride.len(), 1896);
    let app = Arc::new(TestApp::new().await);
    post_by_sixteen(&app, &decodable(&ride)).await;
}

/// The ride as far as its packets can express it: where the bicycle moved more than half a window between two samples, the
/// decoder finds the rest of the packet one window off.
fn decodable(ride: &[RawSample]) -> Vec<RawSample> {
    let follow = |previous: u32, raw: u32| {
        let step = (raw & 0x7ff).cast_signed() - (previous & 0x7ff).cast_signed();
        let step = if step > 1024 {
            step - 2048
        } else if step < -1024 {
            step + 2048
        } else {
            step
        };
        previous.checked_add_signed(step).expect("on the earth")
    };
    ride.chunks(8)
        .flat_map(|packet| {
            packet[1..]
                .iter()
                .scan(packet[0], move |previous, &raw| {
                    let latitude = follow(previous.latitude, raw.latitude);
                    let longitude = follow(previous.longitude, raw.longitude);
                    *previous = RawSample { latitude, longitude, ..raw };
                    Some(*previous)
                })
                .fold(vec![packet[0]], |mut whole, raw| {
                    whole.push(raw);
                    whole
                })
        })
        .collect()
}
