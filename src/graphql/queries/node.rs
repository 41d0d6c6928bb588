//! Objects by their global id.

use async_graphql::{Context, ID, Object};
use futures_util::future::try_join_all;

use crate::{
    api_error::ApiError,
    graphql::{
        context::{ContextExt as _, may_read},
        id::GlobalId,
        types::{measurement::Measurement, node::Node, trip, uplink::Uplink},
    },
};

/// Maximum ids in one request.
const MAX_IDS: usize = 1000;

#[derive(Default)]
pub struct NodeQuery;

#[Object(guard = "may_read")]
impl NodeQuery {
    /// Object with this global id. Null when there is none.
    #[graphql(cache_control(max_age = 5))]
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Value of an `id` field.")] id: ID,
    ) -> Result<Option<Node>, ApiError> {
        find_node(ctx, "id", &id).await
    }

    /// Objects with these global ids, in the same order. An item is null when there is no such object. Maximum 1000.
    #[graphql(cache_control(max_age = 5))]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Values of `id` fields.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>, ApiError> {
        if ids.len() > MAX_IDS {
            return Err(ApiError::bad_input("ids", format!("{} ids; at most {MAX_IDS}", ids.len())));
        }
        let lookups = ids.iter().enumerate().map(async |(at, id)| find_node(ctx, &format!("ids[{at}]"), id).await);
        try_join_all(lookups).await
    }
}

async fn find_node(ctx: &Context<'_>, argument: &str, id: &ID) -> Result<Option<Node>, ApiError> {
    // An invalid id is treated like an id without object.
    let Some(id) = GlobalId::parse(id) else { return Ok(None) };
    let node = match id {
        GlobalId::Device(id) => ctx.loader().load_one(id).await?.map(|device| Node::Device(device.into())),
        GlobalId::Measurement(key) => {
            ctx.loader().load_one(key).await?.map(|measurement| Node::Measurement(Measurement(measurement)))
        }
        GlobalId::Trip(key) => trip::find_trip(ctx, argument, key).await?.map(Node::Trip),
        // Callers without admin role can't find out whether the uplink exists.
        GlobalId::Uplink(_) if ctx.caller().require_admin().is_err() => None,
        GlobalId::Uplink(key) => ctx.loader().load_one(key).await?.map(|uplink| Node::Uplink(Uplink(uplink))),
        GlobalId::ApiKey(_) => None,
    };
    Ok(node)
}
