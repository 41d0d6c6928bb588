//! Lists of devices with nested lists are text too: the same text as the resolvers' response.

use std::fmt::Write as _;

use airgraph::graphql::fast_json::RawJson;
use async_graphql::{Request, Value, Variables};
use rand::RngExt as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use crate::support::TestApp;

/// Four devices: one with a name that needs escaping, one without measurements.
async fn filled() -> TestApp {
    let app = TestApp::new().await;
    let sample = |n: u32| {
        json!({ "device": format!("bike-{}", n % 3), "measuredAt": format!("2026-05-01T{:02}:00:{n:02}.5Z", 6 + n / 12),
            "pm10": 12.4, "pm25": if n.is_multiple_of(4) { json!(null) } else { json!(n) },
            "latitude": 52.2 + f64::from(n) * 1e-3, "longitude": 0.12,
            "weather": if n.is_multiple_of(5) { json!(null) } else { json!({ "humidity": 91.5, "temperature": n }) },
            "status": if n % 7 == 3 { json!({ "gpsUpdated": true, "uptime": n }) } else { json!(null) } })
    };
    app.record((0..40).map(sample).collect()).await;
    let silent = "mutation { registerDevice(input: {key: \"silent\", kind: FIXED, latitude: 52.25, longitude: -0.5,
        licence: \"CC0 ♥\"}) { status } }";
    app.admin(silent, json!({})).await;
    let name = r#"mutation { updateDevice(input: {key: "bike-1", name: "the \"red\" one \\\\ №1"}) { status } }"#;
    app.admin(name, json!({})).await;
    app
}

/// Variables and their values, for any query.
fn variables() -> serde_json::Value {
    json!({ "yes": true, "no": false, "two": 2, "bad": -1, "share": 50, "filter": { "pm25": { "min": 3 } } })
}

const DECLARED: [&str; 8] = [
    "$yes: Boolean!",
    "$no: Boolean = true",
    "$two: Int",
    "$bad: Int!",
    "$share: Float = 7",
    "$filter: MeasurementFilter",
    "$absent: Int",
    "$default: Int = 1",
];

const FRAGMENTS: [(&str, &str); 5] = [
    ("D", "fragment D on Device { key again: latest { pm10 } ...N }"),
    ("N", "fragment N on Node { id ... on Device { kind } ... on Measurement { flags } }"),
    ("M", "fragment M on Measurement { c: cell(resolution: $two) __typename ...N }"),
    ("P", "fragment P on MeasurementConnection { pageInfo { endCursor hasNextPage } e: edges { cursor } }"),
    ("S", "fragment S on Statistics { start pm10 { mean percentile(p: $share) } }"),
];

