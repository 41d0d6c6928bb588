//! Compressed responses, negotiated by `Accept-Encoding`.

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use futures_util::StreamExt as _;
use serde_json::json;
use tower::ServiceExt as _;

use crate::support::{TestApp, query_string};

/// A response to a request with these accepted media types and encodings.
async fn post_query(app: &TestApp, query: &str, accept: &str, encodings: &str) -> (HeaderMap, Vec<u8>) {
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
async fn long_responses_use_the_best_encoding_of_both_sides() {
    let app = TestApp::new().await;
    let (_, plain) = post_query(&app, LONG, "application/json", "identity").await;
    for (encodings, expected) in [
        ("gzip", "gzip"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, zstd", "zstd"),
        ("br;q=0.5, zstd", "zstd"),
        ("br;q=0.1, gzip", "gzip"),
    ] {
        let (headers, bytes) = post_query(&app, LONG, "application/json", encodings).await;
        assert_eq!(headers[header::CONTENT_ENCODING], expected, "{encodings}");
        assert!(bytes.len() * 2 < plain.len(), "{expected}: {} of {} bytes", bytes.len(), plain.len());
        let varies = headers.get_all(header::VARY).iter().any(|vary| vary == "accept-encoding");
        assert!(varies, "a cache would give it to others: {headers:?}");
    }
    let (headers, bytes) = post_query(&app, LONG, "application/json", "deflate, unknown").await;
    assert!(!headers.contains_key(header::CONTENT_ENCODING) && bytes == plain);
}

#[tokio::test]
async fn short_responses_and_event_streams_are_not_compressed() {
    let app = TestApp::new().await;
    for (query, accept) in [("{ server { version } }", "application/json"), (LONG, "text/event-stream")] {
        let (headers, bytes) = post_query(&app, query, accept, "gzip, br, zstd").await;
        assert!(!headers.contains_key(header::CONTENT_ENCODING), "{accept}: {headers:?}");
        assert!(String::from_utf8(bytes).expect("text").contains("data"));
    }
}

/// A response to a GET of the long query, with these accepted encodings and `If-None-Match` tags.
async fn get(app: &TestApp, encodings: &str, known: Option<&str>) -> (StatusCode, String, HeaderMap) {
    let mut request = Request::get(format!("/graphql?{}", query_string(&[("query", LONG)])));
    request = request.header(header::ACCEPT_ENCODING, encodings);
    if let Some(known) = known {
        request = request.header(header::IF_NONE_MATCH, known);
    }
    let response = app.app.router().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
    let tag = response.headers()[header::ETAG].to_str().expect("text").to_owned();
    (response.status(), tag, response.headers().clone())
}

#[tokio::test]
async fn each_encoding_has_its_own_etag_and_all_match() {
    let app = TestApp::new().await;
    let (_, plain, _) = get(&app, "identity", None).await;
    let shorter = format!("{}.zstd\"", plain.trim_end_matches('"'));
    for (encoding, expected) in [("identity", plain.clone()), ("zstd", shorter)] {
        let (status, tag, _) = get(&app, encoding, None).await;
        assert_eq!((status, &tag), (StatusCode::OK, &expected));
        let others = format!("\"other\", W/{tag}");
        for known in [&tag, &others] {
            let (status, etag, headers) = get(&app, encoding, Some(known)).await;
            assert_eq!((status, &etag), (StatusCode::NOT_MODIFIED, &tag), "{known}");
            let varies = headers.get_all(header::VARY).iter().any(|vary| vary == "accept-encoding");
            assert!(varies, "a cache would give it to others: {headers:?}");
        }
        let (status, etag, _) = get(&app, encoding, Some("\"other.zstd\"")).await;
        assert_eq!((status, etag), (StatusCode::OK, tag));
    }
    let (status, etag, _) = get(&app, "zstd", Some(&plain)).await;
    assert_eq!((status, etag), (StatusCode::NOT_MODIFIED, plain), "a tag of another encoding is known too");
}
