//! HTTP: the routes, and what every request passes on its way.

mod address;
mod bodies;
mod caller;
mod compression;
mod connections;
mod cors;
mod deadline;
mod decompression;
mod graphql;
mod health;
mod influxdb;
mod ingest;
mod key_checks;
mod media_type;
mod metrics;
mod origin;
mod pages;
mod precompressed;
mod resume;
mod sending;
mod server;
mod sse;
mod telemetry;
mod timed_stream;
mod trace_context;
mod unread;
mod upload;
mod websocket;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::Response,
};
use tower::{ServiceBuilder, util::option_layer};
use tower_http::catch_panic::CatchPanicLayer;

pub use bodies::Bodies;
pub use connections::Connections;
pub use graphql::Edition;
pub use key_checks::KeyChecks;
pub(crate) use metrics::alone as metrics_alone;
pub use origin::Origin;
pub use sending::Answers;
pub use server::serve;
pub use websocket::{Pace, Sockets};

use crate::{app::Shared, error::ApiError};

/// The largest body of a GraphQL request or a sensor's uplink, in bytes.
const MAX_BODY: usize = 1 << 20;

const METHODS: &str = "this path has no such method; the Allow header tells those it has";

/// What every request passes first. In one middleware, since each makes a copy of all layers below it for each request.
async fn every_request(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let tagged = async |request| compression::tagged(request, async |request| next.run(request).await).await;
    let checked = async |request| cors::refuse_cross_origin(&app, request, tagged).await;
    let counted = async |request| metrics::counted(&app, request, checked).await;
    unread::forgotten(request, counted).await
}

/// All routes. What a request passes stands from the outside in, after its id and its span of the log.
pub(crate) fn router(app: Shared) -> Router {
    // In one piece: a router puts each layer that it is given by itself into a box, which each request copies.
    let on_the_way = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(app.clone(), every_request))
        .layer(option_layer(cors::layer(&app.origins)))
        .layer(compression::layer())
        .layer(CatchPanicLayer::custom(|_| {
            axum::response::IntoResponse::into_response(ApiError::Internal(anyhow::anyhow!("a handler panicked")))
        }))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    let sensors = || {
        let decompression = middleware::from_fn_with_state(app.clone(), decompression::layer);
        ingest::routes().merge(influxdb::routes()).merge(upload::routes()).layer(decompression)
    };
    let routes = Router::new()
        .merge(graphql::routes().layer(middleware::from_fn_with_state(app.clone(), deadline::of_graphql)))
        .merge(sensors())
        // for devices that can set no header: the key in front of the path their firmware has
        .nest("/key/{key}", sensors())
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(pages::routes())
        .fallback(|| async { ApiError::NotFound })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed(METHODS) })
        .layer(on_the_way)
        .with_state(app);
    telemetry::observed(routes)
}
