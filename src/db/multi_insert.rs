//! Several inserts of many rows each, in one statement.
//!
//! `with a as (insert into …), b as (insert into …) select …`: every insert sees the database as it was before the
//! statement, so none may depend on rows of another. Rows are passed as an array of records, or as arrays, one per
//! column. Names of tables and columns are constants, never a client's.

use std::fmt::Write as _;

use sqlx::{
    Arguments as _, AssertSqlSafe, Encode, PgExecutor, Postgres, Type,
    postgres::{PgArguments, PgHasArrayType},
};

use super::{DbError, dialect::Dialect};

/// A row to insert, as a composite type of the database.
pub(super) trait Record: for<'q> Encode<'q, Postgres> + Type<Postgres> + PgHasArrayType {
    /// The table.
    const TABLE: &'static str;
    /// The composite type, which has the table's columns in this order.
    const TYPE: &'static str;
    /// The columns.
    const COLUMNS: &'static str;
}

/// Implements [`Record`] for a struct whose fields are those of the composite type.
macro_rules! record {
    ($record:ty, $table:literal, $kind:literal, $columns:expr) => {
        impl $crate::db::multi_insert::Record for $record {
            const TABLE: &'static str = $table;
            const TYPE: &'static str = $kind;
            const COLUMNS: &'static str = $columns;
        }
        impl sqlx::Type<sqlx::Postgres> for $record {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                sqlx::postgres::PgTypeInfo::with_name($kind)
            }
        }
        impl sqlx::postgres::PgHasArrayType for $record {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                sqlx::postgres::PgTypeInfo::array_of($kind)
            }
        }
    };
}
pub(super) use record;

/// The inserts of one statement.
#[derive(Default)]
pub(super) struct MultiInsert {
    condition: Option<&'static str>,
    ctes: Vec<String>,
    values: PgArguments,
}

/// Rows of one table as column arrays.
pub(super) struct ColumnArrays<'a> {
    names: String,
    arrays: String,
    values: &'a mut PgArguments,
}

impl ColumnArrays<'_> {
    /// Adds a column. Its length must be that of the other columns of the table.
    pub fn put(&mut self, name: &str, values: Vec<Option<f64>>) -> Result<(), DbError> {
        self.add_as(name, "float8", values)
    }

    /// Adds a column of another SQL type, which is given by name.
    pub fn add_as<'v, T>(&mut self, name: &str, kind: &str, values: Vec<T>) -> Result<(), DbError>
    where
        Vec<T>: Encode<'v, Postgres> + Type<Postgres>,
    {
        self.values.add(values).map_err(sqlx::Error::Encode)?;
        let comma = if self.names.is_empty() { "" } else { ", " };
        // Writing to a String can't fail.
        let _ = write!(self.names, "{comma}{name}");
        let _ = write!(self.arrays, "{comma}${}::{kind}[]", self.values.len());
        Ok(())
    }
}

impl MultiInsert {
    /// Inserts that run only if the condition on these values holds.
    pub fn with_condition(condition: &'static str, values: PgArguments) -> Self {
        Self { condition: Some(condition), ctes: Vec::new(), values }
    }

    /// Adds an insert of these rows; `suffix` is its `on conflict` clause.
    pub fn add_records<R: Record>(&mut self, suffix: &str, rows: Vec<R>) -> Result<(), DbError> {
        self.add_records_into(R::TABLE, suffix, rows)
    }

    /// Adds an insert through a view of the table.
    pub fn add_records_into<R: Record>(
        &mut self,
        relation: &'static str,
        suffix: &str,
        rows: Vec<R>,
    ) -> Result<(), DbError> {
        self.values.add(rows).map_err(sqlx::Error::Encode)?;
        let arrays = format!("${}::{}[]", self.values.len(), R::TYPE);
        self.push(relation, R::COLUMNS, &arrays, suffix);
        Ok(())
    }

    /// Adds an insert of column arrays.
    pub fn add_columns(
        &mut self,
        table: &str,
        put: impl FnOnce(&mut ColumnArrays<'_>) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        let mut columns = ColumnArrays { names: String::new(), arrays: String::new(), values: &mut self.values };
        put(&mut columns)?;
        let ColumnArrays { names, arrays, .. } = columns;
        self.push(table, &names, &arrays, "");
        Ok(())
    }

    fn push(&mut self, table: &str, names: &str, arrays: &str, suffix: &str) {
        let condition = if self.condition.is_some() { "where (select holds from condition)" } else { "" };
        let insert = insert(table, names, arrays, &format!("{condition} {suffix}"));
        self.ctes.push(format!("into_{table} as ({insert})"));
    }

    /// Runs all inserts, with the order of locks of plain Postgres. False when there are none, or the condition doesn't
    /// hold.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn execute(self, db: impl PgExecutor<'_>) -> Result<bool, DbError> {
        self.execute_on(db, Dialect::default()).await
    }

    /// The same with the order of locks of this database.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn execute_on(self, db: impl PgExecutor<'_>, dialect: Dialect) -> Result<bool, DbError> {
        if self.ctes.is_empty() {
            return Ok(false);
        }
        // Postgres runs data-modifying CTEs from the last to the first. Reversed, they take their locks in the order in
        // which they were added, as separate statements would, so that concurrent writers wait for each other.
        // Otherwise one of them would fail with a deadlock and retry. Citus runs them from the first to the last.
        let mut ctes = self.ctes;
        if !dialect.is_citus {
            ctes.reverse();
        }
        let each = ctes.join(", ");
        let text = match self.condition {
            None => format!("with {each} select true"),
            Some(condition) => format!(
                "with condition as materialized (select {condition} as holds), {each}
                 select holds from condition"
            ),
        };
        // Reads to the end of the result, which reports the commit: a row may arrive before it.
        let rows = sqlx::query_scalar_with(AssertSqlSafe(text), self.values).fetch_all(db).await?;
        Ok(rows.into_iter().next().unwrap_or(false))
    }
}

/// One insert of records that returns values of each inserted row.
pub(super) async fn insert_returning<R: Record, T>(
    db: impl PgExecutor<'_>,
    suffix: &str,
    rows: Vec<R>,
) -> Result<Vec<T>, DbError>
where
    T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    let mut values = PgArguments::default();
    values.add(rows).map_err(sqlx::Error::Encode)?;
    let statement = insert(R::TABLE, R::COLUMNS, &format!("$1::{}[]", R::TYPE), suffix);
    Ok(sqlx::query_as_with(AssertSqlSafe(statement), values).fetch_all(db).await?)
}

fn insert(table: &str, names: &str, arrays: &str, suffix: &str) -> String {
    format!("insert into {table} ({names}) select * from unnest({arrays}) {suffix}")
}
