//! Lists of devices: filters, orders, keyset pages.
//!
//! Orders by newest measurement read `latest`, one row per device. It has no index on columns that change with each
//! sample, so these orders sort all devices that match the filter, which are thousands.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, Postgres, QueryBuilder, Row as _, postgres::PgRow};

use super::{
    DbError,
    device::{from_row, to_bigints},
    fence::FENCE,
    measurement::position,
    readings,
    total::{CountMode, Total, count_or_estimate},
};
use crate::domain::{
    area::Area,
    device::{Device, DeviceId, DeviceKind},
    quantity::Quantity,
};

/// Order of a list of devices; ties are broken by the row number. Devices without the value come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceOrder {
    /// By key.
    Key,
    /// By creation time.
    CreatedAt,
    /// By the time of their newest measurement.
    LastSeen,
    /// By the value of a quantity in their newest measurement.
    LatestValue(Quantity),
}

/// Position in an ordered list of devices (keyset).
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceKeyset {
    /// By key.
    Key(String),
    /// By creation time.
    CreatedAt(DateTime<Utc>, DeviceId),
    /// By time of the newest measurement; `None` for a device without one.
    LastSeen(Option<DateTime<Utc>>, DeviceId),
    /// By newest value of this quantity; `None` for a device without one.
    LatestValue(Quantity, Option<f64>, DeviceId),
}

/// Filter of a list of devices. All conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct DeviceFilter {
    /// Devices with one of these keys.
    pub keys: Option<Vec<String>>,
    /// Devices of this kind.
    pub kind: Option<DeviceKind>,
    /// Devices with one of these row numbers.
    pub ids: Option<Vec<DeviceId>>,
    /// Devices whose key or name contains this text, case-insensitively.
    pub text: Option<String>,
    /// Devices whose newest measurement was not taken before this time.
    pub seen_since: Option<DateTime<Utc>>,
}

/// One page of a list of devices.
#[derive(Clone, Debug)]
pub struct DevicePage {
    /// Filter.
    pub filter: DeviceFilter,
    /// Order.
    pub order: DeviceOrder,
    /// Whether values are read in descending order.
    pub descending: bool,
    /// Whether devices without a value are read first, as in a list that is read backward.
    pub nulls_first: bool,
    /// Only devices after this position in reading order.
    pub after: Option<DeviceKeyset>,
    /// Only devices before this position in reading order.
    pub before: Option<DeviceKeyset>,
    /// Maximum number of devices.
    pub limit: i64,
}

const DEVICE_PAGE_COLUMNS: &str =
    "d.device_id, d.key, d.name, d.kind, d.latitude, d.longitude, d.licence, d.attribution, d.created_at";

impl DeviceOrder {
    /// The SQL expression that is compared, over the tables of [`push_from`].
    fn sort_expression(self) -> String {
        match self {
            Self::Key => "d.key".to_owned(),
            Self::CreatedAt => "d.created_at".to_owned(),
            Self::LastSeen => "l.measured_at".to_owned(),
            Self::LatestValue(quantity) => format!("l.{}::float8", quantity.definition().name),
        }
    }

    /// Position of a row, whose sort value follows the columns of the device.
    fn keyset(self, device: &Device, row: &PgRow) -> Result<DeviceKeyset, DbError> {
        Ok(match self {
            Self::Key => DeviceKeyset::Key(device.key.as_str().to_owned()),
            Self::CreatedAt => DeviceKeyset::CreatedAt(device.created_at, device.id),
            Self::LastSeen => DeviceKeyset::LastSeen(row.try_get(9)?, device.id),
            Self::LatestValue(quantity) => DeviceKeyset::LatestValue(quantity, row.try_get(9)?, device.id),
        })
    }
}

/// One page of devices, each with its position.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.list", skip_all, fields(limit = page.limit))]
pub async fn list(db: impl PgExecutor<'_>, page: &DevicePage) -> Result<Vec<(Device, DeviceKeyset)>, DbError> {
    let value = page.order.sort_expression();
    let mut query = QueryBuilder::<Postgres>::new(format!("select {DEVICE_PAGE_COLUMNS}, {value}"));
    push_from(&mut query, &page.filter, Some(page.order));
    let (forward, back) = if page.descending { ("<", ">") } else { (">", "<") };
    push_keyset(&mut query, &value, page.after.as_ref(), forward, !page.nulls_first);
    push_keyset(&mut query, &value, page.before.as_ref(), back, page.nulls_first);
    let direction = if page.descending { "desc" } else { "asc" };
    // Only where needed: `nulls last` keeps Postgres from reading the index backward.
    let nulls = match (page.order, page.nulls_first) {
        (DeviceOrder::Key | DeviceOrder::CreatedAt, _) => "",
        (DeviceOrder::LastSeen | DeviceOrder::LatestValue(_), true) => " nulls first",
        (DeviceOrder::LastSeen | DeviceOrder::LatestValue(_), false) => " nulls last",
    };
    query.push(format!(" order by {value} {direction}{nulls}, d.device_id {direction} limit ")).push_bind(page.limit);
    let rows = query.build().fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            let device = from_row(row)?;
            let keyset = page.order.keyset(&device, row)?;
            Ok((device, keyset))
        })
        .collect()
}

