//! Files of samples over HTTP: each line once, whatever overlaps, breaks off or comes twice.

use std::{collections::BTreeSet, fmt::Write as _, io, ops::Range, sync::Arc};

use airgraph::limits::{Limits, UploadLimits};
use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode, header},
};
use futures_util::future::join_all;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{RngSeed, TestRunner},
};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// Uploads a file with the admin key; returns the report.
async fn upload(app: &TestApp, query: &str, file: impl Into<Body>) -> Value {
    let answer = send(app, query, file).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

async fn send(app: &TestApp, query: &str, file: impl Into<Body>) -> Answer {
    let request = Request::post(format!("/ingest/csv?{query}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", app.admin))
        .header(header::CONTENT_TYPE, "text/csv");
    app.send(request.body(file.into()).expect("a request")).await
}

/// Lines, recorded, duplicates, rejected.
fn counts(report: &Value) -> [u64; 4] {
    [&report["lines"], &report["recorded"], &report["duplicates"], &report["rejected"]["count"]]
        .map(|count| count.as_u64().expect("a count"))
}

async fn count(app: &TestApp, what: &str) -> i64 {
    let query = format!("select count(*) from {what}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&app.database.reads).await.expect("a count")
}

/// A ride as an SD card stores it, a sample every three seconds from noon.
fn card(samples: Range<u32>) -> String {
    let mut file =
        "Counter,Latitude,Longitude,PM10,PM2.5,gpsUpdated,Speed,Altitude,Satellites,Date,Time,Millis,AccX,AccY,AccZ,\
                    Temperature,GyroX,GyroY,GyroZ,nAcc,BatteryVIN\nReference,,,,,,,,,,,,16384,0,0,,1,2,3,,\n"
            .to_owned();
    for n in samples {
        let (seconds, place) = (43_200 + 3 * n, f64::from(n) * 1e-5);
        let (day, hour, minute, second) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        writeln!(
            file,
            "{n},{:.6},{:.6},{}.{},{}.5,1,15.2,12.5,8,{},{},{},1.5,2.5,3.5,18.25,4,5,6,273,5.03",
            52.2 + place,
            0.1 + place,
            n % 40,
            n % 10,
            n % 30,
            20_260_410 + day,
            hour * 10_000 + minute * 100 + second,
            3000 * n,
        )
        .expect("a String takes it");
    }
    file
}

#[tokio::test]
async fn repeated_and_split_uploads_of_a_card_are_recorded_once() {
    let app = TestApp::new().await;
    let report = upload(&app, "device=bike-07", card(0..1500)).await;
    assert_eq!(report["rejected"]["lines"], json!([]));
    assert_eq!(counts(&report), [1500, 1500, 0, 0]);
    assert_eq!(counts(&upload(&app, "device=bike-07", card(0..1500)).await), [1500, 0, 1500, 0], "again");
    assert_eq!(counts(&upload(&app, "device=bike-07", card(1000..2500)).await), [1500, 1000, 500, 0], "overlapping");
    assert_eq!(counts(&upload(&app, "device=bike-08", card(0..100)).await), [100, 100, 0, 0], "another device");
    for table in ["measurement", "weather", "motion", "device_status"] {
        assert_eq!(count(&app, table).await, 2600, "{table}");
    }
    assert_eq!(count(&app, "uplink").await, 0, "a file is a record of its own");

    let query = r#"{ device(key: "bike-07") { kind latest { measuredAt latitude pm10 pm25 flags weather { temperature }
        motion { speed accelerationX } status { batteryVoltage uptime } } } }"#;
    assert_eq!(
        app.query(query).await["device"],
        json!({ "kind": "MOBILE", "latest": {
            "measuredAt": "2026-04-10T14:04:57Z", "latitude": 52.22499, "pm10": 19.9, "pm25": 9.5, "flags": ["LATE"],
            "weather": { "temperature": 18.25 }, "motion": { "speed": 15.2, "accelerationX": 1.5 },
            "status": { "batteryVoltage": 5.03, "uptime": 7_497_000.0 } } })
    );
}

