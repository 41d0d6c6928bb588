//! An archive in a bucket of object storage with the S3 API.

use std::{collections::BTreeSet, fmt, fs::File, path::PathBuf, time::Duration};

use chrono::Datelike as _;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::{
    BackoffConfig, ClientConfigKey, Error, ObjectStore as _, ObjectStoreExt as _, PutMode, RetryConfig, UpdateVersion,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey},
    path::Path,
};

use super::{
    BUCKET_SCHEME, MANIFEST_FILE, MonthFileName,
    transfer::{self, PART_BYTES, TransferError},
};
use crate::export::archive::{ArchiveError, Manifest};

/// Time limit of a request, which transfers at most one part. `AWS_TIMEOUT` overrides it.
const REQUEST_TIMEOUT: &str = "60s";
/// A request that fails for a passing reason is repeated until one of these is reached.
const MAX_RETRIES: usize = 5;
const RETRY_TIMEOUT: Duration = Duration::from_mins(2);
/// A manifest of hundreds of years is smaller.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;
/// Part of a server's error text that is shown.
const MAX_REASON_CHARS: usize = 300;

/// The bucket of an archive.
pub struct BucketStorage {
    store: AmazonS3,
    url: String,
    /// Of all objects of the archive.
    prefix: Path,
    /// The version that was read or written last; `None` without a manifest.
    manifest_version: Option<UpdateVersion>,
}

impl BucketStorage {
    /// The bucket of a URL such as `s3://bucket/prefix`, with the settings of the variables `AWS_…`.
    pub fn open(url: &str) -> Result<Self, ArchiveError> {
        let failed = |reason: String| ArchiveError::Storage { location: url.to_owned(), reason };
        let location = url.strip_prefix(BUCKET_SCHEME).unwrap_or_default().trim_end_matches('/');
        let (bucket, prefix) = location.split_once('/').unwrap_or((location, ""));
        if bucket.is_empty() {
            return Err(failed("must be s3://bucket/prefix".to_owned()));
        }
        let prefix = Path::parse(prefix).map_err(|error| failed(one_line(&error.to_string())))?;
        // The HTTP client uses the provider of the process; an error means that it has one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: MAX_RETRIES,
            retry_timeout: RETRY_TIMEOUT,
        });
        if std::env::var_os("AWS_TIMEOUT").is_none() {
            builder = builder.with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), REQUEST_TIMEOUT);
        }
        let store = builder.build().map_err(|error| failed(root_cause(&error)))?;
        Ok(Self { store, url: format!("{BUCKET_SCHEME}{location}"), prefix, manifest_version: None })
    }

    pub async fn read_manifest(&mut self) -> Result<Option<Vec<u8>>, ArchiveError> {
        let key = self.key(MANIFEST_FILE)?;
        let found = match self.store.get(&key).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => {
                // A bucket that does not exist has no manifest, either.
                self.store.list(Some(&key)).next().await.transpose().map_err(|error| self.failed(&error))?;
                self.manifest_version = None;
                return Ok(None);
            }
            Err(error) => return Err(self.failed(&error)),
        };
        if found.meta.size > MAX_MANIFEST_BYTES {
            return Err(self.failure(format!("{MANIFEST_FILE} is too large: {} bytes", found.meta.size)));
        }
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let text = found.bytes().await.map_err(|error| self.failed(&error))?;
        self.manifest_version = Some(version);
        Ok(Some(text.into()))
    }

    /// Replaces the manifest that was read or written last. The condition is checked by the server.
    pub async fn write_manifest(&mut self, text: Vec<u8>) -> Result<(), ArchiveError> {
        let mode = self.manifest_version.clone().map_or(PutMode::Create, PutMode::Update);
        match self.store.put_opts(&self.key(MANIFEST_FILE)?, text.clone().into(), mode.into()).await {
            Ok(written) => self.manifest_version = Some(written.into()),
            Err(Error::Precondition { .. } | Error::AlreadyExists { .. }) => {
                // Also the response to a request that was sent again after the response to the first was lost.
                if self.read_manifest().await?.is_none_or(|stored| stored != text) {
                    return Err(ArchiveError::Conflict(self.url.clone()));
                }
            }
            Err(error) => return Err(self.failed(&error)),
        }
        Ok(())
    }

    pub async fn publish(&self, file: File, name: MonthFileName, sha256: &str) -> Result<PathBuf, ArchiveError> {
        let path = name.path_with_hash(sha256);
        let uploaded = transfer::upload(&self.store, &self.key(&path)?, file, PART_BYTES).await;
        uploaded.map_err(|error| self.transfer_failed(error))?;
        Ok(path.into())
    }

    pub async fn file_size(&self, path: &std::path::Path) -> Result<Option<u64>, ArchiveError> {
        match self.store.head(&self.key(&path.to_string_lossy())?).await {
            Ok(found) => Ok(Some(found.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Copies a file to a temporary one; `None` if it doesn't exist.
    pub async fn download(&self, path: &std::path::Path) -> Result<Option<File>, ArchiveError> {
        let Some(size) = self.file_size(path).await? else { return Ok(None) };
        let key = self.key(&path.to_string_lossy())?;
        let file = transfer::download(&self.store, &key, (size, PART_BYTES), transfer::temporary_file()?).await;
        file.map(Some).map_err(|error| self.transfer_failed(error))
    }

    /// Removes the files of a month's version that lost: the manifest names another one of this version, so that no manifest
    /// will name them.
    pub async fn remove_unfinished(&self, manifest: &Manifest) -> Result<(), ArchiveError> {
        let years: BTreeSet<_> = manifest.months().map(|month| month.start().year()).collect();
        for year in years {
            let folder = self.key(&format!("year={year:04}"))?;
            let mut objects = self.store.list(Some(&folder));
            while let Some(object) = objects.try_next().await.map_err(|error| self.failed(&error))? {
                let path = object.location.as_ref();
                let path = path.strip_prefix(self.prefix.as_ref()).unwrap_or(path).trim_start_matches('/');
                let name = MonthFileName::parse_with_hash(path);
                if name.is_some_and(|name| manifest.has_version(name) && !manifest.names_file(name.month, path)) {
                    self.store.delete(&object.location).await.map_err(|error| self.failed(&error))?;
                }
            }
        }
        Ok(())
    }

    fn key(&self, path: &str) -> Result<Path, ArchiveError> {
        let key = Path::parse(format!("{}/{path}", self.prefix));
        key.map_err(|error| self.failure(one_line(&error.to_string())))
    }

    fn transfer_failed(&self, error: TransferError) -> ArchiveError {
        match error {
            TransferError::File(error) => ArchiveError::io(&std::env::temp_dir(), error),
            TransferError::Object(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &Error) -> ArchiveError {
        let cause = root_cause(error);
        self.failure(match error {
            _ if cause == "NoSuchBucket" => "the bucket does not exist".to_owned(),
            Error::NotFound { .. } => format!("not found ({cause})"),
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => format!(
                "access denied; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the policy of the bucket ({cause})"
            ),
            _ => format!("{cause}; check AWS_ENDPOINT_URL and AWS_REGION"),
        })
    }

    fn failure(&self, reason: String) -> ArchiveError {
        ArchiveError::Storage { location: self.url.clone(), reason }
    }
}

impl fmt::Display for BucketStorage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(formatter)
    }
}

/// The cause of an error without the errors around it, or the code that the server sent.
fn root_cause(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map_or_else(|| one_line(&text), |(code, _)| one_line(code))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_REASON_CHARS).collect()
}
