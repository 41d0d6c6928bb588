//! Rows that a replay changes: those of its uplink at the times that it still contains.

use std::collections::BTreeSet;

use serde_json::json;

use super::{fix, post, replay_all, rows, sample_json, stored, uplinks, with_temperature};
use crate::support::TestApp;

#[tokio::test]
async fn overlooked_value_is_added_to_its_row() {
    let app = TestApp::new().await;
    post(&app, &app.admin, &sample_json(5)).await;
    let id = app.query("{ device(key: \"bike\") { latest { id } } }").await;
    fix(&app, 0, &with_temperature(7, 18.5)).await;
    sqlx::raw_sql("update measurement set flags = flags | 512").execute(&app.database.writes).await.expect("flagged");

    assert_eq!(replay_all(&app).await, (1, 0));
    assert_eq!(stored(&app).await, [(0, Some(7.0), Some(18.5))]);
    assert_eq!(uplinks(&app, "recorded duplicates").await, json!([{ "recorded": 1, "duplicates": 0 }]));
    assert_eq!(app.query("{ device(key: \"bike\") { latest { id } } }").await, id, "it is the same sample");
    let flags = app.query("{ device(key: \"bike\") { latest { pm10 flags } } }").await;
    assert_eq!(flags["device"]["latest"], json!({ "pm10": 7.0, "flags": ["AMBIGUOUS_PACKET"] }));
    let judged_by: Option<f32> =
        sqlx::query_scalar("select pm10 from latest").fetch_one(&app.database.reads).await.expect("a row");
    assert_eq!(judged_by, Some(7.0), "what the next sample is judged by");
    assert_eq!(replay_all(&app).await, (0, 1));

    // And a value that should never have been stored is removed.
    fix(&app, 0, &sample_json(8)).await;
    assert_eq!(replay_all(&app).await, (1, 0));
    assert_eq!(rows(&app, &["weather"]).await, [] as [&str; 0]);
}

#[tokio::test]
async fn rows_of_other_uplinks_are_unchanged() {
    let app = TestApp::new().await;
    for body in [&json!([sample_json(1), sample_json(2)]), &sample_json(3), &sample_json(1)] {
        post(&app, &app.admin, body).await;
    }
    assert_eq!(stored(&app).await.len(), 3);
    fix(&app, 0, &json!([sample_json(4), sample_json(3)])).await;
    // 1 and 2 are removed; 4 takes the place of the first; 3 exists; and 1 comes again with the third uplink.
    assert_eq!(replay_all(&app).await, (2, 2));
    let contents: BTreeSet<_> = stored(&app).await.iter().map(|(_, pm10, _)| pm10.map(f32::to_bits)).collect();
    assert_eq!(contents, [4.0, 3.0, 1.0].map(|pm10: f32| Some(pm10.to_bits())).into());
    // The first body contains 3 now, before the second did.
    assert_eq!(
        uplinks(&app, "recorded duplicates").await,
        json!([{ "recorded": 1, "duplicates": 0 }, { "recorded": 0, "duplicates": 1 }, { "recorded": 2, "duplicates": 0 }])
    );
}

#[tokio::test]
async fn next_row_replaces_a_removed_first_row_of_a_time() {
    let app = TestApp::new().await;
    post(&app, &app.admin, &with_temperature(1, 17.0)).await;
    post(&app, &app.admin, &with_temperature(2, 18.0)).await;
    fix(&app, 0, &with_temperature(2, 18.0)).await;
    assert_eq!(replay_all(&app).await, (0, 2));
    assert_eq!(stored(&app).await, [(0, Some(2.0), Some(18.0))]);
    let latest = app.query("{ device(key: \"bike\") { latest { pm10 weather { temperature } } } }").await;
    assert_eq!(latest["device"]["latest"], json!({ "pm10": 2.0, "weather": { "temperature": 18.0 } }));
    post(&app, &app.admin, &sample_json(3)).await;
    assert_eq!(stored(&app).await.len(), 2);
}
