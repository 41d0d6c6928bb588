//! Limits on the number of subscriptions of a caller, and the cost of their events.

use std::{
    net::Ipv4Addr,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use airgraph::{
    auth::Caller,
    config::security::SecuritySettings,
    limits::{Limits, SubscriptionLimits, rate_limit::CallerId},
    subscriptions::Subscriber,
};
use async_graphql::Request;
use axum::body::Body;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{
    TestApp,
    gateway::DEADLINE,
    live::{assert_no_event, events, payload},
    noon,
    socket::Socket,
};

const EVERYTHING: &str = "subscription { measurementRecorded { measurement { pm10 } } }";

/// Subscribes from an address without a key.
async fn subscribe(app: &TestApp, address: u8, query: &str) -> Result<Subscriber, Value> {
    let caller = CallerId::from_address(Ipv4Addr::new(192, 0, 2, address).into());
    let subscribed = app.live.subscribe(Request::new(query).data(caller), &Caller::Anonymous, None).await;
    subscribed.map_err(|refused| serde_json::to_value(refused).expect("JSON")["errors"][0].take())
}

async fn metrics(app: &TestApp) -> String {
    let request = axum::http::Request::get("/metrics").header("x-api-key", &app.admin);
    app.send(request.body(Body::empty()).expect("a request")).await.text
}

fn of_devices_above(pm10: usize) -> String {
    format!("subscription {{ measurementRecorded(filter: {{pm10: {{min: {pm10}}}}}) {{ measurement {{ pm10 }} }} }}")
}

fn assert_rejected(outcome: Result<Subscriber, Value>, code: &str, reason: &str) {
    let error = outcome.err().expect("a refusal");
    assert_eq!(error["extensions"]["code"], code, "{error}");
    let message = error["message"].as_str().expect("a message");
    assert!(message.starts_with(reason) && message.ends_with("retry in 30 seconds"), "{message}");
}

async fn app_with(subscriptions: SubscriptionLimits) -> TestApp {
    let mut limits = Limits::default();
    limits.subscriptions.clone_from(&subscriptions);
    TestApp::with_limits(limits).await
}

#[tokio::test]
async fn subscriptions_are_limited_per_caller_and_in_total() {
    let app = app_with(SubscriptionLimits { max_per_address: 2, max_total: 3, ..SubscriptionLimits::default() }).await;
    let first = subscribe(&app, 1, EVERYTHING).await.expect("the first");
    let _second = subscribe(&app, 1, EVERYTHING).await.expect("the second");
    assert_rejected(
        subscribe(&app, 1, EVERYTHING).await,
        "RATE_LIMITED",
        "too many subscriptions of this key or address",
    );
    let _other = subscribe(&app, 2, EVERYTHING).await.expect("another caller is not affected");
    assert_rejected(subscribe(&app, 3, EVERYTHING).await, "UNAVAILABLE", "too many subscriptions on this gateway");
    let metrics = metrics(&app).await;
    for limit in ["subscriptions_per_caller", "subscriptions"] {
        assert!(metrics.contains(&format!("airgraph_limit_refusals_total{{limit=\"{limit}\"}} 1\n")), "{metrics}");
    }
    drop(first);
    subscribe(&app, 1, EVERYTHING).await.expect("a subscription that ended makes room");
}

#[tokio::test]
async fn channels_are_limited_per_caller_and_in_total() {
    let limits =
        SubscriptionLimits { max_channels_per_address: 2, max_channels_total: 3, ..SubscriptionLimits::default() };
    let app = app_with(limits).await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(subscribe(&app, 1, EVERYTHING).await.expect("the same subscription shares its channel"));
    }
    held.push(subscribe(&app, 1, &of_devices_above(1)).await.expect("a second channel"));
    let refused = subscribe(&app, 1, &of_devices_above(2)).await;
    assert_rejected(refused, "RATE_LIMITED", "too many different subscriptions of this key or address");
    held.push(subscribe(&app, 2, EVERYTHING).await.expect("a channel of another caller is no new one"));
    held.push(subscribe(&app, 2, &of_devices_above(3)).await.expect("a third channel"));
    let refused = subscribe(&app, 3, &of_devices_above(4)).await;
    assert_rejected(refused, "UNAVAILABLE", "too many different subscriptions on this gateway");
    held.clear();
    assert_eq!((app.live.count(), app.live.channels()), (0, 0));
    held.push(subscribe(&app, 3, &of_devices_above(4)).await.expect("channels end with their last subscription"));
}

