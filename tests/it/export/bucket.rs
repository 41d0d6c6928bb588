//! The archive in a bucket of object storage: moto from `PyPI`, in the environment that `.ci/run` creates.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use tempfile::TempDir;

use super::{
    archive::{KILLS, archive, files, filled, kill_during, manifest, record_new_rows},
    export,
    parquet::rows,
    prune::{ROWS, count_rows_before_march, dump, kept_months, trim_feed, wait_until},
    readers::PYTHON,
};
use crate::{
    ops::cli::{output, text},
    support::{TestApp, empty_database, free_port, gateway::on, skipped},
};

const SCRIPT: &str = "tests/it/export/object_storage.py";
/// The archive of a test.
const URL: &str = "s3://archive/air/quality";

/// A server with an empty bucket. It ends with its standard input.
struct ObjectStorage {
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    port: u16,
}

impl ObjectStorage {
    /// `None` without the packages that it needs.
    fn start() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = || Command::new(root.join(PYTHON));
        let has_packages = python().args(["-c", "import boto3, flask, flask_cors, moto"]).output();
        if !has_packages.is_ok_and(|found| found.status.success()) {
            skipped("moto is not installed; .ci/run installs it in target/python");
            return None;
        }
        let mut command = python();
        command.arg(root.join(SCRIPT)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("python starts");
        let stdin = process.stdin.take();
        let stdout = BufReader::new(process.stdout.take().expect("its standard output"));
        let mut storage = Self { process, stdin, stdout, port: 0 };
        storage.port = storage.read_line().parse().expect("a port");
        Some(storage)
    }

    fn read_line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.stdout.read_line(&mut line).expect("a line"), 0, "the object storage ended");
        line.trim().to_owned()
    }

    fn run(&mut self, command: &str) -> String {
        let stdin = self.stdin.as_mut().expect("its standard input");
        writeln!(stdin, "{command}").expect("written");
        self.read_line()
    }

    /// All objects of the archive, in a folder.
    fn copy(&mut self) -> TempDir {
        let folder = TempDir::new().expect("a folder");
        self.run(&format!("copy {}", folder.path().display()));
        folder
    }

    fn put(&mut self, key: &str, bytes: &[u8]) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), bytes).expect("written");
        self.run(&format!("put air/quality/{key} {}", file.path().display()));
    }

    /// The program with the settings of the storage.
    fn command(&self, options: &PgConnectOptions, arguments: &[&str]) -> Command {
        on_storage(options, self.port, arguments)
    }

    /// Runs a command to its end; returns whether it succeeded, and its output.
    async fn airgraph(&self, options: &PgConnectOptions, arguments: &[&str]) -> (bool, String) {
        outcome(self.command(options, arguments)).await
    }
}

impl Drop for ObjectStorage {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.process.wait();
    }
}

