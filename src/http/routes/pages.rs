//! Routes of the web pages: the explorer, the admin page and the playground.

use axum::{
    Json, Router,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{
    content_security_policy::{self, Embedding},
    map_file,
    map_file::MAP_FILE_PATH,
    static_files,
};
use crate::{
    api_error::ApiError,
    config::explorer::{GroundMap, GroundMapFormat, MapSource},
    http::state::{AppState, SharedState},
};

/// Parameter of the explorer's URL that shows it without the parts that only a whole window needs.
const EMBED_PARAMETER: &str = "embed";

/// Values of `Referrer-Policy`. Operators of tile servers, such as OpenStreetMap, require a `Referer` to find out which site
/// uses them.
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const ORIGIN_AS_REFERRER: HeaderValue = HeaderValue::from_static("strict-origin");

/// The text at `/` without any page.
const FRONT_PAGE_TEXT: &str = "This is airgraph, a GraphQL gateway for measurements of air quality.\n\n\
                     GraphQL is at graphql, beside this page: POST a request as JSON.\n\
                     Sensors post to the paths that their firmware has, or below ingest/.\n";

pub(crate) fn routes() -> Router<SharedState> {
    Router::new()
        .route("/", get(front_page))
        .route("/admin", get(admin))
        .route("/explorer.json", get(explorer_settings))
        .route("/playground", get(playground))
        .merge(map_file::routes())
        .merge(static_files::routes())
}

/// The explorer; without it the playground, and without both a text.
async fn front_page(
    State(app): State<SharedState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if app.explorer.enabled {
        let embedding = if is_embedded(query.as_deref()) { Embedding::Configured } else { Embedding::Refused };
        explorer_page(&app, "index.html", embedding, &headers).await
    } else if app.state.info.security_profile.playground {
        Ok(Redirect::temporary("playground").into_response())
    } else {
        Ok(FRONT_PAGE_TEXT.into_response())
    }
}

async fn admin(State(app): State<SharedState>, headers: HeaderMap) -> Result<Response, ApiError> {
    if app.explorer.enabled {
        explorer_page(&app, "admin.html", Embedding::Refused, &headers).await
    } else {
        Err(ApiError::NotFound)
    }
}

async fn playground(State(app): State<SharedState>, headers: HeaderMap) -> Result<Response, ApiError> {
    if app.state.info.security_profile.playground {
        let page = static_files::page("playground.html", &headers).await;
        Ok(with_policies(page, content_security_policy::playground(), NO_REFERRER))
    } else {
        Err(ApiError::NotFound)
    }
}

/// What the explorer needs to know of this gateway before it draws.
async fn explorer_settings(State(app): State<SharedState>) -> Result<Response, ApiError> {
    if !app.explorer.enabled {
        return Err(ApiError::NotFound);
    }
    let map = |format: GroundMapFormat| {
        let map = app.explorer.ground_map.as_ref().filter(|map| map.format == format);
        map.map_or(Value::Null, |GroundMap { source, attribution, .. }| {
            let url = match source {
                MapSource::Remote { url, .. } => url.as_str(),
                MapSource::File(_) => MAP_FILE_PATH,
            };
            json!({ "url": url, "attribution": attribution })
        })
    };
    let settings = json!({
        "tiles": map(GroundMapFormat::Tiles),
        "pmtiles": map(GroundMapFormat::Pmtiles),
        "playground": app.state.info.security_profile.playground,
    });
    Ok(([(header::CACHE_CONTROL, "no-cache")], Json(settings)).into_response())
}

async fn explorer_page(
    app: &AppState,
    name: &str,
    embedding: Embedding,
    request: &HeaderMap,
) -> Result<Response, ApiError> {
    let policy = content_security_policy::explorer(&app.explorer, embedding)
        .map_err(|error| ApiError::Internal(anyhow::Error::new(error).context("content security policy")))?;
    let map = app.explorer.ground_map.as_ref().map(|map| &map.source);
    let referrer = if matches!(map, Some(MapSource::Remote { .. })) { ORIGIN_AS_REFERRER } else { NO_REFERRER };
    Ok(with_policies(static_files::page(name, request).await, policy, referrer))
}

fn with_policies(mut page: Response, content_security: HeaderValue, referrer: HeaderValue) -> Response {
    let headers = page.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, content_security);
    headers.insert(header::REFERRER_POLICY, referrer);
    page
}

/// Whether the query has the parameter [`EMBED_PARAMETER`], with or without a value.
fn is_embedded(query: Option<&str>) -> bool {
    let names = query.unwrap_or_default().split('&').filter_map(|parameter| parameter.split('=').next());
    names.into_iter().any(|name| name == EMBED_PARAMETER)
}
