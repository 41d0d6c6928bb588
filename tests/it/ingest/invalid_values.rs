//! Values that are no measurement of the air, and positions that are no place: stored, flagged and listed, and left out of
//! statistics, maps, indices and exposure unless a request includes them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{TestApp, at, noon};

const DAY: &str = r#"measuredAt: {from: "2026-05-01T00:00:00Z", to: "2026-05-01T12:00:00Z"}"#;

/// A sample of the device `roof`, measured these hours and minutes before noon.
fn sample(hours: i64, minutes: i64, values: Value) -> Value {
    let time: DateTime<Utc> = noon() - TimeDelta::hours(hours) + TimeDelta::minutes(minutes);
    merged(json!({ "device": "roof", "measuredAt": time, "latitude": 52.2, "longitude": 0.12 }), values)
}

/// An object with the fields of both; the second one takes precedence.
fn merged(one: Value, other: Value) -> Value {
    let (Value::Object(mut fields), Value::Object(more)) = (one, other) else { panic!("objects") };
    fields.extend(more);
    fields.into()
}

fn sentinels() -> Value {
    json!({ "pm25": -999, "pm10": -999 })
}

async fn statistics(app: &TestApp, arguments: &str, fields: &str) -> Value {
    let of_all = app.query(&format!("{{ statistics(filter: {{{DAY}}}{arguments}) {{ {fields} }} }}")).await;
    let query = format!("{{ device(key: \"roof\") {{ statistics(filter: {{{DAY}}}{arguments}) {{ {fields} }} }} }}");
    let of_device = app.query(&query).await;
    assert_eq!(of_device["device"]["statistics"], of_all["statistics"]);
    let query = format!("{{ devices {{ nodes {{ statistics(filter: {{{DAY}}}{arguments}) {{ {fields} }} }} }} }}");
    let of_devices = app.query(&query).await;
    assert_eq!(of_devices["devices"]["nodes"][0]["statistics"], of_all["statistics"]);
    of_all["statistics"].clone()
}

