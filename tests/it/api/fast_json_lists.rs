//! Lists that HTTP writes as text equal the resolvers' results. Random queries are tested beside the code; here are the
//! cases that need a database.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn http_response_equals_the_resolvers_result() {
    let app = TestApp::new().await;
    let sample = |n: u32| {
        json!({ "device": format!("bike-{}", n % 3), "measuredAt": format!("2026-05-01T10:00:{n:02}.5Z"), "pm10": 12.4, "pm25": n,
                "latitude": 52.2 + f64::from(n) * 1e-3, "longitude": 0.12, "weather": { "humidity": 91.5 } })
    };
    app.record(
        (0..30)
            .map(sample)
            .chain([json!({ "device": "bare", "measuredAt": "2026-05-01T09:00:00Z", "pm1": 0 })])
            .collect(),
    )
    .await;
    for question in [
        "{ measurements(first: 7) { totalCount nodes { id measuredAt recordedAt cell flags pm1 pm25 pm10 } pageInfo { endCursor hasNextPage } } }",
        "{ measurements(last: 4) { edges { cursor node { longitude latitude c: cell(resolution: 3) timeUncertainty } } } }",
        "{ devices { nodes { key latest { pm10 } measurements(first: 2) { totalCount nodes { __typename pm25 pm4 } } } } }",
        "{ device(key: \"bike-1\") { measurements { nodes { pm10 device { key } weather { humidity } } } } }",
        "{ a: measurements(filter: {devices: [\"bare\"]}) { nodes { pm1 } } b: measurements(first: 0) { nodes { pm1 } edges { cursor } } }",
        "{ measurements(first: 2) { nodes { pm10 } } measurements(first: 2) { nodes { pm25 } } }",
        "{ measurements(first: 2) { nodes { cell(resolution: 16) } } }",
    ] {
        let by_http = app.graphql(None, question, json!({})).await;
        assert_eq!(by_http, app.by_resolvers(question).await, "{question}");
    }
}

/// Lists read only the selected columns; a measurement that is fetched by its id is read whole.
#[tokio::test]
async fn field_value_is_independent_of_other_selected_fields() {
    let app = TestApp::new().await;
    app.record(json!([{ "device": "bike", "measuredAt": "2026-05-01T10:00:00.5Z", "latitude": 52.2, "longitude": 0.12,
        "pm1": 0.5, "pm25": 12.4, "pm4": 7.25, "pm10": 3.5, "weather": { "humidity": 91.5 }, "ambient": { "noise": 40 },
        "motion": { "speed": 12 }, "status": { "batteryVoltage": 4 } }]))
        .await;
    sqlx::raw_sql("update measurement set time_uncertainty_s = 7").execute(&app.database.writes).await.expect("set");
    let fields = [
        "id",
        "measuredAt",
        "recordedAt",
        "timeUncertainty",
        "latitude",
        "longitude",
        "cell",
        "pm1",
        "pm25",
        "pm4",
        "pm10",
        "flags",
        "device { key }",
        "weather { humidity }",
        "ambient { noise }",
        "motion { speed }",
        "status { batteryVoltage }",
    ];
    let id = app.query("{ measurements { nodes { id } } }").await["measurements"]["nodes"][0]["id"].take();
    let whole = format!("query ($id: ID!) {{ node(id: $id) {{ ... on Measurement {{ {} }} }} }}", fields.join(" "));
    let whole = app.query_with(&whole, json!({ "id": id })).await["node"].take();
    for field in fields {
        let name = field.split(' ').next().unwrap_or_default();
        let response = app
            .query(&format!(
                "{{ measurements {{ nodes {{ {field} }} edges {{ node {{ {field} }} }} }}
                    devices {{ edges {{ node {{ latest {{ ...F }} measurements {{ nodes {{ ... {{ {field} }} }} }} }} }} }}
                    device(key: \"bike\") {{ latest {{ {field} }} measurements {{ edges {{ node {{ ...F }} }} }} }} }}
                 fragment F on Measurement {{ {field} }}"
            ))
            .await;
        let listed = &response["devices"]["edges"][0]["node"];
        for node in [
            &response["measurements"]["nodes"][0],
            &response["measurements"]["edges"][0]["node"],
            &listed["latest"],
            &listed["measurements"]["nodes"][0],
            &response["device"]["latest"],
            &response["device"]["measurements"]["edges"][0]["node"],
        ] {
            assert_eq!(node[name], whole[name], "{field}");
        }
        assert!(!whole[name].is_null() && whole[name] != json!([]), "{field} has a value");
    }
}
