//! The export of traces to a collector in the test's process: `cargo test --features otlp --test otlp`.

mod collector;
#[path = "../it/support/gateway.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod gateway;

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use collector::{Collector, Span};
use gateway::{DEADLINE, Gateway, airgraph};

const KEY: &str = "7d41c9e85a0b4f1396d2e8b7f05c3a64";
const COLLECTOR_KEY: &str = "the-key-of-the-collector";
const QUERY: &str =
    r#"{"query":"query ByKey($key: String!) { device(key: $key) { name } }","variables":{"key":"the-variable"}}"#;

/// The program with a database of its own, which is removed at the end.
struct Run {
    gateway: Option<Gateway>,
    folder: PathBuf,
}

impl Run {
    async fn start(name: &str, settings: &[(&str, &str)]) -> Self {
        // Directly below the common temporary folder, where Postgres' account can make and delete it.
        let folder = std::env::temp_dir().join(format!("airgraph-otlp-{name}-{}", std::process::id()));
        let mut command = command(settings);
        command.env("AIRGRAPH_DATA_DIR", &folder);
        command.stderr(File::create(folder.with_extension("log")).expect("a log"));
        Self { gateway: Some(Gateway::start(command).await), folder }
    }

    fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().expect("it runs")
    }

    /// Requests a route; returns the response with its head.
    fn post(&self, path: &str, headers: &str, body: &str) -> String {
        let host = self.gateway().address.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).expect("a connection");
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             x-api-key: {KEY}\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        stream.write_all((head + body).as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.with_extension("log")).expect("a log")
    }

    /// Stops the program; returns its log.
    fn end(mut self) -> String {
        assert_eq!(self.gateway.take().expect("it runs").terminate(), Some(0), "{}", self.log());
        self.log()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.gateway = None;
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(self.folder.with_extension("log"));
    }
}

fn command(settings: &[(&str, &str)]) -> Command {
    let mut command = airgraph(&["serve"]);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_")) {
        command.env_remove(name);
    }
    command.env("AIRGRAPH_ADMIN_KEY", KEY).envs(settings.iter().copied());
    command
}

fn trace(digit: char) -> String {
    digit.to_string().repeat(32)
}

/// The header that names a trace, and whether it is recorded.
fn traceparent(digit: char, sampled: bool) -> String {
    format!("traceparent: 00-{}-00f067aa0ba902b7-0{}\r\n", trace(digit), u8::from(sampled))
}

fn request_of<'a>(spans: &'a [Span], trace: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.trace == trace && span.kind == Span::SERVER);
    let (span, None) = (found.next().expect("a span of the request"), found.next()) else {
        panic!("several: {spans:?}")
    };
    span
}

#[tokio::test]
async fn request_is_a_span_of_the_trace_of_its_sender() {
    let collector = Collector::start();
    let headers = format!("authorization=Bearer {COLLECTOR_KEY}");
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", &headers),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("AIRGRAPH_LOG", "warn,airgraph=info"), // chosen apart from what is exported
    ];
    let run = Run::start("spans", &settings).await;
    let answer = run.post("/graphql", &traceparent('a', true), QUERY);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    run.post("/graphql", &traceparent('b', false), QUERY);
    run.post("/graphql", "", QUERY);
    run.post(&format!("/key/{KEY}/insertSensorData"), &traceparent('c', true), "{}");
    run.post("/nowhere", &traceparent('d', true), "{}");
    collector.wait_until(|spans| spans.iter().any(|span| span.trace == trace('d')));
    let log = run.end();
    let spans = collector.spans();

    let server_span = request_of(&spans, &trace('a'));
    assert_eq!((server_span.name.as_str(), server_span.parent.as_str()), ("POST /graphql", "00f067aa0ba902b7"));
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/graphql"),
        ("http.response.status_code", "200"),
        ("graphql.operation.type", "query"),
        ("graphql.operation.name", "ByKey"),
        ("airgraph.outcome", "answered"),
        ("airgraph.statements", "1"),
    ] {
        assert_eq!(server_span.attributes.get(key).map(String::as_str), Some(value), "{key} of {server_span:?}");
    }
    let id = server_span.attributes.get("airgraph.request.id").expect("its id");
    assert!(answer.to_ascii_lowercase().contains(&format!("x-request-id: {id}")), "{answer}");
    let within: Vec<_> = spans.iter().filter(|span| span.parent == server_span.id).collect();
    assert!(within.iter().any(|span| span.name.starts_with("db.device") && span.kind == Span::CLIENT), "{within:?}");

    assert!(spans.iter().all(|span| span.trace != trace('b')), "its sender doesn't record it");
    let by_key = request_of(&spans, &trace('c'));
    assert_eq!(by_key.name, "POST /key/{key}/insertSensorData");
    assert_eq!(request_of(&spans, &trace('d')).name, "POST", "no route, so not the path either");
    let rest: Vec<_> = spans.iter().filter(|span| !['a', 'c', 'd'].map(trace).contains(&span.trace)).collect();
    let own: Vec<_> = rest.iter().filter(|span| span.kind == Span::SERVER).collect();
    let [own] = own[..] else { panic!("one request begins a trace: {own:?}") };
    assert_eq!(own.parent, "");
    assert!(log.contains(&format!("trace_id={}", own.trace)), "{} in {log}", own.trace);
    assert!(rest.iter().all(|span| span.trace == own.trace), "nothing but requests begins a trace: {rest:?}");

    let sent = collector.sent();
    assert!(sent.contains("airgraph") && sent.contains("service.name"));
    for secret in [KEY, "the-variable", COLLECTOR_KEY] {
        assert!(!sent.contains(secret), "{secret} was exported");
        assert!(!log.contains(secret), "{secret} was logged: {log}");
    }
}

#[tokio::test]
async fn pending_spans_are_exported_at_shutdown() {
    let collector = Collector::start();
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "600000")];
    let run = Run::start("end", &settings).await;
    run.post("/graphql", &traceparent('a', true), QUERY);
    run.end();
    request_of(&collector.spans(), &trace('a'));
}

#[tokio::test]
async fn missing_collector_is_logged_once_and_requests_are_answered() {
    let address = Collector::start().stop();
    let endpoint = address.replace("http://", "http://user:the-password@");
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
    let run = Run::start("away", &settings).await;
    let since = Instant::now();
    while !run.log().contains("traces can't be exported") {
        assert!(since.elapsed() < DEADLINE, "{}", run.log());
        assert!(run.post("/graphql", "", QUERY).starts_with("HTTP/1.1 200"));
        std::thread::sleep(Duration::from_millis(50));
    }
    for _ in 0..10 {
        assert!(run.post("/graphql", "", QUERY).starts_with("HTTP/1.1 200"));
        std::thread::sleep(Duration::from_millis(100));
    }
    let log = run.end();
    assert_eq!(log.matches("traces can't be exported").count(), 1, "{log}");
    assert!(!log.contains("the-password"), "{log}");
}

#[test]
fn invalid_settings_are_named_without_their_values() {
    let mut command = command(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "no url with the-password")]);
    let output = command.stderr(Stdio::piped()).output().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && stderr.contains("OTEL_EXPORTER_OTLP_"), "{stderr}");
    assert!(!stderr.contains("the-password"), "{stderr}");
}
