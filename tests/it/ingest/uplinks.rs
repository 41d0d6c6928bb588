//! Queries of stored uplinks: admins only, page by page, bodies only where they are selected.

use std::{io::Read as _, process::Stdio};

use axum::{body::Body, http::Request};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;

use crate::support::{
    TestApp, empty_database,
    gateway::{Gateway, on},
    statements::Statements,
};

/// A plain JSON body of a device.
fn sample_json(device: &str, pm10: u32) -> String {
    json!({ "device": device, "time": "2026-05-01T10:00:00Z", "pm10": pm10 }).to_string()
}

async fn post(app: &TestApp, path: &str, body: impl Into<Body>) {
    app.post(path, Some(&app.admin), body).await;
}

async fn uplinks(app: &TestApp, arguments: &str, fields: &str) -> Value {
    app.admin(&format!("{{ uplinks{arguments} {{ {fields} }} }}"), json!({})).await["uplinks"].take()
}

fn error(answer: &Value) -> (&str, &str) {
    let extensions = &answer["errors"][0]["extensions"];
    (extensions["code"].as_str().unwrap_or("none"), extensions["argument"].as_str().unwrap_or("none"))
}

#[tokio::test]
async fn uplink_is_stored_unchanged_with_its_outcome() {
    let app = TestApp::new().await;
    post(&app, "/ingest/json", sample_json("bike", 5)).await;
    app.clock.advance(TimeDelta::minutes(1));
    post(&app, "/ingest/json", sample_json("bike", 5)).await;
    app.clock.advance(TimeDelta::minutes(1));
    post(&app, "/ingest/json", "{").await;
    app.clock.advance(TimeDelta::minutes(1));
    let chirp = json!({ "deviceInfo": { "devEui": "0101010101010101" }, "object": { "pm10": 1 }, "fCnt": 7 });
    post(&app, "/ingest/chirpstack?event=up", chirp.to_string()).await;
    app.clock.advance(TimeDelta::minutes(1));
    post(&app, "/ingest/airgradient/balcony", vec![b'{', 0xff]).await;

    let fields =
        "totalCount nodes { receivedAt format named event frameCounter bytes text base64 outcome error recorded
                  duplicates rejected device { key } apiKey { name } }";
    let found = uplinks(&app, "", fields).await;
    assert_eq!(found["totalCount"], 5);
    let mut nodes = found["nodes"].as_array().expect("nodes").clone();
    for node in &mut nodes {
        assert_eq!(node["apiKey"]["name"], "first admin");
        if node["outcome"] == "UNDECODABLE" {
            assert!(node["error"].take().as_str().is_some_and(|error| !error.is_empty()), "{node}");
            assert_eq!((&node["recorded"], &node["device"]), (&json!(0), &Value::Null));
        }
    }
    let (binary, chirp_node, cut_off, again, first) = (&nodes[0], &nodes[1], &nodes[2], &nodes[3], &nodes[4]);
    assert_eq!((&binary["text"], &binary["base64"]), (&Value::Null, &json!("e/8=")));
    assert_eq!((&binary["named"], &binary["bytes"]), (&json!("balcony"), &json!(2)));
    assert_eq!((&chirp_node["event"], &chirp_node["frameCounter"]), (&json!("up"), &json!(7)));
    assert_eq!((&cut_off["text"], &cut_off["outcome"]), (&json!("{"), &json!("UNDECODABLE")));
    assert_eq!((&again["recorded"], &again["duplicates"]), (&json!(0), &json!(1)));
    assert_eq!((&first["recorded"], &first["duplicates"]), (&json!(1), &json!(0)));
    assert_eq!(first["text"], sample_json("bike", 5));
    assert_eq!((&first["device"]["key"], &first["receivedAt"]), (&json!("bike"), &json!("2026-05-01T12:00:00Z")));
}

#[tokio::test]
async fn only_admins_read_uplinks() {
    let app = TestApp::new().await;
    post(&app, "/ingest/json", sample_json("bike", 5)).await;
    let make = "mutation { createApiKey(input: {name: \"s\", role: SENSOR}) { key } }";
    let sensor = app.admin(make, json!({})).await["createApiKey"]["key"].as_str().expect("a key").to_owned();
    let replay = "mutation { replayUplinks(input: {filter: {}}) { uplinks } }";
    for query in ["{ uplinks { totalCount } }", replay] {
        assert_eq!(error(&app.graphql(None, query, json!({})).await).0, "UNAUTHENTICATED");
        assert_eq!(error(&app.graphql(Some(&sensor), query, json!({})).await).0, "FORBIDDEN");
    }

    let id = uplinks(&app, "", "nodes { id }").await["nodes"][0]["id"].take();
    let query = "query ($id: ID!) { node(id: $id) { id ... on Uplink { text } } nodes(ids: [$id]) { id } }";
    for key in [None, Some(sensor.as_str())] {
        let answer = app.graphql(key, query, json!({ "id": id })).await;
        assert_eq!(answer["data"], json!({ "node": null, "nodes": [null] }), "{answer}");
    }
    let found = app.admin(query, json!({ "id": id })).await;
    assert_eq!(found["node"], json!({ "id": id, "text": sample_json("bike", 5) }));
    assert_eq!(found["nodes"][0]["id"], id);
}

