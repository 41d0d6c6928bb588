//! Statements keep to what plain Postgres and Citus both execute: all checked statements, those of the snapshots, and
//! those that recording and removing run.

use std::{collections::BTreeMap, fs, path::Path};

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use crate::support::{TestApp, statements::Statements};

/// Statements that lock several rows: on plain Postgres only, or of a table that Citus doesn't distribute.
const ROW_LOCKS: [&str; 4] = [
    "select device_id from latest where device_id = any($1) order by device_id for update",
    "select 1 as locked from unnest($1::bigint[], $2::timestamptz[]) as touched (device_id, hour) join device_hour h",
    "select 1 as locked from unnest($1::bigint[], $2::timestamptz[]) as touched (cell, hour) join cell_hour h",
    "select u.uplink_id from unnest",
];
/// A statement about one device on its shard.
const ONE_DEVICE: &str = "where h.device_id = $1 and h.hour = any($2)";
/// Tables that Citus doesn't distribute, of which a lateral join with `unnest` may read.
const LOCAL_TABLES: [&str; 1] = ["uplink"];

/// What Citus rejects in a statement.
fn violations(statement: &str) -> Vec<&'static str> {
    let text = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let has_word = |word: &str| {
        text.split(|character: char| !character.is_alphanumeric() && character != '_').any(|found| found == word)
    };
    let mut violations = Vec::new();
    if has_word("xmin") {
        violations.push("xmin");
    }
    if text.trim_end_matches([';', ' ']).contains(';') {
        violations.push("two statements in one string");
    }
    if text.contains("offset 0") {
        violations.push("offset 0");
    }
    let locks_several = text.contains("for update") && ["any(", "unnest(", " join "].iter().any(|it| text.contains(it));
    if locks_several && !text.contains(ONE_DEVICE) && !ROW_LOCKS.iter().any(|allowed| text.starts_with(allowed)) {
        violations.push("for update of several rows");
    }
    if lateral_subqueries_of_unnest(&text).any(is_limited) {
        violations.push("lateral join of unnest with limit, offset, group by or an aggregate");
    }
    violations
}

/// The lateral subqueries that are joined to `unnest`.
fn lateral_subqueries_of_unnest(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("join lateral (").filter_map(|(at, start)| {
        let is_from_unnest = text[..at].rsplit_once("from ").is_some_and(|(_, from)| from.starts_with("unnest("));
        let rest = &text[at + start.len()..];
        let mut depth = 1;
        let end = rest.char_indices().find(|&(_, character)| {
            depth += i32::from(character == '(') - i32::from(character == ')');
            depth == 0
        });
        is_from_unnest.then(|| end.map_or(rest, |(end, _)| &rest[..end]))
    })
}

fn is_limited(subquery: &str) -> bool {
    let is_local = LOCAL_TABLES.iter().any(|table| subquery.contains(&format!("from {table} ")));
    let limits = [" limit ", " offset ", "group by", "count(", "sum(", "avg(", "min(", "max("];
    !is_local && limits.iter().any(|limit| subquery.contains(limit))
}

fn assert_shapes<'a>(statements: impl IntoIterator<Item = &'a str>) {
    let found: BTreeMap<_, _> = statements
        .into_iter()
        .map(|statement| (statement, violations(statement)))
        .filter(|(_, violations)| !violations.is_empty())
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

fn files(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| fs::read_to_string(entry.expect("a file").path()).expect("text")).collect()
}

