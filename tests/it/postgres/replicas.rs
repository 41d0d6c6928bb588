//! Queries on standbys: as fresh as their callers may expect, whatever happens to a standby.

use std::{
    slice::from_ref,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::time::sleep;

use crate::support::{Answer, TestApp, at, gateway::DEADLINE, postgres::OwnPostgres};

const MIN_LSN_HEADER: &str = "airgraph-min-lsn";
/// Maximum lag of a standby where a test waits until it is exceeded.
const SHORT_LAG: Duration = Duration::from_secs(1);
const UNLIMITED_LAG: Duration = Duration::from_hours(1);

/// A primary, its standby, and a gateway on both.
struct Pair {
    app: TestApp,
    primary: OwnPostgres,
    standby: OwnPostgres,
}

impl Pair {
    async fn start(max_lag: Duration) -> Option<Self> {
        Self::start_with(max_lag, &[]).await
    }

    /// The same with settings of both servers.
    async fn start_with(max_lag: Duration, settings: &[&str]) -> Option<Self> {
        let primary = OwnPostgres::start(&[&["fsync=off"], settings].concat()).await;
        let first = TestApp::on_new(&primary.options).await;
        let standby = primary.standby().await?;
        let replicas = [standby.options.clone()];
        let app = TestApp::with_replicas(&first, &primary.options, &replicas, max_lag).await;
        let pair = Self { app, primary, standby };
        pair.wait_until_used(true).await;
        pair.wait_until_replayed().await; // what there was at the gateway's start is the least that it needs
        Some(pair)
    }

    /// Waits until the standby is used, or isn't any more.
    async fn wait_until_used(&self, used: bool) {
        let since = Instant::now();
        let query = "{ server { load { replicas { inRotation } } } }";
        while self.app.admin(query, json!({})).await["server"]["load"]["replicas"][0]["inRotation"] != used {
            assert!(since.elapsed() < DEADLINE, "the standby's use doesn't become {used}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the standby has replayed everything.
    async fn wait_until_replayed(&self) {
        let replicas = &self.app.app.state.replicas;
        let mut connection = self.primary.options.connect().await.expect("a connection");
        let end: String = sqlx::query_scalar("select pg_current_wal_insert_lsn()::text")
            .fetch_one(&mut connection)
            .await
            .expect("a position");
        let end = end.parse().expect("a position");
        let since = Instant::now();
        while replicas.choose(end).is_none() {
            assert!(since.elapsed() < DEADLINE, "the standby doesn't get there");
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn on_standby(&self, statement: &'static str) {
        let mut connection = self.standby.options.connect().await.expect("a connection");
        connection.execute(statement).await.expect(statement);
        connection.close().await.expect("closed");
    }

    /// Pauses replay on the standby.
    async fn pause_replay(&self) {
        self.on_standby("select pg_wal_replay_pause()").await;
        let mut connection = self.standby.options.connect().await.expect("a connection");
        let since = Instant::now();
        let state = "select pg_get_wal_replay_pause_state()";
        while sqlx::query_scalar::<_, String>(state).fetch_one(&mut connection).await.expect("a state") != "paused" {
            assert!(since.elapsed() < DEADLINE, "it goes on");
            sleep(Duration::from_millis(20)).await; // what it is at comes to its end first
        }
    }

    /// Queries sent to the standby, and the number of them that failed.
    async fn standby_queries(&self) -> (u32, u32) {
        let request = Request::get("/metrics").header("x-api-key", &self.app.admin);
        let text = self.app.send(request.body(Body::empty()).expect("a request")).await.text;
        let at = format!("{}:{}", self.standby.options.get_host(), self.standby.options.get_port());
        let count = |outcome: &str| {
            let sample = format!("airgraph_replica_queries_total{{server=\"{at}\",outcome=\"{outcome}\"}} ");
            text.lines().find_map(|line| line.strip_prefix(&sample)).map_or(0, |count| count.parse().expect("a number"))
        };
        (count("answered") + count("failed"), count("failed"))
    }

    async fn register(&self, device: &str) -> Answer {
        let query = "mutation ($key: String!) {
            registerDevice(input: {key: $key, kind: MOBILE}) { status device { key } } }";
        let body = json!({ "query": query, "variables": { "key": device } }).to_string();
        self.app.post("/graphql", Some(&self.app.admin), body).await
    }
}

const DEVICES: &str = "{ devices { nodes { key } } }";

fn devices(answer: &Value) -> Vec<&str> {
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    let nodes = answer["data"]["devices"]["nodes"].as_array().expect("nodes");
    nodes.iter().map(|node| node["key"].as_str().expect("a key")).collect()
}

/// Queries without a key, with a minimum LSN.
async fn query_at_lsn(app: &TestApp, position: &str) -> Answer {
    let request =
        Request::post("/graphql").header(header::CONTENT_TYPE, "application/json").header(MIN_LSN_HEADER, position);
    app.send(request.body(json!({ "query": DEVICES }).to_string().into()).expect("a request")).await
}

#[tokio::test]
async fn reads_after_writes_use_a_current_server_and_others_the_standby() {
    let Some(pair) = Pair::start(UNLIMITED_LAG).await else { return };
    pair.pause_replay().await;
    let written = pair.register("new").await;
    assert_eq!(
        written.json()["data"]["registerDevice"],
        json!({ "status": "REGISTERED", "device": { "key": "new" } }),
        "a mutation sees what it wrote"
    );
    let position = written.headers[MIN_LSN_HEADER].to_str().expect("text").to_owned();
    let (before, _) = pair.standby_queries().await;

    let anonymous = pair.app.graphql(None, DEVICES, json!({})).await;
    assert_eq!(devices(&anonymous), [""; 0], "the standby answers");
    let by_key = pair.app.graphql(Some(&pair.app.admin), DEVICES, json!({})).await;
    assert_eq!(devices(&by_key), ["new"]);
    assert_eq!(devices(&query_at_lsn(&pair.app, &position).await.json()), ["new"]);
    assert_eq!(devices(&query_at_lsn(&pair.app, "0/0").await.json()), [""; 0]);
    assert_eq!(pair.standby_queries().await, (before + 2, 0));

    pair.on_standby("select pg_wal_replay_resume()").await;
    pair.wait_until_replayed().await;
    let by_key = pair.app.graphql(Some(&pair.app.admin), DEVICES, json!({})).await;
    assert_eq!(devices(&by_key), ["new"]);
    assert_eq!(pair.standby_queries().await, (before + 3, 0));
    for malformed in ["", "x", "16/B374D848/1", "16"] {
        let refused = query_at_lsn(&pair.app, malformed).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.text.contains("Airgraph-Min-LSN") && refused.text.contains("16/B374D848"), "{}", refused.text);
    }
}

#[tokio::test]
async fn position_beyond_the_primary_is_rejected() {
    let Some(pair) = Pair::start(UNLIMITED_LAG).await else { return };
    let refused = query_at_lsn(&pair.app, "FFFFFFFF/0").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    assert!(refused.text.contains("beyond what the database holds"), "{}", refused.text);
    let written = pair.register("new").await;
    let position = written.headers[MIN_LSN_HEADER].to_str().expect("text").to_owned();
    assert_eq!(devices(&query_at_lsn(&pair.app, &position).await.json()), ["new"]);
}

#[tokio::test]
async fn lagging_standby_is_not_used() {
    let Some(pair) = Pair::start(SHORT_LAG).await else { return };
    pair.pause_replay().await;
    assert_eq!(pair.register("new").await.status, StatusCode::OK);
    pair.wait_until_used(false).await;
    assert_eq!(devices(&pair.app.graphql(None, DEVICES, json!({})).await), ["new"]);
    pair.on_standby("select pg_wal_replay_resume()").await;
    pair.wait_until_used(true).await;
    let (before, _) = pair.standby_queries().await;
    assert_eq!(devices(&pair.app.graphql(None, DEVICES, json!({})).await), ["new"]);
    assert_eq!(pair.standby_queries().await, (before + 1, 0));
}

#[tokio::test]
async fn killed_standby_causes_no_error_and_is_used_again_after_restart() {
    let Some(mut pair) = Pair::start(UNLIMITED_LAG).await else { return };
    pair.register("d").await;
    pair.wait_until_replayed().await;
    assert_eq!(devices(&pair.app.graphql(None, DEVICES, json!({})).await), ["d"]);
    pair.standby.kill();
    for _ in 0..20 {
        assert_eq!(devices(&pair.app.graphql(None, DEVICES, json!({})).await), ["d"]);
    }
    pair.wait_until_used(false).await;
    assert_eq!(devices(&pair.app.graphql(None, DEVICES, json!({})).await), ["d"]);
    let (_, failed) = pair.standby_queries().await;
    assert!(failed > 0, "it was noticed by a query");
    pair.standby.launch().await;
    pair.wait_until_used(true).await;
    let (before, _) = pair.standby_queries().await;
    assert_eq!(devices(&pair.app.graphql(None, DEVICES, json!({})).await), ["d"]);
    assert_eq!(pair.standby_queries().await, (before + 1, failed));
}

#[tokio::test]
async fn primary_answers_queries_of_a_hanging_standby() {
    let Some(pair) = Pair::start(UNLIMITED_LAG).await else { return };
    pair.register("d").await;
    pair.wait_until_replayed().await;
    assert_eq!(devices(&pair.app.graphql(None, DEVICES, json!({})).await), ["d"]);
    let frozen = pair.standby.freeze().await;
    assert_eq!(devices(&pair.app.graphql(None, DEVICES, json!({})).await), ["d"]);
    OwnPostgres::thaw(frozen);
    pair.wait_until_used(true).await;
}

#[tokio::test]
async fn query_cancelled_on_the_standby_is_answered_by_the_primary() {
    let settings = ["max_standby_streaming_delay=0", "autovacuum=off"];
    let Some(pair) = Pair::start_with(UNLIMITED_LAG, &settings).await else { return };
    pair.app.record(json!([{ "device": "d", "measuredAt": "2026-04-01T00:00:00Z", "pm10": 1 }])).await;
    let mut primary = pair.primary.options.connect().await.expect("a connection");
    let many = "insert into measurement (device_id, measured_at, seq, flags, recorded_at, pm10)
                select device_id, measured_at + n * interval '5 s', seq, flags, recorded_at, n % 100
                from measurement cross join generate_series(1, 200000) n";
    primary.execute(many).await.expect("rows");
    pair.wait_until_replayed().await;

    let query =
        "{ statistics(filter: { measuredAt: { from: \"2026-04-01T00:00:00Z\" } }, every: DAY, groupBy: [HOUR_OF_DAY]) {
        count pm10 { a: percentile(p: 10) b: percentile(p: 50) c: percentile(p: 90) } } }";
    let querying = async {
        loop {
            let response = pair.app.graphql(None, query, json!({})).await;
            assert_eq!(response["errors"], Value::Null, "{response}");
        }
    };
    // Until a query runs that still needs the rows that are vacuumed.
    let clearing = async {
        let since = Instant::now();
        for minutes in (10..).step_by(10) {
            let delete = sqlx::query("delete from measurement where measured_at < $1");
            let before = at("2026-04-01T00:00:00Z") + TimeDelta::minutes(minutes);
            delete.bind(before).execute(&mut primary).await.expect("deleted");
            primary.execute("vacuum (index_cleanup off, truncate off) measurement").await.expect("cleared away");
            let (_, failed) = pair.standby_queries().await;
            if failed > 0 {
                return;
            }
            assert!(since.elapsed() < DEADLINE, "the standby gives way to nothing");
        }
    };
    tokio::select! {
        () = querying => {}
        () = clearing => {}
    }
}

#[tokio::test]
async fn gateway_in_shutdown_uses_no_standby() {
    let Some(pair) = Pair::start(UNLIMITED_LAG).await else { return };
    pair.app.graphql(None, DEVICES, json!({})).await;
    let mut standby = pair.standby.options.connect().await.expect("a connection");
    let count = "select count(*) from pg_stat_activity where application_name = 'airgraph'";
    assert!(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut standby).await.expect("a count") > 0);
    pair.app.app.state.replicas.close().await;
    let since = Instant::now();
    while sqlx::query_scalar::<_, i64>(count).fetch_one(&mut standby).await.expect("a count") > 0 {
        assert!(since.elapsed() < DEADLINE, "they stay");
    }
    pair.register("d").await;
    assert_eq!(devices(&pair.app.graphql(None, DEVICES, json!({})).await), ["d"], "the primary answers");
}

#[tokio::test]
async fn standby_answers_queries_after_the_primary_is_killed() {
    let Some(mut pair) = Pair::start(SHORT_LAG).await else { return };
    pair.register("d").await;
    pair.wait_until_replayed().await;
    pair.primary.kill();
    let since = Instant::now();
    while since.elapsed() < 3 * SHORT_LAG {
        assert_eq!(devices(&pair.app.graphql(None, DEVICES, json!({})).await), ["d"]);
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(pair.register("e").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(pair.app.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    pair.primary.launch().await;
    let since = Instant::now();
    while pair.register("e").await.json()["data"]["registerDevice"]["status"] != "REGISTERED" {
        assert!(since.elapsed() < DEADLINE);
    }
    let by_key = pair.app.graphql(Some(&pair.app.admin), DEVICES, json!({})).await;
    assert_eq!(devices(&by_key), ["d", "e"]);
}

#[tokio::test]
async fn promoted_standby_and_primary_are_not_used_as_replicas() {
    let Some(pair) = Pair::start(UNLIMITED_LAG).await else { return };
    pair.on_standby("select pg_promote()").await;
    pair.wait_until_used(false).await;
    let both = [pair.standby.options.clone(), pair.primary.options.clone()];
    let app = TestApp::with_replicas(&pair.app, &pair.primary.options, &both, UNLIMITED_LAG).await;
    sleep(SHORT_LAG).await; // time for probes
    assert!(app.app.state.replicas.choose("0/0".parse().expect("a position")).is_none());
    pair.register("d").await;
    assert_eq!(devices(&app.graphql(None, DEVICES, json!({})).await), ["d"]);
}

#[tokio::test]
async fn standby_of_another_database_is_not_used() {
    let Some(pair) = Pair::start(UNLIMITED_LAG).await else { return };
    let other = OwnPostgres::start(&["fsync=off"]).await;
    let first = TestApp::on_new(&other.options).await;
    let app = TestApp::with_replicas(&first, &other.options, from_ref(&pair.standby.options), UNLIMITED_LAG).await;
    sleep(SHORT_LAG).await; // time for probes
    assert!(app.app.state.replicas.choose("0/0".parse().expect("a position")).is_none());
}

fn is_overloaded(response: &Value) -> bool {
    response["errors"][0]["message"] == "server overloaded; retry in a few seconds"
}

/// Sends a request again while the gateway is overloaded, as on a busy machine, at most a hundred times.
async fn send_until_accepted(app: &TestApp, key: &str, document: &str, variables: Value) -> Value {
    for _ in 0..100 {
        let response = app.graphql(Some(key), document, variables.clone()).await;
        if !is_overloaded(&response) {
            return response;
        }
    }
    panic!("the gateway remained overloaded");
}

/// Many concurrent callers, each with a key of its own, write and read what they wrote.
#[tokio::test]
async fn callers_always_read_their_own_writes() {
    const WRITERS: usize = 8;
    const TIMES: usize = 25;
    let Some(pair) = Pair::start(UNLIMITED_LAG).await else { return };
    let create = "mutation ($name: String!) { createApiKey(input: {name: $name, role: ADMIN}) { key } }";
    let mut keys = Vec::new();
    for writer in 0..WRITERS {
        let created = pair.app.admin(create, json!({ "name": writer.to_string() })).await;
        keys.push(created["createApiKey"]["key"].as_str().expect("a key").to_owned());
    }
    let one = async |(writer, key): (usize, &String)| {
        for time in 0..TIMES {
            let device = format!("d{writer}-{time}");
            let register = "mutation ($key: String!) { registerDevice(input: {key: $key, kind: MOBILE}) { status } }";
            let registered = send_until_accepted(&pair.app, key, register, json!({ "key": device })).await;
            assert!(registered["errors"].is_null(), "{registered}");
            let read = "query ($key: String!) { device(key: $key) { key } }";
            let read = send_until_accepted(&pair.app, key, read, json!({ "key": device })).await;
            assert_eq!(read["data"]["device"]["key"], device, "{read}");
            // On a busy machine the anonymous requests of all writers may exceed the share of one caller.
            let anonymous = pair.app.graphql(None, DEVICES, json!({})).await;
            assert!(anonymous["errors"].is_null() || is_overloaded(&anonymous), "{anonymous}");
        }
    };
    futures_util::future::join_all(keys.iter().enumerate().map(one)).await;
    let (queries, failed) = pair.standby_queries().await;
    // On a busy machine a query may be cancelled on the standby, and is answered by the primary.
    assert!(queries >= 100 && failed <= queries / 10, "{queries} {failed}");
}
