//! Random and hostile GraphQL requests: the gateway answers each of them, and never with an internal error.
//!
//! ```sh
//! AIRGRAPH_FUZZ_CASES=1000000 cargo test --release --test it fuzz_requests -- --nocapture   # a million
//! ```

mod documents;

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use airgraph::config::security::{SecurityProfile, SecuritySettings};
use axum::{
    body::Body,
    http::{Request, header},
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, time::timeout};

use crate::support::{Answer, TestApp, gateway::DEADLINE};

/// Number of requests, unless the environment variable is set.
const CASES: u32 = 400;
const CASES_VARIABLE: &str = "AIRGRAPH_FUZZ_CASES";
/// Number of concurrent clients.
const THREADS: u32 = 4;
/// A subscription has no end, and none of these has an event: no response within this time counts as a subscription.
const SUBSCRIPTION_TIMEOUT: Duration = Duration::from_millis(30);
/// Maximum size of a response in bytes: the database is small, but each of many fields may list it.
const MAX_RESPONSE_BYTES: usize = 8 << 20;

/// The transport of a document.
#[derive(Clone, Debug)]
enum Transport {
    Post(&'static str),
    Get,
    Stream,
    /// These bytes before the document instead of JSON.
    Raw(Vec<u8>),
}

fn transports() -> impl Strategy<Value = Transport> {
    prop_oneof![
        12 => select(vec!["application/json", "application/graphql-response+json", "*/*"]).prop_map(Transport::Post),
        2 => Just(Transport::Get),
        2 => Just(Transport::Stream),
        1 => proptest::collection::vec(any::<u8>(), 0..20).prop_map(Transport::Raw),
    ]
}

fn variables() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..20_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[\\PC]{0,12}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-z]{1,4}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    });
    let named = proptest::collection::hash_map(select(vec!["n", "id", "filter", "x"]), value.clone(), 0..3);
    let named = named.prop_map(|map| map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>());
    prop_oneof![4 => Just(json!({})), 3 => named, 1 => value]
}

fn request(way: &Transport, key: Option<&str>, document: &str, variables: &Value) -> Request<Body> {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let post = |path: &str| {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        key.into_iter().fold(request, |request, key| request.header("x-api-key", key))
    };
    let request = match way {
        Transport::Post(accept) => post("/graphql").header(header::ACCEPT, *accept).body(Body::from(body)),
        Transport::Stream => post("/graphql/stream").body(Body::from(body)),
        Transport::Raw(bytes) => post("/graphql").body(Body::from([bytes.as_slice(), document.as_bytes()].concat())),
        Transport::Get => {
            let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>();
            // A URI may have 65,534 bytes.
            let query = escaped(document).into_iter().take(15_000).collect::<Vec<_>>().concat();
            let variables = escaped(&variables.to_string()).concat();
            let variables = if variables.len() < 15_000 { format!("&variables={variables}") } else { String::new() };
            Request::get(format!("/graphql?query={query}{variables}")).body(Body::empty())
        }
    };
    request.expect("a request")
}

/// Checks the invariants of every response; returns its kind.
fn check_response(answer: &Answer) -> Result<String, TestCaseError> {
    let Answer { status, headers, text } = answer;
    prop_assert!(!status.is_server_error(), "{status}: {text}");
    prop_assert!(text.len() <= MAX_RESPONSE_BYTES, "{} bytes", text.len());
    for word in ["INTERNAL", "TIMEOUT", "UNAVAILABLE"] {
        prop_assert!(!text.contains(&format!("\"code\":\"{word}\"")), "{text}");
    }
    if headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream")) {
        return Ok("stream".to_owned());
    }
    let response: Value =
        serde_json::from_str(text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
    let code = response["errors"][0]["extensions"]["code"].as_str();
    prop_assert!(response.get("data").is_some() || code.is_some(), "{text}");
    prop_assert!(response.get("data").is_none() || status.is_success(), "{status}: {text}");
    Ok(if response["data"] == Value::Null { code.unwrap_or("null") } else { "answered" }.to_owned())
}

/// Sends this number of requests to a gateway with these security settings.
fn run(security: SecuritySettings, cases: u32) {
    let runtime = Runtime::new().expect("a runtime");
    let app = runtime.block_on(async {
        let app = TestApp::with_security(security).await;
        let sample = |n: i32| {
            json!({ "device": format!("d{}", n % 3), "measuredAt": format!("2026-05-01T10:{n:02}:00Z"), "pm10": n, "pm25": 1,
                "latitude": 52.2 + f64::from(n) / 1000.0, "longitude": 0.1 })
        };
        app.record((0..30).map(sample).collect()).await;
        app
    });
    let before = memory_mb();
    let kinds = std::thread::scope(|scope| {
        let one = || send(&runtime, &app, cases.div_ceil(THREADS));
        let each: Vec<_> = (0..THREADS).map(|_| scope.spawn(one)).collect();
        let mut kinds = BTreeMap::<String, u32>::new();
        for (kind, count) in each.into_iter().flat_map(|one| one.join().expect("no panic")) {
            *kinds.entry(kind).or_default() += count;
        }
        kinds
    });
    // The generator is useful only if some of its requests are valid.
    let answered = kinds.get("answered").copied().unwrap_or(0);
    assert!(answered >= cases / 50, "{kinds:?}");
    print_kinds(&kinds, before);
    runtime.block_on(async { app.query("{ measurements { totalCount } }").await });
}

/// Sends this number of requests, one after the other, and returns the number of each kind.
fn send(runtime: &Runtime, app: &TestApp, cases: u32) -> BTreeMap<String, u32> {
    let kinds = RefCell::new(BTreeMap::<String, u32>::new());
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(
        &(transports(), any::<bool>(), documents::of_any_kind(), variables()),
        |(way, admin, document, variables)| {
            let answer = runtime.block_on(async {
                let request = request(&way, admin.then_some(&app.admin), &document, &variables);
                let limit = if document.contains("subscription") { SUBSCRIPTION_TIMEOUT } else { DEADLINE };
                timeout(limit, app.send(request)).await
            });
            let kind = if let Ok(answer) = answer {
                check_response(&answer)?
            } else {
                prop_assert!(document.contains("subscription"), "no answer");
                "subscribed".to_owned()
            };
            *kinds.borrow_mut().entry(kind).or_default() += 1;
            Ok(())
        },
    );
    assert!(outcome.is_ok(), "{}", outcome.expect_err("a failure"));
    kinds.into_inner()
}

/// Resident memory of this process (gateway and clients) in MB; `None` where `/proc` doesn't exist.
fn memory_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}

#[expect(clippy::print_stdout, reason = "output of manual runs")]
fn print_kinds(kinds: &BTreeMap<String, u32>, before: Option<u64>) {
    let count: u32 = kinds.values().sum();
    println!("{count} requests: {kinds:?}; memory in MB: {before:?} before, {:?} after", memory_mb());
}

fn cases() -> u32 {
    std::env::var(CASES_VARIABLE).map_or(CASES, |cases| cases.parse().expect(CASES_VARIABLE))
}

#[test]
fn any_request_is_answered_in_the_open_profile() {
    run(SecuritySettings::default(), cases());
}

#[test]
fn any_request_is_answered_in_the_hardened_profile() {
    let hardened = SecuritySettings::from(SecurityProfile::Hardened);
    // Without limits per minute, which would refuse most of a million requests of one caller.
    let unlimited = SecuritySettings {
        cost_per_minute: None,
        anonymous_database_seconds_per_minute: None,
        key_database_seconds_per_minute: None,
        ..hardened
    };
    run(unlimited, cases() / 4);
}
