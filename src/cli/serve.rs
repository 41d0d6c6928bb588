//! `airgraph serve`: runs the gateway from start to shutdown.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;

use super::{
    config::{DatabaseArgs, DatabaseChoice, ServeArgs},
    session::{Session, print},
    stop_signals::StopSignals,
};
use crate::{
    auth,
    auth::Secret,
    clock::Clock,
    config::comma_separated,
    db::{
        connect,
        embedded::{EmbeddedDatabase, LockPolicy},
        replicas,
        replicas::{ReplicaOptions, Replicas},
    },
    graphql::context::GatewayInfo,
    http,
    http::state::AppState,
    jobs::{
        build_indexes, create_partitions, retention, retention::RetentionPolicies, stalled_sessions, watch_workers,
    },
    limits::{Limits, RecordingLimits},
    shutdown::ShutdownDeadline,
};

/// Maximum time from the signal to the end of the process.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(25);
/// Parts of [`SHUTDOWN_TIMEOUT`]: for accepted requests, for accepted submissions, for jobs, and for closing
/// connections. The rest is for the embedded Postgres.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(14);
const RECORDER_TIMEOUT: Duration = Duration::from_secs(4);
const JOBS_TIMEOUT: Duration = Duration::from_secs(2);
const DATABASE_CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Limit of open files: client connections, and a quarter for everything else.
const MAX_OPEN_FILES: u64 = 40_000;
/// Client connections that are accepted however low the limit of open files is.
const MIN_CLIENT_CONNECTIONS: usize = 100;

pub(super) async fn run(database: &DatabaseArgs, arguments: &ServeArgs) -> anyhow::Result<()> {
    let admin_key = arguments.admin_key.as_deref().map(Secret::try_from_operator).transpose();
    let admin_key = admin_key.map_err(|reason| anyhow::anyhow!("AIRGRAPH_ADMIN_KEY: {reason}"))?;
    let replica_options = arguments.replica_options()?;
    let explorer = arguments.explorer.settings()?;
    // Before the database: binding a low port may need the privileges of root, which are dropped there, and a used port
    // is reported at once.
    let open_files = raise_open_file_limit();
    let listener = TcpListener::bind(arguments.listen).await;
    let listener = listener.with_context(|| format!("can't listen on {} (--listen)", arguments.listen))?;
    let address = listener.local_addr()?;
    let metrics_listener = match arguments.metrics_listen {
        Some(at) => {
            Some(TcpListener::bind(at).await.with_context(|| format!("can't listen on {at} (--metrics-listen)"))?)
        }
        None => None,
    };
    let mut stop = StopSignals::listen()?;

    let mut session = tokio::select! {
        session = Session::open_with_timeout(database, arguments.read_pool_size, arguments.request_timeout, LockPolicy::Refuse) => session?,
        () = stop.received() => return Ok(()),
    };
    let clock = Clock::system();
    let new_key = auth::ensure_admin_key(&session.database, admin_key.as_ref(), clock.now()).await?;
    connect::check_session_settings(&session.database).await?;
    let about = GatewayInfo {
        public_read: arguments.public_read,
        security_profile: arguments.security.settings(),
        limits: Limits { recording: recording_limits(database, arguments)?, ..limits(arguments, open_files) },
        slow_operation_threshold: arguments.slow_operation_threshold,
        database_host: session.options.get_host().to_owned(),
        database_port: session.options.get_port(),
    };
    let security_profile = about.security_profile.clone();
    let replicas = ReplicaOptions {
        pool_size: arguments.read_pool_size,
        request_timeout: arguments.request_timeout,
        max_lag: replicas::DEFAULT_MAX_LAG,
    };
    let replicas = Replicas::start(&session.database, &replica_options, replicas).await.context("the database")?;
    let (mut app, writers) = AppState::start(session.database.clone(), replicas, clock.clone(), about);
    app.origins = comma_separated::concat(&arguments.cors_origins);
    app.graphql_http = arguments.graphql_http;
    app.request_timeout = arguments.request_timeout;
    app.set_explorer(explorer).context("the documents of the explorer")?;
    if let Some(path) = &arguments.trusted_documents {
        app.persisted
            .load_manifest(path.clone(), security_profile.trusted_documents_only, app.shutdown.clone())
            .context("AIRGRAPH_TRUSTED_DOCUMENTS")?;
    }
    let pages = ServedPages { explorer: app.explorer.enabled, playground: security_profile.playground };
    print(&startup_message(address, pages, new_key.as_ref(), admin_key.is_some()))?;

    let policies = RetentionPolicies { uplinks: arguments.uplink_retention, feed: arguments.feed_retention };
    let retention = retention::run(session.database.clone(), clock.clone(), policies, app.shutdown.clone());
    let indexing = build_indexes::run(session.database.clone(), clock.clone(), app.shutdown.clone());
    let partitioning = create_partitions::run(session.database.clone(), clock, app.shutdown.clone());
    let stalled = stalled_sessions::run(session.database.clone(), app.shutdown.clone());
    let watching = watch_workers::run(session.database.clone(), app.citus_workers.clone(), app.shutdown.clone());
    let jobs = tokio::spawn(async { tokio::join!(retention, indexing, partitioning, stalled, watching) });
    let metrics =
        metrics_listener.map(|listener| tokio::spawn(axum::serve(listener, app.metrics_router()).into_future()));
    let mut server = tokio::spawn(http::serve(listener, app.router(), app.connections.clone(), app.shutdown.clone()));
    let outcome = tokio::select! {
        ended = &mut server => ended.context("the server ended by itself"),
        () = stop.received() => Ok(()),
        () = embedded_postgres_ended(session.embedded.as_mut()) => {
            Err(anyhow::anyhow!("the embedded Postgres ended unexpectedly"))
        }
    };
    tracing::info!("stopping: answering what was accepted");
    let deadline = ShutdownDeadline::start(SHUTDOWN_TIMEOUT);
    app.shutdown.cancel();
    let drained = async {
        if !server.is_finished() {
            let _ = (&mut server).await;
        }
        app.sockets.all_closed().await; // upgraded connections are not tracked by the server
    };
    if deadline.run_phase("requests", DRAIN_TIMEOUT, drained).await.is_none() {
        server.abort();
    }
    deadline.run_phase("recorder", RECORDER_TIMEOUT, writers.drain()).await;
    if let Some(metrics) = metrics {
        metrics.abort(); // served until the end
    }
    if let Some(ended) = deadline.run_phase("jobs", JOBS_TIMEOUT, jobs).await {
        ended.context("a background job failed")?;
    }
    let connections = async {
        app.state.replicas.close().await;
        session.database.close().await;
    };
    deadline.run_phase("database connections", DATABASE_CLOSE_TIMEOUT, connections).await;
    deadline.set_phase("embedded Postgres");
    session.stop_embedded().await?;
    outcome
}

