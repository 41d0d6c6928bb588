//! GraphQL over Server-Sent Events: the format of the stream, and the requests that are rejected instead.

use airgraph::http::Edition;
use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, query_string};

const QUERY: &str = "{ devices { totalCount } }";

async fn post(app: &TestApp, path: &str, accept: &str, key: Option<&str>, query: &str) -> Answer {
    let mut request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .header(header::ACCEPT, accept);
    if let Some(key) = key {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    app.send(request.body(Body::from(json!({ "query": query }).to_string())).expect("a request")).await
}

async fn get(app: &TestApp, path: &str, accept: &str, query: &str) -> Answer {
    let query: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    let request = Request::get(format!("{path}?query={query}")).header(header::ACCEPT, accept);
    app.send(request.body(Body::empty()).expect("a request")).await
}

/// The payload of a stream that has one response and its end, and nothing else.
fn only_payload(answer: &Answer) -> Value {
    let payload = answer.text.strip_prefix("event: next\ndata: ").expect("an event");
    let payload = payload.strip_suffix("\n\nevent: complete\ndata: \n\n").expect("the end");
    assert!(!payload.contains('\n'), "{payload}");
    serde_json::from_str(payload).expect("JSON")
}

fn is_stream(headers: &HeaderMap) -> bool {
    headers[header::CONTENT_TYPE] == "text/event-stream"
        && headers[header::CACHE_CONTROL] == "no-cache"
        && headers["x-accel-buffering"] == "no"
}

#[tokio::test]
async fn query_is_answered_by_one_event_and_complete() {
    let app = TestApp::new().await;
    let answers = [
        post(&app, "/graphql", "text/event-stream", None, QUERY).await,
        post(&app, "/graphql/stream", "text/event-stream", None, QUERY).await,
        post(&app, "/graphql/stream", "*/*", None, QUERY).await,
        get(&app, "/graphql", "text/event-stream", QUERY).await,
        get(&app, "/graphql/stream", "text/event-stream", QUERY).await,
    ];
    for answer in answers {
        assert_eq!(answer.status, StatusCode::OK);
        assert!(is_stream(&answer.headers), "{:?}", answer.headers);
        assert_eq!(only_payload(&answer)["data"], json!({ "devices": { "totalCount": 0 } }));
    }
}

#[tokio::test]
async fn lists_in_events_equal_those_of_queries() {
    let app = TestApp::new().await;
    let sample =
        |minute: u32| json!({ "device": "a", "measuredAt": format!("2026-01-01T10:{minute:02}:00Z"), "pm25": 1.5 });
    app.record((0..3).map(sample).collect()).await;
    let query = "{ measurements { nodes { measuredAt pm25 } } }";
    let response = only_payload(&post(&app, "/graphql/stream", "text/event-stream", None, query).await);
    assert_eq!(response, app.graphql(None, query, json!({})).await);
    assert_eq!(response["data"]["measurements"]["nodes"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn mutations_run_by_post_and_never_by_get() {
    let app = TestApp::new().await;
    let mutation = "mutation M { registerDevice(input: {key: \"a\", kind: FIXED}) { status } }";
    for path in ["/graphql", "/graphql/stream"] {
        let answer = get(&app, path, "text/event-stream", mutation).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers[header::ALLOW], "POST");
        assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "METHOD_NOT_ALLOWED");
    }
    let answer = post(&app, "/graphql/stream", "text/event-stream", Some(&app.admin), mutation).await;
    assert_eq!(only_payload(&answer)["data"], json!({ "registerDevice": { "status": "REGISTERED" } }));
}

#[tokio::test]
async fn errors_of_the_document_are_events() {
    let app = TestApp::new().await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nonsense }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($n: Int!) { devices(first: $n) { totalCount } }", "BAD_USER_INPUT"),
    ] {
        let answer = post(&app, "/graphql/stream", "text/event-stream", None, query).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}");
        let response = only_payload(&answer);
        assert!(response["errors"][0]["message"].is_string() && response.get("data").is_none(), "{query}: {response}");
        assert_eq!(response["errors"][0]["extensions"]["code"], code, "{query}: {response}");
    }
    let failed =
        post(&app, "/graphql/stream", "text/event-stream", None, "{ devices(first: -1) { totalCount } }").await;
    assert_eq!(only_payload(&failed)["data"], Value::Null);
}

