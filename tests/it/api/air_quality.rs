//! Air-quality indices of devices and of cells: the correct hours, the correct means, one statement for all.

use airgraph::{
    db::hourly_mean,
    domain::{
        air_quality_index::{HourlyMeans, Scale},
        cell::{STORED_RESOLUTION, cell_at},
        position::Position,
        validity::CountedValues,
    },
};
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use h3o::{CellIndex, Resolution};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::support::{TestApp, noon, statements::Statements};

/// A sample of a fixed device in each of the given hours before noon, newest hour first.
async fn record_hours(app: &TestApp, device: &str, hours: &[Option<f64>]) {
    let samples: Vec<_> = (1..)
        .zip(hours)
        .filter_map(|(ago, value)| {
            let time = noon() - TimeDelta::hours(ago) + TimeDelta::minutes(10);
            Some(json!({ "device": device, "measuredAt": time.to_rfc3339(), "pm25": (*value)? }))
        })
        .collect();
    app.record(samples.into()).await;
}

async fn index(app: &TestApp, arguments: &str) -> Value {
    let query = format!(
        "{{ device(key: \"roof\") {{ airQualityIndex({arguments}) {{
            scale version value band colour pollutant aboveScale coverage start end
            subIndices {{ pollutant value band colour aboveScale concentration coverage }} }} }} }}"
    );
    app.query(&query).await["device"]["airQualityIndex"].take()
}

#[tokio::test]
async fn device_has_an_index_on_each_scale() {
    let app = TestApp::new().await;
    let mut hours = vec![None; 24];
    hours[..12].copy_from_slice(&[13., 16., 10., 21., 74., 64., 53., 82., 90., 75., 80., 50.].map(Some));
    record_hours(&app, "roof", &hours).await;
    let now = index(&app, "scale: US_NOWCAST").await;
    let sub = json!({ "pollutant": "PM2_5", "value": 66, "band": "Moderate", "colour": "#ffff00", "aboveScale": false,
        "concentration": 17.4139, "coverage": 1.0 });
    let none = json!({ "pollutant": "PM10", "value": null, "band": null, "colour": null, "aboveScale": false,
        "concentration": null, "coverage": 0.0 });
    assert_eq!(
        now,
        json!({ "scale": "US_NOWCAST", "version": "US EPA, PM NowCast of 2013 on EPA-454/B-24-002, May 2024",
            "value": 66, "band": "Moderate", "colour": "#ffff00", "pollutant": "PM2_5", "aboveScale": false, "coverage": 1.0,
            "start": "2026-05-01T00:00:00Z", "end": "2026-05-01T12:00:00Z", "subIndices": [sub, none] })
    );
    let european = index(&app, "scale: EUROPEAN_AQI").await;
    assert_eq!(
        (&european["value"], &european["band"], &european["start"]),
        (&json!(2), &json!("Fair"), &json!("2026-05-01T11:00:00Z"))
    );
    // Twelve hours of twenty-four are not sufficient.
    for scale in ["UK_DAQI", "US_EPA"] {
        let day = index(&app, &format!("scale: {scale}")).await;
        assert_eq!(
            (&day["value"], &day["pollutant"], &day["coverage"]),
            (&json!(null), &json!(null), &json!(0.5)),
            "{scale}"
        );
    }
}

#[tokio::test]
async fn index_uses_whole_hours_before_the_requested_time() {
    let app = TestApp::new().await;
    record_hours(&app, "roof", &[Some(100.0), Some(10.0)]).await;
    for (time, value, end) in [
        ("2026-05-01T12:00:00Z", json!(5), "2026-05-01T12:00:00Z"),
        ("2026-05-01T11:59:59.999999Z", json!(2), "2026-05-01T11:00:00Z"),
        ("2026-05-01T13:00:00+01:00", json!(5), "2026-05-01T12:00:00Z"),
        ("2026-05-01T13:30:00Z", json!(null), "2026-05-01T13:00:00Z"),
        ("1969-12-31T23:30:00Z", json!(null), "1969-12-31T23:00:00Z"),
        ("0001-01-01T00:00:00Z", json!(null), "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", json!(null), "9999-12-31T23:00:00Z"),
    ] {
        let found = index(&app, &format!("scale: EUROPEAN_AQI, at: \"{time}\"")).await;
        assert_eq!((&found["value"], &found["end"]), (&value, &json!(end)), "{time}");
    }
    app.clock.advance(TimeDelta::minutes(59));
    assert_eq!(index(&app, "scale: EUROPEAN_AQI").await["value"], json!(5));
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(index(&app, "scale: EUROPEAN_AQI").await["value"], json!(null));
}

