//! Exported files as other programs read them: Python's csv, pyarrow and `DuckDB` from `PyPI`, in the environment that
//! `.ci/run` creates.

use std::{path::Path, process::Command};

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::Value;
use tempfile::TempDir;

use super::{export_bytes, ndjson, with_joined_flags};
use crate::{
    api::filters::conditions::fill,
    support::{TestApp, skipped},
};

pub(super) const PYTHON: &str = "target/python/bin/python";
/// Prints the rows that each reader finds as a line of JSON.
const SCRIPT: &str = "tests/it/export/read_files.py";

#[tokio::test]
async fn csv_and_parquet_are_read_by_python_pyarrow_and_duckdb() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let has_packages = Command::new(root.join(PYTHON)).args(["-c", "import duckdb, pyarrow"]).output();
    if !has_packages.is_ok_and(|found| found.status.success()) {
        return skipped("duckdb and pyarrow are not installed; .ci/run installs them in target/python");
    }
    let app = TestApp::new().await;
    fill(&app, &mut ChaCha8Rng::seed_from_u64(15)).await;
    let columns = [("columns", "device,measured_at,latitude,pm2_5,temperature,flags")];
    let folder = TempDir::new().expect("a folder");
    let write = async |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, export_bytes(&app, name, &columns).await).expect("written");
        path
    };
    let (csv, parquet) = (write("measurements.csv").await, write("measurements.parquet").await);
    let output =
        Command::new(root.join(PYTHON)).arg(root.join(SCRIPT)).args([&csv, &parquet]).output().expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ndjson = ndjson(&String::from_utf8(export_bytes(&app, "measurements.ndjson", &columns).await).expect("text"));
    let expected: Vec<_> = ndjson.into_iter().map(with_joined_flags).collect();
    let read: Vec<Value> = String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(read.len(), 3);
    for rows in &read {
        assert_eq!(rows["rows"].as_array().expect("rows").len(), 400, "{}", rows["reader"]);
        assert_eq!(rows["rows"], Value::from(expected.clone()), "{}", rows["reader"]);
    }
}
