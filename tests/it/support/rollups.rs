//! The invariant of rollups: they equal the aggregates of the valid values of `measurement`.

use airgraph::domain::quantity::{Group, Quantity};
use sqlx::{AssertSqlSafe, PgConnection};

/// Counts, minima and maxima are compared exactly; sums up to the order of addition.
pub async fn assert_rollups_match(connection: &mut PgConnection) {
    // Computed in SQL, in another way than the recorder does: the ancestor cell is derived by hand.
    let ancestor = "(cell & ~(15::bigint << 52)) | (9::bigint << 52) | 262143";
    let pms = ["pm1", "pm2_5", "pm4", "pm10"];
    let each = |text: &str| pms.map(|pm| text.replace("PM", pm)).join(" ");
    let invalid = invalid();
    for (table, key, expression, which) in
        [("device_hour", "device_id", "device_id", "true"), ("cell_hour", "cell", ancestor, "flags & 4 = 0")]
    {
        let statement = format!(
            "with rows as (
                 select {expression} as {key}, date_trunc('hour', measured_at, 'UTC') as hour, count(*) as count,
                        count(*) filter (where {invalid}) as invalid_count {sums}
                 from (select *, {values} from measurement) as m where ({expression}) is not null and {which} group by 1, 2
             )
             select coalesce(stored::text, 'nothing') || ' instead of ' || coalesce(rows::text, 'nothing')
             from {table} stored full join rows using ({key}, hour)
             where (stored.count, stored.invalid_count) is distinct from (rows.count, rows.invalid_count) {differences}",
            values = pms
                .map(|pm| format!("case when {pm}::text::float8 between 0 and 999.9 then {pm}::text::float8 end as valid_{pm}"))
                .join(", "),
            sums = each(
                ", count(valid_PM) as PM_count, coalesce(sum(valid_PM), 0) as PM_sum,
                 coalesce(sum(valid_PM ^ 2), 0) as PM_sum_of_squares,
                 min(valid_PM)::real as PM_min, max(valid_PM)::real as PM_max"
            ),
            differences = each(
                " or (stored.PM_count, stored.PM_min, stored.PM_max) is distinct from (rows.PM_count, rows.PM_min, rows.PM_max)
                  or abs(stored.PM_sum - rows.PM_sum) > 1e-9 * abs(rows.PM_sum)
                  or abs(stored.PM_sum_of_squares - rows.PM_sum_of_squares) > 1e-9 * rows.PM_sum_of_squares"
            ),
        );
        let wrong: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(&mut *connection).await.expect("a comparison");
        assert!(wrong.is_empty(), "{} rows of {table} are wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(5)]);
    }
}

/// Whether a measurement `m` is flagged as out of range and has no valid value of the air.
fn invalid() -> String {
    let in_range = |table: &str, group: Group| {
        let each = Quantity::in_group(group).map(|quantity| {
            let definition = quantity.definition();
            format!(
                "coalesce({table}.{}::text::float8 between {} and {}, false)",
                definition.name, definition.min, definition.max
            )
        });
        each.collect::<Vec<_>>().join(" or ")
    };
    let beside = |table: &str, group: Group| {
        format!(
            "exists (select from {table} b where (b.device_id, b.measured_at, b.seq) = (m.device_id, m.measured_at, m.seq)
                     and ({}))",
            in_range("b", group)
        )
    };
    format!(
        "m.flags & 1 <> 0 and not ({} or {} or {})",
        in_range("m", Group::Air),
        beside("weather", Group::Weather),
        beside("ambient", Group::Ambient)
    )
}
