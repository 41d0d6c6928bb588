//! Gauges that are read when metrics are requested: pools, queues, sockets, subscriptions.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
    },
    registry::{Registry, Unit},
};

use crate::{
    db,
    db::{citus_workers::WorkerStatus, replicas::state::ReplicaStatus},
    http::{middleware::concurrency_limit::ConcurrencyLoad, state::AppState},
};

type Label = [(&'static str, &'static str); 1];
/// Server names are taken from the settings.
type NameLabel = [(&'static str, String); 1];
type NameStateLabels = [(&'static str, String); 2];

/// The current values.
#[must_use]
pub fn collect(app: &AppState) -> Registry {
    let mut registry = crate::observability::metrics::registry();
    pools(app, &mut registry);
    errors(&mut registry);
    replicas(app, &mut registry);
    citus_workers(app, &mut registry);
    queues(app, &mut registry);
    disk(app, &mut registry);
    subscriptions(app, &mut registry);
    connections(app, &mut registry);
    concurrency(app, &mut registry);
    registry
}

fn pools(app: &AppState, registry: &mut Registry) {
    let (connections, max) = (Family::<NameStateLabels, Gauge>::default(), Family::<NameLabel, Gauge>::default());
    let pools = app.state.database.pools().into_iter().chain([("recorder", app.state.recorder.writer_pool())]);
    let replicas = app.state.replicas.snapshots().map(|(replica, _)| (&*replica.address, &replica.pool));
    for (name, pool) in pools.chain(replicas) {
        let (size, idle) = (i64::from(pool.size()), to_i64(pool.num_idle()));
        connections.get_or_create(&[("pool", name.to_owned()), ("state", "idle".to_owned())]).set(idle);
        connections
            .get_or_create(&[("pool", name.to_owned()), ("state", "in_use".to_owned())])
            .set((size - idle).max(0));
        max.get_or_create(&[("pool", name.to_owned())]).set(pool.options().get_max_connections().into());
    }
    registry.register("database_connections", "Connections to Postgres, by pool and state", connections);
    registry.register("database_connections_max", "Connections to Postgres that a pool may have", max);
}

fn errors(registry: &mut Registry) {
    let errors = Family::<Label, Counter>::default();
    for (kind, count) in db::error::error_counts() {
        errors.get_or_create(&[("kind", kind)]).inc_by(count);
    }
    registry.register(
        "database_errors",
        "Failed statements and connections, by kind, including those that succeeded on a retry",
        errors,
    );
}

/// No metrics without replicas.
fn replicas(app: &AppState, registry: &mut Registry) {
    if app.state.replicas.is_empty() {
        return;
    }
    let (used, lag) = (Family::<NameLabel, Gauge>::default(), Family::<NameLabel, Gauge<f64, AtomicU64>>::default());
    for (replica, reading) in app.state.replicas.snapshots() {
        let server = [("server", replica.address.clone())];
        used.get_or_create(&server).set((reading.status == ReplicaStatus::InRotation).into());
        #[expect(clippy::cast_precision_loss, reason = "some bytes of a petabyte are negligible")]
        lag.get_or_create(&server).set(reading.lag_bytes.map_or(f64::NAN, |bytes| bytes as f64));
    }
    registry.register("replica_in_rotation", "Whether queries are sent to the replica", used);
    let help = "How far a replica is behind the primary, in bytes of its log; NaN if unknown";
    registry.register_with_unit("replica_lag", help, Unit::Bytes, lag);
}

/// No metrics without Citus.
fn citus_workers(app: &AppState, registry: &mut Registry) {
    let workers = app.citus_workers.snapshot();
    if workers.is_empty() {
        return;
    }
    let (reachable, size) = (Family::<NameLabel, Gauge>::default(), Family::<NameLabel, Gauge>::default());
    for WorkerStatus { address, database_bytes } in workers {
        let worker = [("worker", address)];
        reachable.get_or_create(&worker).set(database_bytes.is_some().into());
        if let Some(bytes) = database_bytes {
            size.get_or_create(&worker).set(bytes);
        }
    }
    registry.register("citus_worker_reachable", "Whether the coordinator reaches the worker", reachable);
    let help = "Size of the database on a worker of Citus that is reachable";
    registry.register_with_unit("citus_worker_database", help, Unit::Bytes, size);
}

fn queues(app: &AppState, registry: &mut Registry) {
    let gauges: [Family<Label, Gauge>; 3] = Default::default();
    for (name, load) in app.state.recorder.queue_loads() {
        for (gauge, value) in gauges.iter().zip([load.submissions, load.samples, load.bytes]) {
            gauge.get_or_create(&[("queue", name)]).set(to_i64(value));
        }
    }
    let [submissions, samples, bytes] = gauges;
    registry.register(
        "recorder_queue_submissions",
        "Submissions that wait to be recorded or are being recorded, by queue",
        submissions,
    );
    registry.register(
        "recorder_queue_samples",
        "Samples that wait to be recorded or are being recorded, by queue",
        samples,
    );
    registry.register_with_unit(
        "recorder_queue_size",
        "Memory of submissions that wait to be recorded or are being recorded, by queue",
        Unit::Bytes,
        bytes,
    );
}

fn disk(app: &AppState, registry: &mut Registry) {
    #[expect(clippy::cast_precision_loss, reason = "some bytes of a petabyte are negligible")]
    let free = app.state.recorder.free_disk_bytes().map_or(f64::NAN, |bytes| bytes as f64);
    let help = "Free space on the disk of the embedded Postgres; NaN for another database";
    registry.register_with_unit("data_disk_free", help, Unit::Bytes, ConstGauge::new(free));
}

fn subscriptions(app: &AppState, registry: &mut Registry) {
    registry.register("websockets", "Open WebSockets", ConstGauge::new(to_i64(app.sockets.open_count())));
    registry.register("subscriptions", "Subscriptions that run", ConstGauge::new(to_i64(app.live.count())));
    registry.register(
        "subscription_channels",
        "Channels of subscriptions; equal subscriptions share one",
        ConstGauge::new(to_i64(app.live.channels())),
    );
    // Without subscriptions the feed is not read, so there is no delay.
    if let Some(feed) = app.live.lag() {
        registry.register(
            "feed_newest_batch",
            "Number of the newest batch of the feed that was read",
            ConstGauge::new(feed.newest_batch),
        );
        registry.register(
            "feed_backlog_batches",
            "Batches of the feed that the slowest channel of subscriptions has not delivered yet",
            ConstGauge::new(feed.backlog_batches),
        );
        registry.register(
            "feed_seconds_since_last_read",
            "Seconds since the feed was last read to its end. Above 5 s, subscribers are not receiving events",
            ConstGauge::new(feed.time_since_read.as_secs_f64()),
        );
    }
}

fn connections(app: &AppState, registry: &mut Registry) {
    let open = ConstGauge::new(to_i64(app.connections.open_count()));
    let uploads = ConstGauge::new(to_i64(app.uploads.in_use()));
    registry.register("uploads", "File uploads at the moment", uploads);
    let sent = ConstGauge::new(to_i64(app.response_memory.bytes()));
    let help = "Large responses that are being sent";
    registry.register_with_unit("responses_sent", help, Unit::Bytes, sent);
    let bodies = ConstGauge::new(to_i64(app.body_memory.bytes()));
    let help = "Memory of large request bodies and messages that are being read";
    registry.register_with_unit("bodies", help, Unit::Bytes, bodies);
    registry.register("connections", "Open connections of clients, WebSockets included", open);
}

fn concurrency(app: &AppState, registry: &mut Registry) {
    let ConcurrencyLoad { max_in_flight, in_flight, shed } = app.concurrency_limit.load();
    registry.register(
        "graphql_in_flight_requests",
        "GraphQL requests being executed",
        ConstGauge::new(i64::from(in_flight)),
    );
    registry.register(
        "graphql_max_in_flight_requests",
        "GraphQL requests that may be executed at a time; more wait, then are rejected",
        ConstGauge::new(i64::from(max_in_flight)),
    );
    registry.register(
        "graphql_statements_waiting",
        "Statements of GraphQL requests that wait for a connection to Postgres",
        ConstGauge::new(to_i64(app.state.read_servers.waiting())),
    );
    registry.register(
        "graphql_requests_shed",
        "GraphQL requests rejected because too many were being executed",
        ConstCounter::new(shed),
    );
}

fn to_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