#[tokio::test]
async fn sentinels_are_listed_with_their_flag() {
    let app = TestApp::new().await;
    app.record(json!([sample(1, 0, sentinels())])).await;
    let response = app
        .query(r#"{ measurements { nodes { pm25 pm10 flags } } device(key: "roof") { latest { pm25 pm10 flags } } }"#)
        .await;
    let expected = json!({ "pm25": -999.0, "pm10": -999.0, "flags": ["OUT_OF_RANGE"] });
    assert_eq!(response["measurements"]["nodes"], json!([expected]));
    assert_eq!(response["device"]["latest"], expected);
}

#[tokio::test]
async fn sentinels_do_not_count_in_statistics_and_cover_no_hour() {
    let app = TestApp::new().await;
    // Three hours: one with sentinels alone, one with a sentinel beside a good sample, one with a good sample.
    app.record(json!([
        sample(3, 0, sentinels()),
        sample(2, 0, sentinels()),
        sample(2, 10, json!({ "pm25": 12.4, "pm10": 20 })),
        sample(1, 0, json!({ "pm25": 10.4, "pm10": 30 })),
    ]))
    .await;
    let fields = "count coverage pm25 { count mean min max standardDeviation } pm10 { count mean }";
    let pm25 = json!({ "count": 2, "mean": 11.4, "min": 10.4, "max": 12.4, "standardDeviation": 2.0_f64.sqrt() });
    let mut response = statistics(&app, "", fields).await;
    let deviation = response[0]["pm25"]["standardDeviation"].as_f64().expect("a deviation");
    assert!((deviation - 2.0_f64.sqrt()).abs() < 1e-9, "{deviation}");
    response[0]["pm25"]["standardDeviation"] = json!(2.0_f64.sqrt());
    assert_eq!(
        response,
        json!([{ "count": 4, "coverage": 2.0 / 12.0, "pm25": pm25, "pm10": { "count": 2, "mean": 25.0 } }])
    );
    let response =
        statistics(&app, ", includeInvalid: true", "count coverage pm25 { count min } pm10 { count mean }").await;
    let pm10 = json!({ "count": 4, "mean": (50.0 - 2.0 * 999.0) / 4.0 });
    assert_eq!(
        response,
        json!([{ "count": 4, "coverage": 3.0 / 12.0, "pm25": { "count": 4, "min": -999.0 }, "pm10": pm10 }])
    );
    // From the rows, which have the number of invalid values.
    let response = statistics(&app, "", "count coverage pm25 { count invalidCount mean } pm10 { invalidCount }").await;
    assert_eq!(
        response,
        json!([{ "count": 4, "coverage": 2.0 / 12.0, "pm25": { "count": 2, "invalidCount": 2, "mean": 11.4 },
            "pm10": { "invalidCount": 2 } }])
    );
}

#[tokio::test]
async fn hour_is_covered_by_valid_air_values_only() {
    let app = TestApp::new().await;
    for (hours, beside, expected) in [
        (1, json!({ "status": { "batteryVoltage": 3.7 } }), 0.0),
        (2, json!({ "weather": { "temperature": 20 } }), 1.0),
        (3, json!({ "ambient": { "co2": 420 } }), 1.0),
        (4, json!({ "weather": { "temperature": 200 } }), 0.0),
        (5, json!({ "pm1": 3 }), 1.0),
    ] {
        app.record(json!([sample(hours, 0, merged(sentinels(), beside.clone()))])).await;
        let from = noon() - TimeDelta::hours(hours);
        let filter = format!(
            "{{measuredAt: {{from: {:?}, to: {:?}}}}}",
            from.to_rfc3339(),
            (from + TimeDelta::hours(1)).to_rfc3339()
        );
        // From a rollup, and from rows.
        for fields in ["coverage", "coverage pm25 { percentile(p: 50) }"] {
            let response = app.query(&format!("{{ statistics(filter: {filter}) {{ {fields} }} }}")).await;
            assert_eq!(response["statistics"][0]["coverage"], json!(expected), "{beside} {fields}");
        }
    }
}

#[tokio::test]
async fn value_out_of_range_does_not_exclude_the_others_of_its_sample() {
    let app = TestApp::new().await;
    app.record(json!([
        sample(1, 0, json!({ "pm10": 12.4, "weather": { "temperature": 200, "humidity": 40 } })),
        sample(1, 1, json!({ "pm10": 1200, "weather": { "temperature": 20 } })),
        sample(1, 2, json!({ "pm10": 999.9 })),
    ]))
    .await;
    let fields =
        "pm10 { count max percentile(p: 100) } temperature: quantity(of: TEMPERATURE) { count invalidCount mean }
        humidity: quantity(of: HUMIDITY) { count mean }";
    assert_eq!(
        statistics(&app, "", fields).await,
        json!([{ "pm10": { "count": 2, "max": 999.9, "percentile": 999.9 },
            "temperature": { "count": 1, "invalidCount": 1, "mean": 20.0 }, "humidity": { "count": 1, "mean": 40.0 } }])
    );
    assert_eq!(
        statistics(&app, ", includeInvalid: true", fields).await,
        json!([{ "pm10": { "count": 3, "max": 1200.0, "percentile": 1200.0 },
            "temperature": { "count": 2, "invalidCount": 1, "mean": 110.0 }, "humidity": { "count": 1, "mean": 40.0 } }])
    );
    // A filter keeps its meaning: it selects measurements, independent of which values count.
    let query = "{ statistics(filter: {flags: {any: [OUT_OF_RANGE]}}) { count pm10 { count mean } } }";
    assert_eq!(app.query(query).await["statistics"], json!([{ "count": 2, "pm10": { "count": 1, "mean": 12.4 } }]));
}

#[tokio::test]
async fn sentinels_give_no_air_quality_index() {
    let app = TestApp::new().await;
    app.record(json!([sample(1, 0, sentinels())])).await;
    let index = async |arguments: &str| {
        let index = format!(
            "airQualityIndex(scale: EUROPEAN_AQI{arguments}) {{ value coverage subIndices {{ concentration }} }}"
        );
        let query = format!(
            "{{ device(key: \"roof\") {{ {index} }} coarse: cells(filter: {{}}, resolution: 8) {{ {index} }}
            fine: cells(filter: {{}}, resolution: 11) {{ {index} }} }}"
        );
        let response = app.query(&query).await;
        let of = |parent: &Value| parent["airQualityIndex"].clone();
        let indices = [of(&response["device"]), of(&response["coarse"][0]), of(&response["fine"][0])];
        assert!(indices.iter().all(|index| *index == indices[0]), "{response:#}");
        indices[0].clone()
    };
    let none = json!({ "concentration": null });
    assert_eq!(index("").await, json!({ "value": null, "coverage": 0.0, "subIndices": [none, none] }));
    let zero = json!({ "concentration": 0.0 });
    let included = json!({ "value": 1, "coverage": 1.0, "subIndices": [zero, zero] });
    assert_eq!(index(", includeInvalid: true").await, included);

    // With a good sample in the hour, the index is that of the good sample.
    app.record(json!([sample(1, 1, json!({ "pm25": 12.4, "pm10": 20 }))])).await;
    let response = index("").await;
    assert_eq!(response["subIndices"], json!([{ "concentration": 12.4 }, { "concentration": 20.0 }]));
}

