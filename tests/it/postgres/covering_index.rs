//! The covering index of past months: built once, also after an interruption, and maps read nothing else of these hours.

use airgraph::{
    db::covering_index,
    domain::{month::Month, period::Period},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::support::{
    TestApp, at, empty_database, noon,
    statements::{Statements, explained},
};

const MAP: &str = r#"{ cells(resolution: 9, filter: { measuredAt: { from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z" },
    area: { boundingBox: { south: 52.1, west: 0.0, north: 52.3, east: 0.3 } } }) { index count pm10 { mean min max } } }"#;

/// Samples of twenty places, each hour of some days of March; and one in each of the following months.
async fn app() -> TestApp {
    let app = TestApp::on(&explained(empty_database().await), true).await;
    let sample = |time: DateTime<Utc>, place: i64| {
        json!({ "device": "bike", "measuredAt": time + TimeDelta::seconds(place), "pm10": place, "latitude": 52.2,
            "longitude": 0.1 + 0.005 * f64::from(i32::try_from(place).expect("few")) })
    };
    let hours = (0..49).map(|hour| at("2026-03-05T00:00:00Z") + TimeDelta::hours(hour));
    let march = hours.flat_map(|hour| (0..20).map(move |place| sample(hour, place)));
    let later = ["2026-04-30T23:00:00Z", "2026-05-01T00:00:00Z"].map(|time| sample(at(time), 0));
    app.record(march.chain(later).collect()).await;
    app
}

async fn make(app: &TestApp, now: DateTime<Utc>) -> Vec<Period> {
    let mut connection = app.database.direct.connect().await.expect("a connection");
    let made = covering_index::build_missing(&mut connection, now).await.expect("no failure");
    connection.close().await.expect("closed");
    made
}

fn month(time: &str) -> Period {
    Period::Month(Month::from_time(at(time)))
}

/// The map, and the hour indexes that it read.
async fn map(app: &TestApp) -> (Value, Vec<String>) {
    let statements = Statements::watch();
    let (plans, response) = statements.plans_of(app.query(MAP)).await;
    let steps = plans.iter().flat_map(|plan| plan.steps());
    let indexes = steps.filter_map(|step| step["Index Name"].as_str()).filter(|name| name.starts_with("cell_hour"));
    (response, indexes.map(str::to_owned).collect())
}

#[tokio::test]
async fn past_month_is_indexed_and_maps_use_the_index() {
    let app = app().await;
    let (before, _) = map(&app).await;
    let march = month("2026-03-01T00:00:00Z");
    assert_eq!(make(&app, noon()).await, [march], "April has just ended");
    assert_eq!(make(&app, noon()).await, []);
    let (response, indexes) = map(&app).await;
    assert_eq!(response, before);
    assert_eq!(indexes, ["cell_hour_2026_03_whole"]);

    app.record(json!([{ "device": "late", "measuredAt": "2026-03-06T00:30:00Z", "pm10": 99, "latitude": 52.2, "longitude": 0.1 }]))
        .await;
    let (after, _) = map(&app).await;
    let max = |cells: &Value| {
        let cells = cells["cells"].as_array().expect("cells");
        let values = cells.iter().map(|cell| (cell["pm10"]["max"].as_f64(), cell["count"].as_i64()));
        values.max_by(|one, other| one.0.partial_cmp(&other.0).expect("numbers"))
    };
    assert_eq!(max(&after), Some((Some(99.0), Some(50))), "what comes late is in it");
    assert_eq!(make(&app, noon() + TimeDelta::days(2)).await, [month("2026-04-01T00:00:00Z")]);
}

#[tokio::test]
async fn interrupted_index_build_is_repeated() {
    let app = app().await;
    let march = month("2026-03-01T00:00:00Z");
    assert_eq!(make(&app, noon()).await, [march]);
    let broken = "update pg_index set indisvalid = false where indexrelid = 'cell_hour_2026_03_whole'::regclass";
    sqlx::query(broken).execute(&app.database.writes).await.expect("as a gateway that was killed leaves it");
    assert_eq!(make(&app, noon()).await, [march]);
    assert_eq!(make(&app, noon()).await, []);
}

#[tokio::test]
async fn only_one_of_two_gateways_builds_the_index() {
    let app = app().await;
    let (one, two) = tokio::join!(make(&app, noon()), make(&app, noon()));
    assert_eq!(one.len() + two.len(), 1, "{one:?} {two:?}");
}