#[tokio::test]
async fn file_in_parts_is_stored_like_the_whole() {
    let app = TestApp::new().await;
    upload(&app, "device=whole", card(0..900)).await;
    for part in 0..9 {
        upload(&app, "device=parts", card(100 * part..100 * (part + 1))).await;
    }
    for table in ["measurement", "weather", "motion", "device_status"] {
        let columns: Vec<String> = sqlx::query_scalar(
            "select format('%I.%I', table_name, column_name) from information_schema.columns where table_name = $1
             and column_name not in ('device_id', 'recorded_at')",
        )
        .bind(table)
        .fetch_all(&app.database.reads)
        .await
        .expect("columns");
        let columns = columns.join(", ");
        let of = |device: &str| {
            format!("select {columns} from {table} join device using (device_id) where key = '{device}'")
        };
        let different = format!(
            "(({} except {}) union all ({} except {})) as different",
            of("whole"),
            of("parts"),
            of("parts"),
            of("whole")
        );
        assert_eq!(count(&app, &different).await, 0, "{table}");
    }
    assert_eq!(count(&app, "measurement where cell is null or latitude is null or pm10 is null").await, 0);
}

#[tokio::test]
async fn dry_run_reports_and_stores_nothing() {
    let app = TestApp::new().await;
    let file = format!("{}not,a,line\n", card(0..600));
    let dry = upload(&app, "device=bike-07&dryRun=true", file.clone()).await;
    assert_eq!((count(&app, "measurement").await, count(&app, "device").await), (0, 0));
    let real = upload(&app, "device=bike-07", file).await;
    assert_eq!(dry["dryRun"], true);
    assert_eq!((counts(&dry), counts(&real)), ([601, 600, 0, 1], [601, 600, 0, 1]));
    assert_eq!(dry["rejected"], real["rejected"]);
    let overlapping = upload(&app, "device=bike-07&dryRun=true", card(500..700)).await;
    assert_eq!(counts(&overlapping), [200, 100, 100, 0]);
    assert_eq!(count(&app, "measurement").await, 600);
}

#[tokio::test]
async fn rejected_lines_are_named_up_to_a_thousand_and_counted_beyond() {
    let app = TestApp::new().await;
    let mut file = "time,pm10\n".to_owned();
    for n in 0..2500 {
        file.push_str(if n % 2 == 0 { "never,1\n" } else { "2026-04-01T10:00:00Z,1\n" });
    }
    file.push_str("2026-05-01T12:01:01Z,1\n1999-12-31T00:00:00Z,1\n");
    let report = upload(&app, "device=d", file).await;
    assert_eq!(counts(&report), [2502, 1, 1249, 1252]);
    let lines = report["rejected"]["lines"].as_array().expect("lines");
    assert_eq!(lines.len(), 1000);
    assert_eq!((&lines[1]["line"], &lines[1]["code"]), (&json!(4), &json!("INVALID_TIME")));
    assert!(lines[1]["detail"].as_str().is_some_and(|detail| detail.contains("\"never\"")), "{}", lines[1]);

    let ends = "time,pm10\n2026-05-01T12:01:01Z,1\n1999-12-31T00:00:00Z,1\n";
    let answer = send(&app, "device=d", ends).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "not one sample was stored");
    let body = answer.json();
    assert_eq!((&body["errors"][0]["code"], counts(&body["report"])), (&json!("NOTHING_RECORDED"), [2, 0, 0, 2]));
    let codes: Vec<_> =
        body["report"]["rejected"]["lines"].as_array().expect("lines").iter().map(|line| &line["code"]).collect();
    assert_eq!(codes, ["TIME_IN_THE_FUTURE", "TIME_TOO_EARLY"]);
}

