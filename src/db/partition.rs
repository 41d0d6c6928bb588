//! Monthly partitions, made when a month first appears.

use std::{collections::HashSet, sync::Mutex, time::Duration};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgExecutor};

use super::{DbError, connect::set_timeouts};
use crate::domain::month::Month;

/// A partitioned table, and how its partitions are stored.
type Table = (&'static str, &'static str);

/// The tables partitioned by the month of a sample.
const MEASURED: [Table; 7] = [
    ("measurement", ""),
    ("weather", ""),
    ("ambient", ""),
    ("motion", ""),
    ("device_status", ""),
    ("device_hour", ROOM),
    ("cell_hour", ROOM),
];
/// The tables partitioned by the month of arrival.
const RECEIVED: [Table; 1] = [("uplink", "")];
/// Room for updates in place (HOT): until a month is over (`hour_index`) no index holds the columns that change.
const ROOM: &str = "with (fillfactor = 80)";
/// Serialises the making of partitions among all gateways on one database. Any number will do.
const LOCK: i64 = 0x6169_7267_0001;
/// What each statement of that may take, and each wait for a lock. Sessions of the recorder have shorter limits.
const CREATION_TIMEOUT: Duration = Duration::from_secs(5);

/// A set of tables that share their months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// `measurement` and what belongs to it, and what its hours come to.
    Measured,
    /// `uplink`.
    Received,
}

/// The months known to have partitions, so that only the first row of a month asks.
#[derive(Debug, Default)]
pub struct Partitions {
    known: Mutex<HashSet<(Family, Month)>>,
}

impl Partitions {
    /// Makes the partitions of these months where they are missing. Runs outside the recording transaction, so that
    /// the locks it takes are held for a moment only.
    ///
    /// # Errors
    /// When the database fails.
    #[tracing::instrument(name = "db.partition.ensure", skip_all)]
    pub async fn ensure(
        &self,
        db: &mut PgConnection,
        months: impl IntoIterator<Item = (Family, Month)>,
    ) -> Result<(), DbError> {
        for (family, month) in months {
            if self.lock().contains(&(family, month)) {
                continue;
            }
            create(db, family, month).await?;
            self.lock().insert((family, month));
        }
        Ok(())
    }

    /// How many of these months may be without partitions.
    pub fn count_unknown(&self, months: impl IntoIterator<Item = (Family, Month)>) -> usize {
        let known = self.lock();
        months.into_iter().filter(|month| !known.contains(month)).collect::<HashSet<_>>().len()
    }

    /// Forgets what is known: a partition was gone that should have been there.
    pub fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<(Family, Month)>> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner) // a set is whole after any panic
    }
}

async fn create(db: &mut PgConnection, family: Family, month: Month) -> Result<(), DbError> {
    let tables: &[Table] = match family {
        Family::Measured => &MEASURED,
        Family::Received => &RECEIVED,
    };
    let mut transaction = db.begin().await?;
    set_timeouts(&mut transaction, CREATION_TIMEOUT, CREATION_TIMEOUT).await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(&mut *transaction).await?;
    for (table, storage) in tables {
        let partition = format!("{table}_{}", month.suffix());
        if exists(&mut *transaction, &partition).await? {
            continue;
        }
        // Made apart and then attached: "create table … partition of" would lock out the readers of the whole table.
        let (from, to) = (month.start(), month.next().start());
        let create = format!(
            "create table {partition} (like {table} including all) {storage};
             alter table {table} attach partition {partition} for values from ('{from}') to ('{to}')"
        );
        // Safe to put together: the names are ours and a month's digits, the bounds are times.
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    tracing::info!(month = month.suffix(), ?family, "partitions made");
    Ok(())
}

/// Whether there is a table of this name.
pub(super) async fn exists(db: impl PgExecutor<'_>, table: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(r#"select to_regclass($1) is not null as "exists!""#, table).fetch_one(db).await?)
}

/// The months that have a partition of this table, oldest first.
pub(super) async fn months(db: impl PgExecutor<'_>, table: &str) -> Result<Vec<Month>, DbError> {
    let partitions = sqlx::query_scalar!(
        r#"select c.relname::text as "name!"
           from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = to_regclass($1)
           order by c.relname"#,
        table
    )
    .fetch_all(db)
    .await?;
    let month = |name: &String| Month::from_suffix(name.strip_prefix(table)?.strip_prefix('_')?);
    // A partition of another name was made by hand, and whoever made it sees to it.
    Ok(partitions.iter().filter_map(month).collect())
}
