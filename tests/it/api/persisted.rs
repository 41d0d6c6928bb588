//! Persisted documents, and responses that HTTP caches store.

use std::{fs, num::NonZeroU32, time::Duration};

use airgraph::config::security::SecuritySettings;
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{Answer, TestApp, noon, query_string};

const NEW: &str = "application/graphql-response+json";
const DEVICES: &str = "{ devices { nodes { key } } }";

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

async fn get(app: &TestApp, parameters: &[(&str, &str)], headers: &[(header::HeaderName, &str)]) -> Answer {
    let mut request = Request::get(format!("/graphql?{}", query_string(parameters)));
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    app.send(request.body(Body::empty()).expect("a request")).await
}

async fn post(app: &TestApp, accept: &str, body: Value) -> Answer {
    let request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
    let request = request.header(header::ACCEPT, accept).body(Body::from(body.to_string()));
    app.send(request.expect("a request")).await
}

fn code(answer: &Answer) -> Value {
    answer.json()["errors"][0]["extensions"]["code"].clone()
}

fn header_of(answer: &Answer, name: header::HeaderName) -> &str {
    answer.headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test]
async fn registered_document_is_executed_by_its_hash() {
    let app = TestApp::new().await;
    let named = json!({ "persistedQuery": { "version": 1, "sha256Hash": hex(DEVICES) } });
    let hashed = named.to_string();

    let unknown = get(&app, &[("extensions", &hashed)], &[]).await;
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    assert_eq!((unknown.status, code(&unknown)), (unprocessable, json!("PERSISTED_QUERY_NOT_FOUND")));
    assert_eq!(unknown.json()["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(header_of(&unknown, header::CACHE_CONTROL), "no-store");
    assert_eq!(post(&app, NEW, json!({ "extensions": named })).await.status, unprocessable);

    let expected = json!({ "devices": { "nodes": [] } });
    assert_eq!(post(&app, NEW, json!({ "query": DEVICES, "extensions": named })).await.json()["data"], expected);
    assert_eq!(get(&app, &[("extensions", &hashed)], &[]).await.json()["data"], expected);
    let named = format!("sha256:{}", hex(DEVICES));
    assert_eq!(get(&app, &[("documentId", &named)], &[]).await.json()["data"], expected);
    let named = json!({ "persistedQuery": { "version": 1, "sha256Hash": hex(DEVICES) } });

    let other = json!({ "query": "{ __typename }", "extensions": named });
    assert_eq!(post(&app, NEW, other).await.status, unprocessable);
}

#[tokio::test]
async fn anonymous_callers_run_only_trusted_documents() {
    let app = TestApp::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("manifest.json");
    let mutation = "mutation M { registerDevice(input: { key: \"a\", kind: FIXED }) { status } }";
    fs::write(&path, json!({ "devices": DEVICES, "register": mutation }).to_string()).expect("written");
    let persisted = &app.app.persisted;
    persisted.load_manifest(path.clone(), true, app.app.shutdown.clone()).expect("a manifest");

    let trusted = get(&app, &[("documentId", "devices")], &[]).await;
    assert_eq!((trusted.status, trusted.json()["data"]["devices"].is_object()), (StatusCode::OK, true));
    assert_eq!(get(&app, &[("documentId", "register")], &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
    for (body, status, expected) in [
        (json!({ "query": DEVICES }), StatusCode::OK, Value::Null),
        (json!({ "query": "{ __typename }" }), StatusCode::FORBIDDEN, json!("FORBIDDEN")),
        (json!({ "documentId": "other" }), StatusCode::UNPROCESSABLE_ENTITY, json!("BAD_USER_INPUT")),
    ] {
        let answer = post(&app, NEW, body.clone()).await;
        assert_eq!((answer.status, code(&answer)), (status, expected), "{body}");
        assert!(answer.status == StatusCode::OK || answer.json().get("data").is_none());
    }

    fs::write(&path, json!({ "other": "{ __typename }" }).to_string()).expect("written");
    let seen = async {
        while get(&app, &[("documentId", "other")], &[]).await.status != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), seen).await.expect("the change is seen");
    assert_eq!(get(&app, &[("documentId", "devices")], &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn get_responses_have_a_max_age() {
    let app = TestApp::new().await;
    app.record(json!([{ "device": "a", "measuredAt": noon(), "pm10": 1 }])).await;
    for (query, control) in [
        ("{ devices { nodes { key } } }", "public, max-age=5"),
        ("{ device(key: \"a\") { key } }", "public, max-age=5"),
        ("{ measurements { nodes { pm10 } } }", "public, max-age=5"),
        ("{ nodes(ids: []) { id } }", "public, max-age=5"),
        ("{ statistics(filter: {}) { count } }", "public, max-age=30"),
        ("{ statistics(filter: {}) { count } devices { totalCount } }", "public, max-age=5"),
        ("{ feedCursor devices { totalCount } }", "no-store"),
        ("{ server { version } }", "no-store"),
        ("{ devices(first: -1) { totalCount } }", "no-store"), // an error
        ("{ nothing }", "no-store"),
    ] {
        let answer = get(&app, &[("query", query)], &[]).await;
        assert_eq!(header_of(&answer, header::CACHE_CONTROL), control, "{query}");
        assert_eq!(answer.headers.contains_key(header::ETAG), control != "no-store", "{query}");
    }
    let key = format!("Bearer {}", app.admin);
    let answer = get(&app, &[("query", DEVICES)], &[(header::AUTHORIZATION, &key)]).await;
    assert_eq!(header_of(&answer, header::CACHE_CONTROL), "private, max-age=5");
    let varies = header_of(&answer, header::VARY);
    assert!(varies.contains("authorization") && varies.contains("airgraph-min-lsn"), "{varies}");
    assert_eq!(header_of(&post(&app, NEW, json!({ "query": DEVICES })).await, header::CACHE_CONTROL), "");
}

#[tokio::test]
async fn unchanged_response_is_304() {
    let app = TestApp::new().await;
    let first = get(&app, &[("query", DEVICES)], &[]).await;
    let tag = header_of(&first, header::ETAG).to_owned();
    let again = get(&app, &[("query", DEVICES)], &[(header::IF_NONE_MATCH, &tag)]).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(header_of(&again, header::ETAG), tag);
    let other_form = [(header::IF_NONE_MATCH, &*tag), (header::ACCEPT, NEW)];
    assert_eq!(get(&app, &[("query", DEVICES)], &other_form).await.status, StatusCode::OK);
    app.record(json!([{ "device": "a", "measuredAt": noon(), "pm10": 1 }])).await;
    let changed = get(&app, &[("query", DEVICES)], &[(header::IF_NONE_MATCH, &tag)]).await;
    assert_eq!((changed.status, changed.text.contains("\"a\"")), (StatusCode::OK, true));
}

#[tokio::test]
async fn invalid_documents_are_not_cached_and_cost_like_misses() {
    let security = SecuritySettings { cost_per_minute: NonZeroU32::new(1000), ..SecuritySettings::default() };
    let app = TestApp::with_security(security).await;
    for document in ["{ nonsense }", "{ devices { nodes", "not GraphQL"] {
        let named = json!({ "persistedQuery": { "version": 1, "sha256Hash": hex(document) } });
        assert!(post(&app, NEW, json!({ "query": document, "extensions": named })).await.status.is_client_error());
        let by_hash = post(&app, NEW, json!({ "extensions": named })).await;
        assert_eq!(code(&by_hash), "PERSISTED_QUERY_NOT_FOUND", "{document}: {}", by_hash.text);
    }
    // Each of these costs 100, and so does a malformed request.
    for _ in 0..3 {
        assert_eq!(post(&app, NEW, json!({ "variables": 7 })).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let named = json!({ "persistedQuery": { "version": 1, "sha256Hash": hex("{ other }") } });
    let refused = post(&app, NEW, json!({ "extensions": named })).await;
    assert_eq!((refused.status, code(&refused)), (StatusCode::TOO_MANY_REQUESTS, json!("RATE_LIMITED")));
}

#[tokio::test]
async fn publicly_cacheable_responses_have_no_rate_limit_headers() {
    let security = SecuritySettings { cost_per_minute: NonZeroU32::new(100_000), ..SecuritySettings::default() };
    let app = TestApp::with_security(security).await;
    let key = format!("Bearer {}", app.admin);
    let private = get(&app, &[("query", DEVICES)], &[(header::AUTHORIZATION, &key)]).await;
    for (answer, has_budget) in [
        (get(&app, &[("query", DEVICES)], &[]).await, false),
        (private, true),
        (post(&app, NEW, json!({ "query": DEVICES })).await, true),
    ] {
        assert_eq!(answer.status, StatusCode::OK);
        for name in ["ratelimit", "ratelimit-policy"] {
            assert_eq!(answer.headers.contains_key(name), has_budget, "{name}: {:?}", answer.headers);
        }
    }
}
