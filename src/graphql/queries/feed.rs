//! Where the feed is.

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
    /// Where the feed is that subscriptions follow. Whoever subscribes with this as `after` is told everything that the rest
    /// of this answer doesn't hold yet; something that it just holds may be told once more.
    #[graphql(cache_control(no_cache))]
    async fn feed_cursor(&self, ctx: &Context<'_>) -> Result<String, ApiError> {
        let newest = match ctx.data_opt::<FeedSnapshot>() {
            Some(FeedSnapshot(seen)) => seen.clone()?,
            None => extent(ctx.read_pool()).await?.newest,
        };
        Ok(FeedCursor(FeedOffset::after(newest)).encode_cursor())
    }
}
