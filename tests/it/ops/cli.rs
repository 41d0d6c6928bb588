//! The program as an operator runs it: the first start, the commands, shutdown and startup errors.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use axum::{body::Body, http::Request};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::support::{
    empty_database,
    gateway::{DEADLINE, Gateway, airgraph, between, on},
};

pub async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().expect("airgraph runs")).await.expect("no panic")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Posts JSON to a running gateway.
async fn post(url: String, key: &str, body: String) -> (u16, Value) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(url).header("content-type", "application/json").header("x-api-key", key);
    let response = client.request(request.body(Body::from(body)).expect("a request")).await.expect("an answer");
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(Body::new(response.into_body()), usize::MAX).await.expect("a body");
    (status, serde_json::from_slice(&body).expect("JSON"))
}

/// The responses to the `curl` commands of the welcome, run by a shell one after the other.
async fn paste(welcome: &str, variable: Option<(&str, &str)>) -> Vec<Value> {
    let commands: Vec<_> = welcome.split("curl ").skip(1).map(|rest| format!("curl -sS {rest}")).collect();
    let mut answers = Vec::new();
    for command in commands {
        let command = command.split("\n  and read").next().unwrap_or_default().to_owned();
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).envs(variable);
        let output = output(shell).await;
        let answer = text(&output.stdout);
        answers.push(serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer:?} of {command}")));
    }
    answers
}

#[tokio::test]
async fn first_start_prints_a_key_and_working_commands() {
    let data_dir = std::env::temp_dir().join(format!("airgraph-first-start-{}", std::process::id()));
    let command = |arguments: &[&str]| {
        let mut command = airgraph(arguments);
        command.env("AIRGRAPH_DATA_DIR", &data_dir);
        command
    };
    let gateway = Gateway::start(command(&[])).await;
    let key = between(&gateway.welcome, "keep it):\n", "\n").trim().to_owned();
    assert!(key.starts_with("ag_"), "{}", gateway.welcome);
    let answers = paste(&gateway.welcome, None).await;
    assert_eq!(answers[0], json!({ "recorded": 8, "duplicates": 0, "rejected": [] }));
    assert_eq!(answers[1]["data"]["device"]["latest"]["pm10"], 46.0, "{}", answers[1]);

    // Beside the running gateway, a new key is created and works; the first key is not shown again.
    let made = output(command(&["keys", "create", "Bike 7", "--role", "sensor", "--device", "bike-07"])).await;
    assert!(made.status.success(), "{}", text(&made.stderr));
    let made = text(&made.stdout).trim().to_owned();
    let again = output(command(&["serve", "--listen", "127.0.0.1:0"])).await;
    assert!(!again.status.success() && text(&again.stderr).contains("another airgraph"), "{}", text(&again.stderr));

    assert_eq!(gateway.terminate(), Some(0));
    let gateway = Gateway::start(command(&["serve"])).await;
    assert!(!gateway.welcome.contains("ag_"), "{}", gateway.welcome);
    for key in [&key, &made] {
        let body = r#"{"dev_id":"bike-07","payload_fields":{}}"#.to_owned();
        assert_eq!(post(format!("{}/insertSensorData", gateway.address), key, body).await.0, 201);
    }
    let question = json!({ "query": "{ device(key: \"bike-07\") { measurements { totalCount } } }" }).to_string();
    let (_, answer) = post(format!("{}/graphql", gateway.address), &key, question).await;
    assert_eq!(answer["data"]["device"]["measurements"]["totalCount"], 8, "what was recorded is still there");
    drop(gateway); // kill -9: its Postgres ends too, so the folder can go
    remove(&data_dir).await;
}

