//! Statistics: the results equal those computed from all rows.

mod buckets;
mod by_hand;
mod query;

use std::collections::BTreeMap;

use airgraph::db::statistics::MAX_ROWS;
use by_hand::{BucketStatistics, Row};
use query::StatisticsQuery;
use rand::RngExt as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::{Value, json};

use crate::support::{TestApp, at, statements::Statements};

/// Number of random queries.
const QUERIES: usize = 150;

/// Samples around the days on which clocks change, and a few others; some at whole hours, some without a position or a
/// quantity.
fn rows(rng: &mut ChaCha8Rng) -> Vec<Row> {
    let days = ["2025-03-30T00:00:00Z", "2025-04-05T15:00:00Z", "2025-10-26T00:00:00Z", "2025-12-31T22:00:00Z"];
    let mut rows: Vec<_> = (0..900)
        .map(|n| {
            let day = at(days[rng.random_range(0..days.len())]);
            let step = if rng.random_bool(0.2) { 900 } else { 1 };
            let seconds = rng.random_range(-100_000..150_000_i64) / step * step;
            let maybe = |rng: &mut ChaCha8Rng, max: i32, steady: bool| {
                rng.random_bool(0.8).then(|| if steady { 12.4 } else { f64::from(rng.random_range(0..max)) / 10.0 })
            };
            let steady = n % 3 == 0;
            let [pm25, pm10, humidity] =
                [(600, steady), (900, steady), (1000, false)].map(|(max, steady)| maybe(rng, max, steady));
            let (pm25, pm10, humidity) = (
                sometimes_out_of_range(rng, pm25),
                sometimes_out_of_range(rng, pm10),
                sometimes_out_of_range(rng, humidity),
            );
            Row {
                device: format!("bike-{}", n % 4),
                // No two at one time: samples that differ by content alone are not the point here.
                time: day + chrono::TimeDelta::seconds(seconds) + chrono::TimeDelta::milliseconds(n),
                position: position(rng),
                pm25,
                pm10: pm10.or((pm25.is_none() && humidity.is_none()).then_some(1.5)), // a sample has at least one value
                humidity,
            }
        })
        .collect();
    rows.sort_by_key(|row| row.time);
    rows
}

/// A position in a town, on Null Island or beside it; sometimes none.
fn position(rng: &mut ChaCha8Rng) -> Option<(f64, f64)> {
    match rng.random_range(0..20) {
        0 | 1 => None,
        2 => Some((0.0, 0.0)),
        3 => Some((0.0, 0.0001)),
        _ => Some((52.2 + rng.random_range(-0.02..0.02), 0.12 + rng.random_range(-0.03..0.03))),
    }
}

/// The value, or sometimes one that is out of the range of its quantity.
fn sometimes_out_of_range(rng: &mut ChaCha8Rng, value: Option<f64>) -> Option<f64> {
    let out_of_range = [-999.0, -0.1, 1200.0][rng.random_range(0..3)];
    value.map(|value| if rng.random_bool(0.15) { out_of_range } else { value })
}

async fn filled(rng: &mut ChaCha8Rng) -> (TestApp, Vec<Row>) {
    let app = TestApp::new().await;
    let rows = rows(rng);
    for some in rows.chunks(300) {
        app.record(some.iter().map(Row::input).collect()).await;
    }
    (app, rows)
}

fn list(value: &mut Value) -> &mut Vec<Value> {
    value.as_array_mut().expect("a list")
}

/// Whether two responses are equal. Postgres may add up the same values in another order the next time, which shows in
/// the last digits.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| is_same(value, other)))
        }
        (Value::Number(one), Value::Number(other)) => {
            let (Some(one), Some(other)) = (one.as_f64(), other.as_f64()) else { return false };
            (one - other).abs() <= 1e-12 * one.abs()
        }
        _ => one == other,
    }
}

