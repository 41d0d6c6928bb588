//! Several inserts in one statement, each of many rows.
//!
//! `with a as (insert into …), b as (insert into …) select …`: every insert sees the database as it was before the
//! statement, so none may need what another one stores. Rows come as an array of records, or as arrays, a column each.
//! Names of tables and columns are ours, never a client's.

use std::fmt::Write as _;

use sqlx::{
    Arguments as _, AssertSqlSafe, Encode, PgExecutor, Postgres, Type,
    postgres::{PgArguments, PgHasArrayType},
};

use super::DbError;

/// A row on its way into a table, as a type of the database.
pub(super) trait Record: for<'q> Encode<'q, Postgres> + Type<Postgres> + PgHasArrayType {
    /// The table.
    const TABLE: &'static str;
    /// The type, which has the table's columns in this order.
    const TYPE: &'static str;
    /// The columns.
    const COLUMNS: &'static str;
}

/// Says of which table and type a struct is a row, whose fields are the type's.
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

/// Inserts that are put together.
#[derive(Default)]
pub(super) struct MultiInsert {
    condition: Option<&'static str>,
    ctes: Vec<String>,
    values: PgArguments,
}

/// What the statement tells: which transaction it was.
const ROW_VERSION: &str = "pg_current_xact_id()::xid::text::bigint";

/// Columns of the rows of one table.
pub(super) struct ColumnArrays<'a> {
    names: String,
    arrays: String,
    values: &'a mut PgArguments,
}

impl ColumnArrays<'_> {
    /// Adds a column of so many values as every other of the table has.
    pub fn put(&mut self, name: &str, values: Vec<Option<f64>>) -> Result<(), DbError> {
        self.add_as(name, "float8", values)
    }

    /// The same of values of another type, which is named.
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
    /// Inserts of which none is made unless this holds: a condition of these values.
    pub fn with_condition(condition: &'static str, values: PgArguments) -> Self {
        Self { condition: Some(condition), ctes: Vec::new(), values }
    }

    /// Adds an insert of these rows; `suffix` says what happens where the key is taken.
    pub fn add_records<R: Record>(&mut self, suffix: &str, rows: Vec<R>) -> Result<(), DbError> {
        self.add_records_into(R::TABLE, suffix, rows)
    }

    /// The same through a view of the table.
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

    /// Adds an insert of columns.
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

    /// Runs all of them, where there are any, and tells which transaction that was; none when the condition doesn't hold.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn execute(self, db: impl PgExecutor<'_>) -> Result<Option<i64>, DbError> {
        if self.ctes.is_empty() {
            return Ok(None);
        }
        // Postgres runs them from the last to the first. Turned round they take their locks in the order in which they were
        // added, as statements of their own would: two writers wait for each other then. Were it otherwise, one of them
        // would be told of a deadlock, and try again.
        let each = self.ctes.iter().rev().map(String::as_str).collect::<Vec<_>>().join(", ");
        let text = match self.condition {
            None => format!("with {each} select {ROW_VERSION}"),
            Some(condition) => format!(
                "with condition as materialized (select {condition} as holds), {each}
                 select case when holds then {ROW_VERSION} end from condition"
            ),
        };
        // To the end of the answer, where the commit is told: a row may come before it.
        let rows = sqlx::query_scalar_with(AssertSqlSafe(text), self.values).fetch_all(db).await?;
        Ok(rows.into_iter().next().flatten())
    }
}

/// One insert of records, which gives something back of each row that was stored.
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
