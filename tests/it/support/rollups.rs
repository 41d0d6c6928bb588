//! The law of rollups: they are what the rows of `measurement` come to.

use sqlx::{AssertSqlSafe, PgConnection};

/// Counts, least and greatest values exactly; sums up to the order in which they were added.
pub async fn assert_rollups_are_true(connection: &mut PgConnection) {
    // Told in full by SQL, another way than the recorder's: the ancestor is made by hand.
    let ancestor = "(cell & ~(15::bigint << 52)) | (9::bigint << 52) | 262143";
    let pms = ["pm1", "pm2_5", "pm4", "pm10"];
    let each = |text: &str| pms.map(|pm| text.replace("PM", pm)).join(" ");
    for (table, key, expression) in [("device_hour", "device_id", "device_id"), ("cell_hour", "cell", ancestor)] {
        let statement = format!(
            "with rows as (
                 select {expression} as {key}, date_trunc('hour', measured_at, 'UTC') as hour, count(*) as count {sums}
                 from measurement where ({expression}) is not null group by 1, 2
             )
             select coalesce(told::text, 'nothing') || ' instead of ' || coalesce(rows::text, 'nothing')
             from {table} told full join rows using ({key}, hour)
             where told.count is distinct from rows.count {differences}",
            sums = each(
                ", count(PM) as PM_count, coalesce(sum(PM::text::float8), 0) as PM_sum,
                 coalesce(sum(PM::text::float8 ^ 2), 0) as PM_sum_of_squares, min(PM) as PM_min, max(PM) as PM_max"
            ),
            differences = each(
                " or (told.PM_count, told.PM_min, told.PM_max) is distinct from (rows.PM_count, rows.PM_min, rows.PM_max)
                  or abs(told.PM_sum - rows.PM_sum) > 1e-9 * abs(rows.PM_sum)
                  or abs(told.PM_sum_of_squares - rows.PM_sum_of_squares) > 1e-9 * rows.PM_sum_of_squares"
            ),
        );
        let wrong: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(&mut *connection).await.expect("a comparison");
        assert!(wrong.is_empty(), "{} rows of {table} are wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(5)]);
    }
}
