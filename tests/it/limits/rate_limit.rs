//! Rate limits per caller: how a caller is identified, and the headers and extensions that report its limits.

use std::{num::NonZeroU32, time::Duration};

use airgraph::{config::security::SecuritySettings, limits::Limits};
use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _};

use super::timeouts::{lock_table, wait_for_lock_waiters};
use crate::support::{
    Answer, TestApp,
    gateway::{Gateway, on},
    packet::{RawSample, encode, ttn_body},
    socket::{PROTOCOL, Socket},
};

/// Costs 201 for its response, and 320 for its statement.
const LIST: &str = "{ measurements { nodes { pm10 pm25 latitude } } }";
const LIST_COST: usize = 521;

async fn limited(cost: u32, uplinks: u32) -> TestApp {
    let open = SecuritySettings::default();
    // The requests of these tests come by no connection, so they have this address.
    let trusted_proxies = vec!["0.0.0.0/32".parse().expect("a network")];
    let (cost_per_minute, uplinks_per_minute) = (NonZeroU32::new(cost), NonZeroU32::new(uplinks));
    TestApp::with_security(SecuritySettings { cost_per_minute, uplinks_per_minute, trusted_proxies, ..open }).await
}

type Headers<'a> = &'a [(&'a str, &'a str)];

async fn post_query(app: &TestApp, headers: Headers<'_>, query: &str) -> Answer {
    let mut request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::from(json!({ "query": query }).to_string())).expect("a request")).await
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn code(answer: &Value) -> &Value {
    &answer["errors"][0]["extensions"]["code"]
}

#[tokio::test]
async fn response_reports_its_cost() {
    let app = TestApp::new().await;
    let answer = post_query(&app, &[], LIST).await;
    assert_eq!(answer.json()["extensions"], json!({ "cost": { "requested": LIST_COST, "limit": 20_000_000 } }));
    assert!(!answer.headers.contains_key("ratelimit"), "there is no limit");
    let body = json!({
        "query": "query A { server { version } } query B($n: Int = 3) { devices(first: $n) { nodes { id } } }",
        "operationName": "B", "variables": { "n": 7 },
    });
    let answer = app.post("/graphql", None, body.to_string()).await.json();
    assert_eq!(answer["extensions"]["cost"]["requested"], 335, "of what ran");
    let expensive = "{ devices(first: 1000) { nodes { measurements(first: 1000) { nodes { id } } } } }";
    let answer = post_query(&app, &[], expensive).await.json();
    assert_eq!((code(&answer), answer.get("data")), (&json!("TOO_COMPLEX"), None));
    assert!(answer["errors"][0]["message"].as_str().is_some_and(|message| message.contains("2002001")), "{answer}");
}

#[tokio::test]
async fn exhausted_rate_limit_recovers() {
    let app = limited(1300, 0).await;
    for left in ["\"cost\";r=779;t=25", "\"cost\";r=258;t=49"] {
        let answer = post_query(&app, &[], LIST).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(field(&answer.headers, "ratelimit-policy"), "\"cost\";q=1300;w=60");
        assert_eq!(field(&answer.headers, "ratelimit"), left);
        assert_eq!(answer.json()["extensions"]["cost"]["requested"], LIST_COST, "the body is always the same");
    }
    for accept in ["application/json", "application/graphql-response+json"] {
        let answer = post_query(&app, &[("accept", accept)], LIST).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{}", answer.text);
        assert!(
            (12..=13).contains(&field(&answer.headers, "retry-after").parse().expect("seconds")),
            "{:?}",
            answer.headers
        );
        assert!(field(&answer.headers, "ratelimit").starts_with("\"cost\";r=25"));
        assert_eq!((code(&answer.json()), answer.json().get("data")), (&json!("RATE_LIMITED"), None));
        let message = answer.json()["errors"][0]["message"].to_string();
        assert!(message.contains("of 1300 a minute") && message.contains("try again in 1"), "{message}");
    }
    assert_eq!(post_query(&app, &[], "{ server { version } }").await.status, StatusCode::OK, "which it is enough for");
    app.clock.advance(TimeDelta::seconds(14));
    assert_eq!(post_query(&app, &[], LIST).await.status, StatusCode::OK);
}

#[tokio::test]
async fn rate_limits_are_per_caller() {
    let app = limited(600, 0).await;
    let bearer = format!("Bearer {}", app.admin);
    let callers: [(Headers, Headers); 5] = [
        (&[], &[]),
        (&[("x-forwarded-for", "192.0.2.1")], &[("x-forwarded-for", "203.0.113.5, 192.0.2.1")]),
        (&[("x-forwarded-for", "192.0.2.2")], &[("x-forwarded-for", "::ffff:192.0.2.2")]),
        (&[("x-forwarded-for", "2001:db8:0:1::1")], &[("x-forwarded-for", "2001:db8:0:1:ffff::2")]),
        // a key is charged at every address
        (&[("authorization", &bearer)], &[("authorization", &bearer), ("x-forwarded-for", "192.0.2.3")]),
    ];
    for (first, again) in callers {
        assert_eq!(post_query(&app, first, LIST).await.status, StatusCode::OK, "{first:?}");
        assert_eq!(post_query(&app, again, LIST).await.status, StatusCode::TOO_MANY_REQUESTS, "{again:?}");
    }
}

