//! What the submissions of each key may add to the database in an hour or a day.

use chrono::{DateTime, TimeDelta, Utc};

use super::{RecordError, Submission};
use crate::{
    budget::{Budget, Payer},
    limits::{Limit, RecordingLimits},
};

/// The budgets of all keys. What has no key, such as `airgraph import` and replays, has no limit.
pub(super) struct SenderBudgets {
    limits: RecordingLimits,
    new_devices: PerRole,
    new_months: PerRole,
    /// In units of [`BODY_UNIT`].
    uplink_bytes: Budget,
}

/// Separate budgets, as their limits differ.
struct PerRole {
    sensors: Budget,
    admins: Budget,
}

/// Bytes that a unit of the budget for bodies stands for. Each body takes one at least, as each row has its overhead.
const BODY_UNIT: u64 = 1 << 10;

impl PerRole {
    fn per_hour(name: &'static str, of_sensor: u32, of_admin: u32) -> Self {
        let budget = |limit: u32| Budget::new(name, limit.try_into().ok(), TimeDelta::hours(1));
        Self { sensors: budget(of_sensor), admins: budget(of_admin) }
    }
}

impl SenderBudgets {
    pub fn new(limits: &RecordingLimits) -> Self {
        let units = u32::try_from(limits.uplink_bytes_per_day / BODY_UNIT).unwrap_or(u32::MAX);
        Self {
            new_devices: PerRole::per_hour(
                "new-devices",
                limits.new_devices_per_hour,
                limits.new_devices_per_hour_of_admin,
            ),
            new_months: PerRole::per_hour(
                "new-months",
                limits.new_months_per_hour,
                limits.new_months_per_hour_of_admin,
            ),
            uplink_bytes: Budget::new("uplink-kib", units.try_into().ok(), TimeDelta::days(1)),
            limits: limits.clone(),
        }
    }

    /// Charges devices that a submission adds.
    ///
    /// # Errors
    /// When its key has no budget for so many.
    pub fn spend_new_devices(
        &self,
        submission: &Submission,
        count: usize,
        now: DateTime<Utc>,
    ) -> Result<(), RecordError> {
        let limit = if submission.by_admin {
            self.limits.new_devices_per_hour_of_admin
        } else {
            self.limits.new_devices_per_hour
        };
        spend(self.new_devices.of(submission), submission, Limit::NewDevices, limit, count as u64, now)
    }

    /// Charges months that a submission needs partitions for.
    ///
    /// # Errors
    /// When its key has no budget for so many.
    pub fn spend_new_months(
        &self,
        submission: &Submission,
        count: usize,
        now: DateTime<Utc>,
    ) -> Result<(), RecordError> {
        let limit = if submission.by_admin {
            self.limits.new_months_per_hour_of_admin
        } else {
            self.limits.new_months_per_hour
        };
        spend(self.new_months.of(submission), submission, Limit::NewMonths, limit, count as u64, now)
    }

    /// Charges bytes of a body that are to be kept.
    ///
    /// # Errors
    /// When its key has no budget for so many.
    pub fn spend_uplink_bytes(
        &self,
        submission: &Submission,
        bytes: usize,
        now: DateTime<Utc>,
    ) -> Result<(), RecordError> {
        let limit = u32::try_from(self.limits.uplink_bytes_per_day / BODY_UNIT).unwrap_or(u32::MAX);
        let units = (bytes as u64).div_ceil(BODY_UNIT).max(1);
        spend(&self.uplink_bytes, submission, Limit::UplinkBytes, limit, units, now)
    }
}

impl PerRole {
    fn of(&self, submission: &Submission) -> &Budget {
        if submission.by_admin { &self.admins } else { &self.sensors }
    }
}

fn spend(
    budget: &Budget,
    submission: &Submission,
    limit: Limit,
    max: u32,
    amount: u64,
    now: DateTime<Utc>,
) -> Result<(), RecordError> {
    let Some(key) = submission.api_key else { return Ok(()) };
    // More than the limit would pass once a window otherwise: a budget charges no more than it holds.
    let Some(amount) = u32::try_from(amount).ok().filter(|&amount| amount <= max) else {
        return Err(RecordError::LimitReached(limit, None));
    };
    let spent = budget.spend(Payer::Key(key), amount, now);
    spent.map(drop).map_err(|exhausted| RecordError::LimitReached(limit, Some(exhausted)))
}