#[tokio::test]
async fn indices_of_a_thousand_devices_are_one_statement() {
    let statements = Statements::watch();
    for devices in [1, 40, 1000] {
        let app = TestApp::new().await;
        let mut hours = [None; 24];
        (hours[0], hours[23]) = (Some(5.0), Some(5.0)); // so that both months have partitions
        record_hours(&app, "roof", &hours).await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "insert into device (key, kind, created_at) select 'roof-' || n, 'fixed', now() from generate_series(1, {devices} - 1) n;
             insert into device_hour (device_id, hour, count, pm2_5_count, pm2_5_sum)
             select device_id, timestamptz '2026-05-01 12:00Z' - h * interval '1 h', 2, 2, 20 from device, generate_series(1, 24) h
             on conflict (device_id, hour) do update set pm2_5_count = 2, pm2_5_sum = 20"
        )))
        .execute(&app.database.writes)
        .await
        .expect("filled");
        let query = "{ devices(first: 1000) { nodes { airQualityIndex(scale: UK_DAQI) { value coverage } } } }";
        let (count, response) = statements.count(app.query(query)).await;
        let nodes = response["devices"]["nodes"].as_array().expect("nodes");
        assert_eq!(nodes.len(), devices);
        assert!(
            nodes.iter().all(|node| node["airQualityIndex"] == json!({ "value": 1, "coverage": 1.0 })),
            "{response}"
        );
        assert_eq!(count, 2, "with {devices} devices");
    }
}

/// A recorded sample.
struct ScatteredSample {
    place: Position,
    time: DateTime<Utc>,
    pm2_5: Option<f64>,
    pm10: f64,
}

/// A value, sometimes out of range.
fn value(random: &mut ChaCha8Rng) -> f64 {
    if random.random_bool(0.1) {
        [-999.0, 1200.0][random.random_range(0..2)]
    } else {
        f64::from(random.random_range(0..500)) / 10.0
    }
}

/// Samples of some hours at places within some hundred metres, the same at every run.
async fn record_scattered(app: &TestApp) -> Vec<ScatteredSample> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let samples: Vec<_> = (0..600_i64)
        .map(|n| ScatteredSample {
            place: Position::try_new(52.2 + random.random_range(0.0..0.004), 0.1 + random.random_range(0.0..0.004))
                .expect("a place"),
            time: noon() - TimeDelta::seconds(random.random_range(1..30 * 3600)) + TimeDelta::microseconds(n),
            pm2_5: random.random_bool(0.8).then(|| value(&mut random)),
            pm10: value(&mut random),
        })
        .collect();
    let measurements = samples.iter().map(|sample| {
        json!({ "device": "bike", "measuredAt": sample.time.to_rfc3339(), "latitude": sample.place.latitude(),
            "longitude": sample.place.longitude(), "pm25": sample.pm2_5, "pm10": sample.pm10 })
    });
    app.record(measurements.collect::<Vec<_>>().into()).await;
    samples
}

/// The hourly means of a cell, computed from all samples.
fn expected_means(samples: &[ScatteredSample], cell: CellIndex, hours: i64, counted: CountedValues) -> HourlyMeans {
    let mean = |ago: i64, value: &dyn Fn(&ScatteredSample) -> Option<f64>| {
        let start = noon() - TimeDelta::hours(ago);
        let inside = samples.iter().filter(|sample| {
            let hour = sample.time.duration_trunc(TimeDelta::hours(1)).expect("an hour");
            hour == start && cell_at(sample.place, STORED_RESOLUTION).parent(cell.resolution()) == Some(cell)
        });
        let counts = |value: &f64| counted == CountedValues::All || (0.0..=999.9).contains(value);
        let values: Vec<_> = inside.filter_map(value).filter(counts).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).expect("few")))
    };
    HourlyMeans {
        pm2_5: (1..=hours).map(|ago| mean(ago, &|sample| sample.pm2_5)).collect(),
        pm10: (1..=hours).map(|ago| mean(ago, &|sample| Some(sample.pm10))).collect(),
    }
}

fn is_close(found: &[Option<f64>], expected: &[Option<f64>]) -> bool {
    found.len() == expected.len()
        && found.iter().zip(expected).all(|pair| match pair {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-4,
            (found, expected) => found.is_none() && expected.is_none(),
        })
}

#[tokio::test]
async fn cell_means_use_the_samples_in_the_cell() {
    let app = TestApp::new().await;
    let samples = record_scattered(&app).await;
    let mut cells: Vec<_> = Resolution::range(Resolution::Zero, Resolution::Twelve)
        .flat_map(|resolution| {
            samples
                .iter()
                .take(15)
                .filter_map(move |sample| cell_at(sample.place, STORED_RESOLUTION).parent(resolution))
        })
        .collect();
    cells.sort_unstable();
    cells.dedup();
    assert!(cells.len() > 40);
    let elsewhere = cell_at(Position::try_new(-30.0, 100.0).expect("a place"), Resolution::Five);
    let too_fine = cell_at(samples[0].place, Resolution::Thirteen);
    let queried: Vec<_> = cells.iter().copied().chain([elsewhere, too_fine]).collect();

    let statements = Statements::watch();
    let from = noon() - TimeDelta::hours(24);
    for counted in [CountedValues::Valid, CountedValues::All] {
        let means = hourly_mean::list_by_cells(&app.database.reads, &queried, from, noon(), counted);
        let (count, found) = statements.count(means).await;
        let found = found.expect("means");
        assert_eq!(count, 1);
        assert!(!found.contains_key(&elsewhere) && !found.contains_key(&too_fine));
        for &cell in &cells {
            let expected = expected_means(&samples, cell, 24, counted);
            let found = found.get(&cell).cloned();
            let found = found.unwrap_or_else(|| HourlyMeans { pm2_5: vec![None; 24], pm10: vec![None; 24] });
            assert!(is_close(&found.pm2_5, &expected.pm2_5), "{cell}: {:?} {:?}", found.pm2_5, expected.pm2_5);
            assert!(is_close(&found.pm10, &expected.pm10), "{cell}: {:?} {:?}", found.pm10, expected.pm10);
        }
    }
}

