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
    /// Stored uplinks, newest first: request bodies as received. Default page size 50, maximum 1000, and at most 16 MiB
    /// of bodies when `text` or `base64` is selected. Admins only.
    #[graphql(cache_control(no_cache))]
    async fn uplinks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Conditions on the uplinks. Default: all uplinks.")] filter: Option<UplinkFilter>,
        #[graphql(desc = "Number of items from the start, or after `after`.")] first: Option<i32>,
        #[graphql(desc = "Return only items after this cursor.")] after: Option<String>,
    ) -> Result<UplinkConnection, ApiError> {
        ctx.caller().require_admin()?;
        let arguments = PageArguments { first, after, ..PageArguments::default() };
        let request = PageRequest::<UplinkCursor>::try_new(arguments, MAX_PAGE_SIZE)?;
        let filter = filter.unwrap_or_default().check(ctx).await?;
        let after = request.after.map(|cursor| cursor.0);
        let page = UplinkPage { filter, descending: true, after, limit: request.limit() };
        let slice = request.slice(db::uplink_page::list(ctx.read_pool(), &page).await?);
        // Checked here, so that the error is reported once and not for each row.
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
