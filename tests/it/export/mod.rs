//! Exports of rows in file formats.

mod archive;
mod breaking_off;
mod bucket;
mod formats;
mod limits;
mod pacing;
mod parameters;
mod parquet;
mod provenance;
mod prune;
mod readers;
mod rows;
mod tables;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::{TestApp, query_string};

/// The text of an export that succeeds.
async fn export(app: &TestApp, file: &str, parameters: &[(&str, &str)]) -> String {
    String::from_utf8(export_bytes(app, file, parameters).await).expect("text")
}

/// The file of an export that succeeds.
async fn export_bytes(app: &TestApp, file: &str, parameters: &[(&str, &str)]) -> Vec<u8> {
    let request = Request::get(format!("/export/{file}?{}", query_string(parameters))).body(Body::empty());
    let response = app.app.router().oneshot(request.expect("a request")).await.expect("an answer");
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a complete body").to_vec();
    assert_eq!(status, StatusCode::OK, "{file} {parameters:?}: {}", String::from_utf8_lossy(&bytes));
    bytes
}

/// The status, the code and the message of an export that is refused.
async fn refused(app: &TestApp, file: &str, parameters: &[(&str, &str)]) -> (StatusCode, String, String) {
    let answer = app.get(&format!("/export/{file}?{}", query_string(parameters))).await;
    let error = answer.json()["errors"][0].take();
    let text = |name: &str| error[name].as_str().expect("a text").to_owned();
    (answer.status, text("code"), text("detail"))
}

/// The objects of an NDJSON file.
fn ndjson(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is not complete");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))).collect()
}

/// A row of NDJSON with its flags as one text, as the other formats have them.
fn with_joined_flags(mut row: Value) -> Value {
    if let Some(flags) = row["flags"].as_array() {
        let flags: Vec<_> = flags.iter().filter_map(Value::as_str).collect();
        row["flags"] = flags.join(" ").into();
    }
    row
}

/// The records of a CSV file, each field by its column; read strictly by RFC 4180.
fn csv(text: &str) -> Vec<Vec<(String, String)>> {
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "all lines end with CRLF");
    let mut reader = csv_reader(text);
    let header = reader.headers().expect("a header").clone();
    let record = |record: ::csv::Result<::csv::StringRecord>| {
        let record = record.expect("a record with as many fields as the header");
        header.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect()
    };
    reader.records().map(record).collect()
}

fn csv_reader(text: &str) -> ::csv::Reader<&[u8]> {
    ::csv::ReaderBuilder::new().flexible(false).terminator(::csv::Terminator::CRLF).from_reader(text.as_bytes())
}
