//! Subscriptions: what is told, to whom, and at what cost.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;

use crate::support::{
    TestApp, empty_database,
    live::{events, nothing, payload, payloads},
    noon,
    statements::Statements,
};

fn sample(device: &str, seconds: i64, pm10: i64) -> Value {
    json!({ "device": device, "measuredAt": noon() + TimeDelta::seconds(seconds), "pm10": pm10 })
}

/// PM10 of measurements that were told.
fn told(payloads: &[Value]) -> Vec<f64> {
    payloads
        .iter()
        .map(|payload| payload["data"]["measurementRecorded"]["measurement"]["pm10"].as_f64().expect("told"))
        .collect()
}

const ALL: &str = "subscription { measurementRecorded { cursor measurement { pm10 } } }";

#[tokio::test]
async fn measurements_are_told_as_they_are_stored() {
    let app = TestApp::new().await;
    app.record(json!([sample("a", 0, 1)])).await;
    let mut subscriber = app.subscribe(ALL).await;
    nothing(&mut subscriber).await;
    app.record(json!([sample("a", 1, 2), sample("b", 0, 3)])).await;
    app.record(json!([sample("a", 2, 4)])).await;
    assert_eq!(told(&payloads(&mut subscriber, 3).await), [2.0, 3.0, 4.0]);
    nothing(&mut subscriber).await;
}

#[tokio::test]
async fn a_payload_is_the_answer_to_a_subscription() {
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
async fn an_error_belongs_to_its_event() {
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
async fn only_what_the_filter_lets_through_is_told() {
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
        let (live_told, later_told) =
            (payloads(&mut live, expected.len()).await, payloads(&mut later, expected.len()).await);
        assert_eq!(live_told, later_told, "{filter}");
        let mut told = told(&live_told);
        told.sort_by(f64::total_cmp);
        assert_eq!(told, expected, "{filter}");
        nothing(&mut live).await;
        nothing(&mut later).await;
        let deleted = "mutation { deleteMeasurements(input: {filter: {pm10: {min: 2}}}) { status } }";
        app.admin(deleted, json!({})).await;
    }
}

#[tokio::test]
async fn devices_are_told_of_once_for_all_that_was_stored_together() {
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
    let told = devices(&payloads(&mut all, 4).await);
    assert_eq!(told.iter().map(|device| &device["key"]).collect::<Vec<_>>(), ["a", "b", "b", "c"]);
    assert_eq!(told[0]["latest"]["pm10"], 3.0);
    assert_eq!((&told[2]["name"], &told[3]["latest"]), (&json!("Bee"), &Value::Null));
    let told = devices(&payloads(&mut one, 2).await);
    assert_eq!(told.iter().map(|device| &device["key"]).collect::<Vec<_>>(), ["b", "b"]);
    nothing(&mut all).await;
    nothing(&mut one).await;
}

#[tokio::test]
async fn statistics_are_told_at_once_and_when_they_change() {
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
    // Whoever comes later is told what the others know, and nothing that didn't change.
    let mut later = app.subscribe(query).await;
    assert_eq!(payloads(&mut later, 1).await[0], payload(&second));
    nothing(&mut later).await;
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_refused() {
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
async fn reading_may_need_a_key() {
    let app = TestApp::on(&empty_database().await, false).await;
    for query in [ALL, "subscription { ... { measurementRecorded { cursor } } }"] {
        let refused = app.try_subscribe(query, json!({}), None).await.err().expect("refused");
        assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{refused}");
    }
}

#[tokio::test]
async fn those_who_ask_the_same_share_the_work_and_events_share_the_look_ups() {
    let statements = Statements::watch();
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    app.record(json!([sample("seed", 0, 0)])).await;
    let query = "subscription ($devices: [String!], $after: String) {
        measurementRecorded(filter: {devices: $devices}, after: $after) { measurement { pm10 weather { humidity } device { name latest { pm10 } } } } }";
    let cursor = app.feed_cursor().await;
    let mut subscribers = Vec::new();
    for n in 0..20 {
        // The cursor from which on makes no difference, nor does how the filter is told.
        let variables = json!({ "devices": null, "after": (n % 2 == 0).then_some(&cursor) });
        subscribers.push(app.try_subscribe(query, variables, None).await.expect("subscribed"));
    }
    for subscriber in &mut subscribers {
        nothing(subscriber).await;
    }
    for count in [1, 100] {
        let batch: Value = (0..count).map(|n| sample(&format!("bike-{n}"), n - count, n)).collect();
        record_elsewhere(&options, &app.admin, batch);
        let all = async {
            for subscriber in &mut subscribers {
                assert_eq!(i64::try_from(events(subscriber, 1).await.len()).expect("few"), count);
            }
        };
        let (statements, ()) = statements.of(all).await;
        assert_eq!(statements, 3, "weather, devices and their newest, for {count} events and 20 subscribers");
    }
}

/// Records at a gateway on a thread of its own, since statements are counted on this one.
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
async fn an_event_may_not_cost_what_is_asked_once() {
    let app = TestApp::new().await;
    let costs = async |rows: usize| {
        let measurements = format!("measurements(first: {rows}) {{ nodes {{ pm10 }} }}");
        let query =
            format!("subscription {{ measurementRecorded {{ measurement {{ device {{ {measurements} }} }} }} }}");
        app.try_subscribe(&query, json!({}), None).await
    };
    let refused = costs(5000).await.err().expect("too dear");
    assert_eq!(refused["errors"][0]["extensions"]["code"], "TOO_COMPLEX", "{refused}");
    assert!(refused["errors"][0]["message"].as_str().expect("text").contains("each event"), "{refused}");
    // Dear, so that few are told together; and each is told all the same.
    let mut subscriber = costs(4000).await.expect("less dear");
    app.record((0..20).map(|n| sample("a", n, n)).collect()).await;
    for payload in payloads(&mut subscriber, 20).await {
        let rows = &payload["data"]["measurementRecorded"]["measurement"]["device"]["measurements"]["nodes"];
        assert_eq!(rows.as_array().map(Vec::len), Some(20), "{payload}");
    }
}
