//! Authentication and authorization: which caller sent a request, and what it may do.

pub mod key_changes;
mod key_lookup;
mod key_strength;

use axum::http::{HeaderMap, header};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, TimeDelta, Utc};
pub use key_lookup::KeyLookup;
use sha2::{Digest as _, Sha256};
use sqlx::Connection as _;

use crate::{
    api_error::ApiError,
    clock::Clock,
    concurrency::{ttl_cache, ttl_cache::TtlCache},
    db,
    db::{DbError, api_key::NewApiKey, connect::Database, kept_connections::KeptConnections},
    domain::{
        api_key::{ApiKey, ApiKeyId, Role},
        device::DeviceKey,
    },
};

/// Keys of recent senders by hash, so that a sensor that posts every second causes one lookup a minute. [`key_changes`]
/// drops a revoked key shortly after the revocation. Used only for recording: its transaction checks all keys of its
/// batch again.
pub type KeyCache = TtlCache<KeyHash, ApiKey>;

/// The stored form of a key: its SHA-256.
pub type KeyHash = [u8; 32];

/// Prefix of every generated key, so that secret scanners recognise a leaked one.
const KEY_PREFIX: &str = "ag_";
/// Message for an invalid key.
pub const INVALID_KEY_MESSAGE: &str = "invalid API key: unknown, expired or revoked";
/// Minimum length of a key chosen by an operator.
const MIN_CHOSEN_KEY_CHARS: usize = 32;
/// Minimum interval between two updates of a key's last use.
const LAST_USED_INTERVAL: TimeDelta = ttl_cache::ENTRY_TTL; // so that uses of a cached key are stored too

