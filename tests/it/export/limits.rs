//! Roles, limits and prices of exports.

use std::num::NonZeroU32;

use airgraph::{
    config::security::SecuritySettings,
    limits::{ExportLimits, Limits},
};
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::json;
use tower::ServiceExt as _;

use super::{export, refused};
use crate::{
    api::filters::conditions::fill,
    support::{TestApp, empty_database},
};

#[tokio::test]
async fn reading_needs_a_key_where_graphql_does() {
    let app = TestApp::on(&empty_database().await, false).await;
    let (status, code, _) = refused(&app, "measurements.csv", &[]).await;
    assert_eq!((status, code.as_str()), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"));
    let request = Request::get("/export/measurements.csv").header("x-api-key", &app.admin);
    assert_eq!(app.send(request.body(Body::empty()).expect("a request")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn exports_of_one_caller_are_limited() {
    let exports = ExportLimits { max_per_caller: 1, ..ExportLimits::default() };
    let app = TestApp::with_limits(Limits { exports, ..Limits::default() }).await;
    let request = Request::get("/export/measurements.csv").body(Body::empty()).expect("a request");
    let running = app.app.router().oneshot(request).await.expect("an answer");
    let (status, code, detail) = refused(&app, "measurements.csv", &[]).await;
    assert_eq!((status, code.as_str()), (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"), "{detail}");
    drop(running);
    export(&app, "measurements.csv", &[]).await;
}

/// What remains of the cost limit.
async fn remaining(app: &TestApp) -> u32 {
    let answer = app.post("/graphql", None, json!({ "query": "{ server { version } }" }).to_string()).await;
    let header = answer.headers["ratelimit"].to_str().expect("text").to_owned();
    header.split(";r=").nth(1).and_then(|rest| rest.split(';').next()).expect("a number").parse().expect("a number")
}

#[tokio::test]
async fn price_grows_with_the_rows_that_are_sent() {
    let security = SecuritySettings { cost_per_minute: NonZeroU32::new(100_000), ..SecuritySettings::default() };
    let app = TestApp::with_security(security).await;
    fill(&app, &mut ChaCha8Rng::seed_from_u64(13)).await;
    let before = remaining(&app).await;
    export(&app, "measurements.csv", &[("to", "2026-04-20T00:30:00Z")]).await;
    let after_one_row = remaining(&app).await;
    export(&app, "measurements.csv", &[]).await;
    let after_all = remaining(&app).await;
    let (one, all) = (before - after_one_row, after_one_row - after_all);
    assert!(one < 1000 && all > one + 700 && all < one + 1500, "{one} for one row, {all} for 400");

    // Without anything left, an export does not begin.
    app.app.state.rate_limiters.cost.penalize(
        airgraph::limits::rate_limit::CallerId::Address(std::net::Ipv4Addr::UNSPECIFIED.into()),
        u32::MAX,
        app.clock.now(),
    );
    let (status, code, _) = refused(&app, "measurements.csv", &[]).await;
    assert_eq!((status, code.as_str()), (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"));
}
