//! Who speaks on a socket, by what key, and whether that still opens anything.

use super::{close::Close, credential::Credential};
use crate::{
    app::Shared,
    auth::{self, Caller, KeyHash},
    budget::Payer,
    error::ApiError,
};

/// Who speaks.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub caller: Caller,
    /// By what.
    key: Option<KeyHash>,
}

impl Identity {
    /// Who sent the upgrade request, and the key in its headers.
    pub fn new(caller: Caller, secret: Option<&str>) -> Self {
        Self { caller, key: secret.map(auth::hash) }
    }

    /// Whether there is a key, which may become invalid.
    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Who they are once they have told: the holder of the key in `connection_init`; otherwise it stays this.
    pub async fn told(self, app: Shared, payer: Payer, credential: Option<Credential>) -> Result<Self, ApiError> {
        let identity = match credential {
            None => self,
            Some(credential) => {
                let secret = credential.secret()?;
                let (key, now) = (auth::hash(&secret), app.state.clock.now());
                let look_up = auth::identify(&app.look_ups, &app.state.database, &app.state.clock, &secret);
                let caller = app.key_checks.identify(payer, &key, &app.state.budgets.cost, now, look_up).await?;
                Self::new(caller, Some(&secret))
            }
        };
        identity.caller.may_read(app.state.about.public_read)?;
        Ok(identity)
    }

    /// The same, looked up again.
    pub async fn again(self, app: Shared) -> Result<Self, ApiError> {
        let Some(key) = self.key else { return Ok(self) };
        let caller = auth::recognise_hash(&app.keys, &app.state.database, &app.state.clock, &key).await?;
        Ok(Self { caller, key: Some(key) })
    }
}

/// How a connection is refused.
pub(super) fn refusal(error: &ApiError) -> Close {
    error.log();
    match error {
        ApiError::Unauthenticated(_) | ApiError::Forbidden(_) | ApiError::RateLimited(_) => {
            Close::forbidden(error.message())
        }
        ApiError::Unavailable(_) | ApiError::Timeout | ApiError::LimitReached(_) => Close::try_again(error.message()),
        _ => Close::INTERNAL,
    }
}
