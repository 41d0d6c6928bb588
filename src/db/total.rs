//! How many rows a list has: counted where that reads little, estimated beyond.

use sqlx::{PgExecutor, Postgres, QueryBuilder, Row as _};

use super::DbError;

/// Rows up to which a list is counted.
pub const MAX_EXACT_TOTAL: i64 = 100_000;
/// Cost of a plan, as Postgres reckons it, up to which a list with conditions is counted: about what it takes to read two
/// hundred thousand rows in their order, or to look up a thousand in another table.
const MAX_COUNT_COST: f64 = 10_000.0;

/// How many rows a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// The number.
    pub rows: i64,
    /// Whether it is an estimate.
    pub is_estimate: bool,
}

impl Total {
    /// A number that was counted.
    #[must_use]
    pub fn exact(rows: i64) -> Self {
        Self { rows, is_estimate: false }
    }

    /// A number that was estimated.
    #[must_use]
    pub fn estimate(rows: i64) -> Self {
        Self { rows, is_estimate: true }
    }
}

/// What a statement reads until it has found enough rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CountMode {
    /// The rows it finds, so that a limit bounds it.
    Bounded,
    /// Any number of rows that it leaves out again.
    Unbounded,
}

/// The number of rows of a list, whose `select 1 from …` is pushed by `select`.
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

/// What Postgres expects.
#[derive(Clone, Copy, Debug)]
struct PlanEstimate {
    /// What counting costs, which ends at the limit.
    cost: f64,
    /// How many rows there are without the limit.
    rows: i64,
}

async fn explain(
    db: impl PgExecutor<'_> + Copy,
    select: &impl Fn(&mut QueryBuilder<Postgres>),
) -> Result<PlanEstimate, DbError> {
    let mut query = QueryBuilder::new("explain (format json) ");
    select(&mut query);
    // In the text, as a plan for a bound limit would suppose another one.
    query.push(format!(" limit {}", MAX_EXACT_TOTAL + 1));
    let row = query.build().persistent(false).fetch_one(db).await?;
    let plans: serde_json::Value =
        serde_json::from_str(row.try_get_unchecked(0)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let plan = &plans[0]["Plan"];
    let number = |value: &serde_json::Value| {
        value.as_f64().ok_or_else(|| sqlx::Error::Decode("a plan of Postgres without its numbers".into()))
    };
    #[expect(clippy::cast_possible_truncation, reason = "a whole number; `as` saturates")]
    let rows = number(&plan["Plans"][0]["Plan Rows"])? as i64;
    Ok(PlanEstimate { cost: number(&plan["Total Cost"])?, rows })
}
