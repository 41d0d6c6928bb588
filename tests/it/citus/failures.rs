//! No acknowledged sample is lost and none is stored twice, whatever happens to a worker at whatever moment; and a lost worker
//! fails only what needs it.

use std::time::Instant;

use axum::http::StatusCode;
use rand::RngExt as _;
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Error, Executor as _, PgConnection, postgres::PgConnectOptions,
};
use tokio::{sync::watch, time::Duration};

use crate::{
    postgres::crash::{KEY, assert_stored_once, gateway, random_pause, seeded_rng},
    support::{
        TestApp,
        citus_cluster::{self, Servers},
        empty_database,
        gateway::DEADLINE,
        load::{Expected, Load},
    },
};

/// A gateway repeats what a crash interrupts, so a few of them may pass unnoticed.
const CRASHES: usize = 6;
const MAX_CRASHES: usize = 30;
const SENSORS: usize = 8;
/// Attempts to move a shard.
const MAX_MOVES: usize = 5;

/// Kills a backend of a worker, whose Postgres then ends all others and recovers.
async fn crash(worker: &PgConnectOptions) {
    let mut connection = worker.connect().await.expect("a worker");
    // The parent of the program is the backend.
    let kill = "copy (select) to program 'kill -9 $PPID'";
    assert!(connection.execute(kill).await.is_err(), "the backend is killed");
}