#[tokio::test]
async fn pages_have_every_uplink_once_newest_first() {
    let app = TestApp::new().await;
    for n in 0..12 {
        post(&app, "/ingest/json", sample_json(if n % 3 == 0 { "a" } else { "b" }, n)).await;
        if n % 2 == 0 {
            app.clock.advance(TimeDelta::days(15)); // several months, and two at each moment
        }
    }
    let all = uplinks(&app, "", "nodes { id }").await["nodes"].take();
    assert_eq!(all.as_array().expect("nodes").len(), 12);
    for filter in ["", ", filter: {devices: [\"a\", \"b\"]}"] {
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        loop {
            let fields = "nodes { id receivedAt } pageInfo { hasNextPage hasPreviousPage endCursor }";
            let page = uplinks(&app, &format!("(first: 5, after: {after}{filter})"), fields).await;
            assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_null());
            seen.extend(page["nodes"].as_array().expect("nodes").iter().map(|node| json!({ "id": node["id"] })));
            // Uplinks that arrive between two pages come first and shift nothing.
            post(&app, "/ingest/json", sample_json("c", 1)).await;
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(Value::from(seen.clone()), all, "with {filter:?}");
    }
}

#[tokio::test]
async fn uplinks_match_all_conditions() {
    let app = TestApp::new().await;
    post(&app, "/ingest/json", sample_json("a", 1)).await;
    post(&app, "/ingest/json", sample_json("b", 2)).await;
    post(&app, "/ingest/json", "{").await;
    app.clock.advance(TimeDelta::hours(1));
    post(&app, "/ingest/influx", "feinstaub,node=a SDS_P1=3 1777629600000000000").await;
    for (filter, expected) in [
        ("{}", 4),
        ("{devices: [\"a\"]}", 2),
        ("{devices: [\"a\", \"b\"], formats: [\"json\"]}", 2),
        ("{outcome: UNDECODABLE}", 1),
        ("{outcome: RECORDED, formats: [\"influx\"]}", 1),
        ("{formats: [\"influx\", \"nonsense\"]}", 1),
        ("{receivedAt: {from: \"2026-05-01T12:30:00Z\"}}", 1),
        ("{receivedAt: {to: \"2026-05-01T13:00:00Z\"}}", 3),
        ("{devices: []}", 0),
        ("{devices: [\"unknown\"]}", 0),
        ("{devices: [\"unknown\", \"a\"]}", 2),
    ] {
        let found = uplinks(&app, &format!("(filter: {filter})"), "totalCount nodes { id }").await;
        let nodes = found["nodes"].as_array().expect("nodes").len();
        assert_eq!((&found["totalCount"], nodes), (&json!(expected), expected), "{filter}");
    }
    for (arguments, argument) in [
        ("filter: {receivedAt: {from: \"2026-05-01T12:00:00Z\", to: \"2026-05-01T12:00:00Z\"}}", "filter.receivedAt"),
        ("first: 1001", "first"),
        ("after: \"bm9uZQ\"", "after"),
    ] {
        let query = format!("{{ uplinks({arguments}) {{ totalCount }} }}");
        let answer = app.graphql(Some(&app.admin), &query, json!({})).await;
        assert_eq!(error(&answer), ("BAD_USER_INPUT", argument), "{answer}");
    }
}

#[tokio::test]
async fn device_key_and_body_cost_a_statement_each_however_many_uplinks() {
    let statements = Statements::watch();
    let app = TestApp::new().await;
    for (posted, query, expected) in [
        (1, "{ uplinks { nodes { format bytes } } }", 1),
        (1, "{ uplinks { nodes { text base64 device { key } apiKey { name } } } }", 4),
        (30, "{ uplinks { nodes { text base64 device { key } apiKey { name } } } }", 4),
        (30, "{ uplinks { totalCount edges { node { device { latest { pm10 } } } } } }", 4),
    ] {
        for n in 0..posted {
            post(&app, "/ingest/json", sample_json(&format!("bike-{n}"), n)).await;
        }
        // The key's own lookup, which authenticates the caller.
        let (count, _) = statements.count(app.admin(query, json!({}))).await;
        assert_eq!(count, expected + 1, "{query}");
    }
}

