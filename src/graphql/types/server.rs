//! Information about the gateway.

use async_graphql::{Context, Object, SimpleObject};
use sqlx::PgPool;

use crate::{
    api_error::ApiError,
    db,
    db::replicas::state::ReplicaStatus,
    graphql::{
        context::{ContextExt as _, State},
        scalar::DateTime,
    },
};

/// Information about the gateway: version, clock, load and database.
pub struct Server;

/// Information about the gateway: version, clock, load and database.
#[Object]
impl Server {
    /// Version of airgraph.
    async fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Current time of the gateway's clock.
    async fn time(&self, ctx: &Context<'_>) -> DateTime {
        ctx.state().clock.now().into()
    }

    /// Tables of the database with their estimated row counts.
    async fn tables(&self, ctx: &Context<'_>) -> Result<Vec<Table>, ApiError> {
        let tables = db::server_info::list_tables(ctx.read_pool()).await?;
        Ok(tables.into_iter().map(|table| Table { name: table.name, row_estimate: table.row_estimate }).collect())
    }

    /// Months whose measurements are in an archive and no longer in the database, oldest first. Statistics that are computed
    /// from hourly rollups contain them. Every other response that lacks measurements of such a month names it in
    /// `extensions.archived`.
    async fn pruned_months(&self, ctx: &Context<'_>) -> Result<Vec<PrunedMonth>, ApiError> {
        let months = db::pruned_month::list(ctx.read_pool()).await?;
        Ok(months.into_iter().map(PrunedMonth::from).collect())
    }

    /// Current load of this gateway; `/metrics` has more detail. Admins only.
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn load(&self, ctx: &Context<'_>) -> Result<Load, ApiError> {
        ctx.caller().require_admin()?;
        Ok(Load::from_state(ctx.state()))
    }

    /// Database the gateway is connected to. Admins only.
    async fn database(&self, ctx: &Context<'_>) -> Result<Database, ApiError> {
        ctx.caller().require_admin()?;
        let info = db::server_info::load_info(ctx.read_pool()).await?;
        let gateway = &ctx.state().info;
        Ok(Database {
            name: info.name,
            user: info.user,
            host: gateway.database_host.clone(),
            port: gateway.database_port.into(),
            version: info.version,
        })
    }
}

/// Month whose measurements are in an archive and no longer in the database, except the newest of each device.
#[derive(SimpleObject)]
pub struct PrunedMonth {
    /// Start of the month, inclusive.
    start: DateTime,
    /// End of the month, exclusive.
    end: DateTime,
    /// Number of its measurements in the archive.
    measurements: i64,
    /// Time its measurements were removed. Null while they are being verified: none is added or removed then.
    pruned_at: Option<DateTime>,
}

impl From<db::pruned_month::PrunedMonth> for PrunedMonth {
    fn from(month: db::pruned_month::PrunedMonth) -> Self {
        Self {
            start: month.month.start().into(),
            end: month.month.next().start().into(),
            measurements: month.measurements,
            pruned_at: month.pruned_at.map(Into::into),
        }
    }
}

/// Current load of the gateway.
#[derive(SimpleObject)]
pub struct Load {
    /// Connection pools.
    pools: Vec<Pool>,
    /// Read replicas of the database.
    replicas: Vec<Replica>,
    /// Queues of samples waiting to be recorded or being recorded.
    queues: Vec<Queue>,
}

/// Connection pool: database connections for one purpose.
#[derive(SimpleObject)]
pub struct Pool {
    /// Purpose: `reads`, `writes` (mutations), `jobs`, `keys`, `readiness` or `recorder`; for a replica its host and
    /// port.
    name: String,
    /// Number of open connections.
    size: i32,
    /// Number of open connections that are idle.
    idle: i32,
    /// Maximum number of connections.
    max: i32,
}

/// Read replica: a standby server that answers queries instead of the primary database.
#[derive(SimpleObject)]
pub struct Replica {
    /// Host and port.
    name: String,
    /// Whether queries are routed to it: it is a standby, reachable, and not too far behind.
    in_rotation: bool,
    /// Replication lag, in bytes of the write-ahead log. Null when it is not known.
    lag: Option<i64>,
}

/// Queue of the recorder.
#[derive(SimpleObject)]
pub struct Queue {
    /// Name: `arrivals` (requests) or `bulk` (files and replays).
    name: &'static str,
    /// Number of submissions: request bodies, mutations and parts of files.
    submissions: i32,
    /// Number of samples in the submissions.
    samples: i32,
    /// Estimated memory use of the submissions, in bytes.
    bytes: i32,
}

impl Load {
    fn from_state(state: &State) -> Self {
        let pool = |name: &str, pool: &PgPool| Pool {
            name: name.to_owned(),
            size: to_i32(pool.size()),
            idle: to_i32(pool.num_idle()),
            max: to_i32(pool.options().get_max_connections()),
        };
        let mut pools: Vec<_> = state.database.pools().map(|(name, of)| pool(name, of)).into();
        pools.push(pool("recorder", state.recorder.writer_pool()));
        pools.extend(state.replicas.snapshots().map(|(replica, _)| pool(&replica.address, &replica.pool)));
        let replicas = state.replicas.snapshots().map(|(replica, reading)| Replica {
            name: replica.address.clone(),
            in_rotation: reading.status == ReplicaStatus::InRotation,
            lag: reading.lag_bytes.map(|bytes| bytes.try_into().unwrap_or(i64::MAX)),
        });
        let queues = state.recorder.queue_loads().map(|(name, load)| Queue {
            name,
            submissions: to_i32(load.submissions),
            samples: to_i32(load.samples),
            bytes: to_i32(load.bytes),
        });
        Self { pools, replicas: replicas.collect(), queues: queues.into() }
    }
}

fn to_i32(count: impl TryInto<i32>) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}

/// Table of the database.
#[derive(SimpleObject)]
pub struct Table {
    /// Its name.
    name: String,
    /// Number of rows as last estimated by Postgres. 0 before the first estimate.
    row_estimate: i64,
}

/// Database connection of the gateway, without its password.
#[derive(SimpleObject)]
pub struct Database {
    /// Database name.
    name: String,
    /// Database user the gateway connects as.
    user: String,
    /// Host of the database server.
    host: String,
    /// Port of the database server.
    port: i32,
    /// Version of Postgres.
    version: String,
}
