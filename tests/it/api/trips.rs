//! Rides: cut from a device's samples, read again by their ids, and never from more samples than a request may read.

use airgraph::domain::position::Position;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{TestApp, at, statements::Statements};

const SPAN: &str = r#"measuredAt: {from: "2026-05-01T00:00:00Z", to: "2026-05-02T00:00:00Z"}"#;

/// A ride north through Cambridge at 5 m/s, a sample every three seconds from this number of seconds after ten o'clock.
fn ride(device: &str, first: i32, samples: i32) -> Vec<Value> {
    (0..samples)
        .map(|n| {
            let seconds = first + 3 * n;
            json!({
                "device": device,
                "measuredAt": (at("2026-05-01T10:00:00Z") + TimeDelta::seconds(seconds.into())).to_rfc3339(),
                "latitude": 52.2 + f64::from(seconds) * 5.0 / 111_195.0,
                "longitude": 0.12,
                "pm25": 5 + n % 2,
                "pm10": f64::from(10 + n) + 0.4,
            })
        })
        .collect()
}

async fn trips(app: &TestApp, device: &str, arguments: &str, fields: &str) -> Vec<Value> {
    let query =
        format!("query ($key: String!) {{ device(key: $key) {{ trips({arguments}) {{ nodes {{ {fields} }} }} }} }}");
    let response = app.query_with(&query, json!({ "key": device })).await;
    response["device"]["trips"]["nodes"].as_array().expect("trips").clone()
}

fn near(found: &Value, expected: f64) -> bool {
    found.as_f64().is_some_and(|found| (found - expected).abs() < 0.001 * expected)
}

#[tokio::test]
async fn samples_are_cut_into_rides_where_the_device_paused() {
    let app = TestApp::new().await;
    app.record(ride("bike", 0, 101).into()).await;
    app.record(ride("bike", 900, 21).into()).await;
    app.record(ride("other", 300, 200).into()).await;
    let fields = "device { key } start end duration distance speed movingSpeed count
        pm25 { mean max count } pm10 { mean max count }
        points(limit: 3) { latitude longitude measuredAt pm25 pm10 }";
    let found = trips(&app, "bike", SPAN, fields).await;
    assert_eq!(found.len(), 2, "{found:#?}");
    let [second, first] = &found[..] else { panic!("newest first: {found:#?}") };
    for (field, expected) in [
        ("device", json!({ "key": "bike" })),
        ("start", json!("2026-05-01T10:00:00Z")),
        ("end", json!("2026-05-01T10:05:00Z")),
        ("duration", json!(300.0)),
        ("count", json!(101)),
        ("pm25", json!({ "mean": 5.5, "max": 6.0, "count": 101 })),
        ("pm10", json!({ "mean": 60.4, "max": 110.4, "count": 101 })),
    ] {
        assert_eq!(first[field], expected, "{field}");
    }
    assert!(near(&first["distance"], 1500.0) && near(&first["speed"], 18.0) && near(&first["movingSpeed"], 18.0));
    let times: Vec<_> = first["points"].as_array().expect("points").iter().map(|point| &point["measuredAt"]).collect();
    assert_eq!(times, ["2026-05-01T10:00:00Z", "2026-05-01T10:02:30Z", "2026-05-01T10:05:00Z"]);
    assert_eq!((&first["points"][0]["pm25"], &first["points"][0]["pm10"]), (&json!(5.0), &json!(10.4)));
    assert_eq!((&second["start"], &second["count"]), (&json!("2026-05-01T10:15:00Z"), &json!(21)));

    assert_eq!(trips(&app, "bike", &format!("{SPAN}, maxGap: 600"), "id").await.len(), 1);
    assert_eq!(trips(&app, "bike", &format!("{SPAN}, first: 1"), "count").await, [json!({ "count": 21 })]);
    assert_eq!(trips(&app, "bike", &format!("{SPAN}, minDistance: 1000"), "id").await.len(), 1);
    let within = r#"measuredAt: {from: "2026-05-01T10:01:00Z", to: "2026-05-01T10:02:00Z"}"#;
    assert_eq!(trips(&app, "bike", within, "count").await, [json!({ "count": 20 })]);
    assert_eq!(trips(&app, "bike", "measuredAt: {}", "id").await.len(), 2);
}