#[test]
fn shapes_that_citus_rejects_are_found() {
    for (statement, expected) in [
        ("select xmin from latest", "xmin"),
        ("set local a = 1; drop table b", "two statements in one string"),
        ("select * from (select 1 offset 0) as one", "offset 0"),
        ("select 1 from latest where device_id = any($1) for update", "for update of several rows"),
        (
            "select * from unnest($1::bigint[]) as wanted (id)\n cross join lateral (select * from measurement m\n\
             where m.device_id = (wanted.id) limit 1) as m",
            "lateral join of unnest with limit, offset, group by or an aggregate",
        ),
        (
            "select * from unnest($1) as wanted (id) cross join lateral (select count(*) from measurement) as m",
            "lateral join of unnest with limit, offset, group by or an aggregate",
        ),
    ] {
        assert_eq!(violations(statement), [expected], "{statement}");
    }
    for statement in [
        "select device_id from device where device_id = $1 for update;",
        "select * from (select device_id from latest) as wanted cross join lateral (select * from measurement limit 1) as m",
        "select * from unnest($1) as span (low) cross join lateral (select m.* from measurement m) as m limit 5",
        "select u.* from unnest($1) as wanted (id) cross join lateral (select * from uplink u limit 5) as u",
    ] {
        assert_eq!(violations(statement), [""; 0], "{statement}");
    }
}

#[test]
fn checked_statements_keep_to_the_shapes() {
    let files = files(".sqlx");
    let parsed: Vec<Value> = files.iter().map(|file| serde_json::from_str(file).expect("JSON")).collect();
    assert!(parsed.len() > 50);
    assert_shapes(parsed.iter().map(|file| file["query"].as_str().expect("a statement")));
}

#[test]
fn statements_of_queries_keep_to_the_shapes() {
    let snapshots = files("tests/it/api/cases/statements/snapshots");
    let bodies: Vec<_> = snapshots.iter().map(|snapshot| snapshot.rsplit_once("---\n").expect("a header").1).collect();
    let statements: Vec<_> = bodies.iter().flat_map(|body| body.split("\n\n")).collect();
    assert!(statements.len() > 80, "{}", statements.len());
    assert_shapes(statements);
}

#[tokio::test]
async fn statements_of_changes_keep_to_the_shapes() {
    let statements = Statements::watch();
    let (texts, ()) = statements
        .texts_of(async {
            let app = TestApp::new().await;
            let sample = |device: &str, at: &str, pm10: f64| {
                json!([{ "device": device, "measuredAt": at, "pm10": pm10, "latitude": 52.2, "longitude": 0.12,
                         "weather": { "humidity": 50 } }])
            };
            // A new device, a known one, one that the writer has cached, a duplicate, an older sample and a year ago.
            for at in ["10:00", "10:01", "10:02", "10:02", "09:00"] {
                let answer = app
                    .post(
                        "/ingest/json",
                        Some(&app.admin),
                        sample("a", &format!("2026-05-01T{at}:00Z"), 1.0).to_string().replace("measuredAt", "time"),
                    )
                    .await;
                assert!(answer.status.is_success(), "{answer:?}");
            }
            app.record(sample("b", "2025-02-01T00:00:00Z", 2.0)).await;
            let lines = (0..600).map(|n| format!("c,2026-04-30T10:{:02}:{:02}Z,{n}", n / 60, n % 60));
            let file = lines.collect::<Vec<_>>().join("\n");
            let request = Request::post("/ingest/csv").header(header::AUTHORIZATION, format!("Bearer {}", app.admin));
            let request = request.header(header::CONTENT_TYPE, "text/csv");
            let answer =
                app.send(request.body(Body::from(format!("device,time,pm10\n{file}"))).expect("a request")).await;
            assert!(answer.status.is_success(), "{answer:?}");
            app.admin("mutation { replayUplinks(input: {filter: {}}) { uplinks } }", json!({})).await;
            app.admin("mutation { deleteMeasurements(input: {filter: {devices: [\"c\"]}}) { status } }", json!({}))
                .await;
            app.admin("mutation { deleteDevice(input: {key: \"b\"}) { status } }", json!({})).await;
        })
        .await;
    assert!(texts.iter().any(|text| text.contains("insert into measurement")), "{texts:#?}");
    assert!(texts.iter().any(|text| text.contains("insert into device_hour")), "{texts:#?}");
    assert_shapes(texts.iter().map(String::as_str));
}
