use std::fs;

use serde_json::json;

use super::*;

const QUERY: &str = "{ server { version } }";

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn text(query: &str) -> Told {
    Told { query: Some(query.to_owned()), ..Told::default() }
}

fn id(id: &str) -> Told {
    Told { document_id: Some(id.to_owned()), ..Told::default() }
}

fn apollo(hash: &str, query: Option<&str>) -> Told {
    let named = json!({ "version": 1, "sha256Hash": hash });
    Told { query: query.map(str::to_owned), persisted_query: Some(named), ..Told::default() }
}

fn with(manifest: &str, only: bool) -> Persisted {
    let persisted = Persisted::default();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("manifest.json");
    fs::write(&path, manifest).expect("written");
    persisted.set(Manifest::open(&path).expect("a manifest").0, only);
    persisted
}

/// The document of a request that is valid.
fn document(persisted: &Persisted, told: Told) -> Result<String, ApiError> {
    let found = persisted.document(told)?;
    if let Some(registration) = persisted.registration(&found) {
        registration.complete(CallerId::from_address(std::net::Ipv4Addr::LOCALHOST.into()), &found.text);
    }
    Ok(found.text)
}

fn code(refused: Result<String, ApiError>) -> &'static str {
    refused.expect_err("a refusal").code()
}

#[test]
fn what_was_registered_can_be_named() {
    let persisted = Persisted::default();
    let hash = hex(QUERY);
    assert_eq!(code(document(&persisted, apollo(&hash, None))), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(document(&persisted, apollo(&hash, Some(QUERY))).expect("told"), QUERY);
    assert_eq!(document(&persisted, apollo(&hash, None)).expect("registered"), QUERY);
    assert_eq!(document(&persisted, apollo(&hash.to_uppercase(), None)).expect("registered"), QUERY);
    assert_eq!(document(&persisted, id(&format!("sha256:{hash}"))).expect("registered"), QUERY);
}

#[test]
fn what_names_nothing_is_refused() {
    let persisted = Persisted::default();
    let hash = hex(QUERY);
    assert_eq!(code(document(&persisted, apollo(&hash, Some("{ other }")))), "BAD_REQUEST");
    assert_eq!(code(document(&persisted, apollo(&hex("{ other }"), None))), "PERSISTED_QUERY_NOT_FOUND");
    for bad in ["", "abc", &hash[1..], &format!("{hash}0"), &hash.replace(char::is_numeric, "g"), "ä"] {
        assert_eq!(code(document(&persisted, apollo(bad, None))), "BAD_REQUEST", "{bad}");
        assert_eq!(code(document(&persisted, id(&format!("sha256:{bad}")))), "BAD_USER_INPUT", "{bad}");
    }
    for bad in [json!(null), json!(7), json!({ "version": 2, "sha256Hash": hash }), json!({ "version": 1 })] {
        let told = Told { persisted_query: Some(bad), ..text(QUERY) };
        assert_eq!(code(document(&persisted, told)), "BAD_REQUEST");
    }
    assert_eq!(code(document(&persisted, Told::default())), "BAD_REQUEST");
    assert_eq!(code(document(&persisted, Told { query: Some(QUERY.to_owned()), ..id("a") })), "BAD_REQUEST");
}

#[test]
fn what_turned_out_invalid_is_not_kept() {
    let persisted = Persisted::default();
    let found = persisted.document(apollo(&hex(QUERY), Some(QUERY))).expect("a document");
    assert!(persisted.registration(&found).is_some());
    assert_eq!(code(document(&persisted, apollo(&hex(QUERY), None))), "PERSISTED_QUERY_NOT_FOUND", "not yet");
}

#[test]
fn trusted_documents_are_named_by_id_and_by_hash() {
    let apollo_form = json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations":
        [{ "id": "version", "name": "V", "type": "query", "body": QUERY }] });
    for manifest in [json!({ "version": QUERY }), apollo_form] {
        let persisted = with(&manifest.to_string(), false);
        assert_eq!(document(&persisted, id("version")).expect("trusted"), QUERY);
        assert_eq!(document(&persisted, id(&format!("sha256:{}", hex(QUERY)))).expect("trusted"), QUERY);
        assert_eq!(document(&persisted, apollo(&hex(QUERY), None)).expect("trusted"), QUERY);
        assert_eq!(document(&persisted, text("{ other }")).expect("others too"), "{ other }");
    }
}

#[test]
fn where_only_trusted_documents_run_no_other_does() {
    let persisted = with(&json!({ "version": QUERY }).to_string(), true);
    assert_eq!(document(&persisted, text(QUERY)).expect("trusted"), QUERY);
    assert_eq!(document(&persisted, apollo(&hex(QUERY), Some(QUERY))).expect("trusted"), QUERY);
    let other = "{ other }";
    assert_eq!(code(document(&persisted, text(other))), "FORBIDDEN");
    assert_eq!(code(document(&persisted, apollo(&hex(other), Some(other)))), "FORBIDDEN");
    assert_eq!(code(document(&persisted, apollo(&hex(other), None))), "PERSISTED_QUERY_NOT_FOUND");
}

#[test]
fn a_manifest_that_is_none_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("manifest.json");
    assert!(Manifest::open(&path).expect_err("no file").to_string().contains("can't be read"));
    for (text, reason) in [
        ("[", "is no manifest"),
        ("[]", "is no manifest"),
        (r#"{"format":"other","operations":[]}"#, "is no manifest"),
        (r#"{"a":"{ version"}"#, "the document \"a\" can't be parsed"),
    ] {
        fs::write(&path, text).expect("written");
        let error = Manifest::open(&path).expect_err(text).to_string();
        assert!(error.contains(reason) && error.contains("manifest.json"), "{error}");
    }
    fs::write(&path, " ".repeat((16 << 20) + 1)).expect("written");
    assert!(Manifest::open(&path).expect_err("too large").to_string().contains("larger"));
}

#[test]
fn a_file_is_read_again_when_it_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("manifest.json");
    fs::write(&path, "{}").expect("written");
    let (manifest, version) = Manifest::open(&path).expect("a manifest");
    assert_eq!(manifest.len(), 0);
    assert!(Manifest::open_changed(&path, &version).expect("as it was").is_none());
    fs::write(&path, json!({ "version": QUERY }).to_string()).expect("written");
    let (manifest, version) = Manifest::open_changed(&path, &version).expect("read").expect("changed");
    assert_eq!(manifest.named("version"), Some(QUERY));
    fs::write(&path, "{").expect("written");
    let (_, bad) = Manifest::open_changed(&path, &version).expect_err("bad");
    assert!(Manifest::open_changed(&path, &bad).expect("not again").is_none());
}
