//! Subscriptions: which events are delivered, to which subscribers, and at what cost.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;

use crate::support::{
    TestApp, empty_database,
    live::{assert_no_event, events, payload, payloads},
    noon,
    statements::Statements,
};

fn sample(device: &str, seconds: i64, pm10: i64) -> Value {
    json!({ "device": device, "measuredAt": noon() + TimeDelta::seconds(seconds), "pm10": pm10 })
}

/// PM10 of the delivered measurements.
fn pm10_values(payloads: &[Value]) -> Vec<f64> {
    payloads
        .iter()
        .map(|payload| payload["data"]["measurementRecorded"]["measurement"]["pm10"].as_f64().expect("PM10"))
        .collect()
}

const ALL: &str = "subscription { measurementRecorded { cursor measurement { pm10 } } }";

#[tokio::test]
async fn measurements_are_delivered_in_stored_order() {
    let app = TestApp::new().await;
    app.record(json!([sample("a", 0, 1)])).await;
    let mut subscriber = app.subscribe(ALL).await;
    assert_no_event(&mut subscriber).await;
    app.record(json!([sample("a", 1, 2), sample("b", 0, 3)])).await;
    app.record(json!([sample("a", 2, 4)])).await;
    assert_eq!(pm10_values(&payloads(&mut subscriber, 3).await), [2.0, 3.0, 4.0]);
    assert_no_event(&mut subscriber).await;
}

#[tokio::test]
async fn payload_is_the_response_to_the_subscription() {
    let app = TestApp::new().await;
    let mut subscriber = app
        .subscribe(
            "subscription S { ...R } fragment R on Subscription { new: measurementRecorded { __typename
            measurement { ...M } measurement { device { key latest { pm10 } } } } }
            fragment M on Measurement { pm10 weather { humidity } }",
        )
        .await;
    let mut weather = sample("a", 1, 2);
    weather["weather"] = json!({ "humidity": 50 });
    app.record(json!([weather])).await;
    let measurement =
        json!({ "pm10": 2.0, "weather": { "humidity": 50.0 }, "device": { "key": "a", "latest": { "pm10": 2.0 } } });
    let event = json!({ "__typename": "MeasurementEvent", "measurement": measurement });
    assert_eq!(payloads(&mut subscriber, 1).await, [json!({ "data": { "new": event } })]);
}

