//! Partitions by month, and by year for older samples, created when the first row of a month arrives.
//!
//! Each partition makes planning of every query longer. Samples from before last year are few and come late: from SD cards,
//! archives, and clocks that were not set. So they share a partition by year, unless months of that year have partitions
//! already.

use std::{collections::HashSet, sync::Mutex, time::Duration};

use chrono::{DateTime, Datelike as _, Utc};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgExecutor};

use super::{DbError, connect::set_timeouts};
use crate::domain::{month::Month, period::Period};

/// A partitioned table and the storage parameters of its partitions.
type PartitionedTable = (&'static str, &'static str);

/// The tables partitioned by the month of a sample.
const MEASUREMENT_TABLES: [PartitionedTable; 7] = [
    ("measurement", ""),
    ("weather", ""),
    ("ambient", ""),
    ("motion", ""),
    ("device_status", ""),
    ("device_hour", FILLFACTOR_CLAUSE),
    ("cell_hour", FILLFACTOR_CLAUSE),
];
/// The tables partitioned by the month of arrival.
const UPLINK_TABLES: [PartitionedTable; 1] = [("uplink", "")];
/// Free space for HOT updates: during its month (`covering_index`) no index holds the columns that change.
const FILLFACTOR_CLAUSE: &str = "with (fillfactor = 80)";
/// Advisory lock that serialises creating partitions among all gateways on one database. The value is arbitrary.
const CREATE_LOCK_ID: i64 = 0x6169_7267_0001;
/// Time limit of each statement and each wait for a lock during the creation. Sessions of the recorder have shorter
/// limits.
const CREATION_TIMEOUT: Duration = Duration::from_secs(5);

/// A set of tables that share their months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartitionFamily {
    /// `measurement`, its side tables and its rollups.
    Measurement,
    /// `uplink`.
    Uplink,
}

/// The months known to have partitions, so that only the first row of a month needs a query.
#[derive(Debug, Default)]
pub struct PartitionCache {
    known: Mutex<HashSet<(PartitionFamily, Month)>>,
}

impl PartitionCache {
    /// Creates the missing partitions of these months. Runs outside the recording transaction, so that its locks are
    /// held only briefly.
    ///
    /// # Errors
    /// When the database fails.
    #[tracing::instrument(name = "db.partition.create_missing", skip_all)]
    pub async fn create_missing(
        &self,
        db: &mut PgConnection,
        months: impl IntoIterator<Item = (PartitionFamily, Month)>,
        now: DateTime<Utc>,
    ) -> Result<(), DbError> {
        for (family, month) in months {
            if self.lock().contains(&(family, month)) {
                continue;
            }
            create(db, family, month, now).await?;
            self.lock().insert((family, month));
        }
        Ok(())
    }

    /// Those of these months that are not known to have partitions, each once.
    pub fn filter_unknown(
        &self,
        months: impl IntoIterator<Item = (PartitionFamily, Month)>,
    ) -> HashSet<(PartitionFamily, Month)> {
        let known = self.lock();
        months.into_iter().filter(|month| !known.contains(month)).collect()
    }

    /// Number of partitions of a table to create for these months. Marks the existing ones as known.
    ///
    /// # Errors
    /// When the database fails.
    #[tracing::instrument(name = "db.partition.count_missing", skip_all)]
    pub async fn count_missing(
        &self,
        db: &mut PgConnection,
        months: &[(PartitionFamily, Month)],
        now: DateTime<Utc>,
    ) -> Result<usize, DbError> {
        let (measured, received) =
            (existing(db, PartitionFamily::Measurement).await?, existing(db, PartitionFamily::Uplink).await?);
        let mut missing = HashSet::new();
        for &(family, month) in months {
            let existing = if family == PartitionFamily::Measurement { &measured } else { &received };
            if existing.iter().any(|period| period.contains(month)) {
                self.lock().insert((family, month));
            } else {
                missing.insert((family, choose_period(existing, family, month, now)));
            }
        }
        Ok(missing.len())
    }