fn recording_limits(database: &DatabaseArgs, arguments: &ServeArgs) -> anyhow::Result<RecordingLimits> {
    let data_folder = match database.database_choice()? {
        DatabaseChoice::Embedded(folder) => Some(folder),
        DatabaseChoice::External(_) => None,
    };
    Ok(RecordingLimits {
        data_folder,
        min_free_disk_bytes: u64::from(arguments.min_free_disk_mib) << 20,
        earliest_time: arguments.earliest_time,
        ..RecordingLimits::default()
    })
}

/// Raises the limit of open files, as far as this process may: the default of a shell is often 1024, and each
/// connection takes one. Returns the new limit.
fn raise_open_file_limit() -> u64 {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let wanted = MAX_OPEN_FILES.min(hard);
        if soft < wanted {
            setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
        }
        Ok(soft.max(wanted))
    });
    raised.unwrap_or_else(|error| {
        tracing::warn!(%error, "limit of open files could not be raised");
        getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft)
    })
}

/// The limits from the settings and the machine. A quarter of the open files is reserved for everything that is not a
/// client connection.
fn limits(arguments: &ServeArgs, open_files: u64) -> Limits {
    let mut limits = Limits::default();
    limits.connections.max_per_address = arguments.connections_per_address;
    limits.websockets.max_per_caller = arguments.connections_per_address;
    let max_connections = usize::try_from(open_files / 4 * 3).unwrap_or(usize::MAX);
    limits.connections.max_total = limits.connections.max_total.min(max_connections.max(MIN_CLIENT_CONNECTIONS));
    limits
}

/// Resolves when the embedded Postgres ended for good; never without one.
async fn embedded_postgres_ended(embedded: Option<&mut EmbeddedDatabase>) {
    match embedded {
        Some(embedded) => drop(embedded.wait().await),
        None => std::future::pending().await,
    }
}

/// The web pages that are served.
#[derive(Clone, Copy)]
struct ServedPages {
    explorer: bool,
    playground: bool,
}

/// Message for the first start: URLs, and a sensor's POST to paste.
fn startup_message(address: SocketAddr, pages: ServedPages, new_key: Option<&Secret>, chosen: bool) -> String {
    // 0.0.0.0 and [::] can be listened on but not connected to.
    let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let at = format!("http://{host}:{}", address.port());
    let explorer =
        if pages.explorer { format!("\n  Explorer     {at}/\n  Admin page   {at}/admin") } else { String::new() };
    let playground = if pages.playground { format!("\n  Playground   {at}/playground") } else { String::new() };
    let variable = if chosen { "$AIRGRAPH_ADMIN_KEY" } else { "$AIRGRAPH_KEY" };
    let key = new_key.map_or(variable, Secret::reveal);
    let about_key = match new_key {
        Some(key) => format!("\n  Admin key (shown this once; keep it):\n    {}\n", key.reveal()),
        None if chosen => {
            "\n  Keys: AIRGRAPH_ADMIN_KEY is the admin key; `airgraph keys create` makes more.\n".to_owned()
        }
        None => "\n  Keys: the admin key was shown at the first start; `airgraph keys create` makes more.\n".to_owned(),
    };
    format!(
        r#"
airgraph {version} is serving
{explorer}{playground}
  GraphQL      {at}/graphql
{about_key}
  Post a packet as a bicycle's sensor would:
    curl {at}/insertSensorData \
      -H "Authorization: Bearer {key}" -H 'Content-Type: application/json' \
      -d '{{"dev_id":"bike-07","payload_raw":"{packet}"}}'
  and read it back:
    curl {at}/graphql -H 'Content-Type: application/json' \
      -d '{{"query":"{{ device(key: \"bike-07\") {{ latest {{ measuredAt latitude longitude pm25 pm10 }} }} }}"}}'

"#,
        version = env!("CARGO_PKG_VERSION"),
        packet = EXAMPLE_PACKET,
    )
}

/// Eight samples around 52.194, 0.135 (a street in Cambridge), in base64.
const EXAMPLE_PACKET: &str = "dBitCKpGqAmB23FyAmB25FcAmB24E8AwCDDDsAvCDEDiAvCDKDgAuCLSDcAuCIAAAAAA";