#[tokio::test]
async fn trip_is_read_by_its_id() {
    let app = TestApp::new().await;
    app.record([ride("bike", 0, 50), ride("bike", 900, 50)].concat().into()).await;
    let fields = "id start end count distance pm25 { mean max count } points { latitude measuredAt }";
    let found = trips(&app, "bike", SPAN, fields).await;
    assert_eq!(found.len(), 2);
    let ids: Vec<_> = found.iter().map(|trip| trip["id"].clone()).collect();
    let query = format!("query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Trip {{ {fields} }} }} }}");
    let statements = Statements::watch();
    let (count, again) = statements.count(app.query_with(&query, json!({ "ids": ids }))).await;
    assert_eq!(again["nodes"], json!(found));
    assert_eq!(count, 1, "both by one statement");

    // Samples outside the ride change nothing, samples within it do, and without its ends the ride does not exist.
    app.record(ride("bike", 153, 5).into()).await;
    app.record(json!([{ "device": "bike", "measuredAt": "2026-05-01T10:00:01Z", "pm25": 5 }])).await;
    let query = "query ($id: ID!) { node(id: $id) { __typename ... on Trip { count } } }";
    let node = app.query_with(query, json!({ "id": ids[1] })).await;
    assert_eq!(node, json!({ "node": { "__typename": "Trip", "count": 51 } }));
    let gone = "delete from measurement where measured_at = '2026-05-01T10:00:00Z'";
    sqlx::query(gone).execute(&app.database.writes).await.expect("deleted");
    assert_eq!(app.query_with(query, json!({ "id": ids[1] })).await, json!({ "node": null }));
}

#[tokio::test]
async fn trip_filter_matches_the_samples_of_the_trip() {
    let app = TestApp::new().await;
    app.record([ride("bike", 0, 50), ride("bike", 900, 30), ride("other", 0, 100)].concat().into()).await;
    let ids: Vec<_> = trips(&app, "bike", SPAN, "id").await.into_iter().map(|trip| trip["id"].clone()).collect();
    let query = "query ($filter: MeasurementFilter) {
        measurements(filter: $filter, first: 1000) { nodes { device { key } measuredAt } }
        device(key: \"bike\") { measurements(filter: $filter) { totalCount } } }";
    for (id, count) in ids.iter().zip([30, 50]) {
        let response = app.query_with(query, json!({ "filter": { "trip": id } })).await;
        let nodes = response["measurements"]["nodes"].as_array().expect("nodes");
        assert!(
            nodes.len() == count && nodes.iter().all(|node| node["device"]["key"] == json!("bike")),
            "{response:#}"
        );
        assert_eq!(response["device"]["measurements"]["totalCount"], json!(count));
    }
    let both = json!({ "filter": { "or": [{ "trip": ids[0] }, { "trip": ids[1] }] } });
    assert_eq!(app.query_with(query, both).await["measurements"]["nodes"].as_array().map(Vec::len), Some(80));
    let neither = json!({ "filter": { "not": { "trip": ids[1] } } });
    assert_eq!(app.query_with(query, neither).await["measurements"]["nodes"].as_array().map(Vec::len), Some(130));

    let other = trips(&app, "other", SPAN, "id device { id }").await.remove(0);
    for (id, argument) in
        [(&json!("bike"), "filter.trip"), (&other["device"]["id"], "filter.trip"), (&other["id"], "filter.devices")]
    {
        let answer = app.graphql(None, query, json!({ "filter": { "trip": id } })).await;
        assert_eq!(answer["errors"][0]["extensions"]["argument"], json!(argument), "{answer}");
    }
}

#[tokio::test]
async fn rides_of_many_devices_are_one_statement() {
    let statements = Statements::watch();
    for devices in [1, 2, 40, 1000] {
        let app = TestApp::new().await;
        app.record(ride("bike-0", 0, 1).into()).await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "insert into device (key, kind, created_at) select 'bike-' || n, 'mobile', now() from generate_series(1, {devices} - 1) n;
             insert into measurement (device_id, measured_at, seq, flags, recorded_at, latitude, longitude, pm2_5)
             select device_id, timestamptz '2026-05-01 10:00Z' + s * interval '3 s', 0, 0, now(), 52 + s / 1000.0, 0.1, device_id / 10.0
             from device, generate_series(1, 20) s;
             insert into latest select device_id, max(measured_at), 0 from measurement group by device_id on conflict do nothing"
        )))
        .execute(&app.database.writes)
        .await
        .expect("filled");
        let query = format!(
            "{{ devices(first: 1000) {{ nodes {{ key trips({SPAN}, first: 2) {{ nodes {{ count pm25 {{ max }} }} }} }} }} }}"
        );
        let (count, response) = statements.count(app.query(&query)).await;
        let nodes = response["devices"]["nodes"].as_array().expect("nodes");
        assert_eq!(nodes.len(), usize::try_from(devices).expect("small"));
        assert!(nodes.iter().all(|node| node["trips"]["nodes"].as_array().is_some_and(|trips| trips.len() == 1)));
        let values: std::collections::HashSet<_> =
            nodes.iter().map(|node| node["trips"]["nodes"][0]["pm25"]["max"].to_string()).collect();
        assert_eq!(values.len(), nodes.len(), "each its own");
        assert_eq!(count, 2, "with {devices} devices");
    }
}

