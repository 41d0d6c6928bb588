//! The gateway itself.

use async_graphql::Object;

use crate::graphql::{context::may_read, model::server::Server};

#[derive(Default)]
pub struct ServerQuery;

#[Object(guard = "may_read")]
impl ServerQuery {
    /// The gateway itself.
    async fn server(&self) -> Server {
        Server
    }
}
