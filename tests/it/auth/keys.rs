//! API keys: which role permits what.

use airgraph::{config::security::SecuritySettings, http::middleware::concurrency_limit::ConcurrencyLimit};
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{TestApp, at, empty_database, noon, statements::Statements};

async fn create(app: &TestApp, input: &str) -> (String, Value) {
    let mutation = format!(
        "mutation {{ createApiKey(input: {{{input}}}) {{ key apiKey {{ id name role deviceKey createdAt expiresAt revokedAt }} }} }}"
    );
    let mut created = app.admin(&mutation, json!({})).await["createApiKey"].take();
    (created["key"].as_str().expect("a key").to_owned(), created["apiKey"].take())
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

/// A key is cached for recording, but each batch checks it again: a revoked key records nothing more, at this gateway and
/// at any other.
#[tokio::test]
async fn revoked_key_records_nothing() {
    let options = empty_database().await;
    let (app, other) = (TestApp::on(&options, true).await, TestApp::on_second(&options).await);
    let (key, about) = create(&app, "name: \"s\", role: SENSOR").await;
    let body = |pm10: u8| json!({ "device": "d", "time": "2026-05-01T10:00:00Z", "pm10": pm10 }).to_string();
    for gateway in [&app, &other] {
        assert!(gateway.post("/ingest/json", Some(&key), body(1)).await.status.is_success());
    }
    let revoke = format!("mutation {{ revokeApiKey(input: {{id: {}}}) {{ status }} }}", about["id"]);
    assert_eq!(app.admin(&revoke, json!({})).await["revokeApiKey"]["status"], "REVOKED");
    for gateway in [&app, &other] {
        let refused = gateway.post("/ingest/json", Some(&key), body(2)).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.text);
        let undecodable = gateway.post("/ingest/json", Some(&key), "{").await;
        assert_eq!(undecodable.status, StatusCode::UNAUTHORIZED, "{}", undecodable.text);
    }
    let stored: (i64, i64) = sqlx::query_as("select (select count(*) from measurement), (select count(*) from uplink)")
        .fetch_one(&app.database.reads)
        .await
        .expect("counts");
    assert_eq!(stored, (1, 2));
}

