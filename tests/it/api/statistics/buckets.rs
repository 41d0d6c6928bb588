//! Buckets without measurements, labels of buckets, and intervals that the gateway chooses.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::{Value, json};

use super::filled;
use crate::support::{TestApp, statements::Statements};

/// One sample of one device.
async fn one_sample() -> TestApp {
    let app = TestApp::new().await;
    app.record(json!([{ "device": "bike", "measuredAt": "2026-03-29T04:30:00Z", "pm10": 7 }])).await;
    app.admin("mutation { registerDevice(input: {key: \"silent\", kind: FIXED}) { status } }", json!({})).await;
    app
}

async fn buckets(app: &TestApp, zone: &str, (from, to): (&str, &str), arguments: &str) -> Vec<Value> {
    let query = format!(
        "{{ statistics(filter: {{measuredAt: {{from: \"{from}\", to: \"{to}\"}}}}, timeZone: \"{zone}\", {arguments}) {{
            start startLocal end interval count coverage pm10 {{ count mean }} }} }}"
    );
    let by_http = app.graphql(None, &query, json!({})).await;
    assert_eq!(by_http, app.by_resolvers(&query).await, "{query}");
    by_http["data"]["statistics"].as_array().unwrap_or_else(|| panic!("{by_http}")).clone()
}

fn local(buckets: &[Value]) -> Vec<&str> {
    buckets.iter().map(|bucket| bucket["startLocal"].as_str().expect("a time")).collect()
}

