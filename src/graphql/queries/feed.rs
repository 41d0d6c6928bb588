//! The cursor of the feed.

use async_graphql::{Context, Object, connection::CursorType as _};

use crate::{
    api_error::ApiError,
    db::feed::extent,
    domain::feed::FeedOffset,
    graphql::{
        context::{ContextExt as _, FeedSnapshot, may_read},
        cursor::FeedCursor,
    },
};

#[derive(Default)]
pub struct FeedQuery;

#[Object(guard = "may_read")]
impl FeedQuery {
    /// Current cursor of the feed of events. A subscription with this cursor as `after` receives every event that is
    /// not yet part of this response; events from just before may be repeated.
    #[graphql(cache_control(no_cache))]
    async fn feed_cursor(&self, ctx: &Context<'_>) -> Result<String, ApiError> {
        let newest = match ctx.data_opt::<FeedSnapshot>() {
            Some(FeedSnapshot(seen)) => seen.clone()?,
            None => extent(ctx.read_pool()).await?.newest_whole,
        };
        Ok(FeedCursor(FeedOffset::after(newest)).encode_cursor())
    }
}