#[tokio::test]
async fn indices_of_all_cells_of_a_map_are_one_statement() {
    let app = TestApp::new().await;
    let samples = record_scattered(&app).await;
    for resolution in [Resolution::Seven, Resolution::Eleven] {
        let query = format!(
            "{{ cells(filter: {{}}, resolution: {resolution}) {{
                index airQualityIndex(scale: UK_DAQI, at: \"2026-05-01T12:30:00Z\") {{ value coverage end }} }} }}"
        );
        let (count, found) = Statements::watch().count(app.query(&query)).await;
        assert_eq!(count, 2, "the map, and the hours of its cells");
        let cells = found["cells"].as_array().expect("cells");
        for cell in cells {
            let (index, found) = (cell["index"].as_str().expect("an index"), &cell["airQualityIndex"]);
            let expected = Scale::UkDaqi.index(&expected_means(
                &samples,
                index.parse().expect("a cell"),
                24,
                CountedValues::Valid,
            ));
            assert_eq!(found["value"], json!(expected.deciding.map(|(_, level)| level.value)), "{index}");
            assert_eq!(
                (&found["coverage"], &found["end"]),
                (&json!(expected.coverage), &json!("2026-05-01T12:00:00Z"))
            );
        }
        assert!(
            resolution > Resolution::Seven || cells.iter().any(|cell| cell["airQualityIndex"]["value"].is_number())
        );
    }
}

/// Each item of a series is the index at the end of its bucket, and all of a device's hours are one statement.
#[tokio::test]
async fn series_has_the_index_at_the_end_of_each_bucket() {
    let statements = Statements::watch();
    let app = TestApp::new().await;
    let hours: Vec<_> = (0..60).map(|n| (n % 7 != 3).then(|| f64::from(n * 5 % 90))).collect();
    record_hours(&app, "roof", &hours).await;
    let fields = "scale value band pollutant coverage start end subIndices { pollutant value concentration coverage }";
    for (scale, every, from, zone, ends) in [
        ("UK_DAQI", "HOUR", "2026-05-01T02:00:00Z", "UTC", 10),
        ("US_NOWCAST", "THREE_HOURS", "2026-04-30T12:00:00Z", "UTC", 8),
        ("EUROPEAN_AQI", "HOUR", "2026-05-01T09:30:00Z", "UTC", 3),
        // Midnight in Berlin is 22 o'clock UTC; the current day has not ended.
        ("US_EPA", "DAY", "2026-04-29T00:00:00Z", "Europe/Berlin", 3),
    ] {
        let query = format!(
            "{{ device(key: \"roof\") {{ airQualityIndices(scale: {scale}, every: {every}, timeZone: \"{zone}\",
                measuredAt: {{from: \"{from}\"}}) {{ {fields} }} }} }}"
        );
        let (count, data) = statements.count(app.query(&query)).await;
        assert!(count <= 2, "the device, unless it is remembered, and its hours: {count}");
        let series = data["device"]["airQualityIndices"].as_array().expect("a list").clone();
        assert_eq!(series.len(), ends, "{scale}");
        for item in series {
            let query = format!(
                "{{ device(key: \"roof\") {{ airQualityIndex(scale: {scale}, at: {}) {{ {fields} }} }} }}",
                item["end"]
            );
            assert_eq!(app.query(&query).await["device"]["airQualityIndex"], item, "{scale}");
        }
    }
    for (arguments, argument) in [
        ("measuredAt: {}", "measuredAt.from"),
        ("measuredAt: {from: \"2026-03-01T00:00:00Z\"}", "every"),
        ("measuredAt: {from: \"2020-03-01T00:00:00Z\"}, every: MONTH", "measuredAt"),
        ("measuredAt: {from: \"2026-05-01T00:00:00Z\"}, every: MINUTE", "every"),
        ("measuredAt: {from: \"2026-05-01T00:00:00Z\"}, timeZone: \"Mars\"", "timeZone"),
    ] {
        let query =
            format!("{{ device(key: \"roof\") {{ airQualityIndices(scale: US_EPA, {arguments}) {{ value }} }} }}");
        let answer = app.graphql(None, &query, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["argument"], argument, "{answer}");
    }
}