/// The selectable fields of a type; a type after `>` is that of the field's object. `!` marks exceptions: fields that
/// fail or need a resolver.
fn fields(of: &str) -> &'static [&'static str] {
    match of {
        "Query" => &[
            "devices(first: 3)>DeviceConnection",
            "d: devices(last: $two, orderBy: CREATED_AT_DESC)>DeviceConnection",
            "silent: devices(filter: {keys: [\"silent\"]})>DeviceConnection",
            "one: devices(filter: {keys: [\"bike-1\"]}, first: $two)>DeviceConnection",
            "m: measurements(first: 2)>MeasurementConnection",
        ],
        "DeviceConnection" => {
            &["nodes>Device", "n: nodes>Device", "edges>DeviceEdge", "totalCount", "pageInfo>PageInfo"]
        }
        "DeviceEdge" => &["cursor", "node>Device", "n: node>Device", "__typename"],
        "Device" => &[
            "id",
            "key",
            "k: key",
            "name",
            "kind",
            "latitude",
            "longitude",
            "licence",
            "attribution",
            "createdAt",
            "__typename",
            "...D",
            "...N",
            "latest>Measurement",
            "l: latest>Measurement",
            "humid: latest(of: HUMIDITY)>Measurement",
            "fine: latest(of: PM1)>Measurement",
            "measurements(first: 2)>MeasurementConnection",
            "two: measurements(last: $two, orderBy: MEASURED_AT_ASC)>MeasurementConnection",
            "some: measurements(first: $default, filter: $filter)>MeasurementConnection",
            "none: measurements(first: 0)>MeasurementConnection",
            "!own: measurements(first: 1, filter: {devices: [\"bike-1\"]})>MeasurementConnection",
            "either: measurements(last: 1, filter: {or: [{devices: [\"bike-1\"]}, {pm25: {min: 30}}]})>MeasurementConnection",
            "!bad: measurements(first: $bad)>MeasurementConnection",
            "!worse: measurements(first: 1, filter: {devices: [\"unknown\"]})>MeasurementConnection",
            "statistics>Statistics",
            "s: statistics(filter: $filter, groupBy: [HOUR_OF_DAY])>Statistics",
            "hours: statistics(every: HOUR, filter: {measuredAt: {from: \"2026-05-01T05:00:00Z\"}}, timeZone: \"Asia/Kolkata\")>Statistics",
            "filled: statistics(every: AUTO, maxBuckets: 9, fill: NULL, filter: {measuredAt: {from: \"2026-05-01T05:00:00Z\"}}, timeZone: \"Asia/Kolkata\")>Statistics",
            "cells: statistics(groupBy: [CELL, DEVICE], cellResolution: $two)>Statistics",
            "!endless: statistics(every: HOUR)>Statistics",
            "!sensors { sensor }",
        ],
        "MeasurementConnection" => &[
            "nodes>Measurement",
            "edges>MeasurementEdge",
            "pageInfo>PageInfo",
            "totalCount",
            "t: totalCount",
            "totalCountIsEstimate",
            "__typename",
            "...P",
        ],
        "MeasurementEdge" => &["cursor", "node>Measurement", "n: node>Measurement", "__typename"],
        "Measurement" => &[
            "id",
            "measuredAt",
            "pm25",
            "pm10",
            "p: pm10",
            "flags",
            "latitude",
            "cell",
            "coarse: cell(resolution: $two)",
            "__typename",
            "...M",
            "...N",
            "device>Device",
            "weather { humidity }",
            "w: weather { temperature humidity __typename }",
            "status { gpsUpdated satellites }",
            "motion { speed }",
            "!fine: cell(resolution: $bad)",
        ],
        "Statistics" => &[
            "start",
            "startLocal",
            "end",
            "interval",
            "count",
            "coverage",
            "cell",
            "hourOfDay",
            "pm25 { mean max percentile(p: $share) }",
            "quantity(of: PM10) { count min }",
            "h: quantity(of: HUMIDITY) { mean }",
            "!device { key }",
            "...S",
            "__typename",
        ],
        _ => &["hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename"],
    }
}

const DIRECTIVES: [&str; 7] = [
    "@include(if: true)",
    "@skip(if: false)",
    "@include(if: $yes)",
    "@skip(if: $no)",
    "@skip(if: $no) @include(if: $yes)",
    "@include(if: $no)",
    "@skip(if: true)",
];

/// A selection set.
fn selection(of: &str, rng: &mut ChaCha8Rng, depth: usize) -> String {
    let mut set = "{ ".to_owned();
    let mut chosen = Vec::new();
    for _ in 0..rng.random_range(1..=if depth == 0 { 2 } else { 5 }) {
        // Of two lists with one response key, one without fields, async-graphql returns the one that was read last.
        let directive =
            if depth > 1 && rng.random_bool(0.1) { DIRECTIVES[rng.random_range(0..DIRECTIVES.len())] } else { "" };
        if depth < 9 && rng.random_bool(0.1) {
            let condition = if rng.random_bool(0.5) { format!("on {of}") } else { String::new() };
            _ = write!(set, "... {condition} {directive} {} ", selection(of, rng, depth + 1));
            continue;
        }
        let choices = fields(of);
        let choice = choices[rng.random_range(0..choices.len())];
        let (field, is_rare) = choice.strip_prefix('!').map_or((choice, false), |field| (field, true));
        // Equal fields are merged; that is an exception too.
        if (is_rare || chosen.contains(&choice)) && rng.random_bool(0.9) {
            continue;
        }
        chosen.push(choice);
        let below = match field.split_once('>') {
            Some(_) if depth > 8 => continue,
            Some((_, of)) => selection(of, rng, depth + 1),
            None => String::new(),
        };
        _ = write!(set, "{} {directive} {below} ", field.split('>').next().unwrap_or_default());
    }
    set + "__typename }"
}

fn random_query(rng: &mut ChaCha8Rng) -> String {
    let mut body = selection("Query", rng, 0);
    let mut open: Vec<_> = FRAGMENTS.to_vec();
    while let Some(at) = open.iter().position(|(name, _)| body.contains(&format!("...{name} "))) {
        body.push_str(open.remove(at).1);
    }
    let used = DECLARED.into_iter().filter(|declared| body.contains(declared.split(':').next().unwrap_or_default()));
    let used: Vec<_> = used.collect();
    if used.is_empty() { format!("query {body}") } else { format!("query ({}) {body}", used.join(", ")) }
}

