//! Several inserts of many rows each, in one statement.
//!
//! `with a as (insert into …), b as (insert into …) select …`: every insert sees the database as it was before the
//! statement, so none may depend on rows of another. Rows are passed as an array of records, or as arrays, one per
//! column. Names of tables and columns are constants, never a client's.
//!
//! On Citus each insert is a statement of one transaction.

use sqlx::{
    Arguments as _, AssertSqlSafe, Connection as _, Encode, PgConnection, PgExecutor, Postgres, Type,
    error::BoxDynError,
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

/// Rows up to this number are listed in a statement of Citus: it takes one trip to a worker, the result of `unnest` two. For
/// more rows, planning the list takes longer (eight measurements: 6.7 ms instead of 0.4).
const MAX_LISTED_ROWS: usize = 2;

/// Inserts of one statement; on Citus, of one transaction.
#[derive(Default)]
pub(super) struct MultiInsert {
    dialect: Dialect,
    /// Parts of one statement, and their values.
    conditions: Vec<String>,
    ctes: Vec<String>,
    values: PgArguments,
    /// On Citus, statements with their values.
    checks: Vec<(String, PgArguments)>,
    statements: Vec<(String, PgArguments)>,
}

/// Rows of one table as column arrays.
pub(super) struct ColumnArrays<'a> {
    names: Vec<String>,
    arrays: Vec<String>,
    rows: usize,
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
        self.rows = values.len();
        self.values.add(values).map_err(sqlx::Error::Encode)?;
        self.names.push(name.to_owned());
        self.arrays.push(format!("${}::{kind}[]", self.values.len()));
        Ok(())
    }
}

impl MultiInsert {
    /// No inserts yet, for this database.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, ..Self::default() }
    }

    /// Adds a condition on the values that `bind` adds; unless it holds, nothing is inserted. Comes before the inserts. `text`
    /// gets the names of the values, such as `$1`.
    pub fn add_condition<const COUNT: usize>(
        &mut self,
        text: impl FnOnce([String; COUNT]) -> String,
        bind: impl FnOnce(&mut PgArguments) -> Result<(), BoxDynError>,
    ) -> Result<(), DbError> {
        let text = |values: &PgArguments| text(std::array::from_fn(|index| format!("${}", values.len() + 1 + index)));
        if self.dialect.is_citus {
            let mut values = PgArguments::default();
            let check = format!("select {}", text(&values));
            bind(&mut values).map_err(sqlx::Error::Encode)?;
            self.checks.push((check, values));
        } else {
            self.conditions.push(text(&self.values));
            bind(&mut self.values).map_err(sqlx::Error::Encode)?;
        }
        Ok(())
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
        let count = rows.len();
        self.add(relation, suffix, |values| {
            values.add(rows).map_err(sqlx::Error::Encode)?;
            let array = format!("${}::{}[]", values.len(), R::TYPE);
            let row = |number| format!("((({array})[{number}]).*)");
            Ok((R::COLUMNS.to_owned(), listed_rows(count, row), array))
        })
    }

    /// Adds an insert of column arrays.
    pub fn add_columns(
        &mut self,
        table: &'static str,
        put: impl FnOnce(&mut ColumnArrays<'_>) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        self.add(table, "", |values| {
            let mut columns = ColumnArrays { names: Vec::new(), arrays: Vec::new(), rows: 0, values };
            put(&mut columns)?;
            let ColumnArrays { names, arrays, rows, .. } = columns;
            let row = |number| {
                let values: Vec<_> = arrays.iter().map(|array| format!("({array})[{number}]")).collect();
                format!("({})", values.join(", "))
            };
            Ok((names.join(", "), listed_rows(rows, row), arrays.join(", ")))
        })
    }

    /// Adds an insert of what `bind` adds to the values: the names of columns, its rows if they can be listed, and the arrays.
    fn add(
        &mut self,
        relation: &'static str,
        suffix: &str,
        bind: impl FnOnce(&mut PgArguments) -> Result<(String, Option<String>, String), DbError>,
    ) -> Result<(), DbError> {
        if self.dialect.is_citus {
            let mut values = PgArguments::default();
            let (names, listed, arrays) = bind(&mut values)?;
            let statement = match listed {
                Some(rows) => format!("insert into {relation} ({names}) values {rows} {suffix}"),
                None => insert(relation, &names, &arrays, suffix),
            };
            self.statements.push((statement, values));
        } else {
            let (names, _, arrays) = bind(&mut self.values)?;
            let condition = if self.conditions.is_empty() { "" } else { "where (select holds from condition)" };
            let insert = insert(relation, &names, &arrays, &format!("{condition} {suffix}"));
            self.ctes.push(format!("into_{relation} as ({insert})"));
        }
        Ok(())
    }

    /// Runs all inserts. False when there are none, or the condition doesn't hold.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn execute(self, db: &mut PgConnection) -> Result<bool, DbError> {
        if self.ctes.is_empty() && self.statements.is_empty() {
            Ok(false)
        } else if !self.dialect.is_citus {
            self.execute_as_one(db).await
        } else if db.is_in_transaction() {
            self.execute_each(db).await
        } else {
            let mut transaction = db.begin().await?;
            let holds = self.execute_each(&mut transaction).await?;
            transaction.commit().await?;
            Ok(holds)
        }
    }

    async fn execute_as_one(self, db: &mut PgConnection) -> Result<bool, DbError> {
        // Postgres runs data-modifying CTEs from the last to the first. Reversed, they take their locks in the order in
        // which they were added, as separate statements would, so that concurrent writers wait for each other.
        // Otherwise one of them would fail with a deadlock and retry.
        let mut ctes = self.ctes;
        ctes.reverse();
        let each = ctes.join(", ");
        let text = if self.conditions.is_empty() {
            format!("with {each} select true")
        } else {
            let condition = self.conditions.join(" and ");
            format!(
                "with condition as materialized (select {condition} as holds), {each}
                 select holds from condition"
            )
        };
        // Reads to the end of the result, which reports the commit: a row may arrive before it.
        let rows = sqlx::query_scalar_with(AssertSqlSafe(text), self.values).fetch_all(db).await?;
        Ok(rows.into_iter().next().unwrap_or(false))
    }

    /// Runs each insert as a statement. As parts of one, the result of the condition would be copied to all workers.
    async fn execute_each(self, db: &mut PgConnection) -> Result<bool, DbError> {
        for (check, values) in self.checks {
            if !sqlx::query_scalar_with(AssertSqlSafe(check), values).fetch_one(&mut *db).await? {
                return Ok(false);
            }
        }
        for (statement, values) in self.statements {
            sqlx::query_with(AssertSqlSafe(statement), values).execute(&mut *db).await?;
        }
        Ok(true)
    }
}

/// The rows of `values`, unless they are too many.
fn listed_rows(count: usize, row: impl Fn(usize) -> String) -> Option<String> {
    (count <= MAX_LISTED_ROWS).then(|| (1..=count).map(row).collect::<Vec<_>>().join(", "))
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
