//! Lists of uplinks: filters and keyset pages in the order of arrival.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, Postgres, QueryBuilder};

use super::{
    DbError,
    device::to_bigints,
    total::{CountMode, Total, count_or_estimate},
    uplink::{StoredUplink, UPLINK_COLUMNS},
};
use crate::domain::{
    device::DeviceId,
    uplink::{Uplink, UplinkKey, UplinkOutcome},
};

/// Filter of a list of uplinks. All conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct UplinkFilter {
    /// Start, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// End, exclusive.
    pub to: Option<DateTime<Utc>>,
    /// Uplinks whose samples are all of one of these devices.
    pub devices: Option<Vec<DeviceId>>,
    /// Uplinks of one of these formats.
    pub formats: Option<Vec<String>>,
    /// Uplinks with this outcome.
    pub outcome: Option<UplinkOutcome>,
}

/// One page of a list of uplinks.
#[derive(Clone, Debug)]
pub struct UplinkPage {
    /// Filter.
    pub filter: UplinkFilter,
    /// Newest first.
    pub descending: bool,
    /// Only uplinks after this one in the list.
    pub after: Option<UplinkKey>,
    /// Maximum number of uplinks.
    pub limit: i64,
}

/// One page, without the bodies. Reads at most one page of rows per device of the filter.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.uplink.list", skip_all, fields(limit = page.limit))]
pub async fn list(db: impl PgExecutor<'_>, page: &UplinkPage) -> Result<Vec<Uplink>, DbError> {
    let mut query = match &page.filter.devices {
        None => {
            let mut query = QueryBuilder::new(format!("select {UPLINK_COLUMNS} from uplink u where true"));
            push_page(&mut query, page);
            query
        }
        Some(devices) => {
            let mut query = QueryBuilder::new("select u.* from unnest(");
            query.push_bind(to_bigints(devices)).push("::bigint[]) as wanted (device_id) cross join lateral (select ");
            query.push(UPLINK_COLUMNS).push(" from uplink u where u.device_id = wanted.device_id");
            push_page(&mut query, page);
            query.push(") as u");
            push_order(&mut query, page);
            query
        }
    };
    let rows: Vec<StoredUplink> = query.build_query_as().fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Number of uplinks that match the filter.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.uplink.count", skip_all)]
pub async fn count(db: impl PgExecutor<'_> + Copy, filter: &UplinkFilter) -> Result<Total, DbError> {
    let is_selective = filter.formats.is_some() || filter.outcome.is_some();
    count_or_estimate(db, if is_selective { CountMode::Unbounded } else { CountMode::Bounded }, |query| {
        query.push("select 1 from uplink u where true");
        if let Some(devices) = &filter.devices {
            query.push(" and u.device_id = any(").push_bind(to_bigints(devices)).push(")");
        }
        push_filter(query, filter);
    })
    .await
}

fn push_page(query: &mut QueryBuilder<Postgres>, page: &UplinkPage) {
    push_filter(query, &page.filter);
    if let Some(after) = page.after {
        let comparison = if page.descending { "<" } else { ">" };
        // The first condition is implied by the second, but partition pruning can use it.
        query.push(format!(" and u.received_at {comparison}= ")).push_bind(after.received_at);
        query.push(format!(" and (u.received_at, u.uplink_id) {comparison} (")).push_bind(after.received_at);
        query.push(", ").push_bind(after.id).push(")");
    }
    push_order(query, page);
}

fn push_order(query: &mut QueryBuilder<Postgres>, page: &UplinkPage) {
    let direction = if page.descending { "desc" } else { "asc" };
    query.push(format!(" order by u.received_at {direction}, u.uplink_id {direction} limit ")).push_bind(page.limit);
}

/// Pushes all conditions but the devices, which each statement handles itself.
fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &UplinkFilter) {
    if let Some(from) = filter.from {
        query.push(" and u.received_at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        query.push(" and u.received_at < ").push_bind(to);
    }
    if let Some(formats) = &filter.formats {
        query.push(" and u.format = any(").push_bind(formats.clone()).push(")");
    }
    if let Some(outcome) = filter.outcome {
        // A literal instead of a bind: only with a constant can the planner use the index of undecodable uplinks.
        query.push(format!(" and u.outcome = '{}'", outcome.as_str()));
    }
}