#[tokio::test]
async fn random_statistics_equal_a_computation_over_all_rows() {
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_125);
    let (app, rows) = filled(&mut rng).await;
    let mut answers = 0;
    for _ in 0..QUERIES {
        let question = StatisticsQuery::random(&mut rng);
        let expected = by_hand::statistics(&rows, &question);
        let query = question.query(true);
        let data = app.query(&query).await;
        let mut straight = app.query(&question.query(false)).await;
        for (straight, bucket) in
            list(&mut straight["statistics"]).iter_mut().zip(list(&mut data["statistics"].clone()))
        {
            straight["device"] = bucket["device"].take();
        }
        assert!(is_same(&straight, &data), "{query}: {straight:#} and {data:#}");
        let found: BTreeMap<_, _> =
            data["statistics"].as_array().expect("a list").iter().map(|bucket| question.read_bucket(bucket)).collect();
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{query}");
        for (key, bucket) in &found {
            bucket.assert_is(&expected[key], &format!("{key} of {query}"));
        }
        answers += found.len();
    }
    assert!(answers > 20 * QUERIES, "{answers} are few");
}

#[tokio::test]
async fn map_has_the_cells_with_samples() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let (app, rows) = filled(&mut rng).await;
    for resolution in [0, 5, 7, 8, 9, 10, 12] {
        for area in [None, Some((52.205, 0.125, 900.0))] {
            let included = resolution % 2 == 0;
            let expected = by_hand::cells(&rows, resolution, area, included);
            let area = area.map_or_else(String::new, |(latitude, longitude, radius)| {
                format!("area: {{circle: {{latitude: {latitude}, longitude: {longitude}, radius: {radius}}}}}")
            });
            let query = format!(
                "{{ cells(filter: {{{area}}}, resolution: {resolution}, includeInvalid: {included}) {{
                    index resolution center {{ latitude longitude }} boundary {{ latitude longitude }}
                    count pm25 {{ count mean min max standardDeviation }} }} }}"
            );
            let data = app.query(&query).await;
            let cells = data["cells"].as_array().expect("a list");
            assert_eq!(cells.len(), expected.len(), "{query}");
            for cell in cells {
                let index = cell["index"].as_str().expect("an index");
                BucketStatistics::read(cell, false).assert_is(&expected[index], index);
                assert_eq!(cell["resolution"], resolution);
                let corners = cell["boundary"].as_array().expect("corners").len();
                assert!((5..=10).contains(&corners), "{corners}");
                assert!(cell["center"]["latitude"].is_f64());
            }
        }
    }
}

#[tokio::test]
async fn whole_cells_of_an_area_equal_those_of_the_map() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let (app, rows) = filled(&mut rng).await;
    for resolution in [5, 8, 9, 10, 12] {
        let map = by_hand::cells(&rows, resolution, None, false);
        let inside = by_hand::cells(&rows, resolution, Some((52.205, 0.125, 900.0)), false);
        let query = format!(
            "{{ cells(filter: {{area: {{circle: {{latitude: 52.205, longitude: 0.125, radius: 900}}}}}}, wholeCells: true,
                resolution: {resolution}) {{ index count pm25 {{ count mean min max standardDeviation }} }} }}"
        );
        let data = app.query(&query).await;
        let cells: BTreeMap<_, _> =
            data["cells"].as_array().expect("a list").iter().map(|cell| (cell["index"].as_str(), cell)).collect();
        for (index, cell) in &cells {
            let index = index.expect("an index");
            BucketStatistics::read(cell, false).assert_is(&map[index], index);
        }
        assert!(inside.keys().all(|index| cells.contains_key(&Some(index.as_str()))), "{resolution}");
        assert!(resolution == 5 || cells.len() < map.len(), "{resolution}");
    }
}

#[tokio::test]
async fn statistics_of_many_devices_are_one_statement() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (app, rows) = filled(&mut rng).await;
    let query = "{ devices { nodes { key statistics(
        filter: {measuredAt: {from: \"2025-01-01T00:00:00Z\"}}, every: MONTH, groupBy: [DAY_OF_WEEK]
    ) { start dayOfWeek count pm25 { mean percentile(p: 90) } } } } }";
    let statements = Statements::watch();
    let (count, data) = statements.count(app.query(query)).await;
    assert_eq!(count, 2);
    let devices = data["devices"]["nodes"].as_array().expect("devices");
    for device in devices {
        let counted: i64 = device["statistics"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|bucket| bucket["count"].as_i64().expect("a count"))
            .sum();
        let key = device["key"].as_str().expect("a key");
        assert_eq!(counted, i64::try_from(rows.iter().filter(|row| row.device == key).count()).expect("few"));
    }
    assert_eq!(devices.len(), 4);
}

