//! Budgets of each key for adding devices, months and bodies, per hour or day.

use chrono::{DateTime, TimeDelta, Utc};

use super::{RecordError, Submission};
use crate::limits::{
    Limit, RecordingLimits,
    rate_limit::{CallerId, RateLimiter},
};

/// Bytes per unit of the budget for bodies. Each body takes at least one unit, as each row has its overhead.
const BODY_UNIT_BYTES: u64 = 1 << 10;

/// The budgets of all keys. Submissions without a key, such as those of `airgraph import` and replays, have no limit.
pub(super) struct SenderBudgets {
    new_devices: RoleBudgets,
    new_months: RoleBudgets,
    /// In units of [`BODY_UNIT_BYTES`].
    uplink_bytes: KeyBudget,
}

/// Separate budgets, as their limits differ.
struct RoleBudgets {
    sensors: KeyBudget,
    admins: KeyBudget,
}

/// Budget of one kind for each key.
struct KeyBudget {
    limit: Limit,
    max: u32,
    rate_limiter: RateLimiter,
}

impl SenderBudgets {
    pub fn new(limits: &RecordingLimits) -> Self {
        let hour = TimeDelta::hours(1);
        let per_role = |name, limit, of_sensor, of_admin| RoleBudgets {
            sensors: KeyBudget::new(name, limit, of_sensor, hour),
            admins: KeyBudget::new(name, limit, of_admin, hour),
        };
        let units = u32::try_from(limits.uplink_bytes_per_day / BODY_UNIT_BYTES).unwrap_or(u32::MAX);
        Self {
            new_devices: per_role(
                "new-devices",
                Limit::NewDevices,
                limits.new_devices_per_hour,
                limits.new_devices_per_hour_of_admin,
            ),
            new_months: per_role(
                "new-months",
                Limit::NewMonths,
                limits.new_months_per_hour,
                limits.new_months_per_hour_of_admin,
            ),
            uplink_bytes: KeyBudget::new("uplink-kib", Limit::UplinkBytes, units, TimeDelta::days(1)),
        }
    }

    /// Charges the devices that a submission adds.
    ///
    /// # Errors
    /// When the budget of its key is exhausted.
    pub fn spend_new_devices(
        &self,
        submission: &Submission,
        count: usize,
        now: DateTime<Utc>,
    ) -> Result<(), RecordError> {
        self.new_devices.for_submission(submission).spend(submission, count as u64, now)
    }

    /// Charges the months that a submission needs partitions for.
    ///
    /// # Errors
    /// When the budget of its key is exhausted.
    pub fn spend_new_months(
        &self,
        submission: &Submission,
        count: usize,
        now: DateTime<Utc>,
    ) -> Result<(), RecordError> {
        self.new_months.for_submission(submission).spend(submission, count as u64, now)
    }

    /// Charges the bytes of a body that are kept.
    ///
    /// # Errors
    /// When the budget of its key is exhausted.
    pub fn spend_uplink_bytes(
        &self,
        submission: &Submission,
        bytes: usize,
        now: DateTime<Utc>,
    ) -> Result<(), RecordError> {
        self.uplink_bytes.spend(submission, (bytes as u64).div_ceil(BODY_UNIT_BYTES).max(1), now)
    }
}

impl RoleBudgets {
    fn for_submission(&self, submission: &Submission) -> &KeyBudget {
        if submission.is_admin { &self.admins } else { &self.sensors }
    }
}

impl KeyBudget {
    fn new(name: &'static str, limit: Limit, max: u32, window: TimeDelta) -> Self {
        Self { limit, max, rate_limiter: RateLimiter::new(name, max.try_into().ok(), window) }
    }

    fn spend(&self, submission: &Submission, amount: u64, now: DateTime<Utc>) -> Result<(), RecordError> {
        let Some(key) = submission.api_key else { return Ok(()) };
        // A rate limiter charges at most its limit, so a larger amount would pass once per window; it is rejected
        // instead.
        let Some(amount) = u32::try_from(amount).ok().filter(|&amount| amount <= self.max) else {
            return Err(RecordError::LimitReached(self.limit, None));
        };
        let spent = self.rate_limiter.check_n(CallerId::Key(key), amount, now);
        spent.map(drop).map_err(|exhausted| RecordError::LimitReached(self.limit, Some(exhausted)))
    }
}
