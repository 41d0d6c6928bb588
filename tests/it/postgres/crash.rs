//! No acknowledged sample is lost and none is stored twice, whatever process is killed at whatever moment.
//!
//! The moments are random; the seed is printed, and `AIRGRAPH_CRASH_SEED` repeats it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use rand::RngExt as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::support::{
    TestApp,
    gateway::{DEADLINE, Gateway, on},
    load::{Expected, Load, LoadReport, SampleValues},
    postgres::OwnPostgres,
    rollups::assert_rollups_match,
};

const KILLS: usize = 20;
const SENSORS: usize = 8;
pub const KEY: &str = "7d41c9e85a0b4f1396d2e8b7f05c3a64";

#[expect(clippy::print_stdout, reason = "what repeats a failure")]
pub fn seeded_rng() -> ChaCha8Rng {
    let seed = std::env::var("AIRGRAPH_CRASH_SEED")
        .map_or_else(|_| rand::rng().random(), |seed| seed.parse().expect("a seed"));
    println!("AIRGRAPH_CRASH_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}

pub async fn random_pause(rng: &mut ChaCha8Rng, most_ms: u64) {
    sleep(Duration::from_millis(rng.random_range(0..most_ms))).await;
}

pub async fn gateway(options: &PgConnectOptions) -> Gateway {
    let mut command = on(options, &["--log", "airgraph=error", "serve"]);
    command.env("AIRGRAPH_ADMIN_KEY", KEY);
    Gateway::start(command).await
}

#[tokio::test]
async fn killed_gateway_has_stored_every_acknowledged_sample() {
    let (mut rng, postgres) = (seeded_rng(), OwnPostgres::start(&[]).await);
    let mut running = gateway(&postgres.options).await;
    let (address, at) = watch::channel(running.address.clone());
    let load = Load::start(0..SENSORS, Duration::ZERO, &at, KEY, Expected::Silence);
    for _ in 0..KILLS {
        load.wait_for_progress().await;
        random_pause(&mut rng, 400).await;
        drop(running); // kill -9
        assert_acknowledged_are_stored(&postgres.options, &load.report()).await;
        running = gateway(&postgres.options).await;
        address.send_replace(running.address.clone());
    }
    load.wait_for_progress().await;
    let report = load.end().await;
    assert!(report.unanswered >= KILLS, "the gateway was hardly missed");
    assert_stored_once(&postgres.options, report).await;
}

/// Without fsync: a killed process loses nothing that it handed to the kernel, while with fsync each start after a crash
/// would sync the whole folder first, which takes seconds.
#[tokio::test]
async fn killed_postgres_is_reconnected_and_has_every_acknowledged_sample() {
    let (mut rng, mut postgres) = (seeded_rng(), OwnPostgres::start(&["fsync=off"]).await);
    let running = gateway(&postgres.options).await;
    let (_address, at) = watch::channel(running.address.clone());
    let load = Load::start(0..SENSORS, Duration::ZERO, &at, KEY, Expected::Unavailable);
    for kill in 0..KILLS {
        load.wait_for_progress().await;
        random_pause(&mut rng, 300).await;
        if kill % 3 == 0 {
            postgres.kill_a_backend().await;
        } else {
            postgres.kill();
            random_pause(&mut rng, 200).await;
            if kill == KILLS / 2 {
                sleep(Duration::from_secs(4)).await; // longer than a request waits for a connection
            }
            postgres.launch().await;
        }
    }
    load.wait_for_progress().await;
    let report = load.end().await;
    assert!(report.unavailable > 0, "no response reported that the database is unavailable");
    assert_stored_once(&postgres.options, report).await;
}

/// Processes that neither answer nor end: a hanging disk, a swapping machine.
#[tokio::test]
async fn hanging_postgres_is_answered_with_503() {
    let postgres = OwnPostgres::start(&["fsync=off"]).await;
    let app = TestApp::on_new(&postgres.options).await;
    let body = |number: i32| format!(r#"[{{"device":"d","time":"2026-05-01T10:00:0{number}Z","pm10":1}}]"#);
    let post = |number| app.post("/ingest/json", Some(&app.admin), body(number));
    assert_eq!(post(0).await.status, 201);

    let frozen = postgres.freeze().await;
    let answers = async {
        let since = Instant::now();
        // More submissions than writers: the last ones wait for a writer first.
        let known = join_all((1..7).map(post));
        let (known, unknown, ready) =
            tokio::join!(known, app.post("/ingest/json", Some("ag_never_seen"), body(7)), app.get("/readyz"));
        let statuses: Vec<_> = known.iter().chain([&unknown, &ready]).map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses, [503; 8]);
        since.elapsed()
    };
    let answers = timeout(DEADLINE, answers).await;
    OwnPostgres::thaw(frozen); // before anything fails: a frozen one would not end
    println!("answered within {:.1?}", answers.expect("answers"));

    // Whatever became of the unfinished transactions.
    let since = Instant::now();
    while join_all((0..7).map(post)).await.iter().any(|answer| answer.status != 201) {
        assert!(since.elapsed() < DEADLINE, "nothing is recorded any more");
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(stored(&postgres.options).await.len(), 7, "once each");
}

async fn stored(options: &PgConnectOptions) -> Vec<SampleValues> {
    let mut connection = options.connect().await.expect("a connection");
    let stored = sqlx::query_as(
        "select key, (extract(epoch from measured_at) * 1000000)::bigint, pm10::int, coalesce(pm2_5, 0)::int
         from measurement join device using (device_id) order by 1, 2, 3, 4",
    );
    let stored = stored.fetch_all(&mut connection).await.expect("measurements");
    connection.close().await.expect("closed");
    stored
}

/// Every acknowledged sample is stored, and none twice.
async fn assert_acknowledged_are_stored(options: &PgConnectOptions, report: &LoadReport) {
    let stored = stored(options).await;
    let once: BTreeSet<_> = stored.iter().collect();
    assert_eq!(once.len(), stored.len(), "a sample is stored twice");
    let lost: Vec<_> = report.answered.iter().filter(|sample| !once.contains(sample)).collect();
    assert!(lost.is_empty(), "answered, and not there: {lost:?}");
    let mut connection = options.connect().await.expect("a connection");
    assert_rollups_match(&mut connection).await;
    connection.close().await.expect("closed");
}

/// At the end all bodies are acknowledged: each is stored once, nothing else is stored, and derived tables agree.
#[expect(clippy::print_stdout, reason = "how hard it was tried")]
pub async fn assert_stored_once(options: &PgConnectOptions, report: LoadReport) {
    let LoadReport { mut answered, bodies, unavailable, unanswered, longest } = report;
    println!("{bodies} bodies stored, {unavailable} times 503, {unanswered} times nothing, at most {longest:.1?}");
    answered.sort();
    let stored = stored(options).await;
    assert!(stored == answered, "{} samples are stored, {} were answered", stored.len(), answered.len());

    let mut connection = options.connect().await.expect("a connection");
    for (what, wrong) in [
        (
            "bodies whose samples are not accounted for",
            "select count(*) from uplink where outcome <> 'recorded' or recorded + duplicates <> case format
                 when 'ttn-v2' then 8 when 'json' then 3 when 'influx' then 2 end or rejected <> 0",
        ),
        (
            "samples whose body is not kept",
            "with body as materialized (select uplink_id from uplink where recorded > 0)
             select count(*) from measurement where uplink_id is null or uplink_id not in (select uplink_id from body)",
        ),
        (
            "samples more in the bodies' accounts than stored, or fewer",
            "select abs((select coalesce(sum(recorded), 0) from uplink) - (select count(*) from measurement))::bigint",
        ),
        (
            "devices whose latest sample is another",
            "with newest as (select distinct on (device_id) device_id, measured_at, seq from measurement
                             order by device_id, measured_at desc, seq desc),
                  stored as (select device_id, measured_at, seq from latest)
             select count(*) from ((table newest except table stored) union all (table stored except table newest)) as wrong",
        ),
    ] {
        let wrong: i64 = sqlx::query_scalar(wrong).fetch_one(&mut connection).await.expect(what);
        assert_eq!(wrong, 0, "{what}");
    }
    assert_rollups_match(&mut connection).await;
    PgConnection::close(connection).await.expect("closed");
}