#[tokio::test]
async fn invalid_uploads_are_rejected_with_a_reason() {
    let app = TestApp::new().await;
    for (query, file, code, hint) in [
        ("", "time,pm10\n", "MISSING_DEVICE", "device option"),
        ("device=%20x", "time,pm10\n", "BAD_USER_INPUT", "device: "),
        ("device=d&columns=x", "time,pm10\n", "BAD_USER_INPUT", "columns: "),
        ("device=d&date=never", "time,pm10\n", "BAD_REQUEST", "date"),
        ("device=d&devise=d", "time,pm10\n", "BAD_REQUEST", "devise"),
        ("device=d", "", "EMPTY_FILE", "nothing"),
        ("device=d", "\u{1f}\u{8b}\u{8}", "UNKNOWN_HEADER", "CleanCycle"),
    ] {
        let answer = send(&app, query, file).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {}", answer.text);
        let error = &answer.json()["errors"][0];
        assert_eq!(error["code"], code, "{query}");
        assert!(error["detail"].as_str().is_some_and(|detail| detail.contains(hint)), "{error}");
    }
    let no_key = app.send(Request::post("/ingest/csv?device=d").body(Body::empty()).expect("a request")).await;
    assert_eq!(no_key.status, StatusCode::UNAUTHORIZED);
    assert_eq!(count(&app, "device").await, 0);
}