async fn outcome(command: Command) -> (bool, String) {
    let output = output(command).await;
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

fn on_storage(options: &PgConnectOptions, port: u16, arguments: &[&str]) -> Command {
    let mut command = on(options, arguments);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    command
}

/// The folder of the archive in a copy of the bucket.
fn archive_folder(copy: &TempDir) -> PathBuf {
    copy.path().join("air/quality")
}

/// The entries of the months without what differs between storages and runs.
fn entries(manifest: &Value) -> Vec<Value> {
    let months = manifest["months"].as_object().expect("months").values().cloned();
    let entry = |mut entry: Value| {
        let members = entry.as_object_mut().expect("an object");
        members.retain(|name, _| name != "path" && name != "writtenAt");
        entry
    };
    months.map(entry).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bucket_holds_the_archive_of_a_folder_and_is_verified_and_imported() {
    let Some(mut storage) = ObjectStorage::start() else { return };
    let (options, app) = filled().await;
    let folder = TempDir::new().expect("a folder");
    assert!(archive(&options, &folder, &[]).await.0);
    let (ok, text) = storage.airgraph(&options, &["archive", "--to", URL]).await;
    assert!(ok && text.contains("2026-02: 100 rows, written as version 1"), "{text}");
    let copy = storage.copy();
    let (in_folder, in_bucket) = (manifest(folder.path()), manifest(&archive_folder(&copy)));
    assert_eq!(entries(&in_bucket), entries(&in_folder));
    let written = files(copy.path());
    assert_eq!(written.len(), 5, "{:?}", written.keys());
    assert_eq!(storage.run("count-uploads"), "0");
    for entry in in_bucket["months"].as_object().expect("months").values() {
        let (path, sha256) = (entry["path"].as_str().expect("a path"), entry["sha256"].as_str().expect("a hash"));
        assert!(path.ends_with(&format!("-v1-{}.parquet", &sha256[..16])), "{path}");
    }

    let (ok, text) = storage.airgraph(&options, &["archive", "--to", URL]).await;
    assert!(ok && !text.contains("written"), "{text}");
    let unchanged = storage.copy();
    assert_eq!(files(unchanged.path()), written, "nothing is written twice");
    let (ok, text) = storage.airgraph(&options, &["archive", "--to", URL, "--verify"]).await;
    assert!(ok && text.contains("2026-02: 100 rows: correct"), "{text}");

    let other_options = empty_database().await;
    let (ok, text) = storage.airgraph(&other_options, &["import", URL]).await;
    assert!(ok, "{text}");
    let other = TestApp::on(&other_options, true).await;
    let columns = [("columns", "device,measured_at,latitude,longitude,air,weather,ambient,motion,status")];
    assert_eq!(export(&other, "measurements.csv", &columns).await, export(&app, "measurements.csv", &columns).await);

    let path = |month: &str| in_bucket["months"][month]["path"].as_str().expect("a path").to_owned();
    let mut bytes = written[&Path::new("air/quality").join(path("2026-01"))].clone();
    bytes[100] ^= 1;
    storage.put(&path("2026-01"), &bytes);
    storage.run(&format!("delete air/quality/{}", path("2026-02")));
    let (ok, text) = storage.airgraph(&options, &["archive", "--to", URL, "--verify"]).await;
    assert!(
        !ok && text.contains("2026-01: 100 rows: the file is not the one")
            && text.contains("2026-02: 100 rows: the file is missing"),
        "{text}"
    );
    let (ok, text) = storage.airgraph(&empty_database().await, &["import", URL]).await;
    assert!(!ok && text.contains("measurements-v1-") && text.contains("not as the manifest says"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn month_that_is_only_in_a_bucket_is_restored_from_it() {
    let Some(storage) = ObjectStorage::start() else { return };
    let (options, app) = filled().await;
    let mut db = options.connect().await.expect("a connection");
    trim_feed(&app).await;
    let before = dump(&mut db, &ROWS).await;
    let (ok, text) =
        storage.airgraph(&options, &["archive", "--to", URL, "--prune", "--keep-months", &kept_months()]).await;
    assert!(ok && text.contains("2026-01: 100 rows: removed") && text.contains("2026-02: 100 rows: removed"), "{text}");
    assert_eq!(count_rows_before_march(&mut db).await, 6);
    let (ok, text) = storage.airgraph(&options, &["import", URL]).await;
    assert!(ok && text.contains("2026-01 restored: 100 measurements, 97 of them inserted"), "{text}");
    assert_eq!(dump(&mut db, &ROWS).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archive_in_a_bucket_that_is_killed_is_completed_by_the_next_run() {
    let Some(mut storage) = ObjectStorage::start() else { return };
    let (options, app) = filled().await;
    let mut rng = ChaCha8Rng::seed_from_u64(18);
    for round in 0..KILLS {
        record_new_rows(&app, round).await;
        kill_during(&mut storage.command(&options, &["archive", "--to", URL]), &mut rng).await;
        let copy = storage.copy();
        let folder = archive_folder(&copy);
        if folder.join("manifest.json").exists() {
            let manifest = manifest(&folder);
            for (month, entry) in manifest["months"].as_object().expect("months") {
                let path = folder.join(entry["path"].as_str().expect("a path"));
                let found = rows(&fs::read(path).expect("a file")).len();
                assert_eq!(json!(found), entry["rows"], "{month} after kill {round}");
            }
        }
    }
    // As a run leaves it that is killed after an upload, before rows change.
    storage.put("year=2026/month=01/measurements-v1-0123456789abcdef.parquet", b"PAR1");
    let (ok, text) = storage.airgraph(&options, &["archive", "--to", URL]).await;
    assert!(ok, "{text}");
    let (ok, text) = storage.airgraph(&options, &["archive", "--to", URL, "--verify"]).await;
    assert!(ok, "{text}");
    let copy = storage.copy();
    let manifest = manifest(&archive_folder(&copy));
    let months = manifest["months"].as_object().expect("months").values();
    let superseded = |entry: &Value| entry["superseded"].as_array().expect("files").clone();
    let files_of = |entry: &Value| superseded(entry).into_iter().chain([entry.clone()]).collect::<Vec<_>>();
    let mut named: Vec<_> =
        months.flat_map(files_of).map(|file| PathBuf::from(file["path"].as_str().expect("a path"))).collect();
    named.push("manifest.json".into());
    named.sort();
    assert_eq!(files(&archive_folder(&copy)).into_keys().collect::<Vec<_>>(), named, "no other object stays");
}

async fn is_waiting_for_a_lock(db: &mut PgConnection) -> bool {
    let waiting =
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    sqlx::query_scalar(waiting).fetch_one(db).await.expect("a boolean")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archiver_does_not_overwrite_the_manifest_of_another() {
    let Some(mut storage) = ObjectStorage::start() else { return };
    let (options, _app) = filled().await;
    let mut db = options.connect().await.expect("a connection");
    let mut holder = options.connect().await.expect("a connection");
    // First without a manifest, then with one.
    for table in ["first", "second"] {
        let mut lock = holder.begin().await.expect("a transaction");
        sqlx::raw_sql("lock table measurement").execute(&mut *lock).await.expect("locked");
        let process = tokio::spawn(outcome(storage.command(&options, &["archive", "--to", URL])));
        wait_until(async || is_waiting_for_a_lock(&mut db).await).await;
        let other =
            json!({ "format": "airgraph-archive", "formatVersion": 2, "table": table, "months": {} }).to_string();
        storage.put("manifest.json", other.as_bytes());
        lock.rollback().await.expect("the end of the transaction");
        let (ok, text) = process.await.expect("no panic");
        assert!(!ok && text.contains(&format!("{URL}: another `airgraph archive` wrote there meanwhile")), "{text}");
        let copy = storage.copy();
        assert_eq!(manifest(&archive_folder(&copy))["table"], table);
    }
    let (ok, text) = storage.airgraph(&options, &["archive", "--to", URL]).await;
    assert!(ok && text.contains("2026-01: 100 rows, written as version 1"), "{text}");
}

/// Number of lines that are not about retries.
fn error_lines(text: &str) -> usize {
    text.trim().lines().filter(|line| !line.contains(" INFO ")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_a_bucket_are_one_line_that_names_it() {
    let Some(mut storage) = ObjectStorage::start() else { return };
    let options = empty_database().await;
    for (url, expected) in [
        ("s3://", "s3://: must be s3://bucket/prefix"),
        ("s3://archive/a//b", "s3://archive/a//b: Path \"a//b\" contained empty path segment"),
        ("gs://archive", "gs://archive: must be a folder or s3://bucket/prefix"),
        ("s3://other/air", "s3://other/air: the bucket does not exist\n"),
    ] {
        let (ok, text) = storage.airgraph(&options, &["archive", "--to", url]).await;
        assert!(!ok && text.contains(expected) && error_lines(&text) == 1, "{text}");
    }
    for arguments in [["archive", "--verify", "--to", URL].as_slice(), &["import", URL]] {
        let (ok, text) = storage.airgraph(&options, arguments).await;
        assert!(!ok && text.contains(&format!("{URL}: no archive: there is no manifest.json")), "{text}");
    }
    let (ok, text) = outcome(on_storage(&options, free_port(), &["archive", "--to", URL])).await;
    assert!(!ok && text.contains("Connection refused") && error_lines(&text) == 1, "{text}");
    storage.run("require-authentication");
    let (ok, text) = storage.airgraph(&options, &["archive", "--to", URL]).await;
    assert!(!ok && text.contains(&format!("{URL}: access denied")) && error_lines(&text) == 1, "{text}");
    assert!(text.contains("InvalidAccessKeyId"), "{text}");
}
