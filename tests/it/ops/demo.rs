//! `airgraph demo`: fills an empty database and stores nothing twice.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use anyhow::{Context as _, Result, ensure};

/// Runs the command on a private Postgres with its data in `data_dir`.
fn demo(data_dir: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airgraph"));
    command.arg("demo").args(arguments).stdin(Stdio::null());
    command.env("AIRGRAPH_DATA_DIR", data_dir).env_remove("DATABASE_URL").env_remove("POSTGRES_HOST");
    Ok(command.output()?)
}

/// Recorded samples and duplicates, from the one line on standard output.
fn counts(output: &Output) -> Result<(usize, usize)> {
    let (line, complaint) = (str::from_utf8(&output.stdout)?, str::from_utf8(&output.stderr)?);
    ensure!(output.status.success(), "{complaint}");
    ensure!(line.lines().count() == 1, "not one line: {line}");
    ensure!(line.starts_with("2 devices: "), "{line}");
    let words: Vec<_> = line.split_whitespace().collect();
    let before = |word| {
        let at = words.iter().position(|other| other.trim_end_matches(',') == word);
        words[at.with_context(|| format!("no {word}: {line}"))? - 1].parse().context("no number")
    };
    Ok((before("recorded")?, before("duplicates")?))
}

#[test]
fn second_demo_run_records_nothing_new() -> Result<()> {
    let parent = tempfile::tempdir()?;
    fs::set_permissions(parent.path(), Permissions::from_mode(0o755))?; // for the account that runs Postgres
    let data_dir = parent.path().join("data");
    let arguments = ["--bikes=1", "--stations=1", "--from=2026-05-01T00:00:00Z", "--days=1"];

    let (recorded, duplicates) = counts(&demo(&data_dir, &arguments)?)?;
    // A station's day, and at least two rides of ten minutes.
    assert!(recorded >= 288 + 2 * 200, "{recorded}");
    assert_eq!(duplicates, 0);

    assert_eq!(counts(&demo(&data_dir, &arguments)?)?, (0, recorded));
    Ok(())
}

#[test]
fn invalid_demo_arguments_are_rejected_in_one_line_before_start() -> Result<()> {
    let parent = tempfile::tempdir()?;
    let data_dir = parent.path().join("data");
    let cases: [(&[&str], &str); 3] = [
        (&["--bikes=0", "--stations=0"], "--bikes and --stations"),
        (&["--from=2999-01-01T00:00:00Z"], "--from: lies in the future"),
        (&["--from=1999-12-31T00:00:00Z"], "--from: nothing before 2000-01-01"),
    ];
    for (arguments, expected) in cases {
        let output = demo(&data_dir, arguments)?;
        let message = str::from_utf8(&output.stderr)?;
        assert!(!output.status.success() && message.lines().count() == 1 && message.contains(expected), "{message}");
    }
    assert!(!data_dir.exists(), "it left something behind");
    Ok(())
}