#[tokio::test]
async fn device_bound_key_uploads_for_its_device() {
    let app = TestApp::new().await;
    upload(&app, "device=mine", "time,pm10\n2026-04-01T10:00:00Z,1\n").await;
    let made = app.admin(
        r#"mutation { createApiKey(input: { name: "Mine", role: SENSOR, deviceKey: "mine" }) { key } }"#,
        json!({}),
    );
    let key = made.await["createApiKey"]["key"].as_str().expect("a key").to_owned();
    let file = "time,device,pm10\n2026-04-01T11:00:00Z,,1\n2026-04-01T11:00:00Z,yours,1\n";
    // In the path, for clients that can't set a header.
    let request = Request::post(format!("/key/{key}/ingest/csv")).body(Body::from(file)).expect("a request");
    let answer = app.send(request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(counts(&answer.json()), [2, 1, 0, 1]);
    assert_eq!(answer.json()["rejected"]["lines"][0]["code"], "FORBIDDEN");
    let other = app.post(&format!("/key/{key}/ingest/csv?device=yours"), None, file).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn interrupted_upload_stores_whole_lines_and_can_be_repeated() {
    let app = TestApp::new().await;
    let whole = card(0..25_000);
    let cut = whole.len() / 10 * 9;
    assert_ne!(whole.as_bytes()[cut - 1], b'\n');
    let pieces = whole.as_bytes()[..cut].chunks(1 << 16).map(|piece| Ok(Bytes::copy_from_slice(piece)));
    let broken = pieces.chain([Err(io::Error::from(io::ErrorKind::ConnectionReset))]).collect::<Vec<_>>();
    let answer = send(&app, "device=bike-07", Body::from_stream(futures_util::stream::iter(broken))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let response = answer.json();
    let [_, recorded, ..] = counts(&response["report"]);
    assert_eq!(count(&app, "measurement").await, i64::try_from(recorded).expect("small"), "{response}");
    assert_eq!(recorded, 20_000, "the chunks before the break");
    let report = upload(&app, "device=bike-07", whole).await;
    assert_eq!(counts(&report), [25_000, 5_000, 20_000, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn file_uploaded_concurrently_is_stored_once() {
    let uploads = UploadLimits { max_per_key: 4, ..UploadLimits::default() };
    let app = Arc::new(TestApp::with_limits(Limits { uploads, ..Limits::default() }).await);
    let file = card(0..12_000);
    let uploads = (0..4).map(|_| {
        let (app, file) = (app.clone(), file.clone());
        tokio::spawn(async move { counts(&upload(&app, "device=bike-07", file).await) })
    });
    let reports: Vec<_> = join_all(uploads).await.into_iter().map(|counts| counts.expect("no panic")).collect();
    assert_eq!(reports.iter().map(|counts| counts[1]).sum::<u64>(), 12_000, "{reports:?}");
    assert!(reports.iter().all(|counts| counts[1] + counts[2] == 12_000), "{reports:?}");
    assert_eq!(count(&app, "measurement").await, 12_000);
}

/// Files of random lines, with repetitions, in any order, of several devices and different contents at one time.
#[tokio::test]
async fn random_files_are_stored_once_and_latest_is_true() {
    let app = TestApp::new().await;
    let line = (0..3_u8, 0..4000_u32, 0..2_u8);
    let files = proptest::collection::vec(proptest::collection::vec(line, 300..1500), 12);
    let config = ProptestConfig { rng_seed: RngSeed::Fixed(20_261_124), ..ProptestConfig::default() };
    let files = files.new_tree(&mut TestRunner::new(config)).expect("input").current();
    let (mut expected, mut recorded) = (BTreeSet::new(), 0);
    for mut lines in files {
        if expected.is_empty() {
            lines.sort_by_key(|&(device, second, _)| (device, second)); // one in order, as loggers write them
        }
        let mut file = "device,time,pm10\n".to_owned();
        for (device, second, pm10) in &lines {
            expected.insert((*device, *second, *pm10));
            let time = format!("2026-04-30T{:02}:{:02}:{:02}Z", 22 + second / 3600, second / 60 % 60, second % 60);
            writeln!(file, "d{device},{time},{pm10}").expect("a String takes it");
        }
        let [samples, new, duplicates, rejected] = counts(&upload(&app, "", file).await);
        assert_eq!((samples, new + duplicates, rejected), (lines.len() as u64, lines.len() as u64, 0));
        recorded += new;
        assert_eq!(recorded, expected.len() as u64);
    }
    assert_eq!(count(&app, "measurement").await, i64::try_from(expected.len()).expect("small"));
    let wrong = "(select device_id, max((measured_at, seq)::text) from measurement group by device_id
                  except select device_id, (measured_at, seq)::text from latest) as wrong";
    assert_eq!(count(&app, wrong).await, 0);
    let gaps = "(select from measurement group by device_id, measured_at having max(seq) + 1 <> count(*)) as gaps";
    assert_eq!(count(&app, gaps).await, 0);
}

/// Reads a real backup from the folder beside the repository; skipped where that is missing. The decoder's own tests use
/// a synthetic line.
#[tokio::test]
async fn real_backup_is_recorded_once() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/cleancycle-backup.csv");
    let Ok(file) = std::fs::read_to_string(path) else {
        println!("left out: ../shared/data/cleancycle-backup.csv is not there");
        return;
    };
    let app = TestApp::new().await;
    let report = upload(&app, "device=bike-01", file.clone()).await;
    assert_eq!((counts(&report), &report["ignored"]), ([4, 4, 0, 0], &json!(["Start", "uuid"])));
    assert_eq!(counts(&upload(&app, "device=bike-01", file.clone()).await), [4, 0, 4, 0]);
    let query =
        r#"{ device(key: "bike-01") { measurements(orderBy: MEASURED_AT_ASC) { nodes { measuredAt pm25 } } } }"#;
    assert_eq!(
        app.query(query).await["device"]["measurements"]["nodes"],
        json!([
            { "measuredAt": "2004-10-24T19:05:38Z", "pm25": 25.8 },
            { "measuredAt": "2004-10-24T19:05:41Z", "pm25": 26.5 },
            { "measuredAt": "2004-10-24T19:05:48Z", "pm25": 26.4 },
            { "measuredAt": "2004-10-24T19:05:51Z", "pm25": 26.4 },
        ])
    );
    let report = upload(&app, "device=bike-01&date=2024-06-09", file).await;
    assert_eq!(counts(&report), [4, 4, 0, 0], "other days");
    let latest = app.query(r#"{ device(key: "bike-01") { latest { measuredAt } } }"#).await;
    assert_eq!(latest["device"]["latest"]["measuredAt"], "2024-06-09T19:05:51Z");
}
