//! Requests of `InfluxDB` 1.x and 2.x clients beside line protocol, and the responses that they expect.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

async fn send(app: &TestApp, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, &(name, value)| request.header(name, value));
    app.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

async fn write(app: &TestApp, path: &str, body: &str) -> Answer {
    let token = format!("Token {}", app.admin);
    send(app, Method::POST, path, &[("authorization", &token)], body).await
}

async fn samples(app: &TestApp, device: &str) -> Value {
    let query = "query ($key: String!) { device(key: $key) { measurements(orderBy: MEASURED_AT_ASC) { nodes {
        measuredAt pm10 pm25 weather { temperature } } } } }";
    app.query_with(query, json!({ "key": device })).await["device"]["measurements"]["nodes"].take()
}

#[tokio::test]
async fn precision_is_stored_with_the_uplink_and_a_replay_reads_the_same_times() {
    let app = TestApp::new().await;
    let body = "temperature,device=balcony value=18.5 1777629600\npm2_5,device=balcony value=6 1777629600\n\
                pm10,device=balcony value=9 1777629600";
    let answer = write(&app, "/api/v2/write?precision=s&org=o&bucket=b", body).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(answer.headers.get("x-rejected-samples"), None);
    let answer = write(&app, "/write?db=d&rp=autogen&precision=ms", "air,device=balcony pm10=11 1777629660000").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    let expected = json!([
        { "measuredAt": "2026-05-01T10:00:00Z", "pm10": 9.0, "pm25": 6.0, "weather": { "temperature": 18.5 } },
        { "measuredAt": "2026-05-01T10:01:00Z", "pm10": 11.0, "pm25": null, "weather": null }]);
    assert_eq!(samples(&app, "balcony").await, expected);

    let events: Vec<Option<String>> = sqlx::query_scalar("select event from uplink order by event desc")
        .fetch_all(&app.database.reads)
        .await
        .expect("uplinks");
    assert_eq!(events, [Some("precision=s".to_owned()), Some("precision=ms".to_owned())]);
    let replay = "mutation { replayUplinks(input: {filter: {}}) { uplinks undecodable duplicates recorded } }";
    let response = app.admin(replay, json!({})).await;
    let counts = json!({ "uplinks": 2, "undecodable": 0, "duplicates": 2, "recorded": 0 });
    assert_eq!(response["replayUplinks"], counts);
    assert_eq!(samples(&app, "balcony").await, expected);
}

#[tokio::test]
async fn password_in_the_query_is_the_key_of_writes_only() {
    let app = TestApp::new().await;
    let line = "air,device=a pm10=1 1777629600000000000";
    let path = |secret: &str| format!("/write?db=d&u=anyone&p={secret}");
    assert_eq!(send(&app, Method::POST, &path(&app.admin), &[], line).await.status, StatusCode::NO_CONTENT);
    for secret in ["wrong", ""] {
        let answer = send(&app, Method::POST, &path(secret), &[], line).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.json()["error"], answer.json()["errors"][0]["detail"]);
    }
    let json_type = (header::CONTENT_TYPE.as_str(), "application/json");
    let path = format!("/ingest/json?p={}", app.admin);
    assert_eq!(send(&app, Method::POST, &path, &[json_type], "{}").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn errors_have_the_fields_that_each_version_has() {
    let app = TestApp::new().await;
    let future = "air,device=a pm10=1 1777637100000000000"; // 12:05, and it is noon
    let error = write(&app, "/write?db=d", future).await;
    assert_eq!(error.status, StatusCode::BAD_REQUEST);
    let (error, body) = (error.json()["error"].clone(), error.json());
    assert_eq!((&body["errors"][0]["code"], &body["errors"][0]["detail"]), (&json!("TIME_IN_THE_FUTURE"), &error));
    assert!(error.as_str().is_some_and(|error| error.contains("1777637100000000000")), "{error}");

    let answer = write(&app, "/api/v2/write?precision=d", "air,device=a pm10=1").await;
    let body = answer.json();
    assert_eq!((answer.status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("invalid")));
    assert_eq!(body["message"], "precision \"d\" is unknown; use ns, us, ms, s, m or h");
    let answer = send(&app, Method::POST, "/api/v2/write", &[], future).await;
    assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthorized")));
}

#[tokio::test]
async fn bad_lines_are_counted_in_a_header_and_metrics_of_a_host_are_not() {
    let app = TestApp::new().await;
    let body = "cpu,host=pi usage_idle=95\nair,device=a pm10=1\nair,device=a pm10=nan\nair,device=a pm10=1 soon";
    let answer = write(&app, "/write", body).await;
    assert_eq!(
        (answer.status, &answer.headers["x-rejected-samples"]),
        (StatusCode::NO_CONTENT, &"2".parse().expect("2"))
    );
    let answer = write(&app, "/write", "cpu,host=pi usage_idle=95\nmem,host=pi free=1i").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "nothing is stored");
    let answer = write(&app, "/write", "\n").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "Home Assistant tests its connection so");
    let devices = app.query("{ devices { nodes { key } } }").await;
    assert_eq!(devices["devices"]["nodes"], json!([{ "key": "a" }]));
}

#[tokio::test]
async fn influxdb_clients_find_server_and_database() {
    let app = TestApp::new().await;
    for method in [Method::GET, Method::HEAD] {
        let answer = send(&app, method, "/ping", &[], "").await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""));
        assert_eq!(answer.headers["x-influxdb-version"], "1.8.10");
    }
    let verbose = app.get("/ping?verbose=true&u=x&p=y").await;
    assert_eq!((verbose.status, verbose.json()), (StatusCode::OK, json!({ "version": "1.8.10" })));
    let health = app.get("/health").await;
    assert_eq!(health.status, StatusCode::OK);
    for (field, value) in [("name", "influxdb"), ("message", "ready for queries and writes"), ("status", "pass")] {
        assert_eq!(health.json()[field], value);
    }

    let basic =
        [("x-api-key", app.admin.as_str()), (header::CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")];
    let created = json!({ "results": [{ "statement_id": 0 }] });
    let answer = send(&app, Method::POST, "/query", &basic, "q=CREATE+DATABASE+%22telegraf%22").await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, created.clone()));
    let answer = send(&app, Method::POST, "/query?q=create%20database%20x", &basic[..1], "").await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, created));
    for body in ["q=SHOW+DATABASES", "q=CREATE+DATABASE", "q=DROP+DATABASE+x", ""] {
        let answer = send(&app, Method::POST, "/query", &basic, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.json()["error"].is_string(), "{}", answer.text);
    }
    let answer = send(&app, Method::POST, "/query", &basic[1..], "q=CREATE+DATABASE+x").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