#[tokio::test]
async fn rejected_requests_are_charged() {
    for nonsense in
        ["{ nonsense", "{ nonsense(", &format!("{{ {} }}", "a ".repeat(50)), "{ ...A } fragment A on Query { ...A }"]
    {
        let app = limited(1000, 0).await;
        let mut statuses = Vec::new();
        for _ in 0..12 {
            statuses.push(post_query(&app, &[], nonsense).await.status.as_u16());
        }
        let refused = if nonsense.starts_with("{ nonsense") { 400 } else { 422 };
        assert_eq!(statuses[..9], [refused; 9], "{nonsense}");
        assert_eq!(statuses[10..], [429; 2], "{nonsense}");
    }
}

#[tokio::test]
async fn sockets_and_streams_are_charged() {
    let app = limited(600, 0).await;
    let mut socket = Socket::ready(app.listen().await, None).await;
    socket.subscribe("1", LIST, json!({})).await;
    assert_eq!(socket.receive().await["payload"]["extensions"]["cost"]["requested"], LIST_COST);
    assert_eq!(socket.receive().await["type"], "complete");
    for query in
        [LIST, "subscription { measurementRecorded { measurement { device { measurements { nodes { id } } } } } }"]
    {
        socket.subscribe("2", query, json!({})).await;
        let message = socket.receive().await;
        assert_eq!(
            (&message["type"], &message["payload"][0]["extensions"]["code"]),
            (&json!("error"), &json!("RATE_LIMITED"))
        );
    }
    let body = json!({ "query": LIST }).to_string();
    let stream = async || app.post("/graphql/stream", None, body.clone()).await;
    assert!(!stream().await.text.contains("RATE_LIMITED"), "another address, as it came by no connection");
    let answer = stream().await;
    assert!(answer.status == StatusCode::OK && answer.text.contains("RATE_LIMITED"), "{}", answer.text);
}

#[tokio::test]
async fn uplinks_per_minute_are_limited_per_key() {
    let app = limited(0, 2).await;
    let key = "mutation { createApiKey(input: {name: \"other\", role: SENSOR}) { key } }";
    let other = app.admin(key, json!({})).await["createApiKey"]["key"].as_str().expect("a key").to_owned();
    let body = |second: u32| {
        let time = format!("2026-05-01T08:00:{second:02}Z");
        ttn_body("bike", &time, &encode(&[RawSample::new(52.2, 0.12, 20.0, 10.0)])).to_string()
    };
    for (second, status) in [(1, 201), (2, 201), (3, 429), (4, 429)] {
        let answer = app.uplink(body(second)).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if status == 429 {
            assert_eq!(field(&answer.headers, "retry-after"), "30");
            assert_eq!(field(&answer.headers, "ratelimit-policy"), "\"uplinks\";q=2;w=60");
            assert_eq!(answer.json()["errors"][0]["code"], "RATE_LIMITED");
        }
    }
    assert_eq!(app.post("/insertSensorData", Some(&other), body(5)).await.status, 201);
    app.clock.advance(TimeDelta::seconds(30));
    assert_eq!(app.uplink(body(6)).await.status, 201);
    assert_eq!(app.query("{ measurements { totalCount } }").await["measurements"]["totalCount"], 4);
}

#[tokio::test]
async fn airgradient_monitor_receives_503_instead_of_429() {
    let app = limited(1_000_000, 1).await;
    let post = || app.post("/sensors/airgradient:a/measures", Some(&app.admin), r#"{"pm02":7}"#);
    assert_eq!(post().await.status, 200);
    let answer = post().await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn limits_are_read_from_the_environment() {
    let options = crate::support::empty_database().await;
    let mut command = on(&options, &["serve"]);
    command.env("AIRGRAPH_RATE_LIMIT_COST_PER_MINUTE", "600").env("AIRGRAPH_TRUSTED_PROXIES", "::1,127.0.0.0/8");
    let gateway = Gateway::start(command).await;
    let address = gateway.address.strip_prefix("http://").and_then(|address| address.parse().ok()).expect("an address");
    for client in ["192.0.2.1", "192.0.2.2"] {
        let mut socket = Socket::try_open(address, &[PROTOCOL, ("x-forwarded-for", client)]).await.expect("an upgrade");
        socket.send_json(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.receive().await["type"], "connection_ack");
        socket.subscribe("1", LIST, json!({})).await;
        assert_eq!(socket.receive().await["type"], "next", "{client}");
        assert_eq!(socket.receive().await["type"], "complete");
        socket.subscribe("2", LIST, json!({})).await;
        assert_eq!(socket.receive().await["payload"][0]["extensions"]["code"], "RATE_LIMITED", "{client}");
    }
}

#[tokio::test]
async fn request_above_the_whole_limit_exhausts_it() {
    let app = limited(200, 0).await;
    assert_eq!(post_query(&app, &[], LIST).await.status, StatusCode::OK);
    assert_eq!(post_query(&app, &[], "{ __typename }").await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn database_time_is_charged() {
    let options = crate::support::empty_database().await;
    let security = SecuritySettings { cost_per_minute: NonZeroU32::new(100_000), ..SecuritySettings::default() };
    let app = TestApp::with_security_on(&options, security, Limits::default()).await;
    let mut watch = options.connect().await.expect("a connection");
    let lock = lock_table(&options, "measurement").await;
    let release = async {
        wait_for_lock_waiters(&mut watch, 1).await;
        tokio::time::sleep(Duration::from_millis(400)).await; // a connection is held for so long
        lock.close().await.expect("closed");
    };
    let (answer, ()) = tokio::join!(post_query(&app, &[], LIST), release);
    assert_eq!(answer.status, StatusCode::OK, "what began is answered");
    assert_eq!(post_query(&app, &[], LIST).await.status, StatusCode::TOO_MANY_REQUESTS);
}
