//! Requests that async-graphql alone answers otherwise than the GraphQL specification (September 2025) requires.

use serde_json::{Value, json};

use crate::support::{TestApp, socket::Socket};

/// The codes of the errors of a rejected request: no data, and nothing ran.
async fn refused(app: &TestApp, query: &str, variables: Value) -> Vec<String> {
    let answer = app.graphql(Some(&app.admin), query, variables).await;
    assert!(answer.get("data").is_none(), "{query}: {answer}");
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{query}: {answer}"));
    assert!(errors.iter().all(|error| error.get("path").is_none()), "{query}: {answer}");
    errors.iter().map(|error| error["extensions"]["code"].as_str().expect("a code").to_owned()).collect()
}

async fn gateway() -> TestApp {
    let app = TestApp::new().await;
    app.record(json!([
        { "device": "box", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1, "latitude": 52, "longitude": 7 },
        { "device": "box", "measuredAt": "2026-05-01T11:00:00Z", "pm10": 2 },
    ]))
    .await;
    app
}

#[tokio::test]
async fn partly_invalid_request_is_not_executed() {
    let app = gateway().await;
    for (query, variables, code) in [
        (
            "mutation D($before: DateTime!) { deleteMeasurements(input: {filter: {devices: [\"box\"],
             measuredAt: {to: $before}}}) { status } }",
            json!({ "before": null }),
            "BAD_USER_INPUT",
        ),
        (
            "mutation ($to: DateTime) { deleteMeasurements(input: {dryrun: true, filter: {devices: [\"box\"],
             measuredAt: {from: \"2026-01-01T00:00:00Z\", to: $to}}}) { status } }",
            json!({}),
            "BAD_USER_INPUT",
        ),
        (
            "mutation ($k: String!) { a: registerDevice(input: {key: \"p\", kind: FIXED}) { status }
             b: updateDevice(input: {key: $k, name: \"x\"}) { status } }",
            json!({}),
            "BAD_USER_INPUT",
        ),
        (
            "mutation { a: registerDevice(input: {key: \"p\", kind: FIXED}) { status }
             b: updateDevice(input: {key: 1, name: \"x\"}) { status } }",
            json!({}),
            "BAD_USER_INPUT",
        ),
        (
            "mutation { a: registerDevice(input: {key: \"p\", kind: FIXED}) { status }
             b: deleteMeasurements(input: {filter: {flags: {}}}) { status } }",
            json!({}),
            "BAD_USER_INPUT",
        ),
        ("query ($k: Int!) { device(key: $k) { key } }", json!({ "k": "box" }), "GRAPHQL_VALIDATION_FAILED"),
        ("query ($f: Int) { devices(filter: $f) { totalCount } }", json!({ "f": 1 }), "GRAPHQL_VALIDATION_FAILED"),
    ] {
        assert_eq!(refused(&app, query, variables).await, [code], "{query}");
    }
    let left = app.query("{ measurements { totalCount } device(key: \"p\") { key } }").await;
    assert_eq!(left, json!({ "measurements": { "totalCount": 2 }, "device": null }));
    let panicked = refused(&app, "query ($a: [Nope] = [1]) { __typename }", json!({})).await;
    assert!(panicked.iter().all(|code| code == "GRAPHQL_VALIDATION_FAILED"), "{panicked:?}");
}

#[tokio::test]
async fn fields_with_one_response_key_are_merged() {
    let app = gateway().await;
    for (query, expected) in [
        ("{ server { time @skip(if: true) } server { __typename } }", json!({ "server": { "__typename": "Server" } })),
        (
            "{ device(key: \"box\") { key } device(key: \"box\") { name @skip(if: true) } }",
            json!({ "device": { "key": "box" } }),
        ),
        ("{ device(key: \"box\") { key @skip(if: true) } }", json!({ "device": {} })),
        ("{ measurements(first: 1) { totalCount @skip(if: true) } }", json!({ "measurements": {} })),
        (
            "{ measurements(first: 1) { nodes { pm10 } } measurements(first: 1) { nodes { id @skip(if: true) pm1 } } }",
            json!({ "measurements": { "nodes": [{ "pm10": 2.0, "pm1": null }] } }),
        ),
        (
            "{ __type(name: \"Role\") { enumValues { name @skip(if: true) } } }",
            json!({ "__type": { "enumValues": [{}, {}, {}] } }),
        ),
        ("{ __type(name: \"Node\") { interfaces { name } } }", json!({ "__type": { "interfaces": [] } })),
        ("query ($x: Boolean!) { __typename @include(if: $x) }", json!({ "__typename": "Query" })),
        (
            "query ($r: Int) { measurements(last: 1) { nodes { cell(resolution: $r) } } }",
            app.query("{ measurements(last: 1) { nodes { cell } } }").await,
        ),
    ] {
        let variables = if query.contains("$x") { json!({ "x": true }) } else { json!({}) };
        let data = app.query_with(query, variables).await;
        assert_eq!(data.to_string(), expected.to_string(), "{query}");
    }
    let create = "createApiKey(input: {name: \"k\", role: READER})";
    let query = format!("mutation {{ {create} {{ key }} {create} {{ apiKey {{ id }} }} }}");
    let created = app.admin(&query, json!({})).await;
    assert!(
        created["createApiKey"]["key"].is_string() && created["createApiKey"]["apiKey"]["id"].is_string(),
        "{created}"
    );
    let failed = app.graphql(None, "{ ...A ...B } fragment A on Query { uplinks { totalCount } } fragment B on Query { uplinks { totalCount } }", json!({})).await;
    assert!(failed["errors"].as_array().is_some_and(|errors| errors.len() == 1), "{failed}");
}

#[tokio::test]
async fn absent_arguments_differ_from_null() {
    let app = gateway().await;
    let register = "mutation { registerDevice(input: {key: \"x\", kind: FIXED, licence: \"CC0\"}) { status } }";
    app.admin(register, json!({})).await;
    let update = "mutation ($key: String!, $name: String, $licence: String) {
        updateDevice(input: {key: $key, name: $name, licence: $licence}) { device { name licence } } }";
    let response = app.admin(update, json!({ "key": "x", "name": "n" })).await;
    assert_eq!(response["updateDevice"]["device"], json!({ "name": "n", "licence": "CC0" }));
    let response = app.admin(update, json!({ "key": "x", "licence": null })).await;
    assert_eq!(response["updateDevice"]["device"], json!({ "name": "n", "licence": null }));
}

#[tokio::test]
async fn only_the_operation_that_runs_needs_its_variables() {
    let app = gateway().await;
    let query = "query A { device(key: \"box\") { key } } query B($k: String!) { device(key: $k) { name } }";
    let body = json!({ "query": query, "operationName": "A" }).to_string();
    let answer = app.post("/graphql", None, body).await.json();
    assert_eq!(answer["data"], json!({ "device": { "key": "box" } }), "{answer}");
}

#[tokio::test]
async fn mutations_after_a_failed_one_do_not_run() {
    let app = gateway().await;
    let query = "mutation { a: registerDevice(input: {key: \"a\", kind: FIXED}) { status }
        b: updateDevice(input: {key: \"nope\", name: \"x\"}) { status device { key } }
        c: revokeApiKey(input: {id: \"nope\"}) { status } d: registerDevice(input: {key: \"d\", kind: FIXED}) { status } }";
    let answer = app.graphql(Some(&app.admin), query, json!({})).await;
    let paths: Vec<_> = answer["errors"].as_array().expect("errors").iter().map(|error| &error["path"]).collect();
    assert_eq!((&answer["data"], paths), (&Value::Null, vec![&json!(["c"])]), "{answer}");
    let left = app.query("{ a: device(key: \"a\") { key } d: device(key: \"d\") { key } }").await;
    assert_eq!(left, json!({ "a": { "key": "a" }, "d": null }));
    let query = "mutation { a: registerDevice(input: {key: \"e\", kind: FIXED}) { status } __typename
        b: updateDevice(input: {key: \"e\", name: \"x\"}) { device { name } } }";
    let response = app.admin(query, json!({})).await;
    let expected =
        json!({ "a": { "status": "REGISTERED" }, "__typename": "Mutation", "b": { "device": { "name": "x" } } });
    assert_eq!(response.to_string(), expected.to_string());
}

#[tokio::test]
async fn id_may_be_a_number_of_any_length() {
    let app = gateway().await;
    for (query, variables) in [
        ("{ node(id: 123456789012345678901234567890) { id } }", json!({})),
        ("query ($id: ID!) { node(id: $id) { id } }", json!({ "id": 12_345_678_901_234_567_890_u64 })),
        ("query ($id: ID! = 123456789012345678901234567890) { nodes(ids: [$id]) { id } }", json!({})),
        ("query ($id: ID!) { node(id: $id) { id } }", json!({ "id": 1e21 })),
    ] {
        let answer = app.graphql(None, query, variables).await;
        assert!(answer["errors"].is_null(), "{query}: {answer}");
    }
    assert_eq!(refused(&app, "{ node(id: 1.0) { id } }", json!({})).await, ["BAD_USER_INPUT"]);
    assert_eq!(
        refused(&app, "query ($id: ID!) { node(id: $id) { id } }", json!({ "id": 1.5 })).await,
        ["BAD_USER_INPUT"]
    );
}

#[tokio::test]
async fn strings_are_parsed_as_specified() {
    let app = gateway().await;
    for (key, expected) in
        [("\"\\uD83D\\uDE80\"", "🚀"), ("\"\\u{1F6F0}\"", "🛰"), ("\"\"\"a\\\"\"\"b\"\"\"", "a\"\"\"b")]
    {
        let name = format!("mutation {{ updateDevice(input: {{key: \"box\", name: {key}}}) {{ device {{ name }} }} }}");
        let response = app.admin(&name, json!({})).await;
        assert_eq!(response["updateDevice"]["device"]["name"], expected, "{key}");
    }
}

#[tokio::test]
async fn every_transport_rejects_the_same_requests() {
    let app = gateway().await;
    let query = "query ($k: Int!) { device(key: $k) { key } }";
    let expected = "variable `$k` of type Int! can't stand for `key`, which needs String!";
    let body = json!({ "query": query, "variables": { "k": 1 } });
    assert!(app.post("/graphql", None, body.to_string()).await.text.contains(expected));
    assert!(app.post("/graphql/stream", None, body.to_string()).await.text.contains(expected));
    let subscription = "subscription ($k: Int!) { deviceUpdated(devices: [$k]) { cursor } }";
    let refusal = app.live.subscribe(subscription.into(), &airgraph::auth::Caller::Anonymous, None).await;
    let message = refusal.err().expect("refused").errors[0].message.clone();
    assert!(message.contains("can't stand for `devices[0]`"), "{message}");
    let get = "/graphql?query=query(%24k%3AInt%21)%7Bdevice(key%3A%24k)%7Bkey%7D%7D&variables=%7B%22k%22%3A1%7D";
    assert!(app.get(get).await.text.contains(expected));
    let mut socket = Socket::ready(app.listen().await, None).await;
    socket.subscribe("live", "subscription { deviceUpdated { cursor } }", json!({})).await;
    for (id, query) in [("1", query), ("2", "query ($a: [Nope] = [1]) { __typename }"), ("3", "{ __typename")] {
        socket.subscribe(id, query, json!({ "k": 1 })).await;
        let message = socket.receive().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(id)), "{message}");
    }
    let stream = json!({ "query": "query ($a: [Nope] = [1]) { __typename }" }).to_string();
    let stream = app.post("/graphql/stream", None, stream).await;
    assert!(
        stream.text.contains("GRAPHQL_VALIDATION_FAILED") && stream.text.contains("event: complete"),
        "{}",
        stream.text
    );
    app.record(json!([{ "device": "box", "measuredAt": "2026-05-01T12:00:00Z", "pm10": 3 }])).await;
    assert_eq!(socket.receive().await["id"], "live", "the socket and its subscriptions go on");
}

#[tokio::test]
async fn field_is_resolved_once_while_rows_arrive() {
    let app = gateway().await;
    let query = "{ measurements(first: 1) { nodes { measuredAt } } measurements(first: 1) { nodes { pm10 pm25 } } }";
    let write = async {
        for second in 0..40 {
            let time = format!("2026-05-01T11:59:{second:02}Z");
            app.record(json!([{ "device": "box", "measuredAt": time, "pm10": second, "pm25": second }])).await;
        }
    };
    let read = async {
        let mut seen = Vec::new();
        while seen.last() != Some(&39.0) {
            let node = app.query(query).await["measurements"]["nodes"][0].take();
            if let Some(second) = node["measuredAt"].as_str().and_then(|time| time.strip_prefix("2026-05-01T11:59:")) {
                let second: f64 = second.trim_end_matches('Z').parse().expect("seconds");
                assert_eq!(
                    (&node["pm10"], &node["pm25"]),
                    (&json!(second), &json!(second)),
                    "values of two rows: {node}"
                );
                seen.push(second);
            }
        }
    };
    tokio::join!(write, read);
}