#[tokio::test]
async fn nowcast_takes_an_hour_of_sentinels_for_an_unknown_one() {
    let app = TestApp::new().await;
    let value = async || {
        let query = r#"{ device(key: "roof") { airQualityIndex(scale: US_NOWCAST) { value coverage } } }"#;
        app.query(query).await["device"]["airQualityIndex"].clone()
    };
    app.record(json!([sample(1, 0, json!({ "pm25": 1200 })), sample(2, 0, json!({ "pm25": 20 }))])).await;
    assert_eq!(value().await, json!({ "value": null, "coverage": 1.0 / 12.0 }), "one of the latest three hours");
    app.record(json!([sample(3, 0, json!({ "pm25": 20 }))])).await;
    assert_eq!(value().await, json!({ "value": 71, "coverage": 2.0 / 12.0 }));
}

#[tokio::test]
async fn maps_have_no_cell_at_null_island_and_no_sentinel() {
    let app = TestApp::new().await;
    app.record(json!([
        sample(1, 0, sentinels()),
        sample(2, 0, json!({ "pm25": 12.4, "latitude": 0, "longitude": 0 })),
        sample(2, 1, json!({ "pm25": 7.5, "latitude": 0.0001, "longitude": 0 })),
    ]))
    .await;
    let cells = async |resolution: u8, arguments: &str| {
        let query =
            format!("{{ cells(filter: {{}}, resolution: {resolution}{arguments}) {{ count pm25 {{ count mean }} }} }}");
        let mut cells = app.query(&query).await["cells"].as_array().expect("cells").clone();
        cells.sort_by_key(|cell| cell["count"].as_i64());
        cells
    };
    // From rollups, and from rows: (0, 0) and the position beside it are in one cell at either resolution.
    for resolution in [9, 10] {
        let mut found = cells(resolution, "").await;
        found.sort_by_key(|cell| cell["pm25"]["count"].as_i64());
        let sentinels = json!({ "count": 1, "pm25": { "count": 0, "mean": null } });
        let beside = json!({ "count": 1, "pm25": { "count": 1, "mean": 7.5 } });
        assert_eq!(found, [sentinels, beside], "{resolution}");
        let both = json!({ "count": 2, "pm25": { "count": 2, "mean": 9.95 } });
        let sentinels = json!({ "count": 1, "pm25": { "count": 1, "mean": -999.0 } });
        assert_eq!(cells(resolution, ", includeInvalid: true").await, [sentinels, both], "{resolution}");
    }
    // Nor is (0, 0) in an area, which is read from rollups, or from rows where there are more conditions.
    let area = "area: {circle: {latitude: 0, longitude: 0, radius: 2000}}";
    let count = async |arguments: &str| {
        let response = app.query(&format!("{{ statistics({arguments}) {{ count pm25 {{ mean }} }} }}")).await;
        (response["statistics"][0]["count"].clone(), response["statistics"][0]["pm25"]["mean"].clone())
    };
    for filter in [format!("{{{area}}}"), format!("{{{area}, pm25: {{}}}}"), format!("{{or: [{{{area}}}]}}")] {
        assert_eq!(count(&format!("filter: {filter}")).await, (json!(1), json!(7.5)), "{filter}");
        assert_eq!(
            count(&format!("filter: {filter}, includeInvalid: true")).await,
            (json!(2), json!(9.95)),
            "{filter}"
        );
    }
    assert_eq!(count(&format!("filter: {{not: {{{area}}}}}")).await, (json!(2), json!(12.4)), "its value counts");
    let listed = app.query(&format!("{{ measurements(filter: {{{area}}}) {{ totalCount }} }}")).await;
    assert_eq!(listed["measurements"]["totalCount"], json!(2), "lists have all that is stored");
}

