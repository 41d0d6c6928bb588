//! The archive of finished months: complete whenever it is interrupted, and read back.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use rand::RngExt as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

use super::{export, parquet::rows, with_joined_flags};
use crate::{
    api::filters::conditions::fill,
    ops::cli::{output, text},
    support::{TestApp, empty_database, gateway::on},
};

/// Runs a command to its end; returns whether it succeeded, and its output.
pub(super) async fn run(options: &PgConnectOptions, arguments: &[&str]) -> (bool, String) {
    let output = output(on(options, arguments)).await;
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

pub(super) async fn archive(options: &PgConnectOptions, folder: &TempDir, more: &[&str]) -> (bool, String) {
    let folder = folder.path().to_str().expect("text");
    run(options, &[&["archive", "--to", folder], more].concat()).await
}

pub(super) fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("manifest.json")).expect("a manifest")).expect("JSON")
}

/// The files of a folder, by path.
pub(super) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(folder).expect("within").to_owned();
                found.insert(relative, fs::read(path).expect("a file"));
            }
        }
    }
    found
}

/// A gateway with three months of samples.
pub(super) async fn filled() -> (PgConnectOptions, TestApp) {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    let mut rng = ChaCha8Rng::seed_from_u64(16);
    fill(&app, &mut rng).await;
    let old = (0..200).map(|number| {
        json!({ "device": format!("b{}", number % 3), "measuredAt": format!("2026-0{}-{:02}T10:00:00Z", 1 + number % 2, 1 + number % 28),
                "pm25": f64::from(number) / 7.0, "weather": { "temperature": number }, "status": { "gpsUpdated": number % 2 == 0 } })
    });
    app.record(old.collect()).await;
    (options, app)
}

#[tokio::test]
async fn archive_holds_all_rows_of_finished_months_and_stays_as_it_is() {
    let (options, app) = filled().await;
    let folder = TempDir::new().expect("a folder");
    let (ok, text) = archive(&options, &folder, &[]).await;
    assert!(ok, "{text}");
    let written = files(folder.path());
    let names: Vec<_> = written.keys().filter(|path| path.extension().is_some_and(|it| it == "parquet")).collect();
    assert_eq!(
        names,
        [
            Path::new("year=2026/month=01/measurements-v1.parquet"),
            Path::new("year=2026/month=02/measurements-v1.parquet"),
            Path::new("year=2026/month=04/measurements-v1.parquet"),
            Path::new("year=2026/month=05/measurements-v1.parquet"),
        ]
    );
    // In the order of devices and times, with the values of an export.
    let archived: Vec<_> = names.iter().flat_map(|name| rows(&written[*name])).collect();
    let expected = super::ndjson(&export(&app, "measurements.ndjson", &[("columns", "all")]).await);
    let key = |row: &Value| (row["device"].to_string(), row["measured_at"].to_string(), row["pm10"].to_string());
    let sorted = |rows: Vec<Value>| {
        let mut rows: Vec<_> = rows.into_iter().map(with_joined_flags).collect();
        rows.sort_by_key(key);
        rows
    };
    let without_seq = archived.into_iter().map(|mut row| {
        assert!(row.remove("seq").is_some_and(|seq| seq.is_u64()));
        Value::Object(row)
    });
    assert_eq!(sorted(without_seq.collect()), sorted(expected));
    let april = rows(&written[names[2]]);
    let order: Vec<_> = april.iter().map(|row| (row["device"].to_string(), row["measured_at"].to_string())).collect();
    assert!(order.is_sorted(), "by device and time");

    let (ok, text) = archive(&options, &folder, &["--verify"]).await;
    assert!(ok && text.contains("2026-04: ") && !text.contains("changed"), "{text}");
    let (ok, text) = archive(&options, &folder, &[]).await;
    assert!(ok && !text.contains("written"), "{text}");
    assert_eq!(files(folder.path()), written, "nothing is written twice");
}

#[tokio::test]
async fn month_that_changes_gets_a_new_version_and_damage_is_found() {
    let (options, app) = filled().await;
    let folder = TempDir::new().expect("a folder");
    assert!(archive(&options, &folder, &[]).await.0);
    app.record(json!([{ "device": "b0", "measuredAt": "2026-02-03T00:00:00Z", "pm25": 1 }])).await;
    let (ok, text) = archive(&options, &folder, &["--verify"]).await;
    assert!(!ok && text.contains("2026-02: 100 rows: rows changed in the database"), "{text}");
    let (ok, text) = archive(&options, &folder, &[]).await;
    assert!(ok && text.contains("2026-02: 101 rows, written as version 2"), "{text}");
    let month = manifest(folder.path())["months"]["2026-02"].take();
    assert_eq!((&month["version"], &month["rows"]), (&json!(2), &json!(101)));
    assert_eq!(month["superseded"][0]["path"], "year=2026/month=02/measurements-v1.parquet");
    assert_eq!(month["devices"][0], json!({ "device": "b0", "licence": null, "attribution": null }));
    assert!(archive(&options, &folder, &["--verify"]).await.0);

    let file = folder.path().join("year=2026/month=02/measurements-v2.parquet");
    let mut bytes = fs::read(&file).expect("a file");
    bytes[100] ^= 1;
    fs::write(&file, bytes).expect("written");
    fs::remove_file(folder.path().join("year=2026/month=01/measurements-v1.parquet")).expect("removed");
    let (ok, text) = archive(&options, &folder, &["--verify"]).await;
    assert!(
        !ok && text.contains("2026-02: 101 rows: the file is not the one")
            && text.contains("2026-01: 100 rows: the file is missing"),
        "{text}"
    );
}