#[tokio::test]
async fn days_with_clock_changes_have_a_bucket_for_each_local_hour() {
    let app = one_sample().await;
    let hours = "every: HOUR, fill: NULL";
    let spring = buckets(&app, "Europe/Berlin", ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"), hours).await;
    assert_eq!(spring.len(), 23);
    let first = ["2026-03-29T00:00:00+01:00", "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"];
    assert_eq!(local(&spring[..3]), first);
    let with_samples: Vec<_> = spring.iter().filter(|bucket| bucket["count"] != 0).collect();
    assert_eq!(
        with_samples,
        [
            &json!({ "start": "2026-03-29T04:00:00Z", "startLocal": "2026-03-29T06:00:00+02:00", "end": "2026-03-29T05:00:00Z",
            "interval": "HOUR", "count": 1, "coverage": 1.0, "pm10": { "count": 1, "mean": 7.0 } })
        ]
    );
    assert_eq!(
        spring[22],
        json!({ "start": "2026-03-29T21:00:00Z", "startLocal": "2026-03-29T23:00:00+02:00", "end": "2026-03-29T22:00:00Z",
            "interval": "HOUR", "count": 0, "coverage": 0.0, "pm10": { "count": 0, "mean": null } })
    );
    let autumn = buckets(&app, "Europe/Berlin", ("2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z"), hours).await;
    assert_eq!(autumn.len(), 25);
    assert_eq!(local(&autumn[2..4]), ["2025-10-26T02:00:00+02:00", "2025-10-26T02:00:00+01:00"]);
    let day =
        buckets(&app, "Europe/Berlin", ("2025-10-25T22:00:00Z", "2025-10-27T23:00:00Z"), "every: DAY, fill: NULL");
    assert_eq!(local(&day.await), ["2025-10-26T00:00:00+02:00", "2025-10-27T00:00:00+01:00"]);

    // Half an hour on Lord Howe Island, at two o'clock: an hour lasts an hour and a half.
    let halves = "every: THIRTY_MINUTES, fill: NULL";
    let spring = ("2025-10-04T14:30:00Z", "2025-10-04T17:00:00Z");
    assert_eq!(
        local(&buckets(&app, "Australia/Lord_Howe", spring, halves).await),
        [
            "2025-10-05T01:00:00+10:30",
            "2025-10-05T01:30:00+10:30",
            "2025-10-05T02:30:00+11:00",
            "2025-10-05T03:00:00+11:00",
            "2025-10-05T03:30:00+11:00",
        ]
    );
    let response = buckets(&app, "Australia/Lord_Howe", spring, hours).await;
    assert_eq!(local(&response), ["2025-10-05T01:00:00+10:30", "2025-10-05T03:00:00+11:00"]);
    let autumn = ("2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z");
    assert_eq!(
        local(&buckets(&app, "Australia/Lord_Howe", autumn, halves).await),
        [
            "2026-04-05T01:00:00+11:00",
            "2026-04-05T01:30:00+11:00",
            "2026-04-05T01:30:00+10:30",
            "2026-04-05T02:00:00+10:30",
            "2026-04-05T02:30:00+10:30",
        ]
    );
    let response = buckets(&app, "Australia/Lord_Howe", autumn, hours).await;
    assert_eq!(local(&response), ["2026-04-05T01:00:00+11:00", "2026-04-05T02:00:00+10:30"]);
}

#[tokio::test]
async fn fill_adds_the_empty_buckets_between() {
    let mut rng = ChaCha8Rng::seed_from_u64(90);
    let (app, _) = filled(&mut rng).await;
    let mut all_empty = 0;
    for zone in ["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"] {
        for (every, group) in [("HOUR", ""), ("DAY", "DEVICE"), ("THREE_HOURS", "CELL"), ("WEEK", "CELL, DEVICE")] {
            let query = |fill: &str| {
                format!("{{ statistics(filter: {{measuredAt: {{from: \"2025-03-27T10:20:00Z\", to: \"2025-04-07T08:00:00Z\"}}}},
                    every: {every}, timeZone: \"{zone}\", groupBy: [{group}], cellResolution: 5, fill: {fill}) {{
                    start startLocal end device {{ key }} cell count coverage pm25 {{ count mean percentile(p: 50) }} }} }}")
            };
            let sparse = app.query(&query("NONE")).await["statistics"].take();
            let full = app.query(&query("NULL")).await["statistics"].take();
            let (sparse, full) = (sparse.as_array().expect("a list"), full.as_array().expect("a list"));
            let with_samples: Vec<_> = full.iter().filter(|item| item["count"] != 0).collect();
            assert_eq!(
                with_samples.iter().map(|item| &item["start"]).collect::<Vec<_>>(),
                sparse.iter().map(|item| &item["start"]).collect::<Vec<_>>(),
                "{every} {group} {zone}"
            );
            assert!(super::is_same(&json!(with_samples), &json!(sparse)), "{every} {group} {zone}");
            all_empty += full.len() - sparse.len();
            // Each group has the same buckets, one after the other.
            let mut starts: Vec<_> = full.iter().map(|item| (item["start"].clone(), item["end"].clone())).collect();
            starts.dedup();
            assert!(starts.windows(2).all(|two| two[0].1 == two[1].0), "{every} {group} {zone}: {starts:?}");
            assert_eq!(full.len() % starts.len(), 0, "{every} {group} {zone}");
            let empty = full.iter().filter(|item| item["count"] == 0);
            for item in empty {
                assert_eq!(item["pm25"], json!({ "count": 0, "mean": null, "percentile": null }));
                assert_eq!(item["coverage"], 0.0);
            }
        }
    }
    assert!(all_empty > 300, "{all_empty} empty buckets are few");
}