/// A key in plain text. Its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new key: 256 random bits.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())))
    }

    /// A key chosen by an operator (`AIRGRAPH_ADMIN_KEY`).
    ///
    /// # Errors
    /// When the key is too easy to guess, or can't be sent in a header.
    pub fn try_from_operator(key: &str) -> Result<Self, &'static str> {
        if key.len() < MIN_CHOSEN_KEY_CHARS {
            Err("a key needs at least 32 characters; `openssl rand -hex 32` makes a good one")
        } else if key.chars().any(|char| !char.is_ascii_graphic()) {
            Err("a key may have printable ASCII characters only, and no space; `openssl rand -hex 32` makes a good one")
        } else if key_strength::bits(key) < key_strength::MIN_BITS {
            Err(
                "this key is too easy to guess (words, repetitions or sequences); `openssl rand -hex 32` makes a good one",
            )
        } else {
            Ok(Self(key.to_owned()))
        }
    }

    /// The plain text, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The stored form.
    #[must_use]
    pub fn hash(&self) -> KeyHash {
        hash(&self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The stored form of this key.
#[must_use]
pub fn hash(secret: &str) -> KeyHash {
    Sha256::digest(secret).into()
}

/// The caller of a request.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A caller without a key.
    Anonymous,
    /// A caller with a key.
    Key(Box<ApiKey>),
}

impl Caller {
    /// The id of its key.
    #[must_use]
    pub fn api_key_id(&self) -> Option<ApiKeyId> {
        self.api_key().map(|key| key.id)
    }

    /// The device that its key is bound to. `None` for an unbound key.
    #[must_use]
    pub fn bound_device(&self) -> Option<&DeviceKey> {
        self.api_key()?.device.as_ref()
    }

    /// When its key expires.
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.api_key()?.expires_at
    }

    fn api_key(&self) -> Option<&ApiKey> {
        match self {
            Self::Anonymous => None,
            Self::Key(key) => Some(key),
        }
    }

    /// Whether its key has the admin role.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.api_key().is_some_and(|key| key.role == Role::Admin)
    }

    /// Checks that the caller may read.
    ///
    /// # Errors
    /// When reading needs a key and the caller has none.
    pub fn may_read(&self, public_read: bool) -> Result<(), ApiError> {
        match self {
            Self::Anonymous if !public_read => {
                Err(ApiError::Unauthenticated("reading needs a key here; send it as `Authorization: Bearer …`"))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the caller may record measurements at all.
    ///
    /// # Errors
    /// When the caller has no key, or one with the reader role.
    pub fn may_record(&self) -> Result<(), ApiError> {
        match self.api_key().map(|key| key.role) {
            None => Err(ApiError::Unauthenticated(
                "recording needs a sensor's key; send it as `Authorization: Bearer …`, as `X-Api-Key`, or as the \
                 password of Basic authentication",
            )),
            Some(Role::Reader) => Err(ApiError::Forbidden("a reader's key can't record; use a sensor's".to_owned())),
            Some(Role::Sensor | Role::Admin) => Ok(()),
        }
    }

    /// Checks that the caller may record measurements of `device`.
    ///
    /// # Errors
    /// When the key is bound to another device.
    pub fn may_record_for(&self, device: &DeviceKey) -> Result<(), ApiError> {
        match self.bound_device() {
            Some(own) if own != device => {
                Err(ApiError::Forbidden(format!("this key records for device {own} only, not for {device}")))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the caller is an admin.
    ///
    /// # Errors
    /// When it is not.
    pub fn require_admin(&self) -> Result<(), ApiError> {
        match self.api_key().map(|key| key.role) {
            None => Err(ApiError::Unauthenticated("this needs an admin's key; send it as `Authorization: Bearer …`")),
            Some(Role::Admin) => Ok(()),
            Some(_) => Err(ApiError::Forbidden("this needs an admin's key".to_owned())),
        }
    }
}

/// Looks a key up by its hash.
///
/// # Errors
/// When the key is unknown, expired or revoked, or when the database fails.
pub async fn authenticate(
    look_ups: &KeyLookup,
    database: &Database,
    clock: &Clock,
    hash: KeyHash,
) -> Result<Caller, ApiError> {
    validate(look_ups.find(hash).await?, database, clock)
}

/// Checks a key that was just looked up, and stores its use.
fn validate(key: Option<ApiKey>, database: &Database, clock: &Clock) -> Result<Caller, ApiError> {
    let now = clock.now();
    let Some(key) = key.filter(|key| key.is_valid_at(now)) else {
        return Err(ApiError::Unauthenticated(INVALID_KEY_MESSAGE));
    };
    if key.last_used_at.is_none_or(|last_used_at| now - last_used_at > LAST_USED_INTERVAL) {
        let (pool, id) = (database.keys.clone(), key.id);
        // In the background: a failure to store the use is no reason to refuse the request.
        tokio::spawn(async move {
            if let Err(error) = db::api_key::update_last_used_at(&pool, id, now).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "last use of a key not stored");
            }
        });
    }
    Ok(Caller::Key(Box::new(key)))
}

/// Looks a key up for a request that records, at most once a minute: the recorder checks the keys of each batch again.
/// Uses a connection pool of its own, so that queries never delay sensors.
///
/// # Errors
/// As [`authenticate`].
pub async fn authenticate_cached(
    key_cache: &KeyCache,
    database: &Database,
    clock: &Clock,
    secret: &str,
) -> Result<Caller, ApiError> {
    let hash = &hash(secret);
    let now = clock.now();
    if let Some(key) = key_cache.get(hash, now).filter(|key| key.is_valid_at(now)) {
        return Ok(Caller::Key(Box::new(key)));
    }
    let found = key_lookup::load_by_hashes(&KeptConnections::none(&database.keys), std::slice::from_ref(hash))
        .await?
        .remove(hash);
    let caller = validate(found, database, clock)?;
    if let Caller::Key(key) = &caller {
        key_cache.insert(*hash, (**key).clone(), now);
    }
    Ok(caller)
}

/// The key in a request's headers, in any supported form.
#[must_use]
pub fn secret_from_headers(headers: &HeaderMap) -> Option<String> {
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().ok().map(str::to_owned);
    }
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    secret_from_authorization(authorization)
}

/// The key in the value of an `Authorization` header: `Bearer key`, `Token key`, `Token user:key` (`InfluxDB` 2 and
/// 1.8), the password of `Basic`, or the key alone, as senseBox firmware sends it.
#[must_use]
pub fn secret_from_authorization(value: &str) -> Option<String> {
    let Some((scheme, credentials)) = value.split_once(' ') else { return secret_without_scheme(value) };
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("token") {
        // A key chosen by an operator may contain a colon itself.
        let password = credentials.split_once(':').map(|(_, password)| password);
        Some(password.filter(|password| password.starts_with(KEY_PREFIX)).unwrap_or(credentials).to_owned())
    } else if scheme.eq_ignore_ascii_case("bearer") {
        Some(credentials.to_owned())
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
        decoded.split_once(':').map(|(_, password)| password.to_owned())
    } else {
        None
    }
}

/// A key without a scheme. `None` for a scheme without a key.
fn secret_without_scheme(value: &str) -> Option<String> {
    let is_scheme = ["bearer", "token", "basic"].iter().any(|scheme| value.eq_ignore_ascii_case(scheme));
    (!value.is_empty() && !is_scheme).then(|| value.to_owned())
}

/// Makes sure that a valid admin key exists: stores the chosen key, or creates one if there is none yet. Returns a
/// created key, to be shown.
///
/// # Errors
/// When the database fails.
pub async fn ensure_admin_key(
    database: &Database,
    chosen: Option<&Secret>,
    now: DateTime<Utc>,
) -> Result<Option<Secret>, DbError> {
    let mut connection = database.writes.acquire().await?;
    let mut transaction = connection.begin().await?;
    let exists = db::api_key::has_valid_admin(&mut transaction, now).await?;
    let secret = match chosen {
        Some(secret) if db::api_key::find_by_hashes(&mut *transaction, &[secret.hash()]).await?.is_empty() => {
            secret.clone()
        }
        None if !exists => Secret::random(),
        _ => return Ok(None),
    };
    let (hash, name) = (secret.hash(), if chosen.is_some() { "AIRGRAPH_ADMIN_KEY" } else { "first admin" });
    let new = NewApiKey { name, role: Role::Admin, hash, device_id: None, expires_at: None, created_by: None };
    db::api_key::insert(&mut *transaction, &new, now).await?;
    transaction.commit().await?;
    Ok(chosen.is_none().then_some(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_read_from_every_supported_header() {
        assert_eq!(secret_from_authorization("Bearer ag_1"), Some("ag_1".to_owned()));
        assert_eq!(secret_from_authorization("bearer  ag_1"), Some("ag_1".to_owned()));
        assert_eq!(secret_from_authorization("Token ag_1"), Some("ag_1".to_owned()));
        assert_eq!(secret_from_authorization("Token user:ag_1"), Some("ag_1".to_owned()));
        assert_eq!(secret_from_authorization("Token chosen:key"), Some("chosen:key".to_owned()));
        assert_eq!(secret_from_authorization("ag_1"), Some("ag_1".to_owned()));
        // sensor:ag_1
        assert_eq!(secret_from_authorization("Basic c2Vuc29yOmFnXzE="), Some("ag_1".to_owned()));
        for nonsense in ["", "Bearer", "Token", "basic", "Digest ag_1", "Basic ag_1", "Basic !!", "Basic /////w=="] {
            assert_eq!(secret_from_authorization(nonsense), None, "{nonsense}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", "ag_2".parse().expect("a header"));
        headers.insert(header::AUTHORIZATION, "Bearer ag_1".parse().expect("a header"));
        assert_eq!(secret_from_headers(&headers), Some("ag_2".to_owned()));
    }

    #[test]
    fn keys_are_long_random_and_hidden_from_debug() {
        let secret = Secret::random();
        assert_eq!(secret.reveal().len(), KEY_PREFIX.len() + 43);
        assert_ne!(secret, Secret::random());
        assert!(!format!("{secret:?}").contains(secret.reveal()));
    }

    #[test]
    fn chosen_key_must_be_strong_and_header_safe() {
        let good = "5f0c1b7ae3d94286b1708f25c96de43a";
        assert!(Secret::try_from_operator(good).is_ok());
        assert!(Secret::try_from_operator(&good[1..]).is_err());
        assert!(Secret::try_from_operator(&format!("{good} y")).is_err());
        assert!(Secret::try_from_operator(&"x".repeat(32)).is_err());
    }
}
