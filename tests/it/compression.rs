//! Answers that are made shorter for who takes them so.

use axum::{
    body::Body,
    http::{HeaderMap, Request, header},
};
use futures_util::StreamExt as _;
use serde_json::json;
use tower::ServiceExt as _;

use crate::support::TestApp;

/// Some answer, as somebody gets it who takes these encodings.
async fn ask(app: &TestApp, query: &str, accept: &str, encodings: &str) -> (HeaderMap, Vec<u8>) {
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, accept)
        .header(header::ACCEPT_ENCODING, encodings);
    let request = request.body(Body::from(json!({ "query": query }).to_string())).expect("a request");
    let response = app.app.router().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let mut bytes = Vec::new();
    let mut body = body.into_data_stream();
    while let Some(piece) = body.next().await {
        bytes.extend(piece.expect("a piece"));
    }
    (parts.headers, bytes)
}

const LONG: &str = "{ __schema { types { name description } } }";

#[tokio::test]
async fn long_ones_are_by_the_encoding_that_suits_both() {
    let app = TestApp::new().await;
    let (_, plain) = ask(&app, LONG, "application/json", "identity").await;
    for (encodings, expected) in
        [("gzip", "gzip"), ("gzip, deflate, br", "br"), ("gzip, deflate, br, zstd", "zstd"), ("br;q=0.1, gzip", "gzip")]
    {
        let (headers, bytes) = ask(&app, LONG, "application/json", encodings).await;
        assert_eq!(headers[header::CONTENT_ENCODING], expected, "{encodings}");
        assert!(bytes.len() * 2 < plain.len(), "{expected}: {} of {} bytes", bytes.len(), plain.len());
        let varies = headers.get_all(header::VARY).iter().any(|vary| vary == "accept-encoding");
        assert!(varies, "a cache would give it to others: {headers:?}");
    }
    let (headers, bytes) = ask(&app, LONG, "application/json", "deflate, unknown").await;
    assert!(!headers.contains_key(header::CONTENT_ENCODING) && bytes == plain);
}

#[tokio::test]
async fn short_ones_and_streams_of_events_are_not() {
    let app = TestApp::new().await;
    for (query, accept) in [("{ server { version } }", "application/json"), (LONG, "text/event-stream")] {
        let (headers, bytes) = ask(&app, query, accept, "gzip, br, zstd").await;
        assert!(!headers.contains_key(header::CONTENT_ENCODING), "{accept}: {headers:?}");
        assert!(String::from_utf8(bytes).expect("text").contains("data"));
    }
}
