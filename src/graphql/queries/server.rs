//! The gateway itself.

use async_graphql::Object;

use crate::graphql::{context::may_read, types::server::Server};

#[derive(Default)]
pub struct ServerQuery;

#[Object(guard = "may_read")]
impl ServerQuery {
    /// The gateway itself.
    #[graphql(cache_control(no_cache))]
    async fn server(&self) -> Server {
        Server
    }
}
