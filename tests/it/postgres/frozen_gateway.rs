//! A gateway that is frozen at any moment (SIGSTOP, a paused virtual machine, a severed network) holds no other gateway
//! up for more than a few seconds, and nothing is lost or numbered out of order.
//!
//! Three freezes by default; `AIRGRAPH_FREEZES=40` for more. The moments are random; the seed is printed, and
//! `AIRGRAPH_CRASH_SEED` repeats it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use airgraph::{
    clock::Clock,
    db::{feed, stalled_session::StalledSessions},
    domain::measurement::MeasurementKey,
};
use axum::{body::Body, http::Request};
use chrono::{DateTime, TimeDelta, Utc};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rand::RngExt as _;
use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::crash::{KEY, gateway, seeded_rng};
use crate::support::{
    TestApp, at, empty_database,
    gateway::{DEADLINE, Gateway},
    postgres::OwnPostgres,
    rollups::assert_rollups_match,
};

/// Maximum delay of a gateway by another one that is frozen.
const MAX_DELAY: Duration = Duration::from_secs(5);
/// Duration of a freeze: longer than `MAX_DELAY`, so that a delay beyond the limit is noticed.
const FREEZE_DURATION: Duration = Duration::from_millis(5500);
/// Devices that both gateways record.
const SHARED_DEVICES: i64 = 4;
/// Lines of a file: more than the threshold above which the recorder uses COPY instead of INSERT.
const FILE_LINES: i64 = 1500;

/// State shared by both sides of the test.
#[derive(Default)]
struct Progress {
    ended: AtomicBool,
    /// Requests that the frozen gateway answered with success.
    answered_by_frozen: AtomicUsize,
    /// The samples of all requests that were answered with success.
    stored: Mutex<BTreeSet<(String, DateTime<Utc>)>>,
    /// Number of recordings of the other gateway, and the longest duration, repetitions included.
    other: Mutex<(usize, Duration)>,
    /// Start times of the pending requests of its sensors.
    waiting: Mutex<HashMap<i64, Instant>>,
}

impl Progress {
    fn note(&self, delay: Duration) {
        let mut other = self.other.lock().expect("no panic");
        *other = (other.0 + 1, other.1.max(delay));
    }

    /// Resets both, and returns the values before; pending requests count with their duration so far.
    fn take(&self) -> (usize, Duration) {
        let (count, longest) = std::mem::take(&mut *self.other.lock().expect("no panic"));
        let waiting = self.waiting.lock().expect("no panic").values().map(Instant::elapsed).max();
        (count, longest.max(waiting.unwrap_or_default()))
    }
}

#[derive(Clone)]
struct Sender {
    client: Client<HttpConnector, Body>,
    address: String,
    progress: Arc<Progress>,
}

