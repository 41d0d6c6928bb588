//! Information about the gateway.

use async_graphql::Object;

use crate::graphql::{context::may_read, types::server::Server};

#[derive(Default)]
pub struct ServerQuery;

#[Object(guard = "may_read")]
impl ServerQuery {
    /// Information about the gateway: version, clock, load and database.
    #[graphql(cache_control(no_cache))]
    async fn server(&self) -> Server {
        Server
    }
}