#[tokio::test]
async fn invalid_statistics_arguments_are_rejected_by_name() {
    let app = TestApp::new().await;
    let since = "measuredAt: {from: \"2000-01-01T00:00:00Z\"}";
    for (question, argument, hint) in [
        (format!("statistics(filter: {{{since}}}, timeZone: \"Cambridge\")"), "timeZone", "IANA"),
        ("statistics(filter: {}, every: DAY)".to_owned(), "filter.measuredAt.from", "every"),
        (format!("statistics(filter: {{{since}}}, every: HOUR)"), "every", "DAY would fit"),
        (format!("statistics(filter: {{{since}}}, groupBy: [CELL], cellResolution: 13)"), "cellResolution", "12"),
        ("cells(filter: {}, resolution: -1)".to_owned(), "resolution", "between 0 and 12"),
        (
            "statistics(filter: {area: {circle: {latitude: 1, longitude: 1, radius: 0}}})".to_owned(),
            "filter.area.circle.radius",
            "",
        ),
    ] {
        let answer = app.graphql(None, &format!("{{ {question} {{ count }} }}"), json!({})).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["argument"], argument, "{answer}");
        let suggested = if argument == "every" { json!("DAY") } else { Value::Null };
        assert_eq!(error["extensions"]["suggestedValue"], suggested, "{answer}");
        assert!(error["message"].as_str().expect("a message").contains(hint), "{answer}");
    }
    app.record(json!([{ "device": "a", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 }])).await;
    let query = "{ statistics(filter: {}) { pm10 { percentile(p: 100.5) } } }";
    let answer = app.graphql(None, query, json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["argument"], "p", "{answer}");
}

#[tokio::test]
async fn more_cells_than_a_map_may_have_are_refused_with_a_resolution_that_fits() {
    let app = TestApp::new().await;
    app.record(
        json!([{ "device": "a", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1, "latitude": 1, "longitude": 1 }]),
    )
    .await;
    // Synthetic, as only their number matters: one cell of resolution 12 after the other, in a few of resolution 9.
    sqlx::query(
        "insert into measurement (device_id, measured_at, seq, flags, recorded_at, latitude, longitude, cell)
         select device_id, measured_at, n, 0, now(), 1, 1, (cell & ~(511::bigint << 9)) - ((n::bigint / 512) << 18) + ((n::bigint % 512) << 9)
         from measurement, generate_series(1, $1) n where n % 512 & 7 < 7 and n % 512 >> 3 & 7 < 7 and n % 512 >> 6 < 7",
    )
    .bind(i32::try_from(MAX_ROWS * 2).expect("small"))
    .execute(&app.database.writes)
    .await
    .expect("rows");
    let cells_at = async |resolution: u8| {
        let query = format!(
            "{{ cells(filter: {{area: {{boundingBox: {{south: -10, west: -10, north: 10, east: 10}}}}}}, resolution: {resolution}) {{ count }} }}"
        );
        app.graphql(None, &query, Value::Null).await
    };
    let answer = cells_at(12).await;
    assert_eq!(answer["errors"][0]["extensions"]["argument"], "resolution", "{answer}");
    let message = answer["errors"][0]["message"].as_str().expect("a message").to_owned();
    let fitting = message.split(" would fit").next().and_then(|text| text.rsplit(' ').next()).expect("a resolution");
    assert_eq!(fitting, "4", "{message}");
    assert_eq!(answer["errors"][0]["extensions"]["suggestedValue"], 4, "{answer}");
    assert_eq!(cells_at(4).await["errors"], Value::Null);
}