#[tokio::test]
async fn named_devices_without_measurements_have_empty_buckets() {
    let app = one_sample().await;
    let span = "measuredAt: {from: \"2026-03-29T00:00:00Z\", to: \"2026-03-31T00:00:00Z\"}";
    let counts = async |filter: &str, group: &str| {
        let query = format!(
            "{{ statistics(filter: {{{span}{filter}}}, every: DAY, fill: NULL, groupBy: [{group}]) {{ device {{ key }} count }} }}"
        );
        let response = app.query(&query).await["statistics"].take();
        let item = |item: &Value| format!("{} {}", item["device"]["key"].as_str().unwrap_or("-"), item["count"]);
        response.as_array().expect("a list").iter().map(item).collect::<Vec<_>>()
    };
    assert_eq!(counts("", "DEVICE").await, ["bike 1", "bike 0"]);
    let both = ", devices: [\"silent\", \"bike\"]";
    assert_eq!(counts(both, "DEVICE").await, ["bike 1", "silent 0", "bike 0", "silent 0"]);
    assert_eq!(counts(", devices: [\"silent\"]", "").await, ["- 0", "- 0"]);
    assert_eq!(counts(both, "CELL").await, [""; 0], "no cell has a measurement");

    let statements = Statements::watch();
    let query = format!(
        "{{ devices {{ nodes {{ key statistics(filter: {{{span}}}, every: AUTO, maxBuckets: 3, fill: NULL) {{
        startLocal interval count pm10 {{ mean }} }} }} }} }}"
    );
    let (count, response) = statements.count(app.query(&query)).await;
    assert_eq!(count, 2);
    let day = |day: &str, count: i32, mean: Value| json!({ "startLocal": format!("2026-03-{day}T00:00:00+00:00"), "interval": "DAY", "count": count, "pm10": { "mean": mean } });
    let (bike, silent) = (
        json!([day("29", 1, json!(7.0)), day("30", 0, json!(null))]),
        json!([day("29", 0, json!(null)), day("30", 0, json!(null))]),
    );
    assert_eq!(
        response["devices"]["nodes"],
        json!([{ "key": "bike", "statistics": bike }, { "key": "silent", "statistics": silent }])
    );
    assert_eq!(app.graphql(None, &query, json!({})).await, app.by_resolvers(&query).await);
}

#[tokio::test]
async fn auto_chooses_the_shortest_interval_within_the_bucket_limit() {
    let app = one_sample().await;
    for (zone, from, to, max, interval, count) in [
        ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "23", "HOUR", 23),
        ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "22", "THREE_HOURS", 8),
        ("Europe/Berlin", "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z", "25", "HOUR", 25),
        ("Europe/Berlin", "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z", "24", "THREE_HOURS", 8),
        ("Australia/Lord_Howe", "2025-10-04T13:30:00Z", "2025-10-05T13:00:00Z", "47", "THIRTY_MINUTES", 47),
        ("UTC", "2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z", "null", "SIX_HOURS", 480),
        ("UTC", "2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z", "4", "MONTH", 4),
        ("UTC", "2026-01-01T00:30:00Z", "2026-01-01T00:31:00Z", "10000", "MINUTE", 1),
    ] {
        let arguments = format!("every: AUTO, maxBuckets: {max}, fill: NULL");
        let response = buckets(&app, zone, (from, to), &arguments).await;
        assert_eq!((response.len(), &response[0]["interval"]), (count, &json!(interval)), "{zone} {from} {max}");
    }
}