/// Number of devices that match the filter.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.count", skip_all)]
pub async fn count(db: impl PgExecutor<'_> + Copy, filter: &DeviceFilter) -> Result<Total, DbError> {
    // There are few devices, so reading all of them is cheap.
    count_or_estimate(db, CountMode::Bounded, |query| {
        query.push("select 1");
        push_from(query, filter, None);
    })
    .await
}

/// The devices in an area, by the device's own position or else that of its newest measurement. Reads the positions of
/// all devices, as each is tested exactly.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.device.list_ids_in_area", skip_all)]
pub async fn list_ids_in_area(db: impl PgExecutor<'_>, area: &Area) -> Result<Vec<DeviceId>, DbError> {
    let rows = sqlx::query_as::<_, (i64, Option<f64>, Option<f64>)>(
        "select d.device_id, coalesce(d.latitude, l.latitude), coalesce(d.longitude, l.longitude)
         from device d left join latest l using (device_id)
         where d.latitude is not null or l.latitude is not null",
    )
    .fetch_all(db)
    .await?;
    let within = |&(_, latitude, longitude): &(i64, Option<f64>, Option<f64>)| {
        position(latitude, longitude).is_some_and(|position| area.contains(position))
    };
    Ok(rows.iter().filter(|row| within(row)).map(|&(id, ..)| DeviceId(id)).collect())
}

/// Pushes the tables that a filter and an order need, and the conditions of the filter.
fn push_from(query: &mut QueryBuilder<Postgres>, filter: &DeviceFilter, order: Option<DeviceOrder>) {
    query.push(" from device d");
    if let Some(DeviceOrder::LatestValue(quantity)) = order {
        let (table, column) = (readings::table(quantity.definition().group), quantity.definition().name);
        // A subquery for each row, by its key: as a join, Postgres might read the whole of the other table. Joined with
        // `latest` first, since Citus joins only tables of one shard this way.
        query.push(format!(
            " left join (
                 select l.device_id, l.measured_at, v.{column} from latest l left join lateral (
                     select v.{column}{FENCE} from {table} v
                     where v.device_id = l.device_id and v.measured_at = l.measured_at and v.seq = l.seq
                 ) as v on true
             ) as l on l.device_id = d.device_id"
        ));
    } else if order == Some(DeviceOrder::LastSeen) || filter.seen_since.is_some() {
        query.push(" left join latest l on l.device_id = d.device_id");
    }
    query.push(" where true");
    if let Some(keys) = &filter.keys {
        query.push(" and d.key = any(").push_bind(keys.clone()).push(")");
    }
    if let Some(kind) = filter.kind {
        query.push(" and d.kind = ").push_bind(kind.as_str());
    }
    if let Some(ids) = &filter.ids {
        query.push(" and d.device_id = any(").push_bind(to_bigints(ids)).push(")");
    }
    if let Some(text) = &filter.text {
        query.push(" and (strpos(lower(d.key), lower(").push_bind(text.clone());
        query.push(")) > 0 or strpos(lower(d.name), lower(").push_bind(text.clone()).push(")) > 0)");
    }
    if let Some(since) = filter.seen_since {
        query.push(" and l.measured_at >= ").push_bind(since);
    }
}

/// Pushes the condition that a row lies beyond a position, in the direction of the comparison. `are_nulls_beyond`:
/// whether rows without a value lie beyond those with one in that direction.
fn push_keyset(
    query: &mut QueryBuilder<Postgres>,
    value: &str,
    keyset: Option<&DeviceKeyset>,
    comparison: &str,
    are_nulls_beyond: bool,
) {
    let or_null = if are_nulls_beyond { format!(" or {value} is null") } else { String::new() };
    let (sort_value, id) = match keyset {
        None => return,
        Some(DeviceKeyset::Key(key)) => {
            query.push(format!(" and d.key {comparison} ")).push_bind(key.clone());
            return;
        }
        Some(DeviceKeyset::CreatedAt(time, id)) => {
            query.push(format!(" and (d.created_at, d.device_id) {comparison} (")).push_bind(*time);
            query.push(", ").push_bind(id.0).push(")");
            return;
        }
        Some(DeviceKeyset::LastSeen(time, id)) => (time.map(KeysetValue::Time), id),
        Some(DeviceKeyset::LatestValue(_, number, id)) => (number.map(KeysetValue::Number), id),
    };
    match sort_value {
        Some(sort_value) => {
            query.push(format!(" and (({value}, d.device_id) {comparison} ("));
            match sort_value {
                KeysetValue::Time(time) => query.push_bind(time),
                KeysetValue::Number(number) => query.push_bind(number),
            };
            query.push(", ").push_bind(id.0).push(format!("){or_null})"));
        }
        None if are_nulls_beyond => {
            query.push(format!(" and {value} is null and d.device_id {comparison} ")).push_bind(id.0);
        }
        None => {
            query.push(format!(" and ({value} is not null or d.device_id {comparison} ")).push_bind(id.0).push(")");
        }
    }
}

/// Sort value of a position.
enum KeysetValue {
    Time(DateTime<Utc>),
    Number(f64),
}
