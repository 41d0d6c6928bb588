//! `airgraph import`, run as a process.

use std::{
    fs,
    io::Write as _,
    process::{Command, Output, Stdio},
};

use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};

use crate::support::empty_database;

fn import(options: &PgConnectOptions, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airgraph"));
    command.args(["--log", "warn", "import"]).args(arguments).stdin(Stdio::null());
    command.env("DATABASE_URL", options.to_url_lossy().as_str());
    command
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().expect("airgraph runs")).await.expect("no panic")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test]
async fn files_are_imported_once_and_each_invalid_line_is_reported() {
    let (options, folder) = (empty_database().await, tempfile::tempdir().expect("a folder"));
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    fs::write(path("one.csv"), "time,pm10,mood\n2026-04-01T10:00:00Z,1,good\nnever,2,bad\n").expect("written");
    fs::write(path("two.csv"), "time,device,pm10\n2026-04-01T10:00:00Z,,1\n2026-04-01T10:00:00Z,other,3\n")
        .expect("written");
    let (one, two) = (path("one.csv"), path("two.csv"));
    let arguments = ["--device=balcony", &one, &two];

    let dry = run(import(&options, &[&["--dry-run"], &arguments[..]].concat())).await;
    assert!(dry.status.success(), "{}", text(&dry.stderr));
    assert!(text(&dry.stdout).starts_with(&format!("{one}: 2 lines: 1 would be recorded, 0 duplicates, 1 rejected\n")));
    for recorded in [1, 0] {
        let output = run(import(&options, &arguments)).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        let expected = format!(
            "{one}: 2 lines: {recorded} recorded, {} duplicates, 1 rejected\n  \
             without a meaning here: mood\n  \
             line 3: INVALID_TIME: time: \"never\" is no time; expected a form such as 2026-05-01T10:00:00Z\n\
             {two}: 2 lines: {recorded} recorded, {} duplicates, 0 rejected\n",
            1 - recorded,
            2 - recorded,
        );
        assert_eq!(text(&output.stdout), expected);
    }
    let mut connection = options.connect().await.expect("a connection");
    let rows: i64 =
        sqlx::query_scalar("select count(*) from measurement").fetch_one(&mut connection).await.expect("a count");
    assert_eq!(rows, 2);
}

#[tokio::test]
async fn standard_input_is_imported() {
    let options = empty_database().await;
    let mut command = import(&options, &["--columns=Zeit:time", "--device=balcony", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || {
        let mut process = command.spawn().expect("airgraph starts");
        let mut stdin = process.stdin.take().expect("its standard input");
        stdin.write_all(b"Zeit,pm10\n2026-04-01T10:00:00Z,1\n").expect("written");
        drop(stdin);
        process.wait_with_output().expect("it ends")
    });
    assert_eq!(text(&output.await.expect("no panic").stdout), "-: 1 lines: 1 recorded, 0 duplicates, 0 rejected\n");
}

#[tokio::test]
async fn invalid_import_is_reported_in_one_line() {
    let (options, folder) = (empty_database().await, tempfile::tempdir().expect("a folder"));
    let file = folder.path().join("cards.csv");
    fs::write(&file, "mood,weather\ngood,fair\n").expect("written");
    let file = file.to_str().expect("text");
    for (arguments, expected) in [
        (&["/nowhere/x.csv"][..], "airgraph: /nowhere/x.csv: No such file"),
        (&["/tmp"], "airgraph: /tmp is a folder"),
        (&[file], &format!("airgraph: {file}: header: ")),
    ] {
        let output = run(import(&options, arguments)).await;
        assert!(!output.status.success());
        let message = text(&output.stderr);
        assert!(message.starts_with(expected) && message.lines().count() == 1, "{message}");
    }
    for (arguments, hint) in
        [(&[][..], "<FILES>"), (&["--device= ", file], "--device"), (&["--columns=x", file], "--columns")]
    {
        let output = run(import(&options, arguments)).await;
        assert!(!output.status.success() && text(&output.stderr).contains(hint), "{}", text(&output.stderr));
    }
}
