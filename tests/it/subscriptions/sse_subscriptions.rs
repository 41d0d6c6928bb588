//! Subscriptions as Server-Sent Events: each event once, also after a reconnect, and an end for each reason.

use std::time::Duration;

use airgraph::http::SocketTimeouts;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::support::{
    TestApp,
    events::{EventStream, StreamRequest},
    gateway::DEADLINE,
    noon,
};

const ALL: &str = "subscription { measurementRecorded { cursor measurement { pm10 } } }";

fn sample(seconds: i64) -> Value {
    json!({ "device": "a", "measuredAt": noon() + TimeDelta::seconds(seconds), "pm10": seconds })
}

/// Records samples at these seconds, which are their PM10 too; each in a request of its own.
async fn record(app: &TestApp, seconds: std::ops::Range<i64>) {
    for second in seconds {
        app.record(json!([sample(second)])).await;
    }
}

fn pm10_values(payloads: &[Value]) -> Vec<f64> {
    let pm10 = |payload: &Value| payload["data"]["measurementRecorded"]["measurement"]["pm10"].as_f64().expect("PM10");
    payloads.iter().map(pm10).collect()
}

async fn open(app: &TestApp, last_event_id: Option<&str>) -> EventStream {
    EventStream::open(&app.app.router(), StreamRequest { query: ALL, last_event_id, ..StreamRequest::default() }).await
}

#[tokio::test]
async fn each_event_bears_its_cursor_as_its_id() {
    let app = TestApp::new().await;
    let mut stream = open(&app, None).await;
    app.record(json!([sample(1), sample(2)])).await;
    for pm10 in [1.0, 2.0] {
        let event = stream.next().await.expect("an event");
        let data: Value = serde_json::from_str(&event.data).expect("JSON");
        let recorded = &data["data"]["measurementRecorded"];
        assert_eq!((event.event.as_str(), &recorded["measurement"]["pm10"]), ("next", &json!(pm10)));
        assert_eq!(event.id.as_deref(), recorded["cursor"].as_str());
    }
}

#[tokio::test]
async fn reconnecting_client_receives_each_event_once() {
    let app = TestApp::new().await;
    let mut stream = open(&app, None).await;
    app.record(json!([sample(1), sample(2), sample(3)])).await;
    let (first, mut last) = stream.payloads(2).await;
    let mut received = pm10_values(&first);
    for round in 0..5 {
        drop(stream);
        record(&app, 4 + 3 * round..7 + 3 * round).await;
        stream = open(&app, last.as_deref()).await;
        let (payloads, id) = stream.payloads(2).await;
        received.extend(pm10_values(&payloads));
        last = id;
    }
    let (payloads, _) = stream.payloads(18 - received.len()).await;
    received.extend(pm10_values(&payloads));
    assert_eq!(received, (1..=18).map(f64::from).collect::<Vec<_>>());
}

#[tokio::test]
async fn positions_come_without_an_event_so_that_nothing_is_missed_before_the_first() {
    let pace = SocketTimeouts { ping_interval: Duration::from_millis(20), ..SocketTimeouts::default() };
    let app = TestApp::new().await.with_sockets(10, pace);
    let query = "subscription { measurementRecorded(filter: { pm10: { min: 10 } }) { measurement { pm10 } } }";
    let router = app.app.router();
    let mut stream = EventStream::open(&router, StreamRequest { query, ..StreamRequest::default() }).await;
    let begin = stream.position().await;
    record(&app, 1..3).await;
    let moved = stream.position().await;
    assert_ne!(moved, begin, "events that do not match move the position on");
    drop(stream);
    record(&app, 10..11).await;
    for last_event_id in [&begin, &moved] {
        let again = StreamRequest { query, last_event_id: Some(last_event_id), ..StreamRequest::default() };
        let (payloads, _) = EventStream::open(&router, again).await.payloads(1).await;
        assert_eq!(pm10_values(&payloads), [10.0]);
    }
    // The same by the extension, with the cursors in the results.
    let mut stream =
        EventStream::open(&router, StreamRequest { query, after: Some(&moved), ..StreamRequest::default() }).await;
    let (payloads, _) = stream.payloads(2).await;
    assert_eq!(payloads[0], json!({ "data": null, "extensions": { "cursor": moved } }));
    assert_eq!(pm10_values(&payloads[1..]), [10.0]);
    let cursor = payloads[1]["extensions"]["cursor"].as_str().expect("a cursor");
    record(&app, 11..12).await;
    let mut stream =
        EventStream::open(&router, StreamRequest { query, after: Some(cursor), ..StreamRequest::default() }).await;
    assert_eq!(pm10_values(&stream.payloads(2).await.0[1..]), [11.0]);
}

