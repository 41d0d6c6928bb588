//! An export holds exactly the rows that paging through GraphQL gives, value for value.

use airgraph::{
    config::security::SecuritySettings,
    domain::quantity::{Group, Quantity},
    limits::{ExportLimits, Limits},
};
use rand::RngExt as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::{Map, Value, json};

use super::{csv, export, export_bytes, ndjson, parquet::rows as parquet_rows};
use crate::{
    api::filters::{
        chance,
        conditions::{fill, random_tree},
    },
    support::{TestApp, empty_database},
};

/// The field of `Measurement` that holds a group of quantities.
fn group_field(group: Group) -> &'static str {
    match group {
        Group::Air => "",
        Group::Weather => "weather",
        Group::Ambient => "ambient",
        Group::Motion => "motion",
        Group::Status => "status",
    }
}

/// The name of a column as a field of GraphQL.
fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + &part[..1].to_uppercase() + &part[1..])
}

fn selection() -> String {
    let of = |group| Quantity::in_group(group).map(|it| camel_case(it.definition().name)).collect::<Vec<_>>().join(" ");
    let groups = [Group::Weather, Group::Ambient, Group::Motion, Group::Status];
    let groups = groups.map(|group| format!("{} {{ {} }}", group_field(group), of(group))).join(" ");
    format!(
        "device {{ key }} measuredAt recordedAt timeUncertainty latitude longitude flags {} {groups}",
        of(Group::Air)
    )
}

/// A node of GraphQL with the names of the columns.
fn with_column_names(edge: &Value) -> Map<String, Value> {
    let node = &edge["node"];
    let mut row = Map::new();
    let mut put = |name: &str, value: &Value| _ = row.insert(name.to_owned(), value.clone());
    put("device", &node["device"]["key"]);
    put("measured_at", &node["measuredAt"]);
    put("recorded_at", &node["recordedAt"]);
    put("time_uncertainty", &node["timeUncertainty"]);
    for name in ["latitude", "longitude", "flags"] {
        put(name, &node[name]);
    }
    for quantity in Quantity::ALL {
        let definition = quantity.definition();
        let group = group_field(definition.group);
        let of = if group.is_empty() { node } else { &node[group] };
        put(definition.name, &of[camel_case(definition.name)]);
    }
    put("cursor", &edge["cursor"]);
    row
}

/// The rows that paging through GraphQL gives; none for a filter that is refused.
async fn by_paging(app: &TestApp, filter: &Value, order: &str) -> Option<Vec<Map<String, Value>>> {
    let query = format!(
        "query ($filter: MeasurementFilter, $order: MeasurementOrder, $after: String) {{
             measurements(filter: $filter, orderBy: $order, first: 50, after: $after) {{
                 edges {{ cursor node {{ {} }} }} pageInfo {{ hasNextPage endCursor }} }} }}",
        selection()
    );
    let (mut rows, mut after) = (Vec::new(), Value::Null);
    loop {
        let variables = json!({ "filter": filter, "order": order, "after": after });
        let mut answer = app.graphql(None, &query, variables).await;
        if answer["errors"] != Value::Null {
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
            return None;
        }
        let page = answer["data"]["measurements"].take();
        rows.extend(page["edges"].as_array().expect("edges").iter().map(with_column_names));
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            return Some(rows);
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// A row as CSV writes it.
fn as_csv(row: &Map<String, Value>, name: &str) -> String {
    match &row[name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(names) => names.iter().map(|name| name.as_str().expect("a name")).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn csv_ndjson_and_parquet_hold_the_rows_of_graphql_for_random_filters() {
    // Small pages, so that an export has several.
    let limits = Limits { exports: ExportLimits { page_rows: 23, ..ExportLimits::default() }, ..Limits::default() };
    let app = TestApp::with_security_on(&empty_database().await, SecuritySettings::default(), limits).await;
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    fill(&app, &mut rng).await;
    // Different samples of one moment.
    let at_once: Vec<_> = (0..60)
        .map(|pm10| json!({ "device": "bike-0", "measuredAt": "2026-04-25T00:00:00Z", "pm10": f64::from(pm10) / 7.0 }))
        .collect();
    app.record(at_once.into()).await;

    let (mut with_rows, mut refused) = (0, 0);
    for round in 0..40 {
        let filter = if round < 2 { json!({}) } else { random_tree(&mut rng, 1).0 };
        let order = if chance(&mut rng, 0.5) { "MEASURED_AT_ASC" } else { "MEASURED_AT_DESC" };
        let text = filter.to_string();
        let parameters = [("filter", text.as_str()), ("order", order), ("columns", "all,cursor")];
        let Some(expected) = by_paging(&app, &filter, order).await else {
            let (status, code, _) = super::refused(&app, "measurements.csv", &parameters).await;
            assert_eq!((status.as_u16(), code.as_str()), (400, "BAD_USER_INPUT"), "{filter}");
            refused += 1;
            continue;
        };
        let found = ndjson(&export(&app, "measurements.ndjson", &parameters).await);
        assert_eq!(found, expected.iter().cloned().map(Value::Object).collect::<Vec<_>>(), "{filter}");

        let found = csv(&export(&app, "measurements.csv", &parameters).await);
        assert_eq!(found.len(), expected.len(), "{filter}");
        for (record, row) in found.iter().zip(&expected) {
            assert_eq!(record.len(), row.len());
            for (name, value) in record {
                assert_eq!(*value, as_csv(row, name), "{name} of {row:?}");
            }
        }
        let found = parquet_rows(&export_bytes(&app, "measurements.parquet", &parameters).await);
        assert_eq!(found.len(), expected.len(), "{filter}");
        for (record, row) in found.iter().zip(&expected) {
            for (name, value) in row {
                let expected = if name == "flags" { json!(as_csv(row, name)) } else { value.clone() };
                assert_eq!(record[name], expected, "{name} of {row:?}");
            }
        }
        with_rows += usize::from(!expected.is_empty());

        // Continued after any row.
        if !expected.is_empty() {
            let at = rng.random_range(0..expected.len());
            let cursor = expected[at]["cursor"].as_str().expect("a cursor");
            let continued = [&parameters[..], &[("after", cursor)]].concat();
            let rest = ndjson(&export(&app, "measurements.ndjson", &continued).await);
            assert_eq!(rest, expected[at + 1..].iter().cloned().map(Value::Object).collect::<Vec<_>>(), "{filter}");
        }
    }
    assert!(with_rows > 20, "{with_rows} filters matched rows, {refused} were refused");
}

#[tokio::test]
async fn exported_csv_can_be_imported_elsewhere() {
    let (app, other) = (TestApp::new().await, TestApp::new().await);
    fill(&app, &mut ChaCha8Rng::seed_from_u64(12)).await;
    let columns = [("columns", "device,measured_at,latitude,longitude,air,weather,ambient,motion,status")];
    let file = export(&app, "measurements.csv", &columns).await;
    let request = axum::http::Request::post("/ingest/csv")
        .header("content-type", "text/csv")
        .header("x-api-key", &other.admin)
        .body(file.clone().into())
        .expect("a request");
    let answer = other.send(request).await;
    assert_eq!(answer.json()["recorded"], 400, "{}", answer.text);
    assert_eq!(export(&other, "measurements.csv", &columns).await, file);
}
