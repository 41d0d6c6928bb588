//! HTTP: the routes, and the middleware around them.

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

const METHOD_NOT_ALLOWED_MESSAGE: &str = "method not allowed on this path; see the Allow header";

/// The outermost middleware. One function for all of it, since each layer copies all layers below it for each request.
async fn every_request(State(app): State<SharedState>, request: Request, next: Next) -> Response {
    let tagged = async |request| {
        middleware::compression::etag_per_encoding(request, async |request| next.run(request).await).await
    };
    let checked = async |request| middleware::cors::refuse_cross_origin(&app, request, tagged).await;
    let counted = async |request| routes::metrics::count_requests(&app, request, checked).await;
    middleware::drain_body::drain_unread_body(request, counted).await
}

/// All routes. Layers are listed from the outside in, after the request id and its log span.
pub(crate) fn router(app: SharedState) -> Router {
    // One service: a router boxes each layer that is added separately, and each request clones the box.
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
        // for devices that can't set a header: the key in front of the path of their firmware
        .nest("/key/{key}", sensors())
        .merge(routes::export::routes())
        .merge(routes::health::routes())
        .merge(routes::metrics::routes())
        .merge(routes::pages::routes())
        .fallback(|| async { ApiError::NotFound })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed(METHOD_NOT_ALLOWED_MESSAGE) })
        .layer(on_the_way)
        .with_state(app);
    middleware::request_id::with_request_span(routes)
}
