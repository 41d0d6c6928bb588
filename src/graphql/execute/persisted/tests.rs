use std::fs;

use serde_json::json;

use super::*;

const QUERY: &str = "{ server { version } }";

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn text(query: &str) -> DocumentRef {
    DocumentRef { query: Some(query.to_owned()), ..DocumentRef::default() }
}

fn id(id: &str) -> DocumentRef {
    DocumentRef { document_id: Some(id.to_owned()), ..DocumentRef::default() }
}

fn apollo(hash: &str, query: Option<&str>) -> DocumentRef {
    let named = json!({ "version": 1, "sha256Hash": hash });
    DocumentRef { query: query.map(str::to_owned), persisted_query: Some(named), ..DocumentRef::default() }
}

fn with_manifest(manifest: &str, only: bool) -> PersistedDocuments {
    let persisted = PersistedDocuments::default();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("manifest.json");
    fs::write(&path, manifest).expect("written");
    persisted.set_trusted(Manifest::open(&path).expect("a manifest").0, only);
    persisted
}

/// The document of a request that is valid.
fn document(persisted: &PersistedDocuments, document_ref: DocumentRef) -> Result<String, ApiError> {
    let found = persisted.resolve(document_ref)?;
    if let Some(registration) = persisted.registration(&found) {
        registration.store(CallerId::from_address(std::net::Ipv4Addr::LOCALHOST.into()), &found.text);
    }
    Ok(found.text)
}

fn code(refused: Result<String, ApiError>) -> &'static str {
    refused.expect_err("a refusal").code()
}

#[test]
fn registered_document_is_found_by_hash() {
    let persisted = PersistedDocuments::default();
    let hash = hex(QUERY);
    assert_eq!(code(document(&persisted, apollo(&hash, None))), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(document(&persisted, apollo(&hash, Some(QUERY))).expect("a document"), QUERY);
    assert_eq!(document(&persisted, apollo(&hash, None)).expect("registered"), QUERY);
    assert_eq!(document(&persisted, apollo(&hash.to_uppercase(), None)).expect("registered"), QUERY);
    assert_eq!(document(&persisted, id(&format!("sha256:{hash}"))).expect("registered"), QUERY);
}

#[test]
fn unknown_document_reference_is_rejected() {
    let persisted = PersistedDocuments::default();
    let hash = hex(QUERY);
    assert_eq!(code(document(&persisted, apollo(&hash, Some("{ other }")))), "BAD_REQUEST");
    assert_eq!(code(document(&persisted, apollo(&hex("{ other }"), None))), "PERSISTED_QUERY_NOT_FOUND");
    for bad in ["", "abc", &hash[1..], &format!("{hash}0"), &hash.replace(char::is_numeric, "g"), "ä"] {
        assert_eq!(code(document(&persisted, apollo(bad, None))), "BAD_REQUEST", "{bad}");
        assert_eq!(code(document(&persisted, id(&format!("sha256:{bad}")))), "BAD_USER_INPUT", "{bad}");
    }
    for bad in [json!(null), json!(7), json!({ "version": 2, "sha256Hash": hash }), json!({ "version": 1 })] {
        let document_ref = DocumentRef { persisted_query: Some(bad), ..text(QUERY) };
        assert_eq!(code(document(&persisted, document_ref)), "BAD_REQUEST");
    }
    assert_eq!(code(document(&persisted, DocumentRef::default())), "BAD_REQUEST");
    assert_eq!(code(document(&persisted, DocumentRef { query: Some(QUERY.to_owned()), ..id("a") })), "BAD_REQUEST");
}

#[test]
fn invalid_document_is_not_registered() {
    let persisted = PersistedDocuments::default();
    let found = persisted.resolve(apollo(&hex(QUERY), Some(QUERY))).expect("a document");
    assert!(persisted.registration(&found).is_some());
    assert_eq!(code(document(&persisted, apollo(&hex(QUERY), None))), "PERSISTED_QUERY_NOT_FOUND", "not yet");
}

#[test]
fn trusted_document_is_found_by_id_and_hash() {
    let apollo_form = json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations":
        [{ "id": "version", "name": "V", "type": "query", "body": QUERY }] });
    for manifest in [json!({ "version": QUERY }), apollo_form] {
        let persisted = with_manifest(&manifest.to_string(), false);
        assert_eq!(document(&persisted, id("version")).expect("trusted"), QUERY);
        assert_eq!(document(&persisted, id(&format!("sha256:{}", hex(QUERY)))).expect("trusted"), QUERY);
        assert_eq!(document(&persisted, apollo(&hex(QUERY), None)).expect("trusted"), QUERY);
        assert_eq!(document(&persisted, text("{ other }")).expect("others too"), "{ other }");
    }
}

#[test]
fn trusted_only_mode_rejects_other_documents() {
    let persisted = with_manifest(&json!({ "version": QUERY }).to_string(), true);
    assert_eq!(document(&persisted, text(QUERY)).expect("trusted"), QUERY);
    assert_eq!(document(&persisted, apollo(&hex(QUERY), Some(QUERY))).expect("trusted"), QUERY);
    let other = "{ other }";
    assert_eq!(code(document(&persisted, text(other))), "FORBIDDEN");
    assert_eq!(code(document(&persisted, apollo(&hex(other), Some(other)))), "FORBIDDEN");
    assert_eq!(code(document(&persisted, apollo(&hex(other), None))), "PERSISTED_QUERY_NOT_FOUND");
}

#[test]
fn invalid_manifest_error_gives_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("manifest.json");
    assert!(Manifest::open(&path).expect_err("no file").to_string().contains("can't be read"));
    for (text, reason) in [
        ("[", "is not a manifest"),
        ("[]", "is not a manifest"),
        (r#"{"format":"other","operations":[]}"#, "is not a manifest"),
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
fn changed_manifest_is_reloaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("manifest.json");
    fs::write(&path, "{}").expect("written");
    let (manifest, version) = Manifest::open(&path).expect("a manifest");
    assert_eq!(manifest.len(), 0);
    assert!(Manifest::reload_if_changed(&path, &version).expect("as it was").is_none());
    fs::write(&path, json!({ "version": QUERY }).to_string()).expect("written");
    let (manifest, version) = Manifest::reload_if_changed(&path, &version).expect("read").expect("changed");
    assert_eq!(manifest.by_id("version"), Some(QUERY));
    fs::write(&path, "{").expect("written");
    let (_, bad) = Manifest::reload_if_changed(&path, &version).expect_err("bad");
    assert!(Manifest::reload_if_changed(&path, &bad).expect("not again").is_none());
}
