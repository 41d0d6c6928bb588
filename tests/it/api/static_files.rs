//! The web pages: served from the binary, working without internet access.

use airgraph::config::security::SecurityProfile;
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use tower::ServiceExt as _;

use crate::support::TestApp;

/// The values of `src` and `href` in a page.
pub fn references(page: &str) -> Vec<&str> {
    let attributes = ["src=\"", "href=\""];
    attributes
        .iter()
        .flat_map(|attribute| page.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()))
        .collect()
}

#[tokio::test]
async fn playground_loads_nothing_from_other_hosts() {
    let app = TestApp::new().await;
    let page = app.get("/playground").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
    if env!("AIRGRAPH_WEB_SOURCE") == "cdn" {
        println!("left out: built without Node, so the page is the one that loads from a CDN and says so");
        assert!(page.text.contains("without Node"), "{}", page.text);
        return;
    }
    assert!(!policy.contains("http") && policy.starts_with("default-src 'none'"), "{policy}");
    let references = references(&page.text);
    assert!(references.len() >= 2, "{}", page.text);
    for reference in references {
        assert!(reference.starts_with("./assets/") || reference.starts_with("data:"), "{reference}");
        if let Some(path) = reference.strip_prefix('.') {
            let asset = app.get(path).await;
            assert_eq!(asset.status, StatusCode::OK, "{path}");
            assert_eq!(asset.headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
            let expected = match path.rsplit_once('.') {
                Some((_, "js")) => "text/javascript",
                Some((_, "css")) => "text/css",
                _ => "image/svg+xml",
            };
            assert_eq!(asset.headers[header::CONTENT_TYPE], expected, "{path}");
        }
    }
}

/// Compressing the largest file takes tens of milliseconds.
#[tokio::test]
async fn files_and_the_schema_are_compressed_once_and_never_for_a_request() {
    let app = TestApp::new().await;
    let page = app.get("/playground").await;
    let script = references(&page.text)
        .into_iter()
        .filter_map(|path| path.strip_prefix('.'))
        .find(|path| path.rsplit_once('.').is_some_and(|(_, extension)| extension == "js"));
    for path in script.into_iter().chain(["/schema.graphql"]) {
        let plain = get(&app, path, "identity").await;
        for (accepts, coding) in [("br, gzip", Some("br")), ("gzip, zstd", Some("gzip")), ("zstd, deflate", None)] {
            for _ in 0..2 {
                let (headers, bytes) = get(&app, path, accepts).await;
                assert_eq!(
                    headers.get(header::CONTENT_ENCODING).map(|it| it.to_str().expect("text")),
                    coding,
                    "{path}"
                );
                assert_eq!(headers[header::CONTENT_TYPE], plain.0[header::CONTENT_TYPE]);
                assert_eq!(bytes.len() < plain.1.len(), coding.is_some(), "{} of {}", bytes.len(), plain.1.len());
                assert!(headers.get_all(header::VARY).iter().any(|it| it == "accept-encoding"), "{headers:?}");
            }
        }
        let hardened = TestApp::with_security(SecurityProfile::Hardened.into()).await.without_explorer();
        assert!(hardened.get(path).await.status.is_client_error(), "{path} is of no use there");
    }
}

async fn get(app: &TestApp, path: &str, accepts: &str) -> (HeaderMap, Bytes) {
    let request = Request::get(path).header(header::ACCEPT_ENCODING, accepts).body(Body::empty()).expect("a request");
    let response = app.app.router().oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let (parts, body) = response.into_parts();
    (parts.headers, axum::body::to_bytes(body, usize::MAX).await.expect("a body"))
}

#[tokio::test]
async fn unknown_paths_are_404() {
    let app = TestApp::new().await;
    for path in
        ["/assets/", "/assets/nothing.js", "/assets/../Cargo.toml", "/assets/%2e%2e/playground.html", "/playground/"]
    {
        assert_eq!(app.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn front_page_without_explorer_leads_to_the_playground() {
    let root = TestApp::new().await.without_explorer().get("/").await;
    assert_eq!(root.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(root.headers[header::LOCATION], "playground");
}

#[tokio::test]
async fn front_page_without_explorer_and_playground_is_plain_text() {
    let app = TestApp::with_security(SecurityProfile::Hardened.into()).await.without_explorer();
    let root = app.get("/").await;
    assert_eq!(root.status, StatusCode::OK);
    assert_eq!(root.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert!(root.text.contains("airgraph") && root.text.contains("graphql"), "{}", root.text);
    assert!(!root.text.contains(env!("CARGO_PKG_VERSION")), "{}", root.text);
}

#[tokio::test]
async fn examples_of_the_playground_are_valid() {
    let app = TestApp::new().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/web/src/playground/examples");
    let variables = serde_json::json!({
        "device": "balcony", "devices": ["bike-07"], "from": "2026-05-01T00:00:00Z", "to": "2026-05-02T00:00:00Z",
        "at": "2026-05-02T00:00:00Z", "latitude": 52.2, "longitude": 0.12
    });
    let mut examples = 0;
    for entry in std::fs::read_dir(folder).expect("the examples") {
        let path = entry.expect("an entry").path();
        let document = std::fs::read_to_string(&path).expect("text");
        if document.contains("\nsubscription ") {
            app.subscribe(&document).await;
        } else {
            let answer = app.graphql(Some(&app.admin), &document, variables.clone()).await;
            assert_eq!(answer["errors"], serde_json::Value::Null, "{}: {answer}", path.display());
        }
        examples += 1;
    }
    assert!(examples >= 5);
}
