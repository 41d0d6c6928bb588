//! Time of the hardened gateway to refuse requests of hostile clients, over HTTP on one connection; the aim is less
//! than 5 ms for each.
//!
//! ```sh
//! cargo bench --bench refusals
//! ```

#![expect(clippy::print_stdout, reason = "the outcome")]

mod support;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use axum::{
    body::Body,
    http::{Method, Request, header},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;
use support::{Gateway, database};

const ROUND_COUNT: usize = 200;
const JSON: &str = "application/json";

/// A request and its name.
struct Hostile {
    name: &'static str,
    method: Method,
    content_type: &'static str,
    body: String,
    /// Expected text of the response.
    expected: &'static str,
}

fn document(name: &'static str, expected: &'static str, document: &str) -> Hostile {
    let body = json!({ "query": document }).to_string();
    Hostile { name, method: Method::POST, content_type: JSON, body, expected }
}

fn each(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(" ")
}

fn all() -> Vec<Hostile> {
    let batch = format!("[{}]", [r#"{"query":"{ server { version } }"}"#; 11].join(","));
    let bomb = each(60, |n| format!("fragment F{n} on Query {{ ...F{0} ...F{0} }}", n + 1));
    let post = |name, content_type, body: &str, expected| {
        let body = body.to_owned();
        Hostile { name, method: Method::POST, content_type, body, expected }
    };
    let half_a_megabyte = 500_000;
    vec![
        document("introspection", "FORBIDDEN", "{ __schema { types { name fields { name } } } }"),
        document("a misspelt field", "Unknown field", "{ servr { version } }"),
        Hostile { method: Method::GET, ..document("GET", "METHOD_NOT_ALLOWED", "") },
        post("a batch of 11", JSON, &batch, "batches"),
        post("a form", "application/x-www-form-urlencoded", "query=%7bserver%7bversion%7d%7d", "UNSUPPORTED"),
        document("101 aliases", "aliases", &format!("{{ server {{ {} }} }}", each(101, |n| format!("a{n}: version")))),
        document(
            "50 directives",
            "directives",
            &format!("{{ server {{ version {} }} }}", "@skip(if: false) ".repeat(50)),
        ),
        document("50 times one field", "49 times", &format!("{{ server {{ {} }} }}", "version ".repeat(50))),
        document("50 root fields", "root fields", &format!("{{ {} }}", each(50, |n| format!("a{n}: __typename")))),
        document(
            "circular fragments",
            "contain itself",
            "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        ),
        document(
            "a bomb of fragments",
            "TOO_COMPLEX",
            &format!("{{ ...F0 }} {bomb} fragment F60 on Query {{ __typename }}"),
        ),
        document(
            "too deep",
            "levels deep",
            &format!("{{ {} }}", "devices { nodes { latest { device { ".repeat(5) + "id" + &"} } } }".repeat(5)),
        ),
        document(
            "too dear",
            "more than the maximum",
            "{ devices(first: 1000) { nodes { measurements(first: 1000) { nodes { id } } } } }",
        ),
        document(
            "1900 unknown fields",
            "Unknown field",
            &format!("{{ server {{ {} }} }}", each(1900, |n| format!("nonsense{n}"))),
        ),
        document("9000 tokens that are no document", "VALIDATION", &format!("{{ a(b: [{}", "1 ".repeat(9000))),
        document("250,000 brackets", "nested", &"{ a ".repeat(half_a_megabyte / 4)),
        document("250,000 fields", "tokens", &format!("{{ {} }}", "a ".repeat(half_a_megabyte / 2))),
        document(
            "a string of half a megabyte",
            "longer than",
            &format!("{{ a(b: \"{}\" }}", "x".repeat(half_a_megabyte)),
        ),
        post("two megabytes", JSON, &" ".repeat(2 << 20), "BODY_TOO_LARGE"),
    ]
}

#[tokio::main]
async fn main() -> Result<()> {
    let database = database().await?;
    let environment = [("AIRGRAPH_SECURITY_PROFILE", "hardened"), ("AIRGRAPH_RATE_LIMIT_COST_PER_MINUTE", "unlimited")];
    let gateway = Gateway::start_with(&database.url, &environment).await?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    println!("{:36} {:>10} {:>10} {:>10}", "", "min", "median", "max");
    for hostile in all() {
        let mut times = Vec::new();
        for _ in 0..ROUND_COUNT {
            times.push(time(&client, &gateway, &hostile).await.with_context(|| hostile.name)?);
        }
        times.sort_unstable();
        let [min, median, max] = [times[0], times[ROUND_COUNT / 2], times[ROUND_COUNT - 1]];
        println!("{:36} {min:>10.2?} {median:>10.2?} {max:>10.2?}", hostile.name);
    }
    gateway.stop().await?;
    database.stop().await
}

async fn time(client: &Client<HttpConnector, Body>, gateway: &Gateway, hostile: &Hostile) -> Result<Duration> {
    let request = Request::builder().method(&hostile.method).uri(format!("{}/graphql", gateway.address));
    let request = request.header(header::CONTENT_TYPE, hostile.content_type).body(Body::from(hostile.body.clone()))?;
    let since = Instant::now();
    let response = client.request(request).await?;
    let answer = axum::body::to_bytes(Body::new(response.into_body()), 1 << 20).await?;
    let took = since.elapsed();
    let answer = String::from_utf8_lossy(&answer);
    ensure!(answer.contains(hostile.expected), "{answer}");
    Ok(took)
}
