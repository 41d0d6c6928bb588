//! Quality flags that depend on the samples before and after.

use serde_json::{Value, json};

use crate::support::{
    TestApp, at,
    packet::{RawSample, encode, ttn_body},
};

/// The flags of a device's samples, oldest first.
async fn flags(app: &TestApp, device: &str) -> Vec<Value> {
    let query = format!(
        "{{ device(key: {device:?}) {{ measurements(orderBy: MEASURED_AT_ASC, first: 1000) {{ nodes {{ flags }} }} }} }}"
    );
    let mut data = app.query(&query).await;
    let nodes = data["device"]["measurements"]["nodes"].as_array_mut().expect("nodes");
    nodes.iter_mut().map(|node| node["flags"].take()).collect()
}

#[tokio::test]
async fn sample_is_flagged_by_comparison_with_the_previous_one() {
    let app = TestApp::new().await;
    let sample = |time: &str, latitude: f64, pm10: f64| json!({ "device": "bike", "time": time, "latitude": latitude, "longitude": 0.1, "pm10": pm10 });
    let post = async |body: Value| {
        let answer = app.post("/ingest/json", Some(&app.admin), body.to_string()).await;
        assert_eq!(answer.json()["recorded"], 1, "{}", answer.text);
    };
    post(sample("2026-05-01T10:00:00Z", 52.2, 10.0)).await;
    post(sample("2026-05-01T10:00:03Z", 52.2, 300.0)).await;
    post(sample("2026-05-01T10:00:06Z", 52.3, 300.0)).await;
    // Late: it is older than the newest sample, so it is not compared with any.
    post(sample("2026-05-01T10:00:01Z", 40.0, 900.0)).await;
    assert_eq!(flags(&app, "bike").await, [json!([]), json!([]), json!(["SPIKE"]), json!(["IMPLAUSIBLE_SPEED"])]);
}

#[tokio::test]
async fn value_unchanged_for_hours_is_flagged_across_requests() {
    let app = TestApp::new().await;
    for minute in (0..=190).step_by(10) {
        let time = at("2026-05-01T08:00:00Z") + chrono::TimeDelta::minutes(minute);
        let body = json!({ "device": "balcony", "time": time, "pm2_5": 7.3, "pm10": 9.1 });
        app.post("/ingest/json", Some(&app.admin), body.to_string()).await;
    }
    let flags = flags(&app, "balcony").await;
    assert_eq!(flags.len(), 20);
    assert!(flags[..18].iter().all(|flags| *flags == json!([])));
    assert!(flags[18..].iter().all(|flags| *flags == json!(["STUCK_VALUE"])));
}

/// Eight samples a few metres apart, from a latitude northwards.
fn ride(latitude: f64) -> Vec<RawSample> {
    (0..8).map(|n| RawSample::new(latitude + f64::from(n) * 1e-5, 0.1, 20.0, 10.0)).collect()
}

async fn post(app: &TestApp, counter: i64, time: &str, samples: &[RawSample]) {
    let mut body = ttn_body("bike", time, &encode(samples));
    body["counter"] = json!(counter);
    assert_eq!(app.uplink(body.to_string()).await.status, 201);
}

#[tokio::test]
async fn next_packet_flags_the_misplaced_tail() {
    let app = TestApp::new().await;
    // Between the first and the second sample the bicycle moves more than a whole window, which the packet can't express.
    let mut far = ride(52.21);
    far[0] = RawSample::new(52.2, 0.1, 20.0, 10.0);
    post(&app, 7, "2026-05-01T11:00:00Z", &far).await;
    let estimated = json!(["ESTIMATED_TIME"]);
    assert!(flags(&app, "bike").await.iter().all(|flags| *flags == estimated), "nothing shows it yet");

    post(&app, 8, "2026-05-01T11:00:24Z", &ride(52.2101)).await;
    let all = flags(&app, "bike").await;
    let ambiguous = json!(["ESTIMATED_TIME", "AMBIGUOUS_PACKET"]);
    assert_eq!(all[0], estimated, "the first position is absolute");
    assert!(all[1..8].iter().all(|flags| *flags == ambiguous), "{all:?}");
    assert!(all[8..].iter().all(|flags| *flags == estimated), "{all:?}");
}

#[tokio::test]
async fn only_the_next_packet_flags_a_misplaced_tail() {
    for (counter, seconds) in [(9, 24), (7, 24), (8, 61)] {
        let app = TestApp::new().await;
        post(&app, 7, "2026-05-01T11:00:00Z", &ride(52.2)).await;
        app.clock.advance(chrono::TimeDelta::seconds(seconds));
        post(&app, counter, "2026-05-01T11:00:30Z", &ride(52.3)).await;
        let all = flags(&app, "bike").await;
        assert!(all.iter().all(|flags| *flags == json!(["ESTIMATED_TIME"])), "counter {counter}, {seconds} s: {all:?}");
    }
}

#[tokio::test]
async fn consecutive_packets_are_not_flagged() {
    let app = TestApp::new().await;
    for (counter, latitude) in [(1, 52.2), (2, 52.2001), (3, 52.2002)] {
        post(&app, counter, &format!("2026-05-01T11:0{counter}:00Z"), &ride(latitude)).await;
    }
    let all = flags(&app, "bike").await;
    assert_eq!(all.len(), 24);
    assert!(all.iter().all(|flags| *flags == json!(["ESTIMATED_TIME"])), "{all:?}");
}
