//! The gateway itself.

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

/// The gateway itself.
pub struct Server;

/// The gateway itself.
#[Object]
impl Server {
    /// The version of airgraph.
    async fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// The gateway's clock.
    async fn time(&self, ctx: &Context<'_>) -> DateTime {
        ctx.state().clock.now().into()
    }

    /// The tables of the database, with about how many rows they have.
    async fn tables(&self, ctx: &Context<'_>) -> Result<Vec<Table>, ApiError> {
        let tables = db::server_info::list_tables(ctx.read_pool()).await?;
        Ok(tables.into_iter().map(|table| Table { name: table.name, row_estimate: table.row_estimate }).collect())
    }

    /// What this gateway is busy with at this moment; `/metrics` tells more. For admins.
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn load(&self, ctx: &Context<'_>) -> Result<Load, ApiError> {
        ctx.caller().require_admin()?;
        Ok(Load::from_state(ctx.state()))
    }

    /// The database connection. For admins.
    async fn database(&self, ctx: &Context<'_>) -> Result<Database, ApiError> {
        ctx.caller().require_admin()?;
        let info = db::server_info::load_info(ctx.read_pool()).await?;
        let about = &ctx.state().info;
        Ok(Database {
            name: info.name,
            user: info.user,
            host: about.database_host.clone(),
            port: about.database_port.into(),
            version: info.version,
        })
    }
}

/// What the gateway is busy with.
#[derive(SimpleObject)]
pub struct Load {
    /// Its connections to the database.
    pools: Vec<Pool>,
    /// Servers that answer queries in its place.
    replicas: Vec<Replica>,
    /// What waits to be recorded or is in work.
    queues: Vec<Queue>,
}

/// Connections to the database that are used for the same.
#[derive(SimpleObject)]
pub struct Pool {
    /// What for: `reads`, `writes` (mutations), `jobs`, `keys`, `readiness`, `recorder`; or of which replica: its host and port.
    name: String,
    /// How many there are.
    size: i32,
    /// How many of them nobody uses right now.
    idle: i32,
    /// How many there may be.
    max: i32,
}

/// A server that answers queries in the database's place.
#[derive(SimpleObject)]
pub struct Replica {
    /// Its host and port.
    name: String,
    /// Whether queries go there: it is a standby of the database, can be reached and is not too far behind.
    in_rotation: bool,
    /// How far it is behind the database, in bytes of its log (`By`); null where that isn't known.
    lag: Option<i64>,
}

/// A queue of the recorder.
#[derive(SimpleObject)]
pub struct Queue {
    /// What is in it: `arrivals`, `bulk` (files and replays).
    name: &'static str,
    /// Bodies, mutations and pieces of files.
    submissions: i32,
    /// Their samples.
    samples: i32,
    /// What they take in memory, about (`By`).
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

/// A table of the database.
#[derive(SimpleObject)]
pub struct Table {
    /// Its name.
    name: String,
    /// About how many rows it has, as Postgres last estimated; 0 before it first did.
    row_estimate: i64,
}

/// The database connection, without its password.
#[derive(SimpleObject)]
pub struct Database {
    /// The database's name.
    name: String,
    /// The user that the gateway is there.
    user: String,
    /// Where it is.
    host: String,
    /// Its port.
    port: i32,
    /// The version of Postgres.
    version: String,
}
