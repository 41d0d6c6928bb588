//! Information about the database server.

use sqlx::PgExecutor;

use super::DbError;

/// The connected database and role, without the password.
#[derive(Clone, Debug)]
pub struct DatabaseInfo {
    /// The database's name.
    pub name: String,
    /// The role of the gateway.
    pub user: String,
    /// The server's version, such as 15.18.
    pub version: String,
}

/// A table and its estimated number of rows.
#[derive(Clone, Debug)]
pub struct TableInfo {
    /// The table's name.
    pub name: String,
    /// Number of rows as estimated by the statistics of Postgres; 0 before the first `analyze`.
    pub row_estimate: i64,
}

/// Name, user and version.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.server_info.load_info", skip_all)]
pub async fn load_info(db: impl PgExecutor<'_>) -> Result<DatabaseInfo, DbError> {
    let row = sqlx::query!(
        r#"select current_database()::text as "name!", current_user::text as "user!",
                  current_setting('server_version') as "version!""#
    )
    .fetch_one(db)
    .await?;
    Ok(DatabaseInfo { name: row.name, user: row.user, version: row.version })
}

/// The tables of the data model; the rows of a partitioned table are those of its partitions.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.server_info.list_tables", skip_all)]
pub async fn list_tables(db: impl PgExecutor<'_>) -> Result<Vec<TableInfo>, DbError> {
    let rows = sqlx::query!(
        r#"select c.relname::text as "name!",
                  (case when c.relkind = 'p'
                        then (select coalesce(sum(greatest(leaf.reltuples, 0)), 0)
                              from pg_inherits i join pg_class leaf on leaf.oid = i.inhrelid where i.inhparent = c.oid)
                        else greatest(c.reltuples, 0)
                   end)::bigint as "row_estimate!"
           from pg_class c
           where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
             and c.relname <> '_sqlx_migrations'
           order by c.relname"#
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| TableInfo { name: row.name, row_estimate: row.row_estimate }).collect())
}

/// Checks that the database answers.
///
/// # Errors
/// When it doesn't.
#[tracing::instrument(name = "db.server_info.ping", skip_all)]
pub async fn ping(db: impl PgExecutor<'_>) -> Result<(), DbError> {
    sqlx::query!("select 1 as one").fetch_one(db).await?;
    Ok(())
}