#[tokio::test]
async fn sentinels_do_not_count_as_exposure() {
    let app = TestApp::new().await;
    let samples = (0..40).map(|n| {
        json!({
            "device": "bike", "measuredAt": at("2026-05-01T10:00:00Z") + TimeDelta::seconds(3 * n),
            "latitude": 52.2 + f64::from(i32::try_from(n).expect("few")) * 0.0002, "longitude": 0.12,
            "pm25": if n == 20 { -999 } else { 5 }, "pm10": if n == 20 { -999 } else { 10 },
        })
    });
    app.record(samples.collect()).await;
    let fields = "id count pm25 { mean max count } pm10 { mean count } points { pm25 }";
    let trip = async |arguments: &str| {
        let query = format!("{{ device(key: \"bike\") {{ trips({DAY}{arguments}) {{ nodes {{ {fields} }} }} }} }}");
        app.query(&query).await["device"]["trips"]["nodes"][0].clone()
    };
    let response = trip("").await;
    assert_eq!(response["count"], json!(40));
    assert_eq!(response["pm25"], json!({ "mean": 5.0, "max": 5.0, "count": 39 }));
    assert_eq!(response["pm10"], json!({ "mean": 10.0, "count": 39 }));
    assert_eq!((&response["points"][19]["pm25"], &response["points"][20]["pm25"]), (&json!(5.0), &json!(null)));
    let node = app.query(&format!("{{ node(id: {}) {{ ... on Trip {{ {fields} }} }} }}", response["id"])).await;
    assert_eq!(node["node"], response);

    let included = trip(", includeInvalid: true").await;
    assert_eq!((&included["pm25"]["count"], &included["points"][20]["pm25"]), (&json!(40), &json!(-999.0)));
    assert!(included["pm25"]["mean"].as_f64().is_some_and(|mean| mean < 0.0), "{included}");
}

/// Their squares exceed 64-bit floats.
#[tokio::test]
async fn statistics_include_invalid_values_of_any_size() {
    let app = TestApp::new().await;
    let values = [
        json!({ "weather": { "temperature": 1e300 } }),
        json!({ "weather": { "temperature": -1e300 } }),
        json!({ "weather": { "temperature": 5 } }),
    ];
    app.record(
        values
            .into_iter()
            .enumerate()
            .map(|(hour, value)| sample(1 + i64::try_from(hour).expect("few"), 0, value))
            .collect(),
    )
    .await;
    let fields = "temperature: quantity(of: TEMPERATURE) { count mean min max standardDeviation }";
    let response = statistics(&app, ", includeInvalid: true", fields).await;
    let temperature = &response[0]["temperature"];
    assert_eq!(
        (&temperature["count"], &temperature["min"], &temperature["max"]),
        (&json!(3), &json!(-1e300), &json!(1e300))
    );
    let number = |name: &str| temperature[name].as_f64().expect("a number");
    assert!(number("mean").abs() < 1e286 && (number("standardDeviation") / 1e300 - 1.0).abs() < 1e-9, "{temperature}");
    let valid = statistics(&app, "", fields).await;
    assert_eq!(
        valid[0]["temperature"],
        json!({ "count": 1, "mean": 5.0, "min": 5.0, "max": 5.0, "standardDeviation": null })
    );
}