/// A device on one long ride through all of its samples, with a pause before the last 1000.
async fn filled(app: &TestApp, device: &str, samples: i32) {
    app.record(json!([{ "device": device, "measuredAt": "2026-05-01T00:00:00Z", "pm25": 5 }])).await;
    sqlx::query(
        "insert into measurement (device_id, measured_at, seq, flags, recorded_at, latitude, longitude)
         select device_id, timestamptz '2026-05-01 00:00Z' + n * interval '0.5 s' + case when n > $2 - 1000 then interval '1 h' else '0' end,
             0, 0, now(), 52.2 + n * 1e-5, 0.12
         from device, generate_series(1, $2) n where key = $1",
    )
    .bind(device)
    .bind(samples)
    .execute(&app.database.writes)
    .await
    .expect("stored");
}

#[tokio::test]
async fn newest_trips_are_listed_beyond_a_hundred_thousand_samples() {
    let app = TestApp::new().await;
    filled(&app, "bike", 100_500).await;
    let page = "measuredAt: {}) { nodes { count } pageInfo { hasNextPage } incompleteBefore }";
    let response = app.query(&format!("{{ device(key: \"bike\") {{ trips({page} }} }}")).await;
    let trips = &response["device"]["trips"];
    assert_eq!(trips["nodes"], json!([{ "count": 1000 }]), "the long one is not whole, so it is left out");
    assert_eq!(trips["pageInfo"]["hasNextPage"], json!(false));
    let before = trips["incompleteBefore"].as_str().expect("a time");
    let next = format!(
        "{{ device(key: \"bike\") {{ trips(measuredAt: {{to: \"{before}\"}}) {{ nodes {{ count }} incompleteBefore }} }} }}"
    );
    let whole = json!({ "nodes": [{ "count": 99_501 }], "incompleteBefore": null });
    assert_eq!(app.query(&next).await["device"]["trips"], whole);
    // Two lists of one request share the samples: 50,000 each, which hold the last ride.
    let both = format!(
        "{{ device(key: \"bike\") {{ a: trips({page} b: trips(maxGap: 299, {page} c: trips(includeInvalid: true, {page} }} }}"
    );
    let response = app.query(&both).await;
    for list in ["a", "b", "c"] {
        assert_eq!(response["device"][list]["nodes"], json!([{ "count": 1000 }]), "{list}");
        assert_eq!(response["device"][list]["incompleteBefore"], json!(before), "{list}");
    }
}

