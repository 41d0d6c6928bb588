//! Connections: pages of a list, with the number of rows in all where somebody asks. Those of devices and of measurements
//! have files of their own.

use async_graphql::{
    Context, Object,
    connection::{Connection, Edge},
};
use tokio::sync::OnceCell;

use super::uplink::Uplink;
use crate::{
    api_error::ApiError,
    db,
    db::{total::Total, uplink_page::UplinkFilter},
    domain,
    graphql::{context::ContextExt as _, cursor::UplinkCursor, page::PageSlice},
};

/// A page of uplinks.
pub type UplinkConnection = Connection<UplinkCursor, Uplink, UplinkTotal>;

/// The number of uplinks in all.
pub struct UplinkTotal {
    filter: UplinkFilter,
    /// How many there are, once they were counted.
    total: OnceCell<Total>,
}

impl UplinkTotal {
    /// Of those that a filter lets through.
    #[must_use]
    pub fn new(filter: UplinkFilter) -> Self {
        Self { filter, total: OnceCell::new() }
    }

    async fn total(&self, ctx: &Context<'_>) -> Result<Total, ApiError> {
        let count = async || Ok(db::uplink_page::count(ctx.read_pool(), &self.filter).await?);
        self.total.get_or_try_init(count).await.copied()
    }
}

#[Object]
impl UplinkTotal {
    /// How many there are in all, on every page: an estimate where `totalCountIsEstimate`. Counted only when selected; null
    /// only when counting fails.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Option<i64>, ApiError> {
        Ok(Some(self.total(ctx).await?.rows))
    }

    /// Whether `totalCount` is an estimate: there are more than 100,000, or counting them would read too much.
    async fn total_count_is_estimate(&self, ctx: &Context<'_>) -> Result<Option<bool>, ApiError> {
        Ok(Some(self.total(ctx).await?.is_estimate))
    }
}

/// A page of uplinks as a connection.
#[must_use]
pub fn uplink_connection(slice: PageSlice<domain::uplink::Uplink>, total: UplinkTotal) -> UplinkConnection {
    let mut connection = Connection::with_additional_fields(slice.has_previous, slice.has_next, total);
    let edge = |uplink: domain::uplink::Uplink| Edge::new(UplinkCursor(uplink.key), Uplink(uplink));
    connection.edges = slice.rows.into_iter().map(edge).collect();
    connection
}
