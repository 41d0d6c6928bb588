//! The explorer and the admin page: their policies, their settings, and their trusted documents.

use std::collections::BTreeMap;

use airgraph::config::{
    explorer::{ExplorerSettings, GroundMap, GroundMapFormat, MapFile, MapSource},
    security::SecurityProfile,
};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use super::static_files::references;
use crate::support::{Answer, TestApp};

const PAGES: [&str; 2] = ["/", "/admin"];

/// The directives of a page's content security policy.
fn policy(page: &Answer) -> BTreeMap<String, Vec<String>> {
    let text = page.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
    let directives = text.split(';').map(|directive| {
        let mut words = directive.split_whitespace().map(str::to_owned);
        (words.next().expect("a name"), words.collect())
    });
    directives.collect()
}

fn ground_map(format: GroundMapFormat) -> ExplorerSettings {
    let map = GroundMap {
        format,
        source: MapSource::Remote {
            url: "https://tile.example/{z}/{x}/{y}.png".to_owned(),
            origin: "https://tile.example".to_owned(),
        },
        attribution: "© contributors".to_owned(),
    };
    ExplorerSettings { ground_map: Some(map), ..ExplorerSettings::default() }
}

#[tokio::test]
async fn explorer_is_the_front_page_in_both_profiles_and_loads_only_its_own_files() {
    for security in [SecurityProfile::Open, SecurityProfile::Hardened] {
        let app = TestApp::with_security(security.into()).await;
        for path in PAGES {
            let page = app.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert_eq!(page.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
            assert_eq!(page.headers[header::CACHE_CONTROL], "no-cache");
            assert_eq!(page.headers[header::REFERRER_POLICY], "no-referrer");
            let policy = policy(&page);
            let sources = |name: &str| policy.get(name).map(|sources| sources.join(" "));
            assert_eq!(sources("default-src").as_deref(), Some("'none'"));
            for name in ["script-src", "worker-src", "connect-src", "style-src", "font-src"] {
                assert_eq!(sources(name).as_deref(), Some("'self'"), "{name}");
            }
            assert_eq!(sources("img-src").as_deref(), Some("'self' data:"));
            assert_eq!(sources("frame-ancestors").as_deref(), Some("'none'"));
            for reference in references(&page.text) {
                assert!(!reference.contains("//"), "{path} loads {reference}");
                if let Some(asset) = reference.strip_prefix("./assets/") {
                    assert_eq!(app.get(&format!("/assets/{asset}")).await.status, StatusCode::OK, "{asset}");
                }
            }
        }
    }
}

#[tokio::test]
async fn only_configured_origins_may_embed_and_only_the_explorer() {
    let ancestors = ["'self'", "https://town.example"].map(str::to_owned).to_vec();
    let settings = ExplorerSettings { frame_ancestors: ancestors.clone(), ..ExplorerSettings::default() };
    let app = TestApp::new().await.with_explorer(settings);
    for path in ["/?embed", "/?embed=", "/?layer=PM10&embed=1"] {
        assert_eq!(policy(&app.get(path).await)["frame-ancestors"], ancestors, "{path}");
    }
    for path in ["/", "/?embedded", "/?layer=embed", "/admin", "/admin?embed", "/playground?embed"] {
        assert_eq!(policy(&app.get(path).await)["frame-ancestors"], ["'none'"], "{path}");
    }
    let app = TestApp::new().await;
    assert_eq!(policy(&app.get("/?embed").await)["frame-ancestors"], ["'none'"], "the default");
}

#[tokio::test]
async fn policy_names_the_host_of_the_ground_map_and_no_other() {
    for format in [GroundMapFormat::Tiles, GroundMapFormat::Pmtiles] {
        let app = TestApp::new().await.with_explorer(ground_map(format));
        for path in PAGES {
            let page = app.get(path).await;
            for (name, sources) in policy(&page) {
                let others: Vec<_> = sources.iter().filter(|source| source.contains("//")).collect();
                let is_for_tiles = ["connect-src", "img-src"].contains(&name.as_str());
                let expected: &[&str] = if is_for_tiles { &["https://tile.example"] } else { &[] };
                assert_eq!(others, expected, "{path} {name}");
            }
            assert_eq!(page.headers[header::REFERRER_POLICY], "strict-origin", "tile servers require a referrer");
        }
        assert!(!policy(&app.get("/playground").await)["connect-src"].contains(&"https://tile.example".to_owned()));
    }
}

#[tokio::test]
async fn explorer_reads_its_settings_from_the_gateway() {
    let app = TestApp::new().await;
    let answer = app.get("/explorer.json").await;
    assert_eq!(answer.json(), json!({ "tiles": null, "pmtiles": null, "playground": true }));
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-cache");
    let hardened = TestApp::with_security(SecurityProfile::Hardened.into()).await;
    assert_eq!(hardened.get("/explorer.json").await.json()["playground"], false);

    let map = json!({ "url": "https://tile.example/{z}/{x}/{y}.png", "attribution": "© contributors" });
    for (format, name, other) in
        [(GroundMapFormat::Tiles, "tiles", "pmtiles"), (GroundMapFormat::Pmtiles, "pmtiles", "tiles")]
    {
        let app = TestApp::new().await.with_explorer(ground_map(format));
        let settings = app.get("/explorer.json").await.json();
        assert_eq!((&settings[name], &settings[other]), (&map, &Value::Null));
    }
}

#[tokio::test]
async fn ground_map_from_a_file_is_served_in_ranges_and_needs_no_other_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("map.pmtiles");
    let content = [&b"PMTiles\x03"[..], &b".".repeat(200_000), b"end"].concat();
    std::fs::write(&path, &content).expect("written");
    let source = MapSource::File(MapFile::open(&path).expect("a map"));
    let map = GroundMap { format: GroundMapFormat::Pmtiles, source, attribution: "x".to_owned() };
    let app =
        TestApp::new().await.with_explorer(ExplorerSettings { ground_map: Some(map), ..ExplorerSettings::default() });

    let page = app.get("/").await;
    assert!(policy(&page).values().flatten().all(|source| !source.contains("//")), "{:?}", policy(&page));
    assert_eq!(page.headers[header::REFERRER_POLICY], "no-referrer");
    assert_eq!(app.get("/explorer.json").await.json()["pmtiles"], json!({ "url": "map.pmtiles", "attribution": "x" }));

    let whole = app.get("/map.pmtiles").await;
    assert_eq!((whole.status, whole.text.as_bytes()), (StatusCode::OK, &content[..]));
    let tag = whole.headers[header::ETAG].to_str().expect("text").to_owned();
    let get = async |range: &str, if_range: &str| {
        let request =
            Request::get("/map.pmtiles").header(header::RANGE, range).header(header::ACCEPT_ENCODING, "gzip, br");
        app.send(request.header(header::IF_RANGE, if_range).body(Body::empty()).expect("a request")).await
    };
    for (range, expected, content_range) in [
        ("bytes=0-6", &content[..7], "bytes 0-6/200011"),
        ("bytes=5-180000", &content[5..=180_000], "bytes 5-180000/200011"),
        ("bytes=-3", b"end", "bytes 200008-200010/200011"),
    ] {
        let part = get(range, &tag).await;
        assert_eq!((part.status, part.text.as_bytes()), (StatusCode::PARTIAL_CONTENT, expected), "{range}");
        assert_eq!(part.headers[header::CONTENT_RANGE], content_range);
        assert_eq!(part.headers.get(header::CONTENT_ENCODING), None);
        assert_eq!(part.headers[header::CONTENT_LENGTH].to_str().expect("text"), expected.len().to_string());
    }
    let beyond = get("bytes=200011-", &tag).await;
    assert_eq!(
        (beyond.status, &beyond.headers[header::CONTENT_RANGE]),
        (StatusCode::RANGE_NOT_SATISFIABLE, &"bytes */200011".parse().expect("a value"),)
    );
    assert_eq!(get("bytes=0-6", "\"other\"").await.status, StatusCode::OK, "the range is of another version");
}