#[tokio::test]
async fn invalid_buckets_are_rejected_by_name() {
    let app = one_sample().await;
    let span = "filter: {measuredAt: {from: \"2020-01-01T00:00:00Z\", to: \"2026-01-01T00:00:00Z\"}}";
    let (one_day, month) = ("2026-03-29T00:00:00Z\", to: \"2026-03-30T00:00:00Z", "2026-03-01T00:00:00Z");
    for (question, argument, hint) in [
        (format!("statistics({span}, fill: NULL)"), "fill", "every"),
        (format!("statistics({span}, every: YEAR, fill: NULL, groupBy: [HOUR_OF_DAY])"), "fill", "HOUR_OF_DAY"),
        (format!("statistics({span}, every: YEAR, fill: NULL, groupBy: [DAY_OF_WEEK])"), "fill", "DAY_OF_WEEK"),
        (
            format!("statistics({span}, every: HOUR, fill: NULL)"),
            "every",
            "at most 10000 are allowed; SIX_HOURS would fit",
        ),
        (format!("statistics({span}, every: HOUR, maxBuckets: 7)"), "maxBuckets", "AUTO"),
        (format!("statistics({span}, maxBuckets: 7)"), "maxBuckets", "AUTO"),
        (format!("statistics({span}, every: AUTO, maxBuckets: 0)"), "maxBuckets", "between 1 and 10000"),
        (format!("statistics({span}, every: AUTO, maxBuckets: 10001)"), "maxBuckets", "between 1 and 10000"),
        (format!("statistics({span}, every: AUTO, maxBuckets: 5)"), "maxBuckets", "YEAR makes 6 buckets"),
        ("statistics(filter: {}, every: AUTO)".to_owned(), "filter.measuredAt.from", "every"),
        (
            format!(
                "statistics(filter: {{devices: [\"bike\", \"silent\"], {}}}, every: MINUTE, groupBy: [DEVICE], fill: NULL)",
                "measuredAt: {from: \"2026-03-22T00:00:00Z\", to: \"2026-03-28T22:00:00Z\"}"
            ),
            "",
            "",
        ),
    ] {
        let answer = app.graphql(None, &format!("{{ {question} {{ count }} }}"), json!({})).await;
        if argument.is_empty() {
            // 9960 minutes of two devices: 19,920 items are few enough.
            assert_eq!(answer["data"]["statistics"].as_array().map(Vec::len), Some(19_920));
            continue;
        }
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["argument"], argument, "{question}: {answer}");
        assert!(error["message"].as_str().expect("a message").contains(hint), "{question}: {answer}");
    }
    app.record(json!([{ "device": "third", "measuredAt": "2026-03-29T04:30:00Z", "pm10": 7 }])).await;
    let each = "{ devices { nodes { statistics(every: MINUTE, fill: NULL, filter: {measuredAt: {
        from: \"2026-03-22T00:00:00Z\", to: \"2026-03-28T22:00:00Z\"}}) { count } } } }";
    let answer = app.graphql(None, each, json!({})).await;
    assert!(answer["errors"][0]["message"].as_str().is_some_and(|text| text.contains("20000 items")), "{answer}");

    let indices = |arguments: &str| {
        format!("{{ device(key: \"bike\") {{ airQualityIndices(scale: US_EPA, {arguments}) {{ value }} }} }}")
    };
    for (arguments, argument) in [
        (format!("measuredAt: {{from: \"{month}\"}}, every: AUTO, maxBuckets: 1001"), "maxBuckets"),
        (format!("measuredAt: {{from: \"{one_day}\"}}, maxBuckets: 10"), "maxBuckets"),
    ] {
        let answer = app.graphql(None, &indices(&arguments), json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["argument"], argument, "{answer}");
    }
}

#[tokio::test]
async fn series_of_indices_has_the_labels_of_its_buckets() {
    let app = one_sample().await;
    let query = "{ device(key: \"bike\") { airQualityIndices(scale: EUROPEAN_AQI, every: AUTO, maxBuckets: 23, timeZone: \"Europe/Berlin\",
        measuredAt: {from: \"2026-03-28T23:00:00Z\", to: \"2026-03-29T22:00:00Z\"}) { value bucket { start startLocal end interval } }
        airQualityIndex(scale: US_EPA) { bucket { start } } } }";
    let response = app.query(query).await["device"].take();
    let series = response["airQualityIndices"].as_array().expect("a list");
    assert_eq!(series.len(), 23);
    assert_eq!(
        series[2],
        json!({ "value": null, "bucket": { "start": "2026-03-29T01:00:00Z", "startLocal": "2026-03-29T03:00:00+02:00",
            "end": "2026-03-29T02:00:00Z", "interval": "HOUR" } })
    );
    let known: Vec<_> = series.iter().filter(|index| !index["value"].is_null()).collect();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0]["bucket"]["startLocal"], "2026-03-29T06:00:00+02:00");
    assert_eq!(response["airQualityIndex"]["bucket"], Value::Null);
}