/// Whether a list of devices was returned as rendered text.
fn is_text(data: &Value) -> bool {
    match data {
        Value::Binary(_) => true,
        Value::Object(fields) => fields.values().any(is_text),
        _ => false,
    }
}

/// A response with its data as text.
#[derive(Deserialize)]
struct GraphqlResponse {
    data: Box<RawValue>,
    #[serde(default)]
    errors: Vec<serde_json::Value>,
}

impl GraphqlResponse {
    fn read(text: &str) -> Self {
        let mut response: Self = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
        response.errors.sort_by_key(ToString::to_string); // parents fail in any order
        response
    }
}

#[tokio::test]
async fn random_nested_queries_equal_the_resolvers_results() {
    let app = filled().await;
    let mut rng = ChaCha8Rng::seed_from_u64(20_260_501);
    let (mut whole, mut as_text, mut failed) = (0, 0, 0);
    for _ in 0..200 {
        let question = random_query(&mut rng);
        let request = || Request::new(&question).variables(Variables::from_json(variables()));
        let resolved = app.execute(request()).await;
        if resolved.errors.iter().any(|error| error.path.is_empty()) {
            continue; // refused before it was executed
        }
        let body = json!({ "query": question, "variables": variables() }).to_string();
        let by_http = GraphqlResponse::read(&app.post("/graphql", None, body).await.text);
        let resolved = GraphqlResponse::read(&serde_json::to_string(&resolved).expect("JSON"));
        assert_eq!(by_http.data.get(), resolved.data.get(), "{question}");
        assert_eq!(by_http.errors, resolved.errors, "{question}");
        whole += 1;
        as_text += usize::from(is_text(&app.execute(request().data(RawJson)).await.data));
        failed += usize::from(!resolved.errors.is_empty());
    }
    assert!(whole > 100 && as_text > 50 && failed > 10, "{whole} executed, {as_text} as text, {failed} with failures");
}

#[tokio::test]
async fn nested_lists_use_the_fast_path_where_no_resolver_is_needed() {
    let app = filled().await;
    let is_text = async |nodes: &str| {
        let request = Request::new(format!("{{ devices {{ {nodes} }} }}")).data(RawJson);
        let response = app.execute(request).await;
        is_text(&response.data)
    };
    for nodes in [
        "nodes { key latest { pm10 } measurements(first: 10) { nodes { measuredAt pm25 } pageInfo { endCursor } totalCount } }",
        "edges { cursor node { id kind name latest { device { key latest { pm1 } } } } }",
        "nodes { statistics(every: DAY, filter: {measuredAt: {from: \"2026-04-30T00:00:00Z\"}}) { start pm10 { mean } } }",
        "nodes { latest { pm1 } latest { pm10 } }",
        "nodes { latest(of: HUMIDITY) { measuredAt pm10 weather { humidity } } }",
        "nodes { latest { weather { humidity } } measurements(first: 9) { nodes { weather { rain } status { uptime } } } }",
        "nodes { a: measurements(first: 1) { edges { node { pm1 } } } b: measurements(last: 1) { edges { cursor } } }",
    ] {
        assert!(is_text(nodes).await, "{nodes}");
    }
    for nodes in [
        "nodes { key sensors { sensor } }",
        "nodes { measurements(first: -1) { totalCount } }",
        "nodes { measurements(filter: {devices: [\"bike-1\"]}) { totalCount } }",
        "nodes { statistics(every: DAY) { start } }",
    ] {
        assert!(!is_text(nodes).await, "{nodes}");
    }
}

#[tokio::test]
async fn failed_lookup_is_an_error_at_each_of_its_paths() {
    let app = filled().await;
    sqlx::raw_sql("alter table latest rename column seq to gone").execute(&app.database.writes).await.expect("renamed");
    let question = "{ devices { nodes { key latest { pm10 } measurements(first: 1) { nodes { pm10 } } } } }";
    let by_http = app.graphql(None, question, json!({})).await;
    assert_eq!(by_http["data"], app.by_resolvers(question).await["data"]);
    assert_eq!(by_http["errors"].as_array().map(Vec::len), Some(4), "one for each device");
    assert_eq!(by_http["data"]["devices"]["nodes"][0]["measurements"]["nodes"][0]["pm10"], 12.4);
}
