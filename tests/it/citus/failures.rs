//! No acknowledged sample is lost and none is stored twice, whatever happens to a worker at whatever moment.

use std::time::Instant;

use rand::RngExt as _;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, postgres::PgConnectOptions};
use tokio::{sync::watch, time::Duration};

use crate::{
    postgres::crash::{KEY, assert_stored_once, gateway, random_pause, seeded_rng},
    support::{
        citus_cluster::{self, Servers},
        empty_database,
        gateway::DEADLINE,
        load::{Expected, Load},
    },
};

const CRASHES: usize = 6;
const SENSORS: usize = 8;

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
    for _ in 0..CRASHES {
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
