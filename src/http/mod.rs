//! HTTP: the routes, and what every request passes on its way.

mod connections;
pub mod extract;
mod media_type;
pub mod middleware;
pub mod routes;
mod server;
pub mod state;
mod timed_stream;
pub mod transports;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::Next,
    response::Response,
};
pub use connections::Connections;
pub use extract::key_checks::KeyChecks;
pub use middleware::{body_memory::BodyMemory, origin::Origin, response_memory::ResponseMemory};
pub use routes::graphql::Edition;
pub(crate) use routes::metrics::standalone_router as metrics_alone;
pub use server::serve;
use tower::{ServiceBuilder, util::option_layer};
use tower_http::catch_panic::CatchPanicLayer;
pub use transports::websocket::{SocketTimeouts, Sockets};

use self::state::SharedState;
use crate::api_error::ApiError;

/// The largest body of a GraphQL request or a sensor's uplink, in bytes.
const MAX_BODY_BYTES: usize = 1 << 20;

const METHOD_NOT_ALLOWED_MESSAGE: &str = "this path has no such method; the Allow header tells those it has";

/// What every request passes first. In one middleware, since each makes a copy of all layers below it for each request.
async fn every_request(State(app): State<SharedState>, request: Request, next: Next) -> Response {
    let tagged = async |request| {
        middleware::compression::etag_per_encoding(request, async |request| next.run(request).await).await
    };
    let checked = async |request| middleware::cors::refuse_cross_origin(&app, request, tagged).await;
    let counted = async |request| routes::metrics::count_requests(&app, request, checked).await;
    middleware::drain_body::drain_unread_body(request, counted).await
}

/// All routes. What a request passes stands from the outside in, after its id and its span of the log.
pub(crate) fn router(app: SharedState) -> Router {
    // In one piece: a router puts each layer that it is given by itself into a box, which each request copies.
    let on_the_way = ServiceBuilder::new()
        .layer(axum::middleware::from_fn_with_state(app.clone(), every_request))
        .layer(option_layer(middleware::cors::layer(&app.origins)))
        .layer(middleware::compression::layer())
        .layer(CatchPanicLayer::custom(|_| {
            axum::response::IntoResponse::into_response(ApiError::Internal(anyhow::anyhow!("a handler panicked")))
        }))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    let sensors = || {
        let decompression = axum::middleware::from_fn_with_state(app.clone(), middleware::decompression::decompress);
        routes::ingest::routes()
            .merge(routes::influxdb::routes())
            .merge(routes::csv_import::routes())
            .layer(decompression)
    };
    let routes = Router::new()
        .merge(
            routes::graphql::routes()
                .layer(axum::middleware::from_fn_with_state(app.clone(), middleware::timeout::graphql_layer)),
        )
        .merge(sensors())
        // for devices that can set no header: the key in front of the path their firmware has
        .nest("/key/{key}", sensors())
        .merge(routes::health::routes())
        .merge(routes::metrics::routes())
        .merge(routes::static_files::routes())
        .fallback(|| async { ApiError::NotFound })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed(METHOD_NOT_ALLOWED_MESSAGE) })
        .layer(on_the_way)
        .with_state(app);
    middleware::request_id::with_request_span(routes)
}
