//! Lists that are written as text by HTTP tell the same as the resolvers do. Random questions are asked beside the code;
//! here is what needs a database.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn http_tells_what_the_resolvers_tell() {
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
