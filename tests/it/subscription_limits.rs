//! How many subscriptions a caller may have, and what their events cost it.

use std::{net::Ipv4Addr, num::NonZeroU32};

use airgraph::{
    auth::Caller,
    budget::Payer,
    exposure::Exposure,
    limits::{Limits, SubscriptionLimits},
    live::Subscriber,
};
use async_graphql::Request;
use axum::body::Body;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    live::{events, nothing, payload},
    noon,
};

const EVERYTHING: &str = "subscription { measurementRecorded { measurement { pm10 } } }";

/// Subscribes from an address without a key.
async fn subscribe(app: &TestApp, address: u8, query: &str) -> Result<Subscriber, Value> {
    let caller = Payer::at(Ipv4Addr::new(192, 0, 2, address).into());
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

fn is_refused(outcome: Result<Subscriber, Value>, code: &str, reason: &str) {
    let error = outcome.err().expect("a refusal");
    assert_eq!(error["extensions"]["code"], code, "{error}");
    let message = error["message"].as_str().expect("a message");
    assert!(message.starts_with(reason) && message.ends_with("retry in 30 seconds"), "{message}");
}

async fn app_with(subscriptions: SubscriptionLimits) -> TestApp {
    TestApp::with_limits(Limits { subscriptions, ..Limits::default() }).await
}

#[tokio::test]
async fn subscriptions_are_bounded_per_caller_and_in_all() {
    let app = app_with(SubscriptionLimits { max_per_address: 2, max_total: 3, ..SubscriptionLimits::default() }).await;
    let first = subscribe(&app, 1, EVERYTHING).await.expect("the first");
    let _second = subscribe(&app, 1, EVERYTHING).await.expect("the second");
    is_refused(subscribe(&app, 1, EVERYTHING).await, "RATE_LIMITED", "too many subscriptions of this key or address");
    let _other = subscribe(&app, 2, EVERYTHING).await.expect("another caller is not affected");
    is_refused(subscribe(&app, 3, EVERYTHING).await, "UNAVAILABLE", "too many subscriptions on this gateway");
    let metrics = metrics(&app).await;
    for limit in ["subscriptions_per_caller", "subscriptions"] {
        assert!(metrics.contains(&format!("airgraph_limit_refusals_total{{limit=\"{limit}\"}} 1\n")), "{metrics}");
    }
    drop(first);
    subscribe(&app, 1, EVERYTHING).await.expect("a subscription that ended makes room");
}

#[tokio::test]
async fn channels_are_bounded_per_caller_and_in_all() {
    let limits =
        SubscriptionLimits { max_channels_per_address: 2, max_channels_total: 3, ..SubscriptionLimits::default() };
    let app = app_with(limits).await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(subscribe(&app, 1, EVERYTHING).await.expect("the same subscription shares its channel"));
    }
    held.push(subscribe(&app, 1, &of_devices_above(1)).await.expect("a second channel"));
    let refused = subscribe(&app, 1, &of_devices_above(2)).await;
    is_refused(refused, "RATE_LIMITED", "too many different subscriptions of this key or address");
    held.push(subscribe(&app, 2, EVERYTHING).await.expect("a channel of another caller is no new one"));
    held.push(subscribe(&app, 2, &of_devices_above(3)).await.expect("a third channel"));
    let refused = subscribe(&app, 3, &of_devices_above(4)).await;
    is_refused(refused, "UNAVAILABLE", "too many different subscriptions on this gateway");
    held.clear();
    assert_eq!((app.live.count(), app.live.channels()), (0, 0));
    held.push(subscribe(&app, 3, &of_devices_above(4)).await.expect("channels end with their last subscription"));
}

#[tokio::test]
async fn a_large_filter_counts_as_several_channels() {
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
    is_refused(refused, "RATE_LIMITED", "too many different subscriptions of this key or address");
}

#[tokio::test]
async fn events_wait_for_the_budget_and_none_is_lost() {
    let exposure = Exposure { cost_per_minute: NonZeroU32::new(6000), ..Exposure::default() };
    let app = TestApp::exposed(exposure).await;
    // Costs about 2000 an event, and so does subscribing.
    let query = "subscription { measurementRecorded { cursor measurement { pm10
        device { measurements(first: 1000) { nodes { pm10 } } } } } }";
    let mut live = subscribe(&app, 1, query).await.expect("subscribed");
    let samples = (1..=6).map(|n| json!({ "device": "a", "measuredAt": noon() + TimeDelta::seconds(n), "pm10": n }));
    app.record(samples.collect()).await;
    let pm10 = |event: &airgraph::live::Event| {
        payload(event)["data"]["measurementRecorded"]["measurement"]["pm10"].as_f64().expect("a number")
    };
    let mut received: Vec<_> = events(&mut live, 1).await.iter().map(pm10).collect();
    assert!(received.len() < 3, "the budget suffices for less than three: {received:?}");
    nothing(&mut live).await;
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
