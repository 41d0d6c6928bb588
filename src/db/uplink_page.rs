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

/// Which uplinks are listed. All conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct UplinkFilter {
    /// Not before this moment.
    pub from: Option<DateTime<Utc>>,
    /// Before this moment.
    pub to: Option<DateTime<Utc>>,
    /// Those that spoke of one of these devices and no other.
    pub devices: Option<Vec<DeviceId>>,
    /// Those of one of these formats.
    pub formats: Option<Vec<String>>,
    /// Those with this outcome.
    pub outcome: Option<UplinkOutcome>,
}

/// One page of a list of uplinks.
#[derive(Clone, Debug)]
pub struct UplinkPage {
    /// Which.
    pub filter: UplinkFilter,
    /// Newest first.
    pub descending: bool,
    /// Only those that come after this one in the list.
    pub after: Option<UplinkKey>,
    /// At most so many.
    pub limit: i64,
}

/// One page, without the bodies. Of each device that the filter names no more is read than the page can hold.
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

/// How many uplinks the filter lets through.
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
        // The first condition says nothing that the second doesn't, but the choice of partitions can use it.
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

/// Everything but the devices, for which each statement has its own way.
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
        // No bind: only a constant lets the planner use the index of the undecodable ones.
        query.push(format!(" and u.outcome = '{}'", outcome.as_str()));
    }
}
