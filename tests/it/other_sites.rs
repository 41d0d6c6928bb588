//! Which other sites' pages may ask, as browsers understand it.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};

use crate::support::{Answer, TestApp};

async fn app(origins: &[&str]) -> TestApp {
    let origins = origins.iter().map(|origin| origin.parse().expect("an origin")).collect();
    TestApp::new().await.with_origins(origins)
}

/// What a browser asks before it sends a question for a page of that site.
async fn preflight(app: &TestApp, origin: &str) -> Answer {
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri("/graphql")
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type");
    app.send(request.body(Body::empty()).expect("a request")).await
}

fn allowed(answer: &Answer) -> Option<&str> {
    answer.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|origin| origin.to_str().expect("text"))
}

#[tokio::test]
async fn by_default_none_may() {
    let app = app(&[]).await;
    let answer = preflight(&app, "https://map.example").await;
    assert_eq!((answer.status, allowed(&answer)), (StatusCode::METHOD_NOT_ALLOWED, None));
}

#[tokio::test]
async fn those_that_are_named_may() {
    let app = app(&["https://map.example", "http://localhost:5173"]).await;
    for origin in ["https://map.example", "http://localhost:5173"] {
        let answer = preflight(&app, origin).await;
        assert_eq!((answer.status, allowed(&answer)), (StatusCode::OK, Some(origin)));
        let headers = answer.headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().expect("text");
        assert!(headers.contains("authorization") && headers.contains("content-type"), "{headers}");
    }
    for origin in ["https://evil.example", "https://map.example.evil.example", "http://map.example", "null"] {
        let answer = preflight(&app, origin).await;
        assert_eq!(allowed(&answer), None, "{origin}");
    }
}

#[tokio::test]
async fn a_star_allows_all_and_never_credentials() {
    let app = app(&["*"]).await;
    let request = Request::get("/graphql?query={server{version}}").header(header::ORIGIN, "https://any.example");
    let answer = app.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!((answer.status, allowed(&answer)), (StatusCode::OK, Some("*")));
    assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    let exposed = answer.headers[header::ACCESS_CONTROL_EXPOSE_HEADERS].to_str().expect("text");
    for header in ["x-request-id", "retry-after", "airgraph-position"] {
        assert!(exposed.contains(header), "{exposed}");
    }
}