#[tokio::test]
async fn large_filter_counts_as_several_channels() {
    let limits = SubscriptionLimits { max_channels_per_address: 2, ..SubscriptionLimits::default() };
    let app = app_with(limits).await;
    let polygon = |points: u32| {
        let point = |n: u32| {
            let angle = f64::from(n) / f64::from(points) * std::f64::consts::TAU;
            format!("{{latitude: {}, longitude: {}}}", 50.0 + angle.sin(), 8.0 + angle.cos())
        };
        let points = (0..points).map(point).collect::<Vec<_>>().join(",");
        format!("subscription {{ measurementRecorded(filter: {{area: {{polygon: [{points}]}}}}) {{ cursor }} }}")
    };
    drop(subscribe(&app, 1, &polygon(10)).await.expect("a small polygon"));
    let refused = subscribe(&app, 1, &polygon(500)).await;
    assert_rejected(refused, "RATE_LIMITED", "too many different subscriptions of this key or address");
}

#[tokio::test]
async fn events_wait_for_the_budget_and_none_is_lost() {
    let security = SecuritySettings { cost_per_minute: NonZeroU32::new(6000), ..SecuritySettings::default() };
    let app = TestApp::with_security(security).await;
    // Costs about 2000 an event, and so does subscribing.
    let query = "subscription { measurementRecorded { cursor measurement { pm10
        device { measurements(first: 1000) { nodes { pm10 } } } } } }";
    let mut live = subscribe(&app, 1, query).await.expect("subscribed");
    let samples = (1..=6).map(|n| json!({ "device": "a", "measuredAt": noon() + TimeDelta::seconds(n), "pm10": n }));
    app.record(samples.collect()).await;
    let pm10 = |event: &airgraph::subscriptions::SubscriptionEvent| {
        payload(event)["data"]["measurementRecorded"]["measurement"]["pm10"].as_f64().expect("a number")
    };
    let mut received: Vec<_> = events(&mut live, 1).await.iter().map(pm10).collect();
    assert!(received.len() < 3, "the budget suffices for less than three: {received:?}");
    assert_no_event(&mut live).await;
    let mut other = subscribe(&app, 2, query).await.expect("another caller has a budget of its own");
    app.record(json!([{ "device": "a", "measuredAt": noon() + TimeDelta::seconds(7), "pm10": 7 }])).await;
    assert_eq!(events(&mut other, 1).await.iter().map(pm10).collect::<Vec<_>>(), [7.0]);
    while received.len() < 7 {
        app.clock.advance(TimeDelta::minutes(1));
        received.extend(events(&mut live, 1).await.iter().map(pm10));
    }
    assert_eq!(received, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    let metrics = metrics(&app).await;
    let delays = metrics.lines().find_map(|line| line.strip_prefix("airgraph_subscription_budget_delays_total "));
    assert!(delays.is_some_and(|delays| delays != "0"), "{metrics}");
}

