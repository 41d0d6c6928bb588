//! Persisted documents, which requests refer to by id: trusted documents of a manifest, and documents registered by
//! clients (automatic persisted queries). They make requests short, and GET requests cacheable.

mod apq;
mod manifest;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use apq::RegisteredDocuments;
pub use manifest::ManifestError;
use manifest::{FileVersion, Manifest};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::{api_error::ApiError, limits::rate_limit::CallerId};

/// Interval between checks of the manifest's file.
const MANIFEST_POLL_INTERVAL: Duration = Duration::from_secs(2);

const SHA256_ID_PREFIX: &str = "sha256:";
const TRUSTED_ONLY_MESSAGE: &str = "this gateway runs only trusted documents; send the `documentId` of one";

/// SHA-256 of a document's text.
type DocumentHash = [u8; 32];

/// All persisted documents. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct PersistedDocuments(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    trusted: RwLock<TrustedDocuments>,
    registered: Mutex<RegisteredDocuments>,
}

#[derive(Clone, Debug, Default)]
struct TrustedDocuments {
    /// Of the operator's file.
    manifest: Arc<Manifest>,
    /// Of the gateway's own pages.
    built_in: Arc<Manifest>,
    /// Whether only trusted documents run.
    trusted_only: bool,
}

/// The document of a request: its text or a reference.
#[derive(Debug, Default)]
pub struct DocumentRef {
    /// Text of the document.
    pub query: Option<String>,
    /// Document id, as specified by the appendix on persisted documents of GraphQL over HTTP.
    pub document_id: Option<String>,
    /// Hash of an automatic persisted query of Apollo's clients: `extensions.persistedQuery`.
    pub persisted_query: Option<serde_json::Value>,
}

/// The document of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedDocument {
    /// Text of the document.
    pub text: String,
    /// Hash to [register](Registration) the document by once it is validated.
    register_hash: Option<DocumentHash>,
}

/// Pending registration of a document, as data of the request. The document is stored once validated.
#[derive(Clone, Debug)]
pub struct Registration {
    persisted: PersistedDocuments,
    hash: DocumentHash,
}

impl Registration {
    /// Stores the document, which is valid.
    pub fn store(&self, caller: CallerId, text: &str) {
        self.persisted.with_registered(|registered| registered.insert(caller, self.hash, text));
    }
}

impl PersistedDocuments {
    /// The pending registration of a request's document, if any.
    #[must_use]
    pub fn registration(&self, found: &ResolvedDocument) -> Option<Registration> {
        found.register_hash.map(|hash| Registration { persisted: self.clone(), hash })
    }

    /// Loads the trusted documents from a manifest, and again whenever it changes. With `only`, no other documents run.
    /// A changed file that can't be read is logged; the previous documents stay in use.
    ///
    /// # Errors
    /// When the manifest can't be read.
    pub fn load_manifest(&self, path: PathBuf, only: bool, shutdown: CancellationToken) -> Result<(), ManifestError> {
        let (manifest, version) = Manifest::open(&path)?;
        self.set_trusted(manifest, only);
        tokio::spawn(self.clone().watch_manifest(path, version, only, shutdown));
        Ok(())
    }