#[tokio::test]
async fn nothing_of_the_explorer_is_served_when_it_is_off() {
    let app = TestApp::with_security(SecurityProfile::Hardened.into()).await.without_explorer();
    for path in ["/admin", "/explorer.json", "/map.pmtiles", "/assets/anything.js"] {
        assert_eq!(app.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn explorer_runs_its_documents_where_only_trusted_documents_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("manifest.json");
    std::fs::write(&path, json!({ "operator": "{ server { version } }" }).to_string()).expect("written");
    let (own, other) = ("query Devices { devices { totalCount } }", "{ devices { totalCount } }");
    for explorer_first in [true, false] {
        let app = TestApp::with_security(SecurityProfile::Hardened.into()).await;
        let trust = || app.app.persisted.trust_built_in(&json!({ "d1": own }).to_string()).expect("a manifest");
        if explorer_first {
            trust();
            assert!(app.graphql(None, other, json!({})).await["data"].is_object(), "alone it excludes no document");
        }
        app.app.persisted.load_manifest(path.clone(), true, app.app.shutdown.clone()).expect("a manifest");
        if !explorer_first {
            trust();
        }
        let by_id = |id: &str| app.post("/graphql", None, json!({ "documentId": id }).to_string());
        assert_eq!(app.graphql(None, own, json!({})).await["data"]["devices"]["totalCount"], 0, "by its text");
        assert_eq!(by_id("d1").await.json()["data"]["devices"]["totalCount"], 0, "by its id");
        assert!(by_id("operator").await.json()["data"]["server"].is_object());
        let refused = app.graphql(None, other, json!({})).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
    }
}

#[tokio::test]
async fn trusted_documents_of_the_explorer_are_not_a_public_file() {
    let app = TestApp::new().await.with_explorer(ExplorerSettings::default());
    for path in ["/documents.json", "/assets/trusted-documents.json", "/assets/../trusted-documents.json"] {
        assert_eq!(app.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