#[tokio::test]
async fn error_is_part_of_its_event() {
    let app = TestApp::new().await;
    let bad = "subscription { e: measurementRecorded { measurement { pm10 cell(resolution: 16) } } }";
    let mut subscriber = app.subscribe(bad).await;
    app.record(json!([sample("a", 1, 2), sample("a", 2, 3)])).await;
    for (answer, pm10) in payloads(&mut subscriber, 2).await.iter().zip([2.0, 3.0]) {
        assert_eq!(answer["data"]["e"]["measurement"]["pm10"], pm10);
        assert_eq!(answer["errors"].as_array().expect("errors").len(), 1, "{answer}");
        assert_eq!(answer["errors"][0]["path"], json!(["e", "measurement", "cell"]));
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn only_matching_measurements_are_delivered() {
    let app = TestApp::new().await;
    app.record(json!([sample("a", 0, 1), sample("b", 0, 1)])).await;
    for (filter, expected) in [
        ("{devices: [\"a\"]}", vec![5.0, 7.0]),
        ("{pm10: {min: 6}}", vec![6.0, 7.0, 8.0]),
        ("{quantities: [{quantity: HUMIDITY, max: 60}]}", vec![5.0]),
        ("{not: {quantities: [{quantity: HUMIDITY, max: 60}, {quantity: SPEED}]}}", vec![6.0, 7.0, 8.0]),
        ("{or: [{quantities: [{quantity: SPEED, min: 10}]}, {devices: [\"a\"], pm10: {max: 5}}]}", vec![5.0, 8.0]),
        ("{measuredAt: {from: \"2027-01-01T00:00:00Z\"}}", vec![]),
    ] {
        let cursor = app.feed_cursor().await;
        let query = format!(
            "subscription ($after: String) {{ measurementRecorded(filter: {filter}, after: $after) {{ measurement {{ pm10 }} }} }}"
        );
        let mut live = app.subscribe(&query).await;
        let mut batch = [sample("a", 5, 5), sample("b", 6, 6), sample("a", 7, 7), sample("b", 8, 8)];
        batch[0]["weather"] = json!({ "humidity": 50 });
        batch[1]["weather"] = json!({ "humidity": 70 });
        batch[0]["motion"] = json!({ "speed": 5 });
        batch[3]["motion"] = json!({ "speed": 15 });
        app.record(json!(batch)).await;
        let mut later = app.try_subscribe(&query, json!({ "after": cursor }), None).await.expect("subscribed");
        let (live_payloads, later_payloads) =
            (payloads(&mut live, expected.len()).await, payloads(&mut later, expected.len()).await);
        assert_eq!(live_payloads, later_payloads, "{filter}");
        let mut found = pm10_values(&live_payloads);
        found.sort_by(f64::total_cmp);
        assert_eq!(found, expected, "{filter}");
        assert_no_event(&mut live).await;
        assert_no_event(&mut later).await;
        let deleted = "mutation { deleteMeasurements(input: {filter: {pm10: {min: 2}}}) { status } }";
        app.admin(deleted, json!({})).await;
    }
}

#[tokio::test]
async fn device_update_is_delivered_once_per_batch() {
    let app = TestApp::new().await;
    app.record(json!([sample("a", 0, 1), sample("b", 0, 1)])).await;
    let query = |arguments: &str| {
        format!("subscription {{ deviceUpdated{arguments} {{ cursor device {{ key name latest {{ pm10 }} }} }} }}")
    };
    let mut all = app.subscribe(&query("")).await;
    let mut one = app.subscribe(&query("(devices: [\"b\"])")).await;
    app.record(json!([sample("a", 1, 2), sample("a", 2, 3), sample("b", 1, 4)])).await;
    app.admin("mutation { updateDevice(input: {key: \"b\", name: \"Bee\"}) { status } }", json!({})).await;
    app.admin("mutation { registerDevice(input: {key: \"c\", kind: FIXED}) { status } }", json!({})).await;
    let devices = |payloads: &[Value]| -> Vec<Value> {
        payloads.iter().map(|payload| payload["data"]["deviceUpdated"]["device"].clone()).collect()
    };
    let updated = devices(&payloads(&mut all, 4).await);
    assert_eq!(updated.iter().map(|device| &device["key"]).collect::<Vec<_>>(), ["a", "b", "b", "c"]);
    assert_eq!(updated[0]["latest"]["pm10"], 3.0);
    assert_eq!((&updated[2]["name"], &updated[3]["latest"]), (&json!("Bee"), &Value::Null));
    let updated = devices(&payloads(&mut one, 2).await);
    assert_eq!(updated.iter().map(|device| &device["key"]).collect::<Vec<_>>(), ["b", "b"]);
    assert_no_event(&mut all).await;
    assert_no_event(&mut one).await;
}

#[tokio::test]
async fn statistics_are_delivered_at_once_and_on_change() {
    let app = TestApp::new().await;
    app.record(json!([sample("a", -3601, 50), sample("a", -10, 1), sample("b", -10, 3), sample("c", -10, 9)])).await;
    let query = "subscription { statisticsUpdated(devices: [\"b\", \"a\"], every: DAY) {
        start end count device { key } pm10 { mean max percentile(p: 50) } } }";
    let mut subscriber = app.subscribe(query).await;
    let of = |payload: &Value, at: usize| payload["data"]["statisticsUpdated"][at].clone();
    let first = payloads(&mut subscriber, 1).await.remove(0);
    assert_eq!(of(&first, 0)["start"], "2026-05-01T00:00:00Z");
    assert_eq!(of(&first, 0)["end"], "2026-05-02T00:00:00Z");
    assert_eq!(of(&first, 0)["pm10"], json!({ "mean": 25.5, "max": 50.0, "percentile": 25.5 }));
    assert_eq!((of(&first, 1)["count"].clone(), of(&first, 2)), (json!(1), Value::Null));
    app.record(json!([sample("c", -5, 9)])).await;
    app.record(json!([sample("a", -5, 100)])).await;
    let second = events(&mut subscriber, 1).await.remove(0);
    assert_eq!((second.offset, subscriber.offset()), (None, None), "there is nothing to resume at");
    assert_eq!(of(&payload(&second), 0)["pm10"]["max"], 100.0);
    // A later subscriber receives the current value, and nothing while it doesn't change.
    let mut later = app.subscribe(query).await;
    assert_eq!(payloads(&mut later, 1).await[0], payload(&second));
    assert_no_event(&mut later).await;
}

