//! What is merely looked at when somebody asks: pools, queues, sockets, subscriptions.

use prometheus_client::{
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
        gauge::Gauge,
    },
    registry::{Registry, Unit},
};
use sqlx::PgPool;

use crate::{app::App, capacity::Load, db};

type Label = [(&'static str, &'static str); 1];
type Labels = [(&'static str, &'static str); 2];

/// How the gateway is right now.
#[must_use]
pub fn of(app: &App) -> Registry {
    let mut registry = super::registry();
    pools(app, &mut registry);
    errors(&mut registry);
    queues(app, &mut registry);
    live(app, &mut registry);
    capacity(app, &mut registry);
    registry
}

fn pools(app: &App, registry: &mut Registry) {
    let (connections, most) = (Family::<Labels, Gauge>::default(), Family::<Label, Gauge>::default());
    let pools: [(&'static str, &PgPool); 2] =
        [("reads", &app.state.database.reads), ("writes", &app.state.database.writes)];
    for (name, pool) in pools {
        let (size, idle) = (i64::from(pool.size()), whole(pool.num_idle()));
        connections.get_or_create(&[("pool", name), ("state", "idle")]).set(idle);
        connections.get_or_create(&[("pool", name), ("state", "in_use")]).set((size - idle).max(0));
        most.get_or_create(&[("pool", name)]).set(pool.options().get_max_connections().into());
    }
    registry.register("database_connections", "Connections to Postgres, by pool and state", connections);
    registry.register("database_connections_max", "Connections to Postgres that a pool may have", most);
}

fn errors(registry: &mut Registry) {
    let errors = Family::<Label, Counter>::default();
    for (kind, count) in db::error::counts() {
        errors.get_or_create(&[("kind", kind)]).inc_by(count);
    }
    registry.register(
        "database_errors",
        "Statements and connections that failed, by kind, those that were mended by trying again included",
        errors,
    );
}

fn queues(app: &App, registry: &mut Registry) {
    let gauges: [Family<Label, Gauge>; 3] = Default::default();
    for (name, load) in app.state.recorder.loads() {
        for (gauge, value) in gauges.iter().zip([load.submissions, load.samples, load.bytes]) {
            gauge.get_or_create(&[("queue", name)]).set(whole(value));
        }
    }
    let [submissions, samples, bytes] = gauges;
    registry.register(
        "recorder_queue_submissions",
        "What waits to be recorded or is in work, by queue: submissions",
        submissions,
    );
    registry.register("recorder_queue_samples", "What waits to be recorded or is in work, by queue: samples", samples);
    registry.register_with_unit(
        "recorder_queue_size",
        "What waits to be recorded or is in work, by queue: memory",
        Unit::Bytes,
        bytes,
    );
}

fn live(app: &App, registry: &mut Registry) {
    registry.register("websockets", "Open WebSockets", ConstGauge::new(whole(app.sockets.open())));
    registry.register("subscriptions", "Subscriptions that run", ConstGauge::new(whole(app.live.count())));
    registry.register(
        "subscription_channels",
        "Different subscriptions that run; those to the same share one",
        ConstGauge::new(whole(app.live.channels())),
    );
    // Nobody follows the feed while nobody is subscribed; then there is nothing to be late with.
    if let Some(feed) = app.live.lag() {
        registry.register(
            "feed_newest_batch",
            "Number of the newest batch of the feed that was read",
            ConstGauge::new(feed.newest),
        );
        registry.register(
            "feed_untold_batches",
            "Batches that were read and that the slowest subscription's channel has yet to tell",
            ConstGauge::new(feed.untold),
        );
        registry.register_with_unit(
            "feed_read_age",
            "Time since the feed was last read to its end; more than a few seconds means that news don't come through",
            Unit::Seconds,
            ConstGauge::new(feed.read_age.as_secs_f64()),
        );
    }
}

fn capacity(app: &App, registry: &mut Registry) {
    let Load { most, in_work, refused } = app.capacity.load();
    registry.register("graphql_in_work", "GraphQL requests in work", ConstGauge::new(i64::from(in_work)));
    registry.register(
        "graphql_in_work_max",
        "GraphQL requests that may be in work; more are refused",
        ConstGauge::new(i64::from(most)),
    );
    registry.register(
        "graphql_overload_refusals",
        "GraphQL requests that were refused as too many were in work",
        ConstCounter::new(refused),
    );
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