    /// Clears the known months, after a partition was found missing.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<(PartitionFamily, Month)>> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner) // a panic leaves the set intact
    }
}

impl PartitionFamily {
    fn tables(self) -> &'static [PartitionedTable] {
        match self {
            Self::Measurement => &MEASUREMENT_TABLES,
            Self::Uplink => &UPLINK_TABLES,
        }
    }
}

async fn create(
    db: &mut PgConnection,
    family: PartitionFamily,
    month: Month,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut transaction = db.begin().await?;
    set_timeouts(&mut transaction, CREATION_TIMEOUT, CREATION_TIMEOUT).await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", CREATE_LOCK_ID).execute(&mut *transaction).await?;
    let period = choose_period(&existing(&mut transaction, family).await?, family, month, now);
    for (table, storage) in family.tables() {
        let partition = format!("{table}_{}", period.suffix());
        if exists(&mut *transaction, &partition).await? {
            continue;
        }
        // Created separately and then attached: `create table … partition of` would block the readers of the whole
        // table.
        let (from, to) = (period.start(), period.end());
        // The interpolated names are constants and a period's digits, the bounds are times.
        for statement in [
            format!("create table {partition} (like {table} including all) {storage}"),
            format!("alter table {table} attach partition {partition} for values from ('{from}') to ('{to}')"),
        ] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
        }
    }
    transaction.commit().await?;
    tracing::info!(period = period.suffix(), ?family, "partitions created");
    Ok(())
}

/// The period of the existing or future partition that contains a month.
fn choose_period(existing: &[Period], family: PartitionFamily, month: Month, now: DateTime<Utc>) -> Period {
    if let Some(&period) = existing.iter().find(|period| period.contains(month)) {
        return period;
    }
    let year = month.start().year();
    let is_recent = year >= now.year() - 1;
    let has_months = existing.iter().any(|period| period.year() == year);
    if family == PartitionFamily::Uplink || is_recent || has_months { Period::Month(month) } else { Period::Year(year) }
}

/// The periods with a partition of at least one of the tables.
async fn existing(db: &mut PgConnection, family: PartitionFamily) -> Result<Vec<Period>, DbError> {
    let mut existing = Vec::new();
    for (table, _) in family.tables() {
        existing.extend(periods(&mut *db, table).await?);
    }
    Ok(existing)
}

/// Whether a table with this name exists.
pub(super) async fn exists(db: impl PgExecutor<'_>, table: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(r#"select to_regclass($1) is not null as "exists!""#, table).fetch_one(db).await?)
}

/// The periods with a partition of this table, oldest first.
pub(super) async fn periods(db: impl PgExecutor<'_>, table: &str) -> Result<Vec<Period>, DbError> {
    let partitions = sqlx::query_scalar!(
        r#"select c.relname::text as "name!"
           from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = to_regclass($1)
           order by c.relname"#,
        table
    )
    .fetch_all(db)
    .await?;
    let period = |name: &String| Period::from_suffix(name.strip_prefix(table)?.strip_prefix('_')?);
    // A partition with another name was created by hand and is ignored.
    Ok(partitions.iter().filter_map(period).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_samples_share_a_year_partition_unless_it_has_months() {
        let now = "2026-05-01T12:00:00Z".parse().expect("a time");
        let month = |text: &str| Month::from_suffix(text).expect("a month");
        let chosen = |existing: &[Period], text| {
            choose_period(existing, PartitionFamily::Measurement, month(text), now).suffix()
        };
        assert_eq!(chosen(&[], "2026_05"), "2026_05");
        assert_eq!(chosen(&[], "2025_01"), "2025_01");
        assert_eq!(chosen(&[], "2024_12"), "2024");
        assert_eq!(chosen(&[Period::Month(month("2024_11"))], "2024_12"), "2024_12");
        assert_eq!(chosen(&[Period::Year(2024)], "2024_12"), "2024");
        assert_eq!(choose_period(&[], PartitionFamily::Uplink, month("2024_12"), now).suffix(), "2024_12");
    }
}