const RECORD: &str = "mutation ($device: String!) { recordMeasurements(input: {measurements: [
    {device: $device, measuredAt: \"2026-05-01T10:00:00Z\", pm10: 1}]}) { recorded duplicates } }";

#[tokio::test]
async fn each_role_permits_exactly_its_operations() {
    let app = TestApp::new().await;
    app.admin("mutation { registerDevice(input: {key: \"own\", kind: FIXED}) { status } }", json!({})).await;
    let (reader, _) = create(&app, "name: \"r\", role: READER").await;
    let (sensor, _) = create(&app, "name: \"s\", role: SENSOR").await;
    let (bound, about) = create(&app, "name: \"b\", role: SENSOR, deviceKey: \"own\"").await;
    assert_eq!(about["deviceKey"], "own");

    let ways: [(&str, Value, [&str; 5]); 5] = [
        ("{ devices { totalCount } }", json!({}), ["none", "none", "none", "none", "none"]),
        (RECORD, json!({ "device": "own" }), ["UNAUTHENTICATED", "FORBIDDEN", "none", "none", "none"]),
        (RECORD, json!({ "device": "other" }), ["UNAUTHENTICATED", "FORBIDDEN", "none", "FORBIDDEN", "none"]),
        (
            "{ server { database { name } } }",
            json!({}),
            ["UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "none"],
        ),
        (
            "mutation { updateDevice(input: {key: \"own\", name: \"x\"}) { status } }",
            json!({}),
            ["UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "none"],
        ),
    ];
    let admin = app.admin.clone();
    for (query, variables, expected) in ways {
        let keys = [None, Some(&reader), Some(&sensor), Some(&bound), Some(&admin)];
        for (key, expected) in keys.into_iter().zip(expected) {
            let answer = app.graphql(key.map(String::as_str), query, variables.clone()).await;
            assert_eq!(code(&answer), expected, "{query}: {answer}");
        }
    }
    for mutation in [
        "mutation { registerDevice(input: {key: \"new\", kind: FIXED}) { status } }",
        "mutation { createApiKey(input: {name: \"x\", role: ADMIN}) { key } }",
        "mutation { revokeApiKey(input: {id: \"QXBpS2V5OjE\"}) { status } }",
    ] {
        assert_eq!(code(&app.graphql(None, mutation, json!({})).await), "UNAUTHENTICATED");
        assert_eq!(code(&app.graphql(Some(&bound), mutation, json!({})).await), "FORBIDDEN");
    }

    // the same by REST
    let body = |device: &str| format!(r#"{{"dev_id":"{device}","payload_fields":{{"0":52,"1":0,"2":1,"3":1}}}}"#);
    for (key, device, status) in [
        (&reader, "own", StatusCode::FORBIDDEN),
        (&bound, "own", StatusCode::CREATED),
        (&bound, "other", StatusCode::FORBIDDEN),
        (&sensor, "other", StatusCode::CREATED),
    ] {
        assert_eq!(app.post("/insertSensorData", Some(key), body(device)).await.status, status, "{device}");
    }
}

#[tokio::test]
async fn invalid_key_is_rejected_even_for_public_operations() {
    let app = TestApp::new().await;
    for key in ["ag_unknown", "", "x"] {
        assert_eq!(code(&app.graphql(Some(key), "{ devices { totalCount } }", json!({})).await), "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn key_is_rejected_after_expiry_or_revocation() {
    let app = TestApp::new().await;
    let (key, about) = create(&app, "name: \"s\", role: SENSOR, expiresAt: \"2026-05-01T13:00:00Z\"").await;
    assert_eq!(about["expiresAt"], "2026-05-01T13:00:00Z");
    assert_eq!(code(&app.graphql(Some(&key), RECORD, json!({ "device": "a" })).await), "none");
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(code(&app.graphql(Some(&key), RECORD, json!({ "device": "a" })).await), "UNAUTHENTICATED");

    let (key, about) = create(&app, "name: \"s\", role: SENSOR").await;
    assert_eq!(code(&app.graphql(Some(&key), RECORD, json!({ "device": "a" })).await), "none");
    let revoke = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { status apiKey { revokedAt } } }";
    let expected =
        json!({ "revokeApiKey": { "status": "REVOKED", "apiKey": { "revokedAt": "2026-05-01T13:00:00Z" } } });
    assert_eq!(app.admin(revoke, json!({ "id": about["id"] })).await, expected);
    assert_eq!(code(&app.graphql(Some(&key), RECORD, json!({ "device": "a" })).await), "UNAUTHENTICATED");
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(app.admin(revoke, json!({ "id": about["id"] })).await, expected, "since then, and not anew");
    let unknown = app.admin(revoke, json!({ "id": "QXBpS2V5Ojk5OQ" })).await;
    assert_eq!(unknown, json!({ "revokeApiKey": { "status": "NOT_FOUND", "apiKey": null } }));
}

#[tokio::test]
async fn reading_requires_a_key_if_configured() {
    let app = TestApp::on(&empty_database().await, false).await;
    for query in [
        "{ devices { totalCount } }",
        "{ measurements { totalCount } }",
        "{ server { version } }",
        "{ node(id: \"RGV2aWNlOjE\") { id } }",
    ] {
        assert_eq!(code(&app.graphql(None, query, json!({})).await), "UNAUTHENTICATED", "{query}");
    }
    let (reader, _) = create(&app, "name: \"r\", role: READER").await;
    assert_eq!(code(&app.graphql(Some(&reader), "{ devices { totalCount } }", json!({})).await), "none");
}

#[tokio::test]
async fn keys_are_stored_as_hashes_only() {
    let app = TestApp::new().await;
    let (key, _) = create(&app, "name: \"s\", role: SENSOR").await;
    let rows: Vec<String> =
        sqlx::query_scalar("select api_key::text from api_key").fetch_all(&app.database.reads).await.expect("rows");
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| !row.contains(&key) && !row.contains(&app.admin)));
}

#[tokio::test]
async fn last_use_is_stored_to_the_minute() {
    let app = TestApp::new().await;
    let (key, _) = create(&app, "name: \"s\", role: READER").await;
    let last_used = async || {
        let statement = "select last_used_at from api_key where name = 's'";
        sqlx::query_scalar::<_, Option<chrono::DateTime<chrono::Utc>>>(statement)
            .fetch_one(&app.database.reads)
            .await
            .expect("a row")
    };
    // Updated in the background, so the test waits for it.
    let eventually = async |expected: &str| {
        for _ in 0..1000 {
            if last_used().await == Some(at(expected)) {
                return;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(last_used().await, Some(at(expected)));
    };
    app.graphql(Some(&key), "{ server { version } }", json!({})).await;
    eventually("2026-05-01T12:00:00Z").await;
    app.clock.advance(TimeDelta::seconds(60));
    app.graphql(Some(&key), "{ server { version } }", json!({})).await;
    app.clock.advance(TimeDelta::seconds(1));
    app.graphql(Some(&key), "{ server { version } }", json!({})).await;
    eventually("2026-05-01T12:01:01Z").await;
}

#[tokio::test]
async fn keys_of_requests_at_the_same_time_are_looked_up_together() {
    let statements = Statements::watch();
    let app = TestApp::new().await.with_concurrency_limit(ConcurrencyLimit::for_readers(60)); // so that all are in work
    let (key, _) = create(&app, "name: \"s\", role: READER").await;
    sqlx::query("update api_key set last_used_at = $1").bind(noon()).execute(&app.database.writes).await.expect("used");
    let keys = (0..60).map(|n| [Some(key.as_str()), Some(&app.admin), Some("ag_unknown")][n % 3]);
    let answers = keys.clone().map(|key| app.graphql(key, "{ server { version } }", json!({})));
    let (count, answers) = statements.count(futures_util::future::join_all(answers)).await;
    for (key, answer) in keys.zip(&answers) {
        assert_eq!(code(answer), if key == Some("ag_unknown") { "UNAUTHENTICATED" } else { "none" });
    }
    assert!((1..=3).contains(&count), "{count} statements");
}

/// Attack 12: an address could guess more than ten thousand keys in a minute.
#[tokio::test]
async fn address_with_thirty_invalid_keys_is_rejected_without_a_lookup() {
    let trusted_proxies = vec!["0.0.0.0/0".parse().expect("a network")];
    let app = TestApp::with_security(SecuritySettings { trusted_proxies, ..SecuritySettings::default() }).await;
    let sensor = create(&app, "name: \"s\", role: SENSOR").await.0;
    let status = async |address: &str, path: &str, key: &str| {
        let request = if path == "/metrics" { Request::get(path) } else { Request::post(path) };
        let request = request
            .header("content-type", "application/json")
            .header("x-forwarded-for", address)
            .header("authorization", format!("Bearer {key}"));
        app.send(request.body(r#"{"query":"{ __typename }"}"#.into()).expect("a request")).await.status
    };
    let routes = ["/graphql", "/graphql/stream", "/ingest/json", "/ingest/csv", "/key/ag_x/ingest/json", "/metrics"];
    for number in 0..30 {
        let found = status("192.0.2.1", routes[number % routes.len()], &format!("ag_{number}")).await;
        assert_eq!(found, StatusCode::UNAUTHORIZED, "{number}");
    }
    let statements = Statements::watch();
    let refused = async {
        for (number, route) in (30..).zip(routes) {
            let found = status("192.0.2.1", route, &format!("ag_{number}")).await;
            assert_eq!(found, StatusCode::TOO_MANY_REQUESTS, "{route}");
        }
    };
    assert_eq!(statements.count(refused).await.0, 0, "no database query");
    assert_eq!(status("192.0.2.1", "/metrics", &app.admin).await, StatusCode::OK, "a key that was valid before");
    assert_eq!(
        status("192.0.2.1", "/ingest/json", &sensor).await,
        StatusCode::TOO_MANY_REQUESTS,
        "it was not used yet"
    );
    assert_eq!(status("192.0.2.2", "/ingest/json", &sensor).await, StatusCode::UNPROCESSABLE_ENTITY, "another address");
    assert_eq!(status("192.0.2.1", "/ingest/json", &sensor).await, StatusCode::UNPROCESSABLE_ENTITY, "now it is known");
    app.clock.advance(TimeDelta::seconds(3));
    assert_eq!(status("192.0.2.1", "/graphql", "ag_x").await, StatusCode::UNAUTHORIZED, "one more after two seconds");
    assert_eq!(status("192.0.2.1", "/graphql", "ag_x").await, StatusCode::TOO_MANY_REQUESTS);
}