/// Default number of kills; `AIRGRAPH_ARCHIVE_KILLS` overrides it.
pub(super) const KILLS: u64 = 20;
/// A run on this little data ends within this time.
const MAX_RUN_MS: u64 = 800;

/// A new row in each month, so that the next run has something to write.
pub(super) async fn record_new_rows(app: &TestApp, round: u64) {
    let sample =
        |month: u32| json!({ "device": "b0", "measuredAt": format!("2026-0{month}-05T00:00:{round:02}Z"), "pm25": 1 });
    app.record([1, 2, 4].map(sample).to_vec().into()).await;
}

/// Starts a command and kills it at a random moment.
pub(super) async fn kill_during(command: &mut Command, rng: &mut ChaCha8Rng) {
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("airgraph starts");
    tokio::time::sleep(Duration::from_millis(rng.random_range(0..MAX_RUN_MS))).await;
    process.kill().expect("killed");
    process.wait().expect("a status");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archive_that_is_killed_is_completed_by_the_next_run() {
    let (options, app) = filled().await;
    let kills = std::env::var("AIRGRAPH_ARCHIVE_KILLS").map_or(KILLS, |count| count.parse().expect("a number"));
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    let folder = TempDir::new().expect("a folder");
    for round in 0..kills {
        record_new_rows(&app, round).await;
        kill_during(&mut on(&options, &["archive", "--to", folder.path().to_str().expect("text")]), &mut rng).await;
        if folder.path().join("manifest.json").exists() {
            let manifest = manifest(folder.path());
            for (month, entry) in manifest["months"].as_object().expect("months") {
                let path = folder.path().join(entry["path"].as_str().expect("a path"));
                let found = rows(&fs::read(path).expect("a file")).len();
                assert_eq!(json!(found), entry["rows"], "{month} after kill {round}");
            }
        }
    }
    let (ok, text) = archive(&options, &folder, &[]).await;
    assert!(ok, "{text}");
    let (ok, text) = archive(&options, &folder, &["--verify"]).await;
    assert!(ok, "{text}");
    let parts: Vec<_> =
        files(folder.path()).into_keys().filter(|path| path.extension().is_some_and(|it| it == "part")).collect();
    assert!(parts.is_empty(), "{parts:?}");
}

#[tokio::test]
async fn archive_is_imported_elsewhere() {
    let (options, app) = filled().await;
    let folder = TempDir::new().expect("a folder");
    assert!(archive(&options, &folder, &[]).await.0);
    let other_options = empty_database().await;
    let (ok, text) = run(&other_options, &["import", folder.path().to_str().expect("text")]).await;
    assert!(ok, "{text}");
    let other = TestApp::on(&other_options, true).await;
    let columns = [("columns", "device,measured_at,latitude,longitude,air,weather,ambient,motion,status")];
    assert_eq!(export(&other, "measurements.csv", &columns).await, export(&app, "measurements.csv", &columns).await);
    let (ok, text) = run(&other_options, &["import", folder.path().to_str().expect("text")]).await;
    assert!(ok && text.contains(" 0 recorded"), "importing again changes nothing: {text}");
}

#[tokio::test]
async fn command_line_writes_the_file_of_the_route() {
    let (options, app) = filled().await;
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("out.csv");
    let arguments = ["export", "measurements.csv", "device=bike-0", "from=2026-04-21T00:00:00Z", "--output"];
    let (ok, text) = run(&options, &[&arguments[..], &[path.to_str().expect("text")]].concat()).await;
    assert!(ok, "{text}");
    let expected = export(&app, "measurements.csv", &[("device", "bike-0"), ("from", "2026-04-21T00:00:00Z")]).await;
    assert_eq!(fs::read_to_string(&path).expect("a file"), expected);
    let (ok, text) = run(&options, &["export", "devices.ndjson"]).await;
    assert!(ok && text == export(&app, "devices.ndjson", &[]).await, "{text}");
    let (ok, text) = run(&options, &["export", "measurements.csv", "bbox=1"]).await;
    assert!(!ok && text.contains("bbox: must be west,south,east,north"), "{text}");
}
