//! Connections: pages of a list, with the number of rows in all where somebody asks. Those of devices and of measurements
//! have files of their own.

use async_graphql::{
    Context, Object,
    connection::{Connection, Edge},
};

use super::uplink::Uplink;
use crate::{
    db::{self, uplink_page::UplinkFilter},
    domain,
    error::ApiError,
    graphql::{context::ContextExt as _, cursor::UplinkCursor, page::Slice},
};

/// A page of uplinks.
pub type UplinkConnection = Connection<UplinkCursor, Uplink, UplinkTotal>;

/// Where counting ends: beyond it nobody wants the exact number, and counting would cost as much as reading it all.
pub(super) const COUNT_BOUND: i64 = 100_000;

/// The number of uplinks in all.
pub struct UplinkTotal(pub UplinkFilter);

#[Object]
impl UplinkTotal {
    /// How many there are in all, on every page; null when there are more than 100,000. Counted only when asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Option<i64>, ApiError> {
        Ok(within_bound(db::uplink_page::count(ctx.reads(), &self.0, COUNT_BOUND + 1).await?))
    }
}

/// The number, where counting came to an end.
pub(super) fn within_bound(count: i64) -> Option<i64> {
    (count <= COUNT_BOUND).then_some(count)
}

/// A page of uplinks as a connection.
#[must_use]
pub fn of_uplinks(slice: Slice<domain::uplink::Uplink>, total: UplinkTotal) -> UplinkConnection {
    let mut connection = Connection::with_additional_fields(slice.has_previous, slice.has_next, total);
    let edge = |uplink: domain::uplink::Uplink| Edge::new(UplinkCursor(uplink.key), Uplink(uplink));
    connection.edges = slice.rows.into_iter().map(edge).collect();
    connection
}
