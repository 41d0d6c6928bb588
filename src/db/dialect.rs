//! Which database the gateway runs on.

use sqlx::PgExecutor;

use super::DbError;

/// What the server does differently from plain Postgres.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// Whether it is a Citus coordinator, which distributes tables over several servers.
    pub is_citus: bool,
    /// Whether there may be prepared transactions, whose commit becomes visible in parts.
    pub has_prepared_transactions: bool,
}

impl Dialect {
    /// Looks for the extension and the setting.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn detect(db: impl PgExecutor<'_>) -> Result<Self, DbError> {
        let row = sqlx::query!(
            r#"select exists (select from pg_extension where extname = 'citus') as "is_citus!",
                      current_setting('max_prepared_transactions') <> '0' as "prepares!""#
        );
        let row = row.fetch_one(db).await?;
        Ok(Self { is_citus: row.is_citus, has_prepared_transactions: row.is_citus || row.prepares })
    }
}
