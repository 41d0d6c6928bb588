//! Number of stored rows per month, as estimated by Postgres' `analyze`, so reading it is cheap.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgExecutor;

use super::DbError;

/// Number of rows of a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MonthCounts {
    /// Rows of `measurement`.
    pub measurements: u64,
    /// Rows of `device_hour`.
    pub device_hours: u64,
    /// Rows of `cell_hour`.
    pub cell_hours: u64,
}

/// The number of devices, and the rows of each month, by its first day.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.row_counts.count_by_month", skip_all)]
pub async fn count_by_month(db: impl PgExecutor<'_> + Copy) -> Result<(u64, HashMap<NaiveDate, MonthCounts>), DbError> {
    let tables: Vec<(String, f32, bool)> = sqlx::query_as(
        "select relname::text, reltuples, exists (select from pg_extension where extname = 'citus') from pg_class
         where relkind = 'r' and relnamespace = current_schema()::regnamespace
           and (relname = 'device' or relname ~ '^(measurement|device_hour|cell_hour)_[0-9]{4}_[0-9]{2}$')",
    )
    .fetch_all(db)
    .await?;
    let is_citus = tables.iter().any(|&(.., is_citus)| is_citus);
    let mut rows: Vec<_> = tables.into_iter().map(|(table, rows, _)| (table, rows)).collect();
    if is_citus {
        rows.extend(count_in_shards(db).await?);
    }
    let (mut devices, mut months) = (0, HashMap::<_, MonthCounts>::new());
    for (table, rows) in rows {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate; `as` saturates")]
        let rows = rows.max(0.0) as u64; // -1 before the first analyze
        if table == "device" {
            devices = rows;
        } else if let Some((table, day)) = parse_partition_name(&table) {
            let month = months.entry(day).or_default();
            match table {
                "measurement" => month.measurements = rows,
                "device_hour" => month.device_hours = rows,
                _ => month.cell_hours = rows,
            }
        }
    }
    Ok((devices, months))
}

/// Rows of the distributed partitions, added up over the shards of all workers, and the number of devices. On the
/// coordinator these tables are empty.
async fn count_in_shards(db: impl PgExecutor<'_>) -> Result<Vec<(String, f32)>, DbError> {
    let counts = sqlx::query_as(
        "select relname::text, reltuples from (
             select substring(shard ->> 'name' from '^(.*)_[0-9]+$') as relname,
                    sum((shard ->> 'rows')::float4)::float4 as reltuples
             from run_command_on_workers($command$
                      select coalesce(json_agg(json_build_object('name', relname, 'rows', greatest(reltuples, 0))), '[]')
                      from pg_class
                      where relkind = 'r' and relname ~ '^(measurement|device_hour)_[0-9]{4}_[0-9]{2}_[0-9]+$'
                  $command$) as answer,
                  json_array_elements(case when answer.success then answer.result else '[]' end::json) as shard
             group by 1
         ) as partition
         union all
         select 'device', count(*)::float4 from device",
    );
    Ok(counts.fetch_all(db).await?)
}

/// The table and the first day of the month of a partition such as `measurement_2026_04`.
fn parse_partition_name(partition: &str) -> Option<(&str, NaiveDate)> {
    let (rest, month) = partition.rsplit_once('_')?;
    let (table, year) = rest.rsplit_once('_')?;
    Some((table, NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_name_is_parsed_into_table_and_month() {
        assert_eq!(
            parse_partition_name("cell_hour_2026_04"),
            NaiveDate::from_ymd_opt(2026, 4, 1).map(|day| ("cell_hour", day))
        );
        assert_eq!(parse_partition_name("cell_hour_2026_13"), None);
        assert_eq!(parse_partition_name("measurement"), None);
    }
}
