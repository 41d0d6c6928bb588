//! Placement of the tables in a Citus cluster.
//!
//! Rows of a device are on one shard of one worker, whatever their table, so that joins by device stay there. Tables of
//! devices, which statements join, are copied to all workers. The feed has one order and so one place, the coordinator;
//! API keys, uplinks and the rollups of cells stay there too.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, PgConnection, PgExecutor};

use super::DbError;

/// Tables with a copy on each worker, in the order of their foreign keys. They come first: tables that refer to them can
/// only be distributed afterwards.
const REFERENCE_TABLES: [&str; 2] = ["device", "device_sensor"];
/// Triggers don't work on tables with copies: a worker can't prepare a transaction that notifies. Deleting a device
/// notifies by itself.
const DROP_DEVICE_TRIGGER: &str = "drop trigger if exists device_deleted on device";
/// The table whose shards the others share.
const FIRST_TABLE: &str = "measurement";
/// Tables distributed by `device_id`.
const DEVICE_TABLES: [&str; 8] =
    [FIRST_TABLE, "weather", "ambient", "motion", "device_status", "device_hour", "latest", "packet"];
/// Sessions that the coordinator opens on workers don't have the settings of the gateway's sessions. With JIT compilation,
/// trips of a day took 15 times as long. One worker after the other: Citus passes a superuser's statement on to all servers,
/// so that two at once would wait for each other.
const JIT_OFF_ON_WORKERS: &str =
    "select run_command_on_workers('alter role current_user set jit = off', parallel => false)";
/// Whether a worker has this setting.
const HAS_JIT_OFF: &str = "select exists (select from pg_db_role_setting
                    where setrole = current_user::regrole and setdatabase = 0 and 'jit=off' = any(setconfig))";
/// Tables that have rows when a database is in use.
const FILLED_TABLES: [&str; 2] = ["measurement", "device"];

/// Where a table is, as Citus reports it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TablePlacement {
    /// The table.
    pub table: String,
    /// `reference`, `distributed` or `local`.
    pub kind: String,
    /// The column that selects the shard.
    pub column: Option<String>,
    /// Number of shards.
    pub shards: i64,
}

/// The statements that are missing until all tables are placed and all workers set up, in order. Empty when they are.
///
/// # Errors
/// When the database fails.
pub async fn missing_statements(db: &mut PgConnection, shards: u32) -> Result<Vec<String>, DbError> {
    // Citus also lists local tables with a foreign key to a table that it has placed.
    let placed = placement(&mut *db).await?.into_iter().filter(|placement| placement.kind != "local");
    let placed: HashSet<String> = placed.map(|placement| placement.table).collect();
    let missing = |tables: &[&'static str]| {
        let missing = tables.iter().copied().filter(|&table| !placed.contains(table));
        missing.collect::<Vec<_>>()
    };
    let references = missing(&REFERENCE_TABLES);
    let mut statements = Vec::new();
    if references.contains(&REFERENCE_TABLES[0]) {
        statements.push(DROP_DEVICE_TRIGGER.to_owned());
    }
    statements.extend(references.into_iter().map(|table| format!("select create_reference_table('{table}')")));
    let distributed = missing(&DEVICE_TABLES);
    if distributed.contains(&FIRST_TABLE) {
        statements.push(format!("set citus.shard_count = {shards}"));
    }
    statements.extend(distributed.into_iter().map(|table| {
        let colocation = if table == FIRST_TABLE { "none" } else { FIRST_TABLE };
        format!("select create_distributed_table('{table}', 'device_id', colocate_with => '{colocation}')")
    }));
    if !has_jit_off_on_workers(db).await? {
        statements.push(JIT_OFF_ON_WORKERS.to_owned());
    }
    Ok(statements)
}

/// Whether every worker is reachable and has the setting.
async fn has_jit_off_on_workers(db: &mut PgConnection) -> Result<bool, DbError> {
    // Not a checked query: the function exists in Citus only.
    let setting = sqlx::query_scalar("select bool_and(success and result = 't') from run_command_on_workers($1)");
    let on_all: Option<bool> = setting.bind(HAS_JIT_OFF).fetch_one(db).await?;
    Ok(on_all.unwrap_or(true))
}

/// Whether some of these missing statements place tables.
#[must_use]
pub fn is_placement_missing(statements: &[String]) -> bool {
    statements.iter().any(|statement| statement != JIT_OFF_ON_WORKERS)
}

/// Whether there are rows, which distributing moves while writers are locked out.
///
/// # Errors
/// When the database fails.
pub async fn has_rows(db: &mut PgConnection) -> Result<bool, DbError> {
    for table in FILLED_TABLES {
        // The interpolated table is a constant name.
        let exists = sqlx::query_scalar(AssertSqlSafe(format!("select exists (select from {table})")));
        if exists.fetch_one(&mut *db).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Runs one of the [`missing_statements`].
///
/// # Errors
/// When the database fails.
pub async fn run(db: &mut PgConnection, statement: &str) -> Result<(), DbError> {
    // Made of constant names and a number.
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(db).await?;
    Ok(())
}

/// The tables that Citus places, partitions excluded.
///
/// # Errors
/// When the database fails, or is no Citus coordinator.
pub async fn placement(db: impl PgExecutor<'_>) -> Result<Vec<TablePlacement>, DbError> {
    // Not a checked query: the view exists in Citus only.
    let placement = sqlx::query_as(
        "select table_name::text as \"table\", citus_table_type as kind,
                nullif(distribution_column, '<none>') as \"column\", shard_count::bigint as shards
         from citus_tables join pg_class on pg_class.oid = table_name
         where not relispartition
         order by citus_table_type desc, table_name::text",
    );
    Ok(placement.fetch_all(db).await?)
}
