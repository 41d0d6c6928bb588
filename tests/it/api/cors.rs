//! Web pages of other origins: CORS and `WebSocket`s, as browsers send them.

use airgraph::config::security::SecuritySettings;
use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};

use crate::support::{
    Answer, TestApp,
    socket::{PROTOCOL, Socket},
};

/// Headers that clients send from a page: Apollo Client and its Studio, `EventSource` polyfills, tracing, and our own.
const CLIENT_HEADERS: [&str; 16] = [
    "accept",
    "airgraph-min-lsn",
    "apollo-require-preflight",
    "apollographql-client-name",
    "apollographql-client-version",
    "authorization",
    "cache-control",
    "content-type",
    "if-none-match",
    "last-event-id",
    "traceparent",
    "tracestate",
    "x-api-key",
    "x-apollo-operation-id",
    "x-apollo-operation-name",
    "x-requested-with",
];

async fn app(origins: &[&str]) -> TestApp {
    let origins = origins.iter().map(|origin| origin.parse().expect("an origin")).collect();
    TestApp::new().await.with_origins(origins)
}

/// The preflight that a browser sends before a POST from a page of that origin.
async fn preflight(app: &TestApp, origin: &str) -> Answer {
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri("/graphql")
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type");
    app.send(request.body(Body::empty()).expect("a request")).await
}

async fn get(app: &TestApp, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get("/graphql?query={devices{totalCount}}").header(header::HOST, "gateway.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::empty()).expect("a request")).await
}

fn allowed(answer: &Answer) -> Option<&str> {
    answer.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|origin| origin.to_str().expect("text"))
}

fn list<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(name).iter().map(|line| line.to_str().expect("text"));
    lines.flat_map(|line| line.split(',')).map(str::trim).collect()
}

#[tokio::test]
async fn preflights_of_origins_that_are_not_configured_are_refused_with_a_reason() {
    for (origins, refused) in [
        (&[][..], &["https://map.example", "null"][..]),
        (
            &["https://map.example"],
            &["https://evil.example", "https://map.example.evil.example", "http://map.example", "null"],
        ),
    ] {
        let app = app(origins).await;
        for origin in refused {
            let answer = preflight(&app, origin).await;
            assert_eq!((answer.status, allowed(&answer)), (StatusCode::FORBIDDEN, None), "{origin}");
            let detail = answer.json()["errors"][0]["detail"].to_string();
            assert!(detail.contains(origin) && detail.contains("AIRGRAPH_CORS_ORIGINS"), "{detail}");
        }
    }
}

#[tokio::test]
async fn configured_origins_may_send_the_headers_that_clients_send() {
    let app = app(&["https://map.example", "http://localhost:5173"]).await;
    for origin in ["https://map.example", "http://localhost:5173"] {
        let answer = preflight(&app, origin).await;
        assert_eq!((answer.status, allowed(&answer)), (StatusCode::OK, Some(origin)));
        let headers = list(&answer.headers, "access-control-allow-headers");
        for header in CLIENT_HEADERS {
            assert!(headers.contains(&header), "{header} is not in {headers:?}");
        }
        assert_eq!(list(&answer.headers, "access-control-allow-methods"), ["GET", "POST"]);
        assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }
}

#[tokio::test]
async fn answers_vary_by_origin_only_when_they_differ_by_origin() {
    for (origins, origin, expected, varies) in [
        (&[][..], Some("https://map.example"), None, false),
        (&["https://map.example"], Some("https://map.example"), Some("https://map.example"), true),
        (&["https://map.example"], Some("https://evil.example"), None, true),
        (&["https://map.example"], None, None, true),
        (&["*"], Some("https://any.example"), Some("*"), false),
        (&["*"], None, Some("*"), false),
    ] {
        let app = app(origins).await;
        let headers: Vec<_> = origin.map(|origin| ("origin", origin)).into_iter().collect();
        let answer = get(&app, &headers).await;
        assert_eq!((answer.status, allowed(&answer)), (StatusCode::OK, expected), "{origins:?} {origin:?}");
        let vary = list(&answer.headers, "vary");
        assert_eq!(vary.contains(&"origin"), varies, "{origins:?} {origin:?}: {vary:?}");
        assert!(vary.contains(&"accept") && vary.contains(&"authorization"), "{vary:?}");
        assert!(!vary.contains(&"access-control-request-headers"), "{vary:?}");
    }
}

#[tokio::test]
async fn exposed_headers_can_be_read_and_credentials_are_never_allowed() {
    let app = app(&["*"]).await;
    let answer = get(&app, &[("origin", "https://any.example")]).await;
    assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    let exposed = list(&answer.headers, "access-control-expose-headers");
    for header in ["x-request-id", "retry-after", "airgraph-min-lsn", "etag", "ratelimit", "ratelimit-policy"] {
        assert!(exposed.contains(&header), "{exposed:?}");
    }
}

#[tokio::test]
async fn requests_with_cookies_of_another_origin_are_refused_with_a_reason() {
    let app = app(&["https://map.example"]).await;
    for (headers, status) in [
        (&[("origin", "https://map.example")][..], StatusCode::OK),
        (&[("origin", "https://map.example"), ("cookie", "a=b")], StatusCode::FORBIDDEN),
        (&[("origin", "https://evil.example"), ("cookie", "a=b")], StatusCode::FORBIDDEN),
        (&[("origin", "https://gateway.example"), ("cookie", "a=b")], StatusCode::OK),
        (&[("cookie", "a=b")], StatusCode::OK),
    ] {
        let answer = get(&app, headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
        if status == StatusCode::FORBIDDEN {
            assert!(answer.text.contains("cookies are refused"), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn websockets_are_opened_for_the_same_host_for_configured_origins_and_without_an_origin() {
    let security = SecuritySettings {
        trusted_proxies: vec!["127.0.0.0/8".parse().expect("a network")],
        ..SecuritySettings::default()
    };
    let proxied = ("x-forwarded-host", "gateway.example");
    for (trusted, origins, extra, origin, is_open) in [
        (false, &[][..], None, None, true),
        (false, &[], None, Some("http://{address}"), true),
        (false, &[], None, Some("https://evil.example"), false),
        (false, &[], None, Some("null"), false),
        (false, &[], None, Some("http://localhost"), false),
        (false, &["https://map.example"], None, Some("https://map.example"), true),
        (false, &["https://map.example"], None, Some("https://evil.example"), false),
        (false, &["*"], None, Some("https://any.example"), true),
        (false, &[], Some(proxied), Some("https://gateway.example"), false),
        (true, &[], Some(proxied), Some("https://gateway.example"), true),
        (true, &[], Some(proxied), Some("https://evil.example"), false),
    ] {
        let app = if trusted { TestApp::with_security(security.clone()).await } else { TestApp::new().await };
        let origins = origins.iter().map(|origin| origin.parse().expect("an origin")).collect();
        let address = app.with_origins(origins).listen().await;
        let origin = origin.map(|origin| origin.replace("{address}", &address.to_string()));
        let headers = [PROTOCOL].into_iter().chain(extra).chain(origin.as_deref().map(|origin| ("origin", origin)));
        let opened = Socket::try_open(address, &headers.collect::<Vec<_>>()).await;
        let expected = if is_open { None } else { Some(StatusCode::FORBIDDEN) };
        assert_eq!(opened.err(), expected, "{trusted} {origin:?} {extra:?}");
    }
}
