//! A panic ends one operation with an error that has a message, whichever transport carries it. The metric counts it, and all
//! else goes on.
//!
//! The panic is a real one: chrono cannot hold the time `infinity` of Postgres, and decoding it overflows.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    events::{EventStream, StreamRequest},
    query_string,
    socket::Socket,
};

const BROKEN: &str = "{ device(key: \"broken\") { createdAt } }";
const WHOLE: &str = "{ device(key: \"whole\") { key } }";
const MESSAGE: &str = "internal error; the request id leads to it in the server's log";

/// A gateway with two devices, of which one cannot be decoded.
async fn gateway() -> TestApp {
    let app = TestApp::new().await;
    record(&app, "broken", 0).await;
    record(&app, "whole", 0).await;
    let broken = sqlx::query("update device set created_at = 'infinity' where key = 'broken'");
    broken.execute(&app.database.writes).await.expect("updated");
    app
}

async fn record(app: &TestApp, device: &str, second: u32) {
    let time = format!("2026-05-01T10:00:{second:02}Z");
    app.record(json!([{ "device": device, "measuredAt": time, "pm10": second }])).await;
}

/// Checks the one error of a response that ended in a panic.
fn assert_is_panic(response: &Value) {
    let errors = response["errors"].as_array().unwrap_or_else(|| panic!("no errors: {response}"));
    assert_eq!(errors.len(), 1, "{response}");
    assert_eq!((&errors[0]["message"], &errors[0]["extensions"]["code"]), (&json!(MESSAGE), &json!("INTERNAL")));
}

fn panics(app: &TestApp) -> u64 {
    app.app.state.metrics.operations.panics()
}

#[tokio::test]
async fn panic_is_an_internal_error_on_every_transport() {
    let app = gateway().await;
    let body = json!({ "query": BROKEN }).to_string();
    let post = app.post("/graphql", None, body.clone()).await;
    assert_eq!(post.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_is_panic(&post.json());
    let get = app.get(&format!("/graphql?{}", query_string(&[("query", BROKEN)]))).await;
    assert_eq!(get.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_is_panic(&get.json());
    assert_eq!(panics(&app), 2);

    let stream = app.post("/graphql/stream", None, body).await;
    assert_eq!(stream.status, StatusCode::OK);
    assert!(stream.text.contains(MESSAGE) && stream.text.ends_with("event: complete\ndata: \n\n"), "{}", stream.text);
    let get = Request::get(format!("/graphql/stream?{}", query_string(&[("query", BROKEN)])));
    let get = app.send(get.header(header::ACCEPT, "text/event-stream").body(Body::empty()).expect("a request")).await;
    assert!(get.text.contains(MESSAGE), "{}", get.text);
    assert_eq!(panics(&app), 4);

    let mutation = "mutation { updateDevice(input: {key: \"broken\", name: \"x\"}) { device { createdAt } } }";
    assert_is_panic(&app.graphql(Some(&app.admin), mutation, json!({})).await);
    assert_eq!(panics(&app), 5);
    assert_eq!(app.query(WHOLE).await, json!({ "device": { "key": "whole" } }));
    let metrics =
        app.send(Request::get("/metrics").header("x-api-key", &app.admin).body(Body::empty()).expect("a request"));
    assert!(metrics.await.text.contains("\nairgraph_graphql_panics_total 5\n"));
}

#[tokio::test]
async fn panic_does_not_affect_other_operations_of_a_socket() {
    let app = gateway().await;
    let mut socket = Socket::ready(app.listen().await, None).await;
    let after = app.feed_cursor().await;
    let whole = "subscription ($after: String) { measurementRecorded(after: $after, filter: {devices: [\"whole\"]}) { measurement { pm10 } } }";
    socket.subscribe("whole", whole, json!({ "after": after })).await;
    socket.subscribe("query", BROKEN, json!({})).await;
    let message = socket.receive().await;
    assert_eq!((&message["id"], &message["type"]), (&json!("query"), &json!("error")), "{message}");
    assert_is_panic(&json!({ "errors": message["payload"] }));

    // When a subscription begins, its filter is resolved.
    let begin = "subscription { deviceUpdated(devices: [\"broken\"]) { cursor } }";
    socket.subscribe("begin", begin, json!({})).await;
    let message = socket.receive().await;
    assert_eq!((&message["id"], &message["type"]), (&json!("begin"), &json!("error")), "{message}");
    assert_is_panic(&json!({ "errors": message["payload"] }));

    // In a resolver of an event: that event is an error, and the subscription continues.
    let event = "subscription ($after: String) { deviceUpdated(after: $after) { device { key } } }";
    socket.subscribe("event", event, json!({ "after": after })).await;
    record(&app, "broken", 1).await;
    let message = socket.receive().await;
    assert_eq!((&message["id"], &message["type"]), (&json!("event"), &json!("next")), "{message}");
    assert_is_panic(&message["payload"]);

    record(&app, "whole", 2).await;
    let mut both = [socket.receive().await, socket.receive().await];
    both.sort_by_key(|message| message["id"].to_string());
    assert_eq!(both[0]["payload"]["data"], json!({ "deviceUpdated": { "device": { "key": "whole" } } }), "{}", both[0]);
    let measurement = json!({ "measurementRecorded": { "measurement": { "pm10": 2.0 } } });
    assert_eq!(both[1]["payload"]["data"], measurement, "{}", both[1]);
    socket.subscribe("after", WHOLE, json!({})).await;
    assert_eq!(socket.receive().await["payload"]["data"], json!({ "device": { "key": "whole" } }));
    assert_eq!(panics(&app), 3);
}

#[tokio::test]
async fn panic_is_one_error_event_of_a_stream() {
    let app = gateway().await;
    let after = app.feed_cursor().await;
    let request = |query| StreamRequest { query, after: Some(&after), ..StreamRequest::default() };
    let router = app.app.router();
    let begin = request("subscription { deviceUpdated(devices: [\"broken\"]) { cursor } }");
    let mut begin = EventStream::open(&router, begin).await;
    let refusal = begin.next().await.expect("an event");
    assert_is_panic(&serde_json::from_str(&refusal.data).expect("JSON"));
    assert_eq!(begin.next().await.expect("its end").event, "complete");

    let mut stream = EventStream::open(&router, request("subscription { deviceUpdated { device { key } } }")).await;
    let position = stream.next().await.expect("its position");
    assert!(position.data.starts_with("{\"data\":null,\"extensions\""), "{}", position.data);
    record(&app, "broken", 1).await;
    assert_is_panic(&serde_json::from_str(&stream.next().await.expect("an event").data).expect("JSON"));
    record(&app, "whole", 1).await;
    let event: Value = serde_json::from_str(&stream.next().await.expect("an event").data).expect("JSON");
    assert_eq!(event["data"], json!({ "deviceUpdated": { "device": { "key": "whole" } } }));
    assert_eq!(panics(&app), 2);
}