#[tokio::test]
async fn trips_of_a_device_are_paged_newest_first() {
    let app = TestApp::new().await;
    let rides: Vec<_> = (0..5).flat_map(|n| ride("bike", 900 * n, 20 + n)).collect();
    app.record(rides.into()).await;
    let mut counts = Vec::new();
    let mut after = json!(null);
    loop {
        let query = format!(
            "query ($after: String) {{ device(key: \"bike\") {{ trips({SPAN}, first: 2, after: $after) {{
            nodes {{ count }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        let mut page = app.query_with(&query, json!({ "after": after })).await["device"]["trips"].take();
        counts.extend(page["nodes"].as_array().expect("nodes").iter().map(|trip| trip["count"].clone()));
        after = page["pageInfo"]["endCursor"].take();
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    assert_eq!(json!(counts), json!([24, 23, 22, 21, 20]));
}

#[tokio::test]
async fn invalid_trip_arguments_are_rejected_by_name() {
    let app = TestApp::new().await;
    app.record(ride("bike", 0, 50).into()).await;
    for (arguments, argument) in [
        (format!("{SPAN}, maxGap: 0"), "maxGap"),
        (format!("{SPAN}, maxGap: 86401"), "maxGap"),
        (format!("{SPAN}, minDistance: -1"), "minDistance"),
        (format!("{SPAN}, first: -1"), "first"),
        (format!("{SPAN}, first: 1001"), "first"),
        (format!("{SPAN}, after: \"x\""), "after"),
        (r#"measuredAt: {from: "2026-05-02T00:00:00Z", to: "2026-05-01T00:00:00Z"}"#.to_owned(), "measuredAt"),
    ] {
        let query = format!(r#"{{ device(key: "bike") {{ trips({arguments}) {{ nodes {{ id }} }} }} }}"#);
        let answer = app.graphql(None, &query, json!({})).await;
        let expected = json!({ "code": "BAD_USER_INPUT", "argument": argument });
        assert_eq!(answer["errors"][0]["extensions"], expected, "{arguments}: {answer}");
    }
    for limit in [-1, 10_001] {
        let query = format!(
            r#"{{ device(key: "bike") {{ trips({SPAN}, first: 1) {{ nodes {{ points(limit: {limit}) {{ latitude }} }} }} }} }}"#
        );
        let answer = app.graphql(None, &query, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["argument"], json!("limit"), "{answer}");
    }
}

/// Reads a real track from the folder beside the repository; skipped where that is missing. It has no times: with a
/// sample every three seconds, like its logger, it leaps by some kilometres at four places, where rides were
/// concatenated.
#[tokio::test]
async fn real_track_is_cut_at_impossible_jumps() {
    let Ok(track) =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/cleancycle-track.csv"))
    else {
        println!("left out: ../shared/data/cleancycle-track.csv is not there");
        return;
    };
    let rows: Vec<Vec<f64>> = track
        .lines()
        .map(|line| line.split(',').map(|value| value.trim().parse().expect("a number")).collect())
        .collect();
    let app = TestApp::new().await;
    let samples: Vec<_> = (0..)
        .zip(&rows)
        .map(|(n, row)| {
            let time = at("2026-05-01T10:00:00Z") + TimeDelta::seconds(3 * n);
            json!({ "device": "bike-07", "measuredAt": time.to_rfc3339(), "latitude": row[0], "longitude": row[1], "pm10": row[2], "pm25": row[3] })
        })
        .collect();
    for some in samples.chunks(1000) {
        app.record(some.into()).await;
    }
    let fields =
        "count distance speed pm25 { mean max count } pm10 { mean max count } points(limit: 2000) { latitude }";
    let mut found = trips(&app, "bike-07", SPAN, fields).await;
    found.reverse();
    let place = |row: &Vec<f64>| Position::try_new(row[0], row[1]).expect("a place");
    let parts: Vec<_> = rows.chunk_by(|from, to| place(from).distance_m(place(to)) < 1000.0).collect();
    let counts = |trip: &Value| trip["count"].as_u64().and_then(|count| usize::try_from(count).ok());
    assert_eq!(found.iter().filter_map(counts).collect::<Vec<_>>(), [209, 109, 177, 433, 968]);
    for (trip, rows) in found.iter().zip(parts) {
        assert_eq!(trip["points"].as_array().map(Vec::len), Some(rows.len()), "every position can be trusted");
        let way: f64 = rows.windows(2).map(|pair| place(&pair[0]).distance_m(place(&pair[1]))).sum();
        assert!(near(&trip["distance"], way), "{way}");
        assert!(trip["speed"].as_f64().is_some_and(|speed| (10.0..40.0).contains(&speed)), "{}", trip["speed"]);
        // Samples at even steps: the trapezoidal rule is the mean with half of the first and of the last.
        for (field, column) in [("pm25", 3), ("pm10", 2)] {
            let values: Vec<_> = rows.iter().map(|row| row[column]).collect();
            let sum = values.iter().sum::<f64>() - f64::midpoint(values[0], values[rows.len() - 1]);
            let steps = f64::from(u32::try_from(rows.len() - 1).expect("few"));
            assert!(near(&trip[field]["mean"], sum / steps), "{field}");
            assert_eq!(trip[field]["max"].as_f64(), values.iter().copied().reduce(f64::max), "{field}");
        }
    }
}

async fn newest(app: &TestApp, arguments: &str) -> Value {
    let query = format!(
        "{{ trips({SPAN}, {arguments}) {{ nodes {{ id device {{ key }} start count }}
            pageInfo {{ hasNextPage hasPreviousPage endCursor }} incompleteBefore }} }}"
    );
    app.query(&query).await["trips"].take()
}

#[tokio::test]
async fn rides_of_several_devices_are_listed_newest_first_and_paged() {
    let app = TestApp::new().await;
    app.record(
        [ride("a", 0, 50), ride("a", 900, 30), ride("b", 0, 40), ride("b", 450, 20), ride("c", 60, 30)].concat().into(),
    )
    .await;
    let devices = "devices: [\"a\", \"b\", \"unknown\", \"a\"]";
    let whole = newest(&app, devices).await;
    let listed: Vec<_> =
        whole["nodes"].as_array().expect("nodes").iter().map(|trip| (&trip["device"]["key"], &trip["count"])).collect();
    assert_eq!(
        listed,
        [(&json!("a"), &json!(30)), (&json!("b"), &json!(20)), (&json!("b"), &json!(40)), (&json!("a"), &json!(50))]
    );
    assert_eq!(whole["incompleteBefore"], Value::Null);
    let mut found = Vec::new();
    let mut arguments = format!("{devices}, first: 1");
    loop {
        let page = newest(&app, &arguments).await;
        assert_eq!(page["pageInfo"]["hasPreviousPage"], json!(!found.is_empty()));
        found.extend(page["nodes"].as_array().expect("nodes").clone());
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        arguments = format!("{devices}, first: 1, after: {}", page["pageInfo"]["endCursor"]);
    }
    assert_eq!(json!(found), whole["nodes"]);
    assert_eq!(newest(&app, "devices: [\"unknown\"]").await["nodes"], json!([]));
}

/// A device with more samples than are read doesn't fail the request, and its newest ride is complete.
#[tokio::test]
async fn device_with_many_samples_does_not_hide_trips_of_others() {
    let app = TestApp::new().await;
    app.record([ride("busy", 0, 50), ride("calm", 600, 30)].concat().into()).await;
    sqlx::raw_sql(
        "insert into measurement (device_id, measured_at, seq, flags, recorded_at, latitude, longitude)
         select device_id, timestamptz '2026-05-01 00:00Z' + n * interval '0.5 s', 0, 0, now(), 52.2 + n * 1e-5, 0.12
         from device, generate_series(0, 59999) n where key = 'busy' on conflict do nothing",
    )
    .execute(&app.database.writes)
    .await
    .expect("stored");
    let response = newest(&app, "devices: [\"busy\", \"calm\"]").await;
    let found: Vec<_> = response["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|trip| (&trip["device"]["key"], &trip["count"]))
        .collect();
    assert_eq!(found, [(&json!("calm"), &json!(30)), (&json!("busy"), &json!(50))], "the partial one is left out");
    assert_eq!(response["incompleteBefore"], "2026-05-01T10:00:00Z");
    // The next page: the long ride as far as it was read.
    let query = "{ trips(devices: [\"busy\"], measuredAt: {to: \"2026-05-01T10:00:00Z\"}) { nodes { count } incompleteBefore } }";
    let response = app.query(query).await;
    assert_eq!(response["trips"], json!({ "nodes": [{ "count": 60_000 }], "incompleteBefore": null }));
}
