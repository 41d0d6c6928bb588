//! `airgraph demo`: fills an empty database and stores nothing twice.

use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::ConnectOptions as _;

use crate::support::{
    empty_database,
    gateway::{DEADLINE, on},
};

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
    // A station's day, and at least two rides of ten minutes, without what is lost.
    assert!(recorded >= (288 + 2 * 200) * 9 / 10, "{recorded}");
    assert!(duplicates > 0, "some samples are sent twice");

    assert_eq!(counts(&demo(&data_dir, &arguments)?)?, (0, recorded + duplicates));
    Ok(())
}

#[test]
fn invalid_demo_arguments_are_rejected_in_one_line_before_start() -> Result<()> {
    let parent = tempfile::tempdir()?;
    let data_dir = parent.path().join("data");
    let cases: [(&[&str], &str); 5] = [
        (&["--bikes=0", "--stations=0"], "--bikes and --stations"),
        (&["--from=2999-01-01T00:00:00Z"], "--from: lies in the future"),
        (&["--from=1999-12-31T00:00:00Z"], "--from: nothing before 2000-01-01"),
        (&["--live", "--stations=200"], "--live: at most 200 devices"),
        (&["--live", "--from=2026-05-01T00:00:00Z", "--days=1"], "--live: the days from --from must reach the present"),
    ];
    for (arguments, expected) in cases {
        let output = demo(&data_dir, arguments)?;
        let message = str::from_utf8(&output.stderr)?;
        assert!(!output.status.success() && message.lines().count() == 1 && message.contains(expected), "{message}");
    }
    assert!(!data_dir.exists(), "it left something behind");
    Ok(())
}

#[tokio::test]
async fn a_live_demo_goes_on_sending_until_it_is_stopped() {
    let options = empty_database().await;
    // A sample about every five seconds.
    let mut command = on(&options, &["demo", "--live", "--days=1", "--bikes=0", "--stations=60"]);
    let mut process = command.stdout(Stdio::piped()).spawn().expect("airgraph starts");
    let mut lines = BufReader::new(process.stdout.take().expect("its standard output")).lines();
    let (filled, mut lines) = tokio::task::spawn_blocking(move || {
        let filled = lines.by_ref().map_while(Result::ok).take_while(|line| !line.starts_with("sending in real time"));
        (filled.collect::<Vec<_>>(), lines)
    })
    .await
    .expect("no panic");
    assert!(filled.len() == 1 && filled[0].starts_with("60 devices: "), "{filled:?}");

    let mut database = options.connect().await.expect("a connection");
    let since = Instant::now();
    let count = "select count(*) from measurement";
    let before: i64 = sqlx::query_scalar(count).fetch_one(&mut database).await.expect("a count");
    while sqlx::query_scalar::<_, i64>(count).fetch_one(&mut database).await.expect("a count") == before {
        assert!(since.elapsed() < DEADLINE, "nothing was sent");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    kill(Pid::from_raw(i32::try_from(process.id()).expect("a pid")), Signal::SIGINT).expect("a signal");
    let status = tokio::task::spawn_blocking(move || process.wait()).await.expect("no panic").expect("a status");
    assert!(status.success());
    let last = lines.next().expect("a line").expect("text");
    assert!(last.ends_with("samples sent in real time"), "{last}");
}