#[tokio::test]
async fn malformed_stream_requests_have_an_error_status() {
    let app = TestApp::new().await;
    let answer = post(&app, "/graphql/stream", "application/json", None, QUERY).await;
    assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE);
    let subscription = "subscription { measurementRecorded { cursor } }";
    for answer in [
        post(&app, "/graphql", "application/json", None, subscription).await,
        get(&app, "/graphql", "application/graphql-response+json", subscription).await,
    ] {
        assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE);
        assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "NOT_ACCEPTABLE");
    }
    let answer = post(&app, "/graphql/stream", "text/event-stream", Some("ag_none"), QUERY).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let form = Request::post("/graphql/stream").header(header::CONTENT_TYPE, "text/plain").body(Body::from("{}"));
    assert_eq!(app.send(form.expect("a request")).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(app.get("/graphql/stream").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// The query string of a request to `/graphql/stream` as an `EventSource` sends it.
async fn event_source(app: &TestApp, query: &str, last_event_id: Option<&str>) -> Answer {
    let mut request = Request::get(format!("/graphql/stream?{}", query_string(&[("query", query)])))
        .header(header::ACCEPT, "text/event-stream");
    if let Some(id) = last_event_id {
        request = request.header("last-event-id", id);
    }
    app.send(request.body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn permanent_rejection_has_a_status_that_stops_event_source() {
    const ALL: &str = "subscription { measurementRecorded { cursor } }";
    for edition in [Edition::September2026, Edition::Legacy] {
        let app = TestApp::new().await.with_edition(edition);
        for (query, id, status) in [
            ("subscription {", None, 400),
            ("{", None, 400),
            ("subscription { nonsense }", None, 422),
            ("subscription { measurementRecorded { nonsense } }", None, 422),
            ("query ($n: Int!) { devices(first: $n) { totalCount } }", None, 422),
            (ALL, Some("nonsense"), 422),
        ] {
            let answer = event_source(&app, query, id).await;
            let status = if edition == Edition::Legacy { 400 } else { status };
            assert_eq!(answer.status.as_u16(), status, "{query} {id:?}: {}", answer.text);
            assert!(answer.json()["errors"][0]["message"].is_string(), "{}", answer.text);
            assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
        }
    }
    // An error that may pass is a stream, so that an EventSource reconnects.
    let app = TestApp::new().await;
    app.database.reads.close().await;
    let answer = event_source(&app, ALL, None).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(only_payload(&answer)["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{}", answer.text);
}

#[tokio::test]
async fn temporary_rejection_has_a_status_that_makes_event_source_reconnect() {
    let away = TestApp::new().await;
    away.database.close().await;
    let query = query_string(&[("query", "subscription { measurementRecorded { cursor } }")]);
    let with_key = |accept: &str| {
        let request = Request::get(format!("/graphql/stream?{query}")).header("x-api-key", "ag_any");
        request.header(header::ACCEPT, accept).body(Body::empty()).expect("a request")
    };
    let stream = away.send(with_key("text/event-stream")).await;
    assert_eq!((stream.status, is_stream(&stream.headers)), (StatusCode::OK, true), "{}", stream.text);
    let event = stream.text.strip_prefix("retry: 2000\n").expect("the time after which it reconnects");
    assert!(event.starts_with("event: next\n") && event.contains("UNAVAILABLE"), "{event}");
    let other = away.send(with_key("text/event-stream, application/json")).await;
    assert_eq!(other.status, StatusCode::SERVICE_UNAVAILABLE, "no EventSource");

    let slow = TestApp::new().await.with_request_timeout(std::time::Duration::ZERO);
    let stream = event_source(&slow, "subscription { measurementRecorded { cursor } }", None).await;
    assert_eq!((stream.status, is_stream(&stream.headers)), (StatusCode::OK, true), "{}", stream.text);
    assert_eq!(only_payload(&stream)["errors"][0]["extensions"]["code"], "TIMEOUT", "{}", stream.text);
}
