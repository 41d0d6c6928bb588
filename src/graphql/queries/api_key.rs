//! API keys.

use async_graphql::{Context, Object};

use crate::{
    api_error::ApiError,
    db,
    db::api_key_page::ApiKeyPage,
    graphql::{
        context::ContextExt as _,
        cursor::ApiKeyCursor,
        inputs::api_key::ApiKeyFilter,
        page::{MAX_PAGE_SIZE, PageArguments, PageRequest},
        types::connection::{ApiKeyConnection, api_key_connection},
    },
};

#[derive(Default)]
pub struct ApiKeyQuery;

#[Object]
impl ApiKeyQuery {
    /// API keys, newest first, without their secrets. Default page size 50, maximum 1000. Admins only.
    #[graphql(cache_control(no_cache))]
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Conditions on the keys. Default: all keys.")] filter: Option<ApiKeyFilter>,
        #[graphql(desc = "Number of items from the start, or after `after`.")] first: Option<i32>,
        #[graphql(desc = "Return only items after this cursor.")] after: Option<String>,
    ) -> Result<ApiKeyConnection, ApiError> {
        ctx.caller().require_admin()?;
        let arguments = PageArguments { first, after, ..PageArguments::default() };
        let request = PageRequest::<ApiKeyCursor>::try_new(arguments, MAX_PAGE_SIZE)?;
        let filter = filter.unwrap_or_default().check()?;
        let page = ApiKeyPage { filter, after: request.after.map(|cursor| cursor.0), limit: request.limit() };
        let rows = db::api_key_page::list(ctx.read_pool(), &page, ctx.state().clock.now()).await?;
        Ok(api_key_connection(request.slice(rows)))
    }
}
