//! Number of rows of a list: counted where that is cheap, estimated otherwise.

use serde_json::Value;
use sqlx::{PgExecutor, Postgres, QueryBuilder, Row as _};

use super::DbError;

/// Maximum number of rows that are counted exactly.
pub const MAX_EXACT_TOTAL: i64 = 100_000;
/// Maximum plan cost, as estimated by Postgres, for an exact count of a list with conditions: about the cost of reading
/// 200,000 rows in order, or of 1000 lookups in another table.
const MAX_COUNT_COST: f64 = 10_000.0;

/// Number of rows of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// The number.
    pub rows: i64,
    /// Whether it is an estimate.
    pub is_estimate: bool,
}

impl Total {
    /// An exact number.
    #[must_use]
    pub fn exact(rows: i64) -> Self {
        Self { rows, is_estimate: false }
    }

    /// An estimated number.
    #[must_use]
    pub fn estimate(rows: i64) -> Self {
        Self { rows, is_estimate: true }
    }
}

/// Number of rows that a statement scans until it has found enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CountMode {
    /// Only rows that it returns, so that a limit bounds the scan.
    Bounded,
    /// Any number of rows that it filters out.
    Unbounded,
}

/// Number of rows of a list, whose `select 1 from …` is pushed by `select`.
///
/// # Errors
/// When the database fails.
pub(super) async fn count_or_estimate(
    db: impl PgExecutor<'_> + Copy,
    reading: CountMode,
    select: impl Fn(&mut QueryBuilder<Postgres>),
) -> Result<Total, DbError> {
    let mut plan = None;
    if reading == CountMode::Unbounded {
        let PlanEstimate { cost, rows } = *plan.insert(explain(db, &select).await?);
        if cost > MAX_COUNT_COST {
            return Ok(Total::estimate(rows));
        }
    }
    let mut query = QueryBuilder::new("select count(*) from (");
    select(&mut query);
    query.push(" limit ").push_bind(MAX_EXACT_TOTAL + 1).push(") as counted");
    let counted: i64 = query.build_query_scalar().persistent(reading == CountMode::Bounded).fetch_one(db).await?;
    if counted <= MAX_EXACT_TOTAL {
        return Ok(Total::exact(counted));
    }
    let PlanEstimate { rows, .. } = match plan {
        Some(plan) => plan,
        None => explain(db, &select).await?,
    };
    Ok(Total::estimate(rows.max(counted)))
}

/// Estimates of Postgres for a plan.
#[derive(Clone, Copy, Debug)]
struct PlanEstimate {
    /// Cost of the count, which ends at the limit.
    cost: f64,
    /// Number of rows without the limit.
    rows: i64,
}

async fn explain(
    db: impl PgExecutor<'_> + Copy,
    select: &impl Fn(&mut QueryBuilder<Postgres>),
) -> Result<PlanEstimate, DbError> {
    let mut query = QueryBuilder::new("explain (format json) ");
    select(&mut query);
    // A literal, since the plan for a bound limit would assume another value.
    query.push(format!(" limit {}", MAX_EXACT_TOTAL + 1));
    let row = query.build().persistent(false).fetch_one(db).await?;
    let plans: Value =
        serde_json::from_str(row.try_get_unchecked(0)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    read_estimate(&plans).ok_or_else(|| sqlx::Error::Decode("a plan of Postgres without its numbers".into()).into())
}

/// The estimates in the result of `explain (format json)`; in Citus those of the plans of all shards together.
fn read_estimate(plans: &Value) -> Option<PlanEstimate> {
    let plan = &plans[0]["Plan"];
    let distributed = std::iter::successors(Some(plan), |plan| plan["Plans"].get(0))
        .map(|plan| &plan["Distributed Query"]["Job"])
        .find(|job| job.is_object());
    let plans: Vec<_> = match distributed {
        None => vec![plan],
        Some(job) => job["Tasks"].as_array()?.iter().map(|task| &task["Remote Plan"][0][0]["Plan"]).collect(),
    };
    let sum = |number: fn(&Value) -> Option<f64>| plans.iter().map(|plan| number(plan)).sum::<Option<f64>>();
    #[expect(clippy::cast_possible_truncation, reason = "a whole number; `as` saturates")]
    let rows = sum(|plan| plan["Plans"][0]["Plan Rows"].as_f64())? as i64;
    Some(PlanEstimate { cost: sum(|plan| plan["Total Cost"].as_f64())?, rows })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn estimate_is_that_of_the_rows_below_the_limit() {
        let plan = json!({
            "Node Type": "Limit", "Total Cost": 12.5, "Plan Rows": 1000, "Plans": [{ "Plan Rows": 3000, "Total Cost": 40.0 }]
        });
        let estimate = |plan: &Value| read_estimate(&json!([{ "Plan": plan }])).map(|it| (it.cost, it.rows));
        assert_eq!(estimate(&plan), Some((12.5, 3000)));
        assert_eq!(estimate(&json!({})), None);

        let task = json!({ "Node": "host=worker", "Remote Plan": [[{ "Plan": plan }]] });
        let remote = json!({ "Task Count": 2, "Tasks": [task, task] });
        let scan = json!({ "Node Type": "Custom Scan", "Total Cost": 0.0, "Plan Rows": 0, "Distributed Query": { "Job": remote } });
        assert_eq!(estimate(&scan), Some((25.0, 6000)));
        assert_eq!(estimate(&json!({ "Node Type": "Limit", "Total Cost": 0.0, "Plans": [scan] })), Some((25.0, 6000)));
    }
}
