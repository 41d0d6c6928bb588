//! No key and no password appears in any log line, at any log level.

use std::{fs::File, process::Stdio};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;

use crate::support::{
    empty_database,
    gateway::{Gateway, on},
    socket::{PROTOCOL, Socket},
};

const ADMIN: &str = "7d41c9e85a0b4f1396d2e8b7f05c3a64";

/// The password of an unreachable standby.
const READERS: &str = "the-readers-password";

/// The id of a trace.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

struct Run {
    gateway: Gateway,
    log: tempfile::NamedTempFile,
}

impl Run {
    /// Starts it; returns the password of its database too.
    async fn start(level: &str) -> (Self, String) {
        let options = empty_database().await;
        let log = tempfile::NamedTempFile::new().expect("a file");
        let mut command = on(&options, &["--log", level, "serve"]);
        command
            .env("AIRGRAPH_ADMIN_KEY", ADMIN)
            .env("AIRGRAPH_SLOW_OPERATION_THRESHOLD", "0s")
            .env("DATABASE_REPLICA_URLS", format!("postgres://reader:{READERS}@127.0.0.1:1/airgraph"))
            .stderr(Stdio::from(File::create(log.path()).expect("a file")));
        let password = options.to_url_lossy().password().unwrap_or_default().to_owned();
        (Self { gateway: Gateway::start(command).await, log }, password)
    }

    async fn send(&self, path: &str, headers: &[(&str, String)], body: String) -> (StatusCode, String) {
        let mut request =
            Request::post(format!("{}{path}", self.gateway.address)).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request.body(Body::from(body)).expect("a request")).await.expect("an answer");
        let status = response.status();
        let body = axum::body::to_bytes(Body::new(response.into_body()), usize::MAX).await.expect("a body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    /// Stops it; returns its whole output.
    fn end(self) -> String {
        let welcome = self.gateway.welcome.clone();
        assert_eq!(self.gateway.terminate(), Some(0));
        welcome + &std::fs::read_to_string(self.log.path()).expect("text")
    }
}

#[tokio::test]
async fn keys_are_in_no_log_wherever_they_were_sent() {
    // At this level libraries log what they receive: tungstenite whole frames, hyper heads.
    let (run, password) = Run::start("trace").await;
    let make = json!({ "query": "mutation MakeKey($name: String!) {
        createApiKey(input: {name: $name, role: SENSOR}) { key } }", "variables": { "name": "the-variable" } });
    let (status, answer) =
        run.send("/graphql", &[("authorization", format!("Bearer {ADMIN}"))], make.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let sensor = answer["data"]["createApiKey"]["key"].as_str().expect("a key").to_owned();

    let sample = |second: u32| {
        json!([{ "device": "d", "pm10": 1, "time": format!("2026-05-01T10:00:{second:02}Z") }]).to_string()
    };
    let basic = format!("sensor:{sensor}");
    let header = |name, value: String| vec![(name, value)];
    for (second, (path, headers)) in (0..).zip([
        ("/ingest/json".to_owned(), header("authorization", format!("Bearer {sensor}"))),
        ("/ingest/json".to_owned(), header("authorization", format!("Basic {}", STANDARD.encode(&basic)))),
        ("/ingest/json".to_owned(), header("authorization", sensor.clone())),
        ("/ingest/json".to_owned(), header("x-api-key", sensor.clone())),
        (format!("/key/{sensor}/ingest/json"), Vec::new()),
    ]) {
        let (status, answer) = run.send(&path, &headers, sample(second)).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
    // Invalid keys are secrets too: a typing error, or another gateway's key.
    let wrong = "ag_of-another-gateway-0123456789";
    for (path, headers) in [
        (format!("/key/{wrong}/ingest/json"), Vec::new()),
        ("/graphql".to_owned(), header("authorization", format!("Bearer {wrong}"))),
        (format!("/nowhere/{wrong}"), Vec::new()),
        (format!("/write?db=d&u=x&p={wrong}"), Vec::new()),
        (format!("/write?db=d&precision=d&u=x&p={sensor}"), Vec::new()),
        ("/nowhere".to_owned(), header("traceparent", format!("00-{wrong}-00f067aa0ba902b7-01"))),
        ("/nowhere".to_owned(), header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))),
    ] {
        assert!(run.send(&path, &headers, sample(0)).await.0.is_client_error(), "{path}");
    }
    let stream =
        |key: &str| vec![("authorization", format!("Bearer {key}")), ("accept", "text/event-stream".to_owned())];
    let query = json!({ "query": "{ server { version } }" }).to_string();
    for key in [ADMIN, &sensor, wrong] {
        for (path, headers, body) in [
            ("/graphql/stream", stream(key), query.clone()),
            ("/graphql", stream(key), query.clone()),
            (
                "/ingest/csv",
                header("x-api-key", key.to_owned()),
                "device,time,pm10\nd,2026-05-01T11:00:00Z,1\n".to_owned(),
            ),
            ("/query?db=d&q=x", header("authorization", format!("Token {key}")), String::new()),
            ("/boxes/d/data", header("authorization", key.to_owned()), sample(9)),
            ("/metrics", header("x-api-key", key.to_owned()), String::new()),
        ] {
            run.send(path, &headers, body).await;
        }
    }
    let address = run.gateway.address.trim_start_matches("http://").parse().expect("an address");
    let mut socket = Socket::ready(address, Some(ADMIN)).await;
    socket
        .subscribe("1", "query ByName($secret: String!) { device(key: $secret) { name } }", json!({ "secret": sensor }))
        .await;
    assert_eq!(socket.receive().await["type"], "next");
    drop(socket);
    let upgrade = [PROTOCOL, ("x-api-key", ADMIN)];
    let mut socket = Socket::try_open(address, &upgrade).await.expect("an upgrade");
    socket.send_json(json!({ "type": "connection_init", "payload": { "accessToken": wrong } })).await;
    socket.closed().await;

    let written = run.end();
    assert!(written.contains("/key/{key}/ingest/json") && written.contains("sqlx"), "it logs what it does: {written}");
    assert!(written.contains(&format!("trace_id=\"{TRACE}\"")), "{written}");
    assert!(written.contains("a replica answers no queries"), "{written}");
    let encoded = STANDARD.encode(&basic);
    let hidden = [ADMIN, READERS, &sensor, wrong, &encoded, "the-variable", &password];
    for secret in hidden.into_iter().filter(|secret| !secret.is_empty()) {
        let line = written.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret:?} was written");
    }

    // The slow-operation log, which is enabled for all operations here, contains operation names and no variables.
    let slow: Vec<_> = written.lines().filter(|line| line.contains("slow operation")).collect();
    for expected in [r#"operation="MakeKey" kind="mutation" outcome="answered""#, r#"operation="ByName" kind="query""#]
    {
        assert!(slow.iter().any(|line| line.contains(expected)), "{expected} in {slow:#?}");
    }
    assert!(slow.iter().all(|line| line.contains("took=") && line.contains("statements=")), "{slow:#?}");
}