/// 1000 subscriptions with 500 different selections and filters; each event needs a rendering for each of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_subscriptions_of_one_caller_do_not_delay_another() {
    const SOCKETS: usize = 10;
    const SUBSCRIPTIONS_PER_SOCKET: usize = 100;
    let app = TestApp::new().await;
    let address = app.listen().await;
    let mut reading = Vec::new();
    for socket in 0..SOCKETS {
        let mut client = Socket::ready(address, None).await;
        for n in 0..SUBSCRIPTIONS_PER_SOCKET {
            let different = (socket * SUBSCRIPTIONS_PER_SOCKET + n) % 500;
            let query = format!(
                "subscription {{ measurementRecorded(filter: {{pm10: {{min: 0.{different:03}}}}}) {{
                    measurement {{ alias{different}: pm10 device {{ key name latest {{ pm10 }} }} }} }} }}"
            );
            client.subscribe(&n.to_string(), &query, json!({})).await;
        }
        reading.push(tokio::spawn(async move { while client.next().await.is_some() {} }));
    }
    let mut other = Socket::ready(address, Some(&app.admin)).await;
    other.subscribe("1", EVERYTHING, json!({})).await;
    let all = async {
        while app.live.count() < SOCKETS * SUBSCRIPTIONS_PER_SOCKET + 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, all).await.expect("all have subscribed");
    let mut delays = Vec::new();
    for n in 1..=5_i32 {
        let recorded = Instant::now();
        app.record(json!([{ "device": "a", "measuredAt": noon() + TimeDelta::seconds(n.into()), "pm10": n }])).await;
        let event = other.receive().await;
        delays.push(recorded.elapsed());
        assert_eq!(event["payload"]["data"]["measurementRecorded"]["measurement"]["pm10"].as_f64(), Some(f64::from(n)));
    }
    delays.sort_unstable();
    println!("from sending a sample to its event: {delays:?}");
    assert!(delays[2] < Duration::from_secs(2), "{delays:?}");
    for reading in reading {
        reading.abort();
    }
}

#[tokio::test]
async fn filters_find_their_samples_among_many_others() {
    let app = TestApp::new().await;
    app.record((0..20).map(|n| json!({ "device": format!("d{n}"), "measuredAt": noon(), "pm10": 1 })).collect()).await;
    let mut subscribers = Vec::new();
    for n in 0..20_i32 {
        let (north, east) = (50 + n, 2 * n);
        for filter in [
            format!("devices: [\"d{n}\"]"),
            format!("pm10: {{min: {n}.5, max: {n}.75}}"),
            format!("area: {{boundingBox: {{south: {north}, north: {north}.5, west: {east}, east: {east}.5}}}}"),
            format!("or: [{{devices: [\"d{n}\"]}}, {{pm10: {{min: {n}.5, max: {n}.75}}}}]"),
            format!("devices: [\"d{n}\"], quantities: [{{quantity: HUMIDITY, min: 10}}]"),
        ] {
            let query =
                format!("subscription {{ measurementRecorded(filter: {{{filter}}}) {{ measurement {{ pm10 }} }} }}");
            subscribers.push((n, subscribe(&app, 1, &query).await.expect("subscribed")));
        }
    }
    let begin = subscribers[0].1.offset();
    for n in 0..20_i32 {
        app.record(json!([{
            "device": format!("d{n}"), "measuredAt": noon() + TimeDelta::seconds(i64::from(n)), "pm10": f64::from(n) + 0.6,
            "latitude": f64::from(50 + n) + 0.2, "longitude": f64::from(2 * n) + 0.2, "weather": { "humidity": 50 },
        }]))
        .await;
    }
    for (n, subscriber) in &mut subscribers {
        let received = events(subscriber, 1).await;
        assert_eq!(received.len(), 1, "no other sample matches");
        let event = payload(&received[0]);
        let pm10 = event["data"]["measurementRecorded"]["measurement"]["pm10"].as_f64().expect("a number");
        assert!((pm10 - f64::from(*n) - 0.6).abs() < 1e-9, "{event}");
        assert_no_event(subscriber).await;
    }
    // Each is at the position of the feed, though the last sample matched few of them.
    let places: Vec<_> = subscribers.iter().map(|(_, subscriber)| subscriber.offset()).collect();
    assert!(places.iter().all(|place| *place == places[0] && *place > begin), "{places:?}");
}
