//! Parquet files, read with the library that wrote them.

use ::parquet::{
    basic::Compression,
    file::reader::{FileReader as _, SerializedFileReader},
    record::Field,
};
use axum::body::Bytes;
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

use super::export_bytes;
use crate::support::TestApp;

fn reader(file: &[u8]) -> SerializedFileReader<Bytes> {
    SerializedFileReader::new(Bytes::copy_from_slice(file)).expect("a complete file")
}

/// The rows of a file, each value by its column.
pub fn rows(file: &[u8]) -> Vec<Map<String, Value>> {
    let value = |field: &Field| match field {
        Field::Null => Value::Null,
        Field::Bool(value) => json!(value),
        Field::Long(value) => json!(value),
        Field::Double(value) => json!(value),
        Field::Str(value) => json!(value),
        Field::TimestampMicros(micros) => {
            let time = DateTime::from_timestamp_micros(*micros).expect("a time");
            json!(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
        }
        other => panic!("{other:?}"),
    };
    let rows = reader(file).get_row_iter(None).expect("rows").collect::<Result<Vec<_>, _>>().expect("rows");
    rows.iter().map(|row| row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect()).collect()
}

fn metadata(file: &[u8], key: &str) -> Option<String> {
    let reader = reader(file);
    let entries = reader.metadata().file_metadata().key_value_metadata()?.clone();
    entries.into_iter().find(|entry| entry.key == key)?.value
}

#[tokio::test]
async fn footer_describes_the_table() {
    let app = TestApp::new().await;
    let register = "mutation { registerDevice(input: {key: \"a\", kind: FIXED, licence: \"CC-BY-4.0\", attribution: \"Anna\"}) { status } }";
    app.admin(register, json!({})).await;
    app.record(json!([{ "device": "a", "measuredAt": "2026-05-01T10:00:00Z", "pm25": 12.4 }])).await;
    let file = export_bytes(&app, "measurements.parquet", &[("columns", "device,measured_at,pm2_5,cursor")]).await;
    let rows = rows(&file);
    let table: Value = serde_json::from_str(&metadata(&file, "airgraph.table").expect("a table")).expect("JSON");
    assert_eq!(table["notes"], json!([{ "device": "a", "licence": "CC-BY-4.0", "attribution": "Anna" }]));
    assert_eq!(table["tableSchema"]["columns"][2]["schema:unitText"], "ug/m3");
    assert_eq!(metadata(&file, "airgraph.endCursor").map(Value::from), Some(rows[0]["cursor"].clone()));

    let reader = reader(&file);
    let group = reader.metadata().row_group(0);
    assert!(matches!(group.column(0).compression(), Compression::ZSTD(_)));
    assert!(group.column(1).statistics().is_some_and(|statistics| statistics.min_bytes_opt().is_some()), "for pruning");
    let sorting = group.sorting_columns().expect("an order");
    assert_eq!((sorting[0].column_idx, sorting[0].descending), (1, false));
}

#[tokio::test]
async fn file_without_rows_has_the_columns() {
    let app = TestApp::new().await;
    let file = export_bytes(&app, "measurements.parquet", &[]).await;
    assert!(rows(&file).is_empty());
    let fields = reader(&file).metadata().file_metadata().schema().get_fields().len();
    assert_eq!(fields, 9);
}

#[tokio::test]
async fn statistics_and_devices_are_written_too() {
    let app = TestApp::new().await;
    app.record(json!([{ "device": "a", "measuredAt": "2026-05-01T10:00:00Z", "pm25": 12.4 }])).await;
    let statistics = rows(&export_bytes(&app, "statistics.parquet", &[("columns", "count,pm2_5_mean")]).await);
    assert_eq!(json!(statistics), json!([{ "count": 1, "pm2_5_mean": 12.4 }]));
    let devices = rows(&export_bytes(&app, "devices.parquet", &[("columns", "device,last_seen")]).await);
    assert_eq!(json!(devices), json!([{ "device": "a", "last_seen": "2026-05-01T10:00:00Z" }]));
}