/// Waits until no transaction of a database is prepared on any server: Citus commits or rolls back those that a crash has
/// left.
async fn wait_for_recovery(options: &PgConnectOptions) {
    let mut connection = options.connect().await.expect("a coordinator");
    let since = Instant::now();
    loop {
        let recover = sqlx::query_scalar(
            "select recover_prepared_transactions() >= 0 and not exists (
                 select from run_command_on_workers(
                     'select count(*) from pg_prepared_xacts where database = current_database()') as answer
                 where not success or answer.result <> '0')",
        );
        if recover.fetch_one(&mut connection).await.unwrap_or(false) {
            break;
        }
        assert!(since.elapsed() < DEADLINE, "a transaction stays prepared");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    connection.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn crashed_worker_has_every_acknowledged_sample() {
    if citus_cluster::is_missing() || !citus_cluster::may_crash() {
        return;
    }
    let (mut rng, options) = (seeded_rng(), empty_database().await);
    let workers = Servers::connect(&citus_cluster::url().expect("a URL")).await.workers("postgres");
    let running = gateway(&options).await;
    let (_address, at) = watch::channel(running.address.clone());
    let load = Load::start(0..SENSORS, Duration::ZERO, &at, KEY, Expected::Unavailable);
    for crashes in 0..MAX_CRASHES {
        if crashes >= CRASHES && load.report().unavailable > 0 {
            break;
        }
        load.wait_for_progress().await;
        random_pause(&mut rng, 1000).await;
        crash(&workers[rng.random_range(0..workers.len())]).await;
    }
    load.wait_for_progress().await;
    let report = load.end().await;
    assert!(report.unavailable > 0, "no response reported that a worker is unavailable");
    wait_for_recovery(&options).await;
    assert_stored_once(&options, report).await;
}

/// Citus cancels the move, or a recording, when both wait for each other.
async fn move_shard(coordinator: &mut PgConnection, statement: String) {
    for _ in 0..MAX_MOVES {
        match coordinator.execute(AssertSqlSafe(statement.clone())).await {
            Err(Error::Database(error)) if error.code().as_deref() == Some("40P01") => {}
            outcome => {
                outcome.expect("moved");
                return;
            }
        }
    }
    panic!("each of {MAX_MOVES} moves was cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_move_while_samples_are_recorded() {
    if citus_cluster::is_missing() {
        return;
    }
    let options = empty_database().await;
    let running = gateway(&options).await;
    let (_address, at) = watch::channel(running.address.clone());
    let load = Load::start(0..SENSORS, Duration::ZERO, &at, KEY, Expected::Unavailable);
    load.wait_for_progress().await;
    let mut coordinator = options.connect().await.expect("a coordinator");
    for mode in ["block_writes", "auto"] {
        // One shard of each colocated table, from its worker to another.
        let shards: Vec<(i64, String, i32, String, i32)> = sqlx::query_as(
            "select shardid, shard.nodename, shard.nodeport, other.nodename, other.nodeport
             from citus_shards shard cross join lateral (
                 select nodename, nodeport from pg_dist_node
                 where groupid > 0 and (nodename, nodeport) <> (shard.nodename, shard.nodeport) limit 1
             ) as other
             where table_name = 'latest'::regclass order by shardid limit 2",
        )
        .fetch_all(&mut coordinator)
        .await
        .expect("shards");
        for (shard, from_host, from_port, to_host, to_port) in shards {
            let statement = format!(
                "select citus_move_shard_placement({shard}, '{from_host}', {from_port}, '{to_host}', {to_port}, '{mode}')"
            );
            move_shard(&mut coordinator, statement).await;
            load.wait_for_progress().await;
        }
    }
    coordinator.close().await.expect("closed");
    let report = load.end().await;
    assert_stored_once(&options, report).await;
}

/// Answers of a gateway while the coordinator can't reach one worker. Only the database of the test has lost it: there the
/// worker has a port without a listener.
#[tokio::test]
async fn lost_worker_fails_only_what_needs_it() {
    if citus_cluster::is_missing() {
        return;
    }
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    for number in 0..8 {
        app.record(json!([sample(number, 0)])).await;
    }
    let mut coordinator = options.connect().await.expect("a coordinator");
    let groups: Vec<i32> = sqlx::query_scalar(
        "select groupid from device join pg_dist_placement
             on shardid = get_shard_id_for_distribution_column('latest', device_id)
         order by key",
    )
    .fetch_all(&mut coordinator)
    .await
    .expect("groups");
    let lost = groups[0];
    assert!(groups.iter().any(|&group| group != lost), "all devices are on one worker: {groups:?}");
    let set_port = async |coordinator: &mut sqlx::PgConnection, port: i32| -> i32 {
        let set = sqlx::query_scalar(
            "with before as (select nodeport from pg_dist_node where groupid = $1)
             update pg_dist_node set nodeport = $2 where groupid = $1 returning (select nodeport from before)",
        );
        set.bind(lost).bind(port).fetch_one(coordinator).await.expect("a worker")
    };
    let port = set_port(&mut coordinator, 1).await;

    // Another gateway, which has not cached the devices.
    let other = TestApp::with_admin(&options, &app.admin).await;
    for (number, group) in groups.iter().enumerate() {
        let gateway = if number % 2 == 0 { &app } else { &other };
        let answer = gateway.post("/ingest/json", Some(&app.admin), post(number, 1)).await;
        let latest = format!("{{ device(key: \"d{number}\") {{ latest {{ pm10 }} }} }}");
        let read = app.graphql(None, &latest, json!({})).await;
        if *group == lost {
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
            assert!(answer.text.contains("a worker of the database"), "{}", answer.text);
            assert_eq!(read["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{read}");
        } else {
            assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
            assert_eq!(read["data"]["device"]["latest"]["pm10"], 1.0, "{read}");
        }
    }
    let code = async |operation: &str| {
        let answer = app.graphql(Some(&app.admin), operation, json!({})).await;
        answer.pointer("/errors/0/extensions/code").cloned().unwrap_or_default()
    };
    assert_eq!(code("{ statistics(filter: {}) { count } }").await, "UNAVAILABLE");
    assert_eq!(code("mutation { registerDevice(input: {key: \"e\", kind: FIXED}) { status } }").await, "UNAVAILABLE");
    assert_eq!(code("mutation { createApiKey(input: {name: \"a\", role: SENSOR}) { key } }").await, Value::Null);
    assert_eq!(code("{ devices { nodes { key } } feedCursor }").await, Value::Null);
    let ready = app.get("/readyz").await;
    assert_eq!(ready.status, StatusCode::OK);
    assert_eq!(ready.json(), json!({ "status": "degraded", "unreachableWorkers": 1 }));
    app.app.citus_workers.refresh(&app.database.jobs).await.expect("workers");
    let workers = app.app.citus_workers.snapshot();
    let lost: Vec<_> = workers.iter().filter(|worker| worker.database_bytes.is_none()).collect();
    assert!(workers.len() > 1 && lost.len() == 1 && lost[0].address.ends_with(":1"), "{workers:?}");

    set_port(&mut coordinator, port).await;
    coordinator.close().await.expect("closed");
    for number in 0..8 {
        let answer = app.post("/ingest/json", Some(&app.admin), post(number, 2)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    }
    assert_eq!(app.get("/readyz").await.json(), json!({ "status": "ready" }));
}

fn sample(number: usize, minute: usize) -> Value {
    json!({ "device": format!("d{number}"), "measuredAt": format!("2026-05-01T10:{minute:02}:00Z"), "pm10": minute })
}

fn post(number: usize, minute: usize) -> String {
    json!([sample(number, minute)]).to_string().replace("measuredAt", "time")
}