impl Sender {
    fn new(gateway: &Gateway, progress: &Arc<Progress>) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, address: gateway.address.clone(), progress: progress.clone() }
    }

    /// Whether a request is answered with success.
    async fn post(&self, path: &str, content_type: &str, body: String) -> bool {
        let request = Request::post(format!("{}{path}", self.address))
            .header("content-type", content_type)
            .header("x-api-key", KEY)
            .body(Body::from(body))
            .expect("a request");
        let response = timeout(DEADLINE, self.client.request(request)).await;
        response.is_ok_and(|response| response.is_ok_and(|response| response.status().is_success()))
    }

    async fn record(&self, samples: &[(String, DateTime<Utc>)]) -> bool {
        let sample = |(device, time): &(String, DateTime<Utc>)| {
            // All at one position, so that all of them update the same row of `cell_hour`.
            json!({ "device": device, "time": time, "pm10": 5, "latitude": 52.2, "longitude": 0.13 })
        };
        let body = json!(samples.iter().map(sample).collect::<Vec<_>>()).to_string();
        let is_stored = self.post("/ingest/json", "application/json", body).await;
        if is_stored {
            self.note(samples.iter().cloned());
        }
        is_stored
    }

    fn note(&self, samples: impl IntoIterator<Item = (String, DateTime<Utc>)>) {
        self.progress.stored.lock().expect("no panic").extend(samples);
    }

    fn is_ended(&self) -> bool {
        self.progress.ended.load(Ordering::Relaxed)
    }

    fn count(&self, is_success: bool) {
        self.progress.answered_by_frozen.fetch_add(is_success.into(), Ordering::Relaxed);
    }

    /// New devices, and old samples of devices that the other gateway records.
    async fn new_devices(self, number: i64) {
        for count in 0.. {
            // In the same hour, so that the rows of that hour are locked as well.
            let time = start() - TimeDelta::milliseconds(100 * count);
            let new = (format!("new-{number}-{count}"), time);
            let shared = (shared(count % SHARED_DEVICES), time + TimeDelta::milliseconds(1 + number));
            self.count(self.record(&[new, shared]).await);
            if self.is_ended() {
                return;
            }
        }
    }

    /// Files of new devices.
    async fn files(self, number: i64) {
        for count in 0.. {
            let device = format!("file-{number}-{count}");
            let samples: Vec<_> =
                (0..FILE_LINES).map(|line| (device.clone(), start() - TimeDelta::seconds(line))).collect();
            let line = |(device, time): &(String, DateTime<Utc>)| format!("{device},{},7\n", time.to_rfc3339());
            let file = format!("device,time,pm10\n{}", samples.iter().map(line).collect::<String>());
            let is_stored = self.post("/ingest/csv", "text/csv", file).await;
            if is_stored {
                self.note(samples);
            }
            self.count(is_stored);
            if self.is_ended() {
                return;
            }
        }
    }

    /// Replays of the uplinks of the last seconds.
    async fn replays(self) {
        while !self.is_ended() {
            let since = (Clock::system().now() - TimeDelta::seconds(3)).to_rfc3339();
            let query = format!(
                "mutation {{ replayUplinks(input: {{filter: {{receivedAt: {{from: \"{since}\"}}}}}}) {{ recorded }} }}"
            );
            self.count(self.post("/graphql", "application/json", json!({ "query": query }).to_string()).await);
        }
    }

    /// A sensor of the gateway that is not frozen.
    async fn sensor(self, number: i64) {
        for count in 0.. {
            let sample = (shared(number), start() + TimeDelta::milliseconds(100 * (1 + count)));
            let since = Instant::now();
            self.progress.waiting.lock().expect("no panic").insert(number, since);
            while !self.record(std::slice::from_ref(&sample)).await {
                sleep(Duration::from_millis(20)).await;
            }
            self.progress.waiting.lock().expect("no panic").remove(&number);
            self.progress.note(since.elapsed());
            if self.is_ended() {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

fn start() -> DateTime<Utc> {
    at("2026-05-01T12:00:00Z")
}

fn shared(number: i64) -> String {
    format!("shared-{number}")
}

fn signal(gateway: &Gateway, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(gateway.process.id()).expect("a pid")), signal).expect("a signal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frozen_gateway_delays_no_other() {
    let freezes = std::env::var("AIRGRAPH_FREEZES").map_or(3, |freezes| freezes.parse().expect("a number"));
    let (mut rng, postgres) = (seeded_rng(), OwnPostgres::start(&["fsync=off"]).await);
    let (frozen, other) = (gateway(&postgres.options).await, gateway(&postgres.options).await);
    let progress = Arc::<Progress>::default();
    let (to_frozen, to_other) = (Sender::new(&frozen, &progress), Sender::new(&other, &progress));
    let reader = tokio::spawn(read_along(postgres.options.clone(), progress.clone()));
    let mut tasks: Vec<JoinHandle<()>> = vec![tokio::spawn(to_frozen.clone().replays())];
    for number in 0..3 {
        tasks.push(tokio::spawn(to_frozen.clone().new_devices(number)));
        tasks.push(tokio::spawn(to_frozen.clone().files(number)));
    }
    tasks.extend((0..SHARED_DEVICES).map(|number| tokio::spawn(to_other.clone().sensor(number))));

    let mut delays = Vec::new();
    for _ in 0..freezes {
        let (before, since) = (progress.answered_by_frozen.load(Ordering::Relaxed), Instant::now());
        while progress.answered_by_frozen.load(Ordering::Relaxed) < before + 20 {
            assert!(since.elapsed() < DEADLINE, "it records nothing");
            sleep(Duration::from_millis(10)).await;
        }
        sleep(Duration::from_millis(rng.random_range(0..300))).await;
        progress.take();
        signal(&frozen, Signal::SIGSTOP);
        sleep(FREEZE_DURATION).await;
        let (count, longest) = progress.take();
        signal(&frozen, Signal::SIGCONT);
        assert!(count > 0, "the other gateway recorded nothing for {FREEZE_DURATION:?}");
        delays.push((count, longest));
    }
    progress.ended.store(true, Ordering::Relaxed);
    for task in tasks {
        timeout(DEADLINE, task).await.expect("it ends").expect("no panic");
    }
    println!(
        "{} samples; requests and the longest of them, by freeze: {delays:.1?}",
        progress.stored.lock().expect("").len()
    );

    let read = reader.await.expect("no panic");
    let mut connection = postgres.options.connect().await.expect("a connection");
    assert_consistent(&mut connection, &progress, &read).await;
    connection.close().await.expect("closed");
    assert!(delays.iter().all(|(_, longest)| *longest < MAX_DELAY), "{delays:.1?}");
}

/// Reads the feed while it grows, and returns its measurements in the order of reading.
async fn read_along(options: PgConnectOptions, progress: Arc<Progress>) -> Vec<MeasurementKey> {
    let mut connection = options.connect().await.expect("a connection");
    let (mut read, mut last) = (Vec::new(), 0);
    loop {
        let is_last = progress.ended.load(Ordering::Relaxed);
        let entries = feed::list_after(&mut connection, last, 1000).await.expect("read").expect("kept");
        if entries.is_empty() && is_last {
            connection.close().await.expect("closed");
            return read;
        }
        for entry in entries {
            assert!(entry.number > last, "numbers ascend");
            last = entry.number;
            read.extend(entry.record.recorded);
        }
        sleep(Duration::from_millis(5)).await;
    }
}

async fn assert_consistent(connection: &mut PgConnection, progress: &Progress, read: &[MeasurementKey]) {
    let rows: Vec<(String, DateTime<Utc>)> =
        sqlx::query_as("select key, measured_at from measurement join device using (device_id)")
            .fetch_all(&mut *connection)
            .await
            .expect("measurements");
    let count = rows.len();
    let rows: BTreeSet<_> = rows.into_iter().collect();
    assert_eq!(rows.len(), count, "a sample is stored twice");
    let stored = progress.stored.lock().expect("no panic").clone();
    let lost: Vec<_> = stored.difference(&rows).take(5).collect();
    assert!(lost.is_empty(), "answered, and not stored: {lost:?}");

    let mut all = Vec::new();
    let mut number = 0;
    while let Some(entries) = Some(feed::list_after(&mut *connection, number, 1000).await.expect("read").expect("kept"))
        && let Some(entry) = entries.last()
    {
        number = entry.number;
        all.extend(entries.into_iter().flat_map(|entry| entry.record.recorded));
    }
    assert_eq!(all.len(), count, "the feed has each sample once");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), count, "the feed has each sample once");
    assert!(all.starts_with(read), "a batch became visible below one that was read");

    let wrong_latest: i64 = sqlx::query_scalar(
        "with newest as (select distinct on (device_id) device_id, measured_at, seq from measurement
                         order by device_id, measured_at desc, seq desc),
              noted as (select device_id, measured_at, seq from latest)
         select count(*) from ((table newest except table noted) union all (table noted except table newest)) as wrong",
    )
    .fetch_one(&mut *connection)
    .await
    .expect("a count");
    assert_eq!(wrong_latest, 0, "devices whose latest row is wrong");
    assert_rollups_match(connection).await;
}