    async fn watch_manifest(self, path: PathBuf, mut seen: FileVersion, only: bool, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(MANIFEST_POLL_INTERVAL) => {}
                () = shutdown.cancelled() => return,
            }
            let path = path.clone();
            let since = seen.clone();
            let read = tokio::task::spawn_blocking(move || Manifest::reload_if_changed(&path, &since)).await;
            match read {
                Ok(Ok(None)) => {}
                Ok(Ok(Some((manifest, version)))) => {
                    tracing::info!(documents = manifest.len(), "trusted documents reloaded");
                    self.set_trusted(manifest, only);
                    seen = version;
                }
                Ok(Err((error, version))) => {
                    tracing::error!(%error, "changed manifest of trusted documents rejected; previous one stays in use");
                    seen = version;
                }
                Err(error) => tracing::error!(%error, "check of the manifest of trusted documents failed"),
            }
        }
    }

    fn set_trusted(&self, manifest: Manifest, only: bool) {
        let mut trusted = self.0.trusted.write().unwrap_or_else(PoisonError::into_inner);
        trusted.manifest = Arc::new(manifest);
        trusted.trusted_only = only;
    }

    /// Trusts the documents of the gateway's own pages, in addition to those of the operator's file. They alone do not
    /// exclude other documents.
    ///
    /// # Errors
    /// When the text is not a manifest.
    pub fn trust_built_in(&self, manifest: &str) -> Result<(), ManifestError> {
        let manifest = Manifest::parse(Path::new("trusted documents of the binary"), manifest)?;
        self.0.trusted.write().unwrap_or_else(PoisonError::into_inner).built_in = Arc::new(manifest);
        Ok(())
    }

    /// Resolves the document of a request.
    ///
    /// # Errors
    /// When the document is missing or unknown, does not match its hash, or is not allowed to run.
    pub fn resolve(&self, document: DocumentRef) -> Result<ResolvedDocument, ApiError> {
        let trusted = self.0.trusted.read().unwrap_or_else(PoisonError::into_inner).clone();
        match document {
            DocumentRef { query: Some(_), document_id: Some(_), .. } => {
                Err(ApiError::BadRequest("both `query` and `documentId`: send one of them".to_owned()))
            }
            DocumentRef { document_id: Some(id), .. } => {
                self.find_by_id(&trusted, &id).map(ResolvedDocument::without_registration)
            }
            DocumentRef { persisted_query: Some(named), query, .. } => {
                let hash = apollo_hash(&named)?;
                match query {
                    Some(query) => resolve_registration(&trusted, hash, query),
                    None => self
                        .find_by_hash(&trusted, &hash)
                        .map(ResolvedDocument::without_registration)
                        .ok_or(ApiError::PersistedQueryNotFound),
                }
            }
            DocumentRef { query: Some(query), .. } if !trusted.trusted_only || trusted.contains(&query) => {
                Ok(ResolvedDocument::without_registration(query))
            }
            DocumentRef { query: Some(_), .. } => Err(ApiError::Forbidden(TRUSTED_ONLY_MESSAGE.to_owned())),
            DocumentRef { query: None, .. } => {
                Err(ApiError::BadRequest("`query` is missing: the GraphQL document (or `documentId`)".to_owned()))
            }
        }
    }

    fn find_by_id(&self, trusted: &TrustedDocuments, id: &str) -> Result<String, ApiError> {
        let unknown = || ApiError::bad_input("documentId", "unknown document id");
        if let Some(text) = trusted.by_id(id) {
            return Ok(text.to_owned());
        }
        let hash = id.strip_prefix(SHA256_ID_PREFIX).and_then(parse_hex_hash).ok_or_else(unknown)?;
        self.find_by_hash(trusted, &hash).ok_or_else(unknown)
    }

    fn find_by_hash(&self, trusted: &TrustedDocuments, hash: &DocumentHash) -> Option<String> {
        if let Some(text) = trusted.by_hash(hash) {
            return Some(text.to_owned());
        }
        if trusted.trusted_only { None } else { self.with_registered(|registered| registered.get(hash)) }
    }

    fn with_registered<T>(&self, with: impl FnOnce(&mut RegisteredDocuments) -> T) -> T {
        with(&mut self.0.registered.lock().unwrap_or_else(PoisonError::into_inner)) // at worst an entry was not stored
    }
}

impl TrustedDocuments {
    /// The document with this id. Ids of the operator's file take precedence.
    fn by_id(&self, id: &str) -> Option<&str> {
        self.manifest.by_id(id).or_else(|| self.built_in.by_id(id))
    }

    /// The document with this hash.
    fn by_hash(&self, hash: &DocumentHash) -> Option<&str> {
        self.manifest.by_hash(hash).or_else(|| self.built_in.by_hash(hash))
    }

    /// Whether this is the text of a trusted document.
    fn contains(&self, text: &str) -> bool {
        self.by_hash(&Sha256::digest(text).into()).is_some()
    }
}

impl ResolvedDocument {
    /// A document without registration.
    fn without_registration(text: String) -> Self {
        Self { text, register_hash: None }
    }
}

fn resolve_registration(
    trusted: &TrustedDocuments,
    hash: DocumentHash,
    query: String,
) -> Result<ResolvedDocument, ApiError> {
    if DocumentHash::from(Sha256::digest(&query)) != hash {
        return Err(ApiError::BadRequest("`sha256Hash` is not the SHA-256 of `query`".to_owned()));
    }
    if trusted.by_hash(&hash).is_some() {
        return Ok(ResolvedDocument::without_registration(query));
    }
    if trusted.trusted_only {
        return Err(ApiError::Forbidden(TRUSTED_ONLY_MESSAGE.to_owned()));
    }
    Ok(ResolvedDocument { text: query, register_hash: Some(hash) })
}

/// The hash in `extensions.persistedQuery`.
fn apollo_hash(named: &serde_json::Value) -> Result<DocumentHash, ApiError> {
    let bad = |reason: &str| ApiError::BadRequest(format!("`extensions.persistedQuery`: {reason}"));
    if named["version"] != 1 {
        return Err(bad("`version` must be 1"));
    }
    let hash = named["sha256Hash"].as_str().and_then(parse_hex_hash);
    hash.ok_or_else(|| bad("`sha256Hash` must be 64 hexadecimal digits"))
}

fn parse_hex_hash(text: &str) -> Option<DocumentHash> {
    let mut hash = DocumentHash::default();
    hex::decode_to_slice(text, &mut hash).ok().map(|()| hash)
}

#[cfg(test)]
mod tests;
