//! Documents that requests name instead of telling them: those of a manifest, which an operator trusts, and those that clients
//! registered themselves (automatic persisted queries). Named ones make requests short, and GETs that can be cached.

mod manifest;
mod registered;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

pub use manifest::ManifestError;
use manifest::{Manifest, Version};
use registered::Registered;
use sha2::{Digest as _, Sha256};

use crate::{api_error::ApiError, limits::rate_limit::CallerId, shutdown::ShutdownSignal};

/// How often the manifest's file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

const SHA256: &str = "sha256:";
const TRUSTED_ONLY: &str =
    "this gateway runs only the documents that its operator trusts; name one of them by `documentId`";

/// What names a document: the SHA-256 of its text.
type Hash = [u8; 32];

/// The documents that can be named. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Persisted(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    trusted: RwLock<Trusted>,
    registered: Mutex<Registered>,
}

#[derive(Clone, Debug, Default)]
struct Trusted {
    manifest: Arc<Manifest>,
    /// Whether no other document runs.
    only: bool,
}

/// How a request tells its document.
#[derive(Debug, Default)]
pub struct Told {
    /// Its text.
    pub query: Option<String>,
    /// Its name, as the appendix of GraphQL over HTTP on persisted documents has it.
    pub document_id: Option<String>,
    /// Its hash, as Apollo's clients tell it for automatic persisted queries: `extensions.persistedQuery`.
    pub persisted_query: Option<serde_json::Value>,
}

/// The document of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its text.
    pub text: String,
    /// Whether it is to be [registered](Registration) by this hash once it turns out to be valid.
    registers: Option<Hash>,
}

/// A document that its client registers, as data of the request: it is kept once it was validated.
#[derive(Clone, Debug)]
pub struct Registration {
    persisted: Persisted,
    hash: Hash,
}

impl Registration {
    /// Keeps the document, which is valid.
    pub fn complete(&self, caller: CallerId, text: &str) {
        self.persisted.registered(|registered| registered.put(caller, self.hash, text));
    }
}

impl Persisted {
    /// What is to be kept of a request's document, if anything.
    #[must_use]
    pub fn registration(&self, found: &Found) -> Option<Registration> {
        found.registers.map(|hash| Registration { persisted: self.clone(), hash })
    }

    /// Trusts the documents of a manifest, now and whenever it changes, and runs `only` those if told so. A change that
    /// can't be read is logged, and changes nothing.
    ///
    /// # Errors
    /// When it can't be read now.
    pub fn trust(&self, path: PathBuf, only: bool, shutdown: ShutdownSignal) -> Result<(), ManifestError> {
        let (manifest, version) = Manifest::open(&path)?;
        self.set(manifest, only);
        tokio::spawn(self.clone().follow(path, version, only, shutdown));
        Ok(())
    }

    async fn follow(self, path: PathBuf, mut seen: Version, only: bool, shutdown: ShutdownSignal) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.triggered() => return,
            }
            let path = path.clone();
            let since = seen.clone();
            let read = tokio::task::spawn_blocking(move || Manifest::open_changed(&path, &since)).await;
            match read {
                Ok(Ok(None)) => {}
                Ok(Ok(Some((manifest, version)))) => {
                    tracing::info!(documents = manifest.len(), "the manifest of trusted documents has changed");
                    self.set(manifest, only);
                    seen = version;
                }
                Ok(Err((error, version))) => {
                    tracing::error!(%error, "the changed manifest of trusted documents is no use; the one before stays");
                    seen = version;
                }
                Err(error) => tracing::error!(%error, "looking at the manifest of trusted documents failed"),
            }
        }
    }

    fn set(&self, manifest: Manifest, only: bool) {
        *self.0.trusted.write().unwrap_or_else(PoisonError::into_inner) =
            Trusted { manifest: Arc::new(manifest), only };
    }

    /// The document that a request tells or names.
    ///
    /// # Errors
    /// When it does neither, names none that is known, tells another than it names, or one that may not run.
    pub fn document(&self, told: Told) -> Result<Found, ApiError> {
        let trusted = self.0.trusted.read().unwrap_or_else(PoisonError::into_inner).clone();
        match told {
            Told { query: Some(_), document_id: Some(_), .. } => {
                Err(ApiError::BadRequest("both `query` and `documentId`: send one of them".to_owned()))
            }
            Told { document_id: Some(id), .. } => self.named(&trusted, &id).map(Found::known),
            Told { persisted_query: Some(named), query, .. } => {
                let hash = apollo_hash(&named)?;
                match query {
                    Some(query) => register(&trusted, hash, query),
                    None => self.by_hash(&trusted, &hash).map(Found::known).ok_or(ApiError::PersistedQueryNotFound),
                }
            }
            Told { query: Some(query), .. } if !trusted.only || trusted.manifest.has(&query) => Ok(Found::known(query)),
            Told { query: Some(_), .. } => Err(ApiError::Forbidden(TRUSTED_ONLY.to_owned())),
            Told { query: None, .. } => {
                Err(ApiError::BadRequest("`query` is missing: the GraphQL document (or `documentId`)".to_owned()))
            }
        }
    }

    fn named(&self, trusted: &Trusted, id: &str) -> Result<String, ApiError> {
        let unknown = || ApiError::bad_input("documentId", "no document with this id is known here");
        if let Some(text) = trusted.manifest.named(id) {
            return Ok(text.to_owned());
        }
        let hash = id.strip_prefix(SHA256).and_then(hash_of_hex).ok_or_else(unknown)?;
        self.by_hash(trusted, &hash).ok_or_else(unknown)
    }

    fn by_hash(&self, trusted: &Trusted, hash: &Hash) -> Option<String> {
        if let Some(text) = trusted.manifest.hashed(hash) {
            return Some(text.to_owned());
        }
        if trusted.only { None } else { self.registered(|registered| registered.get(hash)) }
    }

    fn registered<T>(&self, with: impl FnOnce(&mut Registered) -> T) -> T {
        with(&mut self.0.registered.lock().unwrap_or_else(PoisonError::into_inner)) // at worst something was not kept
    }
}

impl Found {
    /// One that is not to be registered.
    fn known(text: String) -> Self {
        Self { text, registers: None }
    }
}

fn register(trusted: &Trusted, hash: Hash, query: String) -> Result<Found, ApiError> {
    if Hash::from(Sha256::digest(&query)) != hash {
        return Err(ApiError::BadRequest("`sha256Hash` is not the SHA-256 of `query`".to_owned()));
    }
    if trusted.manifest.hashed(&hash).is_some() {
        return Ok(Found::known(query));
    }
    if trusted.only {
        return Err(ApiError::Forbidden(TRUSTED_ONLY.to_owned()));
    }
    Ok(Found { text: query, registers: Some(hash) })
}

/// The hash in `extensions.persistedQuery`.
fn apollo_hash(named: &serde_json::Value) -> Result<Hash, ApiError> {
    let bad = |reason: &str| ApiError::BadRequest(format!("`extensions.persistedQuery`: {reason}"));
    if named["version"] != 1 {
        return Err(bad("`version` must be 1"));
    }
    let hash = named["sha256Hash"].as_str().and_then(hash_of_hex);
    hash.ok_or_else(|| bad("`sha256Hash` must be 64 hexadecimal digits"))
}

fn hash_of_hex(hex: &str) -> Option<Hash> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut hash = Hash::default();
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if pairs.len() != hash.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests;
