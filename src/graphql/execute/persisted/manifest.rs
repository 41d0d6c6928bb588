//! The file with the documents that an operator trusts.
//!
//! It comes out of a frontend's build, in one of two forms: an object from each id to its document, as Relay and the GraphQL
//! Code Generator write it, or Apollo's `{"format": "apollo-persisted-query-manifest", "operations": [{"id", "body"}]}`.

use std::{
    collections::HashMap,
    fs::{File, Metadata},
    io::Read as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::DocumentHash;

/// The largest file, in bytes.
const MAX_MANIFEST_BYTES: u64 = 16 << 20;

/// Trusted documents, by their ids and their hashes.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    by_id: HashMap<String, usize>,
    by_hash: HashMap<DocumentHash, usize>,
    texts: Vec<String>,
}

/// Which state of the file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileVersion(Option<(SystemTime, u64)>);

/// A manifest that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file can't be read.
    #[error("{0} can't be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// It is too large.
    #[error("{0} is larger than {MAX_MANIFEST_BYTES} bytes")]
    TooLarge(PathBuf),
    /// It has neither form.
    #[error("{0} is no manifest: {1}; expected {{\"<id>\": \"<document>\", …}}, or what Apollo's tools write")]
    InvalidFormat(PathBuf, serde_json::Error),
    /// A document of it is none.
    #[error("{0}: the document {1:?} can't be parsed: {2}")]
    InvalidDocument(PathBuf, String, String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ManifestFormat {
    Apollo { format: ApolloFormat, operations: Vec<ApolloOperation> },
    Map(HashMap<String, String>),
}

#[derive(Deserialize)]
enum ApolloFormat {
    #[serde(rename = "apollo-persisted-query-manifest")]
    PersistedQueries,
}

#[derive(Deserialize)]
struct ApolloOperation {
    id: String,
    body: String,
}

impl Manifest {
    /// Reads a file.
    ///
    /// # Errors
    /// When that can't be done, or there is something else in it.
    pub fn open(path: &Path) -> Result<(Self, FileVersion), ManifestError> {
        let unreadable = |error| ManifestError::Unreadable(path.to_owned(), error);
        let file = File::open(path).map_err(unreadable)?;
        let version = FileVersion::from_metadata(&file.metadata().map_err(unreadable)?);
        let mut text = String::new();
        if file.take(MAX_MANIFEST_BYTES + 1).read_to_string(&mut text).map_err(unreadable)? as u64 > MAX_MANIFEST_BYTES
        {
            return Err(ManifestError::TooLarge(path.to_owned()));
        }
        Ok((Self::parse(path, &text)?, version))
    }

    /// Reads a file again, unless it is as it was.
    ///
    /// # Errors
    /// As [`Self::open`]; with what state that was, so that the same is not read for nothing again.
    pub fn reload_if_changed(
        path: &Path,
        since: &FileVersion,
    ) -> Result<Option<(Self, FileVersion)>, (ManifestError, FileVersion)> {
        let now =
            FileVersion(std::fs::metadata(path).ok().and_then(|metadata| FileVersion::from_metadata(&metadata).0));
        if now == *since { Ok(None) } else { Self::open(path).map(Some).map_err(|error| (error, now)) }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ManifestError> {
        let form = serde_json::from_str(text).map_err(|error| ManifestError::InvalidFormat(path.to_owned(), error))?;
        let documents: Vec<_> = match form {
            ManifestFormat::Map(documents) => documents.into_iter().collect(),
            ManifestFormat::Apollo { format: ApolloFormat::PersistedQueries, operations } => {
                operations.into_iter().map(|operation| (operation.id, operation.body)).collect()
            }
        };
        let mut manifest = Self::default();
        for (id, document) in documents {
            if let Err(error) = async_graphql::parser::parse_query(&document) {
                return Err(ManifestError::InvalidDocument(path.to_owned(), id, error.to_string()));
            }
            let at = manifest.texts.len();
            manifest.by_hash.insert(Sha256::digest(&document).into(), at);
            manifest.by_id.insert(id, at);
            manifest.texts.push(document);
        }
        Ok(manifest)
    }

    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// The document with this id.
    pub fn by_id(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(|&at| self.texts[at].as_str())
    }

    /// The document with this hash.
    pub fn by_hash(&self, hash: &DocumentHash) -> Option<&str> {
        self.by_hash.get(hash).map(|&at| self.texts[at].as_str())
    }

    /// Whether this is the text of one of them.
    pub fn contains(&self, text: &str) -> bool {
        self.by_hash(&Sha256::digest(text).into()).is_some()
    }
}

impl FileVersion {
    fn from_metadata(metadata: &Metadata) -> Self {
        Self(metadata.modified().ok().map(|modified| (modified, metadata.len())))
    }
}