async fn remove(data_dir: &std::path::Path) {
    let since = Instant::now();
    while data_dir.join("postgres/postmaster.pid").exists() {
        assert!(since.elapsed() < DEADLINE, "Postgres outlives its gateway");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let _ = std::fs::remove_dir_all(data_dir);
}

#[tokio::test]
async fn chosen_admin_key_works_and_is_not_printed() {
    let options = empty_database().await;
    let key = "7d41c9e85a0b4f1396d2e8b7f05c3a64";
    let mut command = on(&options, &["serve"]);
    command.env("AIRGRAPH_ADMIN_KEY", key);
    let gateway = Gateway::start(command).await;
    assert!(!gateway.welcome.contains(key));
    let answers = paste(&gateway.welcome, Some(("AIRGRAPH_ADMIN_KEY", key))).await;
    assert_eq!(answers[0], json!({ "recorded": 8, "duplicates": 0, "rejected": [] }));
    let question = json!({ "query": "{ server { database { name } } }" }).to_string();
    let (_, answer) = post(format!("{}/graphql", gateway.address), key, question).await;
    assert!(answer["data"]["server"]["database"]["name"].is_string(), "{answer}");

    let mut command = on(&options, &["serve"]);
    command.env("AIRGRAPH_ADMIN_KEY", "short");
    let refused = output(command).await;
    assert!(!refused.status.success());
    assert!(
        text(&refused.stderr).contains("AIRGRAPH_ADMIN_KEY: a key needs at least 32 characters"),
        "{}",
        text(&refused.stderr)
    );
}

#[tokio::test]
async fn invalid_settings_of_the_explorer_are_named_at_the_start() {
    let options = empty_database().await;
    for (variables, expected) in [
        (
            [("AIRGRAPH_FRAME_ANCESTORS", "town.example"), ("AIRGRAPH_MAP_TILES", "")],
            "AIRGRAPH_FRAME_ANCESTORS: \"town",
        ),
        (
            [("AIRGRAPH_MAP_TILES", "https://tile.example/{z}"), ("AIRGRAPH_MAP_ATTRIBUTION", "x")],
            "AIRGRAPH_MAP_TILES: \"https://tile.example/{z}\" has no {x}",
        ),
    ] {
        let mut command = on(&options, &["serve", "--listen", "127.0.0.1:0"]);
        command.envs(variables);
        let message = failure(command).await;
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn sigterm_completes_accepted_requests() {
    let options = empty_database().await;
    let key = "7d41c9e85a0b4f1396d2e8b7f05c3a64";
    let mut command = on(&options, &["serve"]);
    command.env("AIRGRAPH_ADMIN_KEY", key);
    let gateway = Gateway::start(command).await;
    // The writers wait for this lock, so the requests are accepted and not answered when the signal comes.
    let mut connection = options.connect().await.expect("a connection");
    let mut lock = connection.begin().await.expect("a transaction");
    lock.execute("lock table latest in exclusive mode").await.expect("a lock");

    let requests: Vec<_> = (0..20)
        .map(|n| {
            let body = json!({ "dev_id": format!("bike-{n}"), "payload_fields": { "0": 52, "1": 0, "2": 1, "3": 1 } });
            tokio::spawn(post(format!("{}/insertSensorData", gateway.address), key, body.to_string()))
        })
        .collect();
    let mut watch = options.connect().await.expect("a connection");
    let since = Instant::now();
    loop {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())",
        )
        .fetch_one(&mut watch)
        .await
        .expect("a count");
        if waiting > 0 {
            break;
        }
        assert!(since.elapsed() < DEADLINE, "no writer waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // All have been sent: one is in the waiting transaction, the others wait behind it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let ended = tokio::task::spawn_blocking(move || gateway.terminate());
    tokio::time::sleep(Duration::from_millis(100)).await;
    lock.rollback().await.expect("the lock is let go");
    for request in requests {
        assert_eq!(request.await.expect("no panic").0, 201);
    }
    assert_eq!(ended.await.expect("no panic"), Some(0));
    let stored: i64 =
        sqlx::query_scalar("select count(*) from measurement").fetch_one(&mut watch).await.expect("a count");
    assert_eq!(stored, 20);
}

/// Runs a command that fails, and returns its error message: one line.
pub async fn failure(command: Command) -> String {
    let output = output(command).await;
    let message = text(&output.stderr);
    assert!(!output.status.success(), "{message}");
    let last = message.lines().last().unwrap_or_default().to_owned();
    assert!(last.starts_with("airgraph: "), "{message}");
    last
}

#[tokio::test]
async fn unusable_database_is_reported_in_one_line() {
    let options = empty_database().await;
    let message = failure(on(&options.clone().password("not the password"), &["migrate"])).await;
    assert!(message.contains("refuses the connection: password authentication failed"), "{message}");
    let message = failure(on(&options.clone().database("nothing_of_that_name"), &["migrate"])).await;
    assert!(message.contains("\"nothing_of_that_name\" does not exist"), "{message}");

    let mut command = airgraph(&["migrate"]);
    command.env("DATABASE_URL", "postgres://user:geheim@host:port/x");
    let message = failure(command).await;
    assert!(message.contains("DATABASE_URL can't be read") && !message.contains("geheim"), "{message}");

    let mut connection = options.connect().await.expect("a connection");
    connection
        .execute("insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (999999, 'later', true, '', 0)")
        .await
        .expect("a migration of the future");
    let message = failure(on(&options, &["migrate"])).await;
    assert!(message.contains("(migration 999999) is newer than this airgraph"), "{message}");
}

#[tokio::test]
async fn port_in_use_is_reported() {
    let options = empty_database().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let message = failure(on(&options, &["serve", "--listen", &address])).await;
    assert!(message.contains(&format!("can't listen on {address}")), "{message}");
}

#[tokio::test]
async fn startup_waits_for_the_database_and_logs_it() {
    let mut command = airgraph(&["--log-format", "json", "serve", "--listen", "127.0.0.1:0"]);
    command.env("DATABASE_URL", "postgres://airgraph:geheim@127.0.0.1:1/airgraph").stderr(Stdio::piped());
    let mut process = command.spawn().expect("airgraph starts");
    let stderr = BufReader::new(process.stderr.take().expect("its standard error"));
    let message = tokio::task::spawn_blocking(move || {
        stderr.lines().take(3).map(|line| line.expect("a line")).collect::<Vec<_>>()
    });
    for line in message.await.expect("no panic") {
        let message: Value = serde_json::from_str(&line).expect("a JSON line");
        assert_eq!(
            (&message["message"], &message["at"]),
            (&json!("waiting for Postgres"), &json!("127.0.0.1:1")),
            "{line}"
        );
        assert!(!line.contains("geheim"));
    }
    process.kill().expect("killed");
    process.wait().expect("ended");
}

#[tokio::test]
async fn keys_are_created_listed_and_revoked() {
    let options = empty_database().await;
    let run = async |arguments: &[&str]| {
        let output = output(on(&options, arguments)).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert!(run(&["keys", "create", "Balcony", "--role", "sensor"]).await.starts_with("ag_"));
    run(&["keys", "create", "Reader of the city", "--role", "reader", "--expires", "2999-01-01T00:00:00Z"]).await;
    assert_eq!(run(&["keys", "revoke", "1"]).await, "key 1 (Balcony) is revoked\n");
    let list = run(&["keys", "list"]).await;
    let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1], ["1", "sensor", "revoked", "never", "any", "-", "Balcony"]);
    assert_eq!(rows[2], ["2", "reader", "valid", "never", "any", "-", "Reader", "of", "the", "city"]);
    assert!(!list.contains("ag_"));

    for (arguments, hint) in [
        (&["keys", "revoke", "77"][..], "no key with the number 77"),
        (&["keys", "create", "x", "--role", "reader", "--device", "a"], "only a sensor's key"),
        (&["keys", "create", "x", "--role", "sensor", "--device", "unknown"], "there is no device \"unknown\""),
        (&["keys", "create", "x", "--role", "sensor", "--expires", "2000-01-01T00:00:00Z"], "lies in the past"),
    ] {
        let message = failure(on(&options, arguments)).await;
        assert!(message.contains(hint), "{message}");
    }
}

#[tokio::test]
async fn schema_is_printed_without_a_database() {
    let mut command = airgraph(&["schema"]);
    command.env("DATABASE_URL", "postgres://127.0.0.1:1/nothing");
    let printed = output(command).await;
    assert!(printed.status.success());
    assert_eq!(text(&printed.stdout), include_str!("../../../schema.graphql"));
}
