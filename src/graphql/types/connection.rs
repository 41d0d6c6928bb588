//! Connections: pages of a list, with the total number of rows. Those of devices and of measurements have their own
//! files.

use async_graphql::{
    Context, Object,
    connection::{Connection, Edge},
};
use tokio::sync::OnceCell;

use super::{api_key::ApiKey, uplink::Uplink};
use crate::{
    api_error::ApiError,
    db,
    db::{total::Total, uplink_page::UplinkFilter},
    domain,
    graphql::{
        context::ContextExt as _,
        cursor::{ApiKeyCursor, UplinkCursor},
        page::PageSlice,
    },
};

/// A page of API keys.
pub type ApiKeyConnection = Connection<ApiKeyCursor, ApiKey>;

/// A page of uplinks.
pub type UplinkConnection = Connection<UplinkCursor, Uplink, UplinkTotal>;

/// Total number of uplinks of a list.
pub struct UplinkTotal {
    filter: UplinkFilter,
    /// Total number of uplinks, once counted.
    total: OnceCell<Total>,
}

impl UplinkTotal {
    /// The total of the uplinks that `filter` matches.
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
    /// Number of uplinks on all pages together; an estimate when `totalCountIsEstimate` is true. Counted only when
    /// selected. Null only when counting fails.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Option<i64>, ApiError> {
        Ok(Some(self.total(ctx).await?.rows))
    }

    /// Whether `totalCount` is an estimate: there are more than 100,000, or an exact count would read too many rows.
    /// Null only when counting fails.
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

/// A page of API keys as a connection.
#[must_use]
pub fn api_key_connection(slice: PageSlice<domain::api_key::ApiKey>) -> ApiKeyConnection {
    let mut connection = Connection::new(slice.has_previous, slice.has_next);
    connection.edges = slice.rows.into_iter().map(|key| Edge::new(ApiKeyCursor(key.id), ApiKey(key))).collect();
    connection
}
