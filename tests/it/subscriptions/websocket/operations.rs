//! Queries and mutations on a socket.

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection, PgTransaction};

use crate::support::{TestApp, socket::Socket};

const RECORD: &str = "mutation ($device: String!) { recordMeasurements(input: {measurements: [
    {device: $device, measuredAt: \"2026-05-01T10:00:00Z\", pm10: 1}]}) { recorded } }";
const TYPENAME: &str = "{ __typename }";

/// Locks a table that recording needs, until it is rolled back.
pub async fn hold_recording(connection: &mut PgConnection) -> PgTransaction<'_> {
    let mut lock = connection.begin().await.expect("a transaction");
    lock.execute("lock table latest in exclusive mode").await.expect("a lock");
    lock
}

async fn execute(socket: &mut Socket, id: &str, query: &str) -> Vec<Value> {
    socket.subscribe(id, query, json!({})).await;
    let mut messages = vec![socket.receive().await];
    if messages[0]["type"] == "next" {
        messages.push(socket.receive().await);
    }
    messages
}

#[tokio::test]
async fn query_and_mutation_have_one_result_and_complete() {
    let app = TestApp::new().await;
    let mut socket = Socket::ready(app.listen().await, Some(&app.admin)).await;
    socket.subscribe("m", RECORD, json!({ "device": "bike" })).await;
    let answer = json!({ "recordMeasurements": { "recorded": 1 } });
    let message = socket.receive().await;
    assert_eq!((&message["id"], &message["type"], &message["payload"]["data"]), (&json!("m"), &json!("next"), &answer));
    assert_eq!(socket.receive().await, json!({ "id": "m", "type": "complete" }));

    // A list is written as text straight from its rows, and the id may be used again.
    let query = "{ measurements { nodes { device { key } pm10 } } rows: measurements { nodes { pm10 } } }";
    let expected = app.query(query).await;
    for _ in 0..2 {
        let messages = execute(&mut socket, "\"m\"\n\u{1f6b2}", query).await;
        assert_eq!(messages[0]["id"], "\"m\"\n\u{1f6b2}");
        assert_eq!((&messages[0]["type"], &messages[0]["payload"]["data"]), (&json!("next"), &expected));
        assert_eq!(messages[1], json!({ "id": "\"m\"\n\u{1f6b2}", "type": "complete" }));
    }
}

#[tokio::test]
async fn long_response_is_sent_in_fragments() {
    let app = TestApp::new().await;
    let samples: Vec<_> =
        (0..500).map(|n| json!({ "device": "bike", "measuredAt": format!("2026-05-01T10:{:02}:{:02}Z", n / 60, n % 60), "pm10": n })).collect();
    app.record(json!(samples)).await;
    let mut socket = Socket::ready(app.listen().await, None).await;
    let query = "{ measurements(first: 500) { nodes { id pm10 measuredAt } } }";
    let messages = execute(&mut socket, "1", query).await;
    assert_eq!(messages[0]["payload"]["data"], app.query(query).await);
    assert!(messages[0].to_string().len() > 40_000, "longer than two fragments");
}

#[tokio::test]
async fn invalid_operation_is_an_error_and_failed_one_a_result() {
    let app = TestApp::new().await;
    let mut socket = Socket::ready(app.listen().await, None).await;
    for (query, code) in [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ ", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let messages = execute(&mut socket, "1", query).await;
        assert_eq!((&messages[0]["id"], &messages[0]["type"]), (&json!("1"), &json!("error")), "{query}: {messages:?}");
        assert!(messages[0]["payload"][0]["message"].is_string(), "{messages:?}");
        if !query.starts_with("subscription") {
            assert_eq!(messages[0]["payload"][0]["extensions"]["code"], code, "{query}: {messages:?}");
        }
    }
    let messages = execute(&mut socket, "1", "{ server { database { name } } }").await;
    assert_eq!(messages[0]["type"], "next", "{messages:?}");
    assert_eq!(messages[0]["payload"]["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(messages[1], json!({ "id": "1", "type": "complete" }));

    socket
        .send_json(json!({ "type": "subscribe", "id": "2", "payload": {
        "query": "query A { __typename } query B($k: String!) { device(key: $k) { key } }", "operationName": "B",
        "variables": { "k": "x" } } }))
        .await;
    assert_eq!(socket.receive().await["payload"]["data"], json!({ "device": null }));
}

#[tokio::test]
async fn slow_operation_delays_no_other_and_can_be_cancelled() {
    let app = TestApp::new().await;
    let mut socket = Socket::ready(app.listen().await, Some(&app.admin)).await;
    let mut connection = app.database.writes.acquire().await.expect("a connection");
    let lock = hold_recording(&mut connection).await;
    for id in ["slow", "dropped"] {
        socket.subscribe(id, RECORD, json!({ "device": id })).await;
    }
    let messages = execute(&mut socket, "quick", TYPENAME).await;
    assert_eq!(messages[0]["payload"]["data"], json!({ "__typename": "Query" }));

    // An id in use is rejected; that of a completed operation is free at once, and no more messages of it come.
    socket.send_json(json!({ "type": "complete", "id": "dropped" })).await;
    assert_eq!(execute(&mut socket, "dropped", TYPENAME).await[1], json!({ "id": "dropped", "type": "complete" }));
    lock.rollback().await.expect("let go");
    assert_eq!(socket.receive().await["payload"]["data"]["recordMeasurements"]["recorded"], 1);
    assert_eq!(socket.receive().await, json!({ "id": "slow", "type": "complete" }));
    for id in ["slow", "dropped", "never there"] {
        socket.send_json(json!({ "type": "complete", "id": id })).await;
    }
    socket.send_json(json!({ "type": "ping" })).await;
    assert_eq!(socket.receive().await, json!({ "type": "pong" }));
    // The mutation itself was completed.
    let recorded = "{ devices { nodes { key } } }";
    let mut keys = app.query(recorded).await["devices"]["nodes"].take();
    while keys.as_array().is_none_or(|keys| keys.len() < 2) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        keys = app.query(recorded).await["devices"]["nodes"].take();
    }
}

#[tokio::test]
async fn id_in_use_is_rejected() {
    let app = TestApp::new().await;
    let address = app.listen().await;
    let mut connection = app.database.writes.acquire().await.expect("a connection");
    let _lock = hold_recording(&mut connection).await;
    for (id, reason) in [
        ("1".to_owned(), "Subscriber for 1 already exists".to_owned()),
        ("🚲".repeat(30), format!("Subscriber for {}… already exists", "🚲".repeat(22))),
    ] {
        let mut socket = Socket::ready(address, Some(&app.admin)).await;
        socket.subscribe(&id, RECORD, json!({ "device": "bike" })).await;
        socket.subscribe(&id, TYPENAME, json!({})).await;
        assert_eq!(socket.closed().await, (4409, reason));
    }
}