/// Neither is ended by a timeout of Postgres: it waits for the gateway in the middle of a statement.
#[tokio::test]
async fn stalled_copy_is_ended_and_progressing_copy_is_not() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    app.database.writes.execute("create table line (line text)").await.expect("a table");
    let connect = async || {
        let mut connection = options.clone().application_name("airgraph").connect().await.expect("a connection");
        connection.execute("begin; insert into line values ('locks are held')").await.expect("a transaction");
        connection
    };
    let (mut frozen, mut slow) = (connect().await, connect().await);
    let mut frozen = frozen.copy_in_raw("copy line from stdin").await.expect("it begins");
    frozen.send("line\n".as_bytes()).await.expect("sent");
    let mut slow = slow.copy_in_raw("copy line from stdin").await.expect("it begins");
    let (mut sessions, since, mut ended) = (StalledSessions::default(), Instant::now(), 0);
    while ended == 0 {
        assert!(since.elapsed() < DEADLINE, "it is not ended");
        slow.send("line\n".as_bytes()).await.expect("sent");
        ended = sessions.terminate_stalled(&app.database.jobs).await.expect("a look");
        sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(ended, 1);
    assert!(slow.finish().await.is_ok_and(|lines| lines > 1));
    assert!(frozen.finish().await.is_err());
}