#[tokio::test]
async fn invalid_subscriptions_are_rejected() {
    let app = TestApp::new().await;
    app.record(json!([sample("a", 0, 1)])).await;
    for (query, code, text) in [
        ("subscription { measurementRecorded { cursor }", "GRAPHQL_PARSE_FAILED", "expected"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED", "does not have a field"),
        ("subscription { measurementRecorded { nothing } }", "GRAPHQL_VALIDATION_FAILED", "does not have a field"),
        ("{ devices { totalCount } }", "GRAPHQL_VALIDATION_FAILED", "not a subscription"),
        ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED", "introspection field as a root field"),
        (
            "subscription { a: measurementRecorded { cursor } deviceUpdated { cursor } }",
            "GRAPHQL_VALIDATION_FAILED",
            "exactly one root field",
        ),
        (
            "subscription A { deviceUpdated { cursor } } query B { feedCursor }",
            "GRAPHQL_VALIDATION_FAILED",
            "operationName",
        ),
        ("subscription { measurementRecorded(after: \"x\") { cursor } }", "BAD_USER_INPUT", "after: not a cursor"),
        (
            "subscription { ... { measurementRecorded(after: \"x\") { cursor } } }",
            "BAD_USER_INPUT",
            "after: not a cursor",
        ),
        (
            "subscription { measurementRecorded(filter: {pm10: {min: 2, max: 1}}) { cursor } }",
            "BAD_USER_INPUT",
            "filter.pm10",
        ),
        (
            "subscription { statisticsUpdated(devices: [\"a\"], every: HOUR, timeZone: \"Mars\") { count } }",
            "BAD_USER_INPUT",
            "timeZone",
        ),
        (
            "subscription { measurementRecorded { measurement { device { measurements(first: 10000) { nodes {
                device { measurements(first: 10000) { nodes { pm10 } } } } } } } } }",
            "TOO_COMPLEX",
            "more than the maximum",
        ),
    ] {
        let refused = app.try_subscribe(query, json!({}), None).await.err().expect(query);
        let error = &refused["errors"][0];
        assert_eq!(error["extensions"]["code"], code, "{query}: {refused}");
        assert!(error["message"].as_str().expect("text").contains(text), "{query}: {refused}");
        assert_eq!(refused["data"], Value::Null);
    }
    let mutation = "mutation { updateDevice(input: {key: \"a\", name: \"Bee\"}) { status } }";
    app.try_subscribe(mutation, json!({}), None).await.err().expect("refused");
}

#[tokio::test]
async fn subscriptions_require_a_key_if_configured() {
    let app = TestApp::on(&empty_database().await, false).await;
    for query in [ALL, "subscription { ... { measurementRecorded { cursor } } }"] {
        let refused = app.try_subscribe(query, json!({}), None).await.err().expect("refused");
        assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{refused}");
    }
}

#[tokio::test]
async fn equal_subscriptions_share_rendering_and_events_share_lookups() {
    let statements = Statements::watch();
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    app.record(json!([sample("seed", 0, 0)])).await;
    let query = "subscription ($devices: [String!], $after: String) {
        measurementRecorded(filter: {devices: $devices}, after: $after) { measurement { pm10 weather { humidity } device { name latest { pm10 } } } } }";
    let cursor = app.feed_cursor().await;
    let mut subscribers = Vec::new();
    for n in 0..20 {
        // Neither the start cursor nor the spelling of the filter makes a difference.
        let variables = json!({ "devices": null, "after": (n % 2 == 0).then_some(&cursor) });
        subscribers.push(app.try_subscribe(query, variables, None).await.expect("subscribed"));
    }
    for subscriber in &mut subscribers {
        assert_no_event(subscriber).await;
    }
    for count in [1, 100] {
        let batch: Value = (0..count).map(|n| sample(&format!("bike-{n}"), n - count, n)).collect();
        record_elsewhere(&options, &app.admin, batch);
        let all = async {
            for subscriber in &mut subscribers {
                assert_eq!(i64::try_from(events(subscriber, 1).await.len()).expect("few"), count);
            }
        };
        let (statements, ()) = statements.count(all).await;
        assert_eq!(statements, 3, "weather, devices and their newest, for {count} events and 20 subscribers");
    }
}

/// Records at a gateway on a thread of its own, since statements are counted per thread.
fn record_elsewhere(options: &PgConnectOptions, admin: &str, measurements: Value) {
    let (options, admin) = (options.clone(), admin.to_owned());
    let recording = async move {
        let mut app = TestApp::on_second(&options).await;
        app.admin = admin;
        app.record(measurements).await;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    std::thread::spawn(move || runtime.block_on(recording)).join().expect("recorded");
}

#[tokio::test]
async fn subscription_with_expensive_events_is_rejected() {
    let app = TestApp::new().await;
    let costs = async |rows: usize| {
        let measurements = format!("measurements(first: {rows}) {{ nodes {{ pm10 }} }}");
        let query =
            format!("subscription {{ measurementRecorded {{ measurement {{ device {{ {measurements} }} }} }} }}");
        app.try_subscribe(&query, json!({}), None).await
    };
    let refused = costs(5000).await.err().expect("too expensive");
    assert_eq!(refused["errors"][0]["extensions"]["code"], "TOO_COMPLEX", "{refused}");
    assert!(refused["errors"][0]["message"].as_str().expect("text").contains("each event"), "{refused}");
    // Expensive, so that few are rendered together; all of them are delivered.
    let mut subscriber = costs(4000).await.expect("within the limit");
    app.record((0..20).map(|n| sample("a", n, n)).collect()).await;
    for payload in payloads(&mut subscriber, 20).await {
        let rows = &payload["data"]["measurementRecorded"]["measurement"]["device"]["measurements"]["nodes"];
        assert_eq!(rows.as_array().map(Vec::len), Some(20), "{payload}");
    }
}