#[tokio::test]
async fn body_memory_per_request_is_limited_to_16_mib() {
    let app = TestApp::new().await;
    let mut large = sample_json("bike", 5);
    large.push_str(&" ".repeat((1 << 20) - 1 - large.len()));
    for _ in 0..17 {
        post(&app, "/ingest/json", large.clone()).await;
    }
    let run = async |query: &str| app.graphql(Some(&app.admin), query, json!({})).await;
    for query in [
        "{ uplinks { nodes { base64 } } }",
        "{ uplinks { edges { node { ...body } } } } fragment body on Uplink { text }",
    ] {
        let answer = run(query).await;
        assert_eq!(error(&answer), ("BAD_USER_INPUT", "first"), "{answer}");
        assert_eq!(answer["errors"].as_array().expect("errors").len(), 1);
        assert!(answer["errors"][0]["message"].as_str().is_some_and(|message| message.contains("16 MiB")), "{answer}");
    }
    assert_eq!(
        run("{ uplinks { nodes { bytes } } }").await["data"]["uplinks"]["nodes"].as_array().map(Vec::len),
        Some(17)
    );
    let sixteen = run("{ uplinks(first: 16) { nodes { text } } }").await;
    assert_eq!(sixteen["data"]["uplinks"]["nodes"][15]["text"].as_str().map(str::len), Some(large.len()));
    // Splitting the query doesn't help either.
    let pieces = "{ a: uplinks(first: 9, filter: {outcome: RECORDED}) { nodes { base64 } pageInfo { endCursor } } }";
    let after = run(pieces).await["data"]["a"]["pageInfo"]["endCursor"].take();
    let pieces =
        format!("{{ a: uplinks(first: 9) {{ nodes {{ text }} }} b: uplinks(after: {after}) {{ nodes {{ text }} }} }}");
    let answer = run(&pieces).await;
    assert_eq!(error(&answer), ("BAD_USER_INPUT", "first"), "{answer}");
}

/// Keys are sent in headers and in paths. Wherever a key is, it is neither stored with the uplink nor logged.
#[tokio::test]
async fn keys_in_bodies_and_paths_are_neither_stored_nor_logged() {
    let options = empty_database().await;
    let key = "7d41c9e85a0b4f1396d2e8b7f05c3a64";
    let basic = STANDARD.encode(format!("sensor:{key}"));
    let mut command = on(&options, &["--log", "trace", "serve"]);
    command.env("AIRGRAPH_ADMIN_KEY", key).stderr(Stdio::piped());
    let mut gateway = Gateway::start(command).await;
    let mut stderr = gateway.process.stderr.take().expect("its standard error");
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).map(|_| log)
    });

    let client = Client::builder(TokioExecutor::new()).build_http();
    let in_path = [
        format!("/key/{key}/insertSensorData"),
        format!("/key/{key}/sensors/airgradient:84fce612eff4/measures"),
        format!("/key/{key}/ingest/chirpstack?event=up"),
        format!("/key/{key}/ingest/json/nonsense"),
        format!("/key/{key}/ingest/influx"),
    ];
    let in_header = [
        ("authorization", format!("Bearer {key}")),
        ("authorization", format!("Token {key}")),
        ("authorization", format!("Basic {basic}")),
        ("authorization", format!("Nonsense {key}")),
        ("x-api-key", key.to_owned()),
    ];
    let paths = ["/ingest/json", "/data.php", "/ingest/things-stack", "/graphql"];
    let requests = in_path
        .iter()
        .map(|path| (path.as_str(), None))
        .chain(in_header.iter().flat_map(|(name, value)| paths.map(|path| (path, Some((*name, value.as_str()))))));
    let mut accepted = 0;
    for (path, header) in requests {
        for body in ["{", r#"{"device":"bike","pm10":5,"query":"{ uplinks { totalCount } }"}"#] {
            let mut request =
                Request::post(format!("{}{path}", gateway.address)).header("content-type", "application/json");
            // Added by a network server for downlinks to the device; of no use here.
            request =
                request.header("x-downlink-apikey", key).header("x-downlink-push", format!("https://stack/{key}"));
            if let Some((name, value)) = header {
                request = request.header(name, value);
            }
            let answer = client.request(request.body(Body::from(body)).expect("a request")).await.expect("an answer");
            accepted += usize::from(answer.status().is_success());
        }
    }
    assert!(accepted > 10, "{accepted}");
    gateway.process.kill().expect("killed");
    let log = log.join().expect("no panic").expect("text");
    assert!(log.contains("/key/{key}/insertSensorData"), "the route is logged");
    for secret in [key, &basic] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "in the log");
    }
    let mut connection = options.connect().await.expect("a connection");
    let statement = "select u::text || convert_from(body, 'UTF8') from uplink u";
    let rows: Vec<String> = sqlx::query_scalar(statement).fetch_all(&mut connection).await.expect("rows");
    assert!(rows.len() > 10, "{}", rows.len());
    assert!(rows.iter().all(|row| !row.contains(key) && !row.contains(&basic)));
}
