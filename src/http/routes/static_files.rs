//! Files of the web pages. Built from `web/` and embedded in the binary, so that they work on a network without internet.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
    routing::get,
};
use rust_embed::RustEmbed;

use super::precompressed::Precompressed;
use crate::{api_error::ApiError, http::state::SharedState};

/// Built from the documents of the explorer and of the admin page: an object from ids to documents.
const TRUSTED_DOCUMENTS_FILE: &str = "documents.json";

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/web"]
struct EmbeddedFiles;

/// The files by name, each with its media type.
static FILES: LazyLock<HashMap<Cow<'static, str>, (HeaderValue, Precompressed)>> = LazyLock::new(|| {
    let file = |name: Cow<'static, str>| {
        let file = EmbeddedFiles::get(&name)?;
        let media_type = HeaderValue::from_str(file.metadata.mimetype()).ok()?;
        Some((name, (media_type, Precompressed::new(file.data.into_owned()))))
    };
    EmbeddedFiles::iter().filter_map(file).collect()
});

/// The page in place of one that was not built. Says how to build it.
static NOT_BUILT_PAGE: LazyLock<Precompressed> =
    LazyLock::new(|| Precompressed::new(&include_bytes!("../../../web/fallback/not-built.html")[..]));

pub(crate) fn routes() -> Router<SharedState> {
    Router::new().route("/assets/{*path}", get(asset))
}

/// The trusted documents of the built pages. `None` when these were not built.
pub(crate) fn trusted_documents() -> Option<String> {
    let file = EmbeddedFiles::get(TRUSTED_DOCUMENTS_FILE)?;
    String::from_utf8(file.data.into_owned()).ok()
}

/// A page, without its content security policy.
pub(super) async fn page(name: &str, request: &HeaderMap) -> Response {
    let page = FILES.get(name).map_or(&*NOT_BUILT_PAGE, |(_, page)| page);
    let mut response = page.response(request).await;
    set_file_headers(&mut response, HeaderValue::from_static("text/html; charset=utf-8"), "no-cache");
    response
}

/// A file with a hash of its content in its name (except for the fallback page), so it may be cached for ever.
async fn asset(
    State(app): State<SharedState>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !app.state.info.security_profile.playground && !app.explorer.enabled {
        return Err(ApiError::NotFound);
    }
    let caching = if env!("AIRGRAPH_WEB_SOURCE") == "cdn" { "no-cache" } else { "public, max-age=31536000, immutable" };
    let (media_type, file) = FILES.get(format!("assets/{path}").as_str()).ok_or(ApiError::NotFound)?;
    let mut response = file.response(&headers).await;
    set_file_headers(&mut response, media_type.clone(), caching);
    Ok(response)
}

fn set_file_headers(response: &mut Response, media_type: HeaderValue, caching: &'static str) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

#[cfg(test)]
mod tests {
    use crate::graphql::execute::persisted::PersistedDocuments;

    #[test]
    fn documents_of_the_pages_are_a_manifest() {
        match super::trusted_documents() {
            Some(manifest) => PersistedDocuments::default().trust_built_in(&manifest).expect("a manifest"),
            None => println!("left out: the pages were not built"),
        }
    }
}