#[tokio::test]
async fn last_event_id_overrides_after() {
    let app = TestApp::new().await;
    let start = app.feed_cursor().await;
    record(&app, 1..4).await;
    let query = format!("subscription {{ measurementRecorded(after: \"{start}\") {{ measurement {{ pm10 }} }} }}");
    let router = app.app.router();
    let (payloads, last) =
        EventStream::open(&router, StreamRequest { query: &query, ..StreamRequest::default() }).await.payloads(2).await;
    assert_eq!(pm10_values(&payloads), [1.0, 2.0]);
    let again = StreamRequest { query: &query, last_event_id: last.as_deref(), ..StreamRequest::default() };
    assert_eq!(pm10_values(&EventStream::open(&router, again).await.payloads(1).await.0), [3.0]);
    let nothing = StreamRequest { last_event_id: Some(""), ..again };
    assert_eq!(pm10_values(&EventStream::open(&router, nothing).await.payloads(1).await.0), [1.0]);
}

#[tokio::test]
async fn invalid_subscription_is_an_error_event() {
    let app = TestApp::new().await;
    let mut stream = open(&app, Some("nonsense")).await;
    let errors = stream.failure().await;
    assert_eq!(errors[0]["extensions"], json!({ "code": "BAD_USER_INPUT", "argument": "after" }), "{errors}");
    for query in [
        "subscription { nonsense }",
        "subscription { measurementRecorded { nonsense } }",
        "subscription { measurementRecorded { cursor } deviceUpdated { cursor } }",
    ] {
        let errors = EventStream::open(&app.app.router(), StreamRequest { query, ..StreamRequest::default() })
            .await
            .failure()
            .await;
        assert_eq!(errors[0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{query}: {errors}");
    }
    assert_eq!(app.live.count(), 0);
}

#[tokio::test]
async fn disconnected_client_holds_no_subscription() {
    let app = TestApp::new().await;
    let address = app.listen().await;
    let client = connected(address).await;
    while app.live.count() == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    drop(client);
    let gone = async {
        while app.live.count() > 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, gone).await.expect("the place is free");
}

/// A connection that has subscribed, by raw bytes.
async fn connected(address: std::net::SocketAddr) -> tokio::net::TcpStream {
    use tokio::io::AsyncWriteExt as _;
    let body = json!({ "query": ALL }).to_string();
    let mut connection = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.expect("sent");
    connection
}

#[tokio::test]
async fn end_of_a_key_ends_its_streams() {
    let pace = SocketTimeouts { key_recheck: Duration::from_millis(50), ..SocketTimeouts::default() };
    let app = TestApp::new().await.with_sockets(10, pace);
    let create = |input: &str| {
        format!("mutation {{ createApiKey(input: {{{input}, role: READER}}) {{ key apiKey {{ id }} }} }}")
    };
    let expires_at = noon() + TimeDelta::minutes(10);
    let expiring = app.admin(&create(&format!("name: \"a\", expiresAt: \"{expires_at:?}\"")), json!({})).await;
    let revoked = app.admin(&create("name: \"b\""), json!({})).await;
    let mut streams = Vec::new();
    for created in [&expiring, &revoked] {
        let key = created["createApiKey"]["key"].as_str();
        streams.push(
            EventStream::open(&app.app.router(), StreamRequest { query: ALL, key, ..StreamRequest::default() }).await,
        );
    }
    record(&app, 1..2).await;
    for stream in &mut streams {
        assert_eq!(pm10_values(&stream.payloads(1).await.0), [1.0]);
    }
    let revoke = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { status } }";
    app.admin(revoke, json!({ "id": revoked["createApiKey"]["apiKey"]["id"] })).await;
    app.clock.advance(TimeDelta::minutes(10));
    for stream in &mut streams {
        assert_eq!(stream.failure().await[0]["extensions"]["code"], "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn shutdown_ends_streams_so_that_clients_reconnect() {
    let app = TestApp::new().await;
    let mut stream = open(&app, None).await;
    record(&app, 1..2).await;
    stream.payloads(1).await;
    app.app.shutdown.cancel();
    assert_eq!(stream.next().await, None, "no `complete`: there is more to come elsewhere");
}
