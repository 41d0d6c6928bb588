//! Uplinks.

use async_graphql::{Context, Object};

use crate::{
    api_error::ApiError,
    db,
    db::uplink_page::UplinkPage,
    domain::uplink::Uplink,
    graphql::{
        context::ContextExt as _,
        cursor::UplinkCursor,
        inputs::uplink::UplinkFilter,
        loaders::MAX_BODY_BYTES,
        page::{MAX_PAGE_SIZE, PageArguments, PageRequest},
        types::{
            connection::{UplinkConnection, UplinkTotal, uplink_connection},
            uplink::bodies_too_large,
        },
    },
};

#[derive(Default)]
pub struct UplinkQuery;

#[Object]
impl UplinkQuery {
    /// What arrived, verbatim, newest first. Needs an admin's key. 50 in a page unless told, 1000 at most, and no more
    /// than 16 MiB of bodies where `text` or `base64` are asked for.
    #[graphql(cache_control(no_cache))]
    async fn uplinks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<UplinkFilter>,
        #[graphql(desc = "So many from the start, or after `after`.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<UplinkConnection, ApiError> {
        ctx.caller().require_admin()?;
        let arguments = PageArguments { first, after, ..PageArguments::default() };
        let request = PageRequest::<UplinkCursor>::try_new(arguments, MAX_PAGE_SIZE)?;
        let filter = filter.unwrap_or_default().check(ctx).await?;
        let after = request.after.map(|cursor| cursor.0);
        let page = UplinkPage { filter, descending: true, after, limit: request.limit() };
        let slice = request.slice(db::uplink_page::list(ctx.read_pool(), &page).await?);
        // Said once and not for every row, each of which would ask for its body.
        if selects_bodies(ctx) && total_body_bytes(&slice.rows) > MAX_BODY_BYTES {
            return Err(bodies_too_large());
        }
        Ok(uplink_connection(slice, UplinkTotal::new(page.filter)))
    }
}

fn selects_bodies(ctx: &Context<'_>) -> bool {
    let connection = ctx.look_ahead();
    let nodes = [connection.field("nodes"), connection.field("edges").field("node")];
    nodes.iter().any(|node| node.field("text").exists() || node.field("base64").exists())
}

fn total_body_bytes(uplinks: &[Uplink]) -> usize {
    uplinks.iter().map(|uplink| usize::try_from(uplink.bytes).unwrap_or(0)).sum()
}
