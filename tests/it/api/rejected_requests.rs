//! Requests that are rejected before GraphQL: their status is that of HTTP, in either edition of GraphQL over HTTP and for
//! each media type.

use airgraph::http::Edition;
use axum::{
    body::Body,
    http::{HeaderName, Request, header, request::Builder},
};
use serde_json::json;

use crate::support::{TestApp, empty_database, query_string};

const QUERY: &str = "{ devices { totalCount } }";

fn post() -> Builder {
    Request::post("/graphql").header(header::CONTENT_TYPE, "application/json")
}

fn get(query: &str) -> Builder {
    Request::get(format!("/graphql?{}", query_string(&[("query", query)])))
}

fn body(query: &str) -> Body {
    Body::from(json!({ "query": query }).to_string())
}

#[tokio::test]
async fn refusals_have_the_same_status_in_either_edition() {
    for edition in [Edition::September2026, Edition::Legacy] {
        let app = TestApp::new().await.with_edition(edition);
        let away = TestApp::new().await.with_edition(edition);
        away.database.close().await;
        for accept in ["application/graphql-response+json", "application/json"] {
            let mutation = "mutation { registerDevice(input: {key: \"a\", kind: FIXED}) { status } }";
            let requests = [
                ("a mutation by GET", &app, get(mutation).body(Body::empty()), 405, Some(header::ALLOW)),
                (
                    "a form",
                    &app,
                    Request::post("/graphql").header(header::CONTENT_TYPE, "text/plain").body(body(QUERY)),
                    415,
                    None,
                ),
                (
                    "an unknown key",
                    &app,
                    post().header("x-api-key", "ag_none").body(body(QUERY)),
                    401,
                    Some(header::WWW_AUTHENTICATE),
                ),
                (
                    "no database",
                    &away,
                    post().header("x-api-key", "ag_none").body(body(QUERY)),
                    503,
                    Some(header::RETRY_AFTER),
                ),
            ];
            for (case, app, request, status, with) in requests {
                let mut request = request.expect("a request");
                request.headers_mut().insert(header::ACCEPT, accept.parse().expect("a header"));
                assert_rejected(app, request, status, with, &format!("{edition:?} {accept} {case}")).await;
            }
        }
        let html = post().header(header::ACCEPT, "text/html").body(body(QUERY)).expect("a request");
        assert_rejected(&app, html, 406, None, &format!("{edition:?} text/html")).await;
    }
}

#[tokio::test]
async fn reading_without_a_key_is_401_where_it_needs_one() {
    for edition in [Edition::September2026, Edition::Legacy] {
        let app = TestApp::on(&empty_database().await, false).await.with_edition(edition);
        for accept in ["application/graphql-response+json", "application/json", "*/*"] {
            for query in [
                QUERY,
                "{ __typename device(key: \"a\") { key } }",
                "query A { ...F } fragment F on Query { feedCursor }",
            ] {
                let case = format!("{edition:?} {accept} {query}");
                for request in [post().body(body(query)), get(query).body(Body::empty())] {
                    let mut request = request.expect("a request");
                    request.headers_mut().insert(header::ACCEPT, accept.parse().expect("a header"));
                    assert_rejected(&app, request, 401, Some(header::WWW_AUTHENTICATE), &case).await;
                }
            }
        }
        let event_source = Request::get(format!(
            "/graphql/stream?{}",
            query_string(&[("query", "subscription { deviceUpdated { cursor } }")])
        ));
        let event_source =
            event_source.header(header::ACCEPT, "text/event-stream").body(Body::empty()).expect("a request");
        assert_rejected(&app, event_source, 401, None, "EventSource").await;
        for allowed in ["{ __typename }", "{ __schema { queryType { name } } }"] {
            assert_eq!(app.send(post().body(body(allowed)).expect("a request")).await.status, 200, "{allowed}");
        }
        assert_eq!(app.post("/graphql", Some(&app.admin), body(QUERY)).await.status, 200);
    }
}

async fn assert_rejected(app: &TestApp, request: Request<Body>, status: u16, with: Option<HeaderName>, case: &str) {
    let answer = app.send(request).await;
    assert_eq!(answer.status, status, "{case}: {}", answer.text);
    assert!(with.is_none_or(|header| answer.headers.contains_key(header)), "{case}: {:?}", answer.headers);
    let response = answer.json();
    assert!(response.get("data").is_none() && response["errors"][0]["message"].is_string(), "{case}: {response}");
}
