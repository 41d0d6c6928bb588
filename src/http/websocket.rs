//! GraphQL over WebSocket, protocol `graphql-transport-ws`.

use std::{sync::Arc, time::Duration};

use async_graphql::{Data, Executor, Request, Response as GraphqlResponse, http::ALL_WEBSOCKET_PROTOCOLS};
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::{
    extract::{FromRequestParts as _, WebSocketUpgrade},
    http::request::Parts,
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use serde_json::Value;

use super::MAX_BODY;
use crate::{
    app::App,
    auth::{self, Caller},
    error::ApiError,
    graphql::{self, Schema},
};

/// How long a client may keep silent before it is taken for dead.
const KEEPALIVE: Duration = Duration::from_mins(1);

/// Upgrades the connection and serves it. The key comes in the headers or in `connection_init`.
pub(super) async fn serve(app: App, upgrade: WebSocketUpgrade, mut parts: Parts, caller: Caller) -> Response {
    let Ok(protocol) = GraphQLProtocol::from_request_parts(&mut parts, &()).await else {
        return ApiError::BadRequest("the WebSocket must speak graphql-transport-ws".to_owned()).into_response();
    };
    upgrade.max_message_size(MAX_BODY).protocols(ALL_WEBSOCKET_PROTOCOLS).on_upgrade(move |socket| {
        let executor = Socket { schema: app.schema.clone() };
        let initialised = move |payload: Value| async move {
            let mut data = Data::default();
            data.insert(identify(&app, payload, caller).await?);
            Ok(data)
        };
        GraphQLWebSocket::new(socket, executor, protocol)
            .on_connection_init(initialised)
            .keepalive_timeout(KEEPALIVE)
            .serve()
    })
}

/// The caller that `connection_init` names, as `{"authorization": "Bearer …"}`; else the one of the upgrade request.
async fn identify(app: &App, payload: Value, upgrade: Caller) -> Result<Caller, ApiError> {
    let authorization = ["authorization", "Authorization"].iter().find_map(|name| payload.get(name)?.as_str());
    match authorization {
        None => Ok(upgrade),
        Some(value) => {
            let secret = auth::from_authorization(value)
                .ok_or(ApiError::Unauthenticated("`authorization` in connection_init must read `Bearer …`"))?;
            auth::identify(&app.state.database, &app.state.clock, &secret).await
        }
    }
}

/// Executes what comes over one socket.
#[derive(Clone)]
struct Socket {
    schema: Schema,
}

impl Executor for Socket {
    async fn execute(&self, request: Request) -> GraphqlResponse {
        graphql::execute(&self.schema, request, Caller::Anonymous).await
    }

    fn execute_stream(&self, request: Request, session: Option<Arc<Data>>) -> BoxStream<'static, GraphqlResponse> {
        let schema = self.schema.clone();
        let caller = session
            .and_then(|data| data.get(&std::any::TypeId::of::<Caller>())?.downcast_ref::<Caller>().cloned())
            .unwrap_or(Caller::Anonymous);
        stream::once(async move { graphql::execute(&schema, request, caller).await }).boxed()
    }
}
