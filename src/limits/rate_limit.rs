//! Rate limits: how much each caller may use in a window of time, such as a minute.
//!
//! Usage is refilled at a constant rate, so a caller that pauses for a second may use a sixtieth of its minute again (a
//! token bucket, stored as the one time at which it is full again: the generic cell rate algorithm). The library for
//! this, governor, has no bound on the number of callers, which untrusted clients control.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use chrono::{DateTime, TimeDelta, Utc};

use crate::{concurrency::generational_map::GenerationalMap, domain::api_key::ApiKeyId};

/// The headers that describe a rate limit and what remains of it.
pub const RATE_LIMIT_HEADERS: [&str; 2] = ["ratelimit-policy", "ratelimit"];

/// Minimum number of callers that are tracked. Beyond it, the least recent ones may be forgotten and start with a full
/// bucket.
const MIN_TRACKED_CALLERS: usize = 50_000;

/// Name of the rate limit of database time.
pub const DATABASE_TIME_POLICY: &str = "database-time";

/// The caller that is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallerId {
    /// A caller with a key, at any address.
    Key(ApiKeyId),
    /// A caller without a key, by its network.
    Address(IpAddr),
}

impl CallerId {
    /// A caller without a key at this address. IPv6 clients have a network of 2⁶⁴ addresses, so a /64 prefix counts as
    /// one.
    #[must_use]
    pub fn from_address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// How much each caller may use in a window of time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    name: &'static str,
    rate: Option<Rate>,
    /// Internal units per unit that is shown to clients.
    scale: u32,
    /// How far beyond a window a caller may be in debt, in time until it is refilled.
    max_debt: TimeDelta,
    /// When each caller's bucket is full again.
    full_at: Arc<Mutex<RefillTimes>>,
}

/// When each caller's bucket is full again.
type RefillTimes = GenerationalMap<CallerId, DateTime<Utc>>;

/// An amount per window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    limit: NonZeroU32,
    window: TimeDelta,
}

/// The state of a caller's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitStatus {
    name: &'static str,
    /// The limit per window.
    pub limit: u32,
    window: TimeDelta,
    /// The remaining amount.
    pub remaining: u32,
    full_in: TimeDelta,
}

/// A rate limit that is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimited {
    /// The state of the bucket, which has too little remaining.
    pub status: RateLimitStatus,
    /// Time until enough is refilled.
    pub retry_after: TimeDelta,
}

impl RateLimiter {
    /// A limit per minute; `None` is unlimited. Headers contain the name.
    #[must_use]
    pub fn per_minute(name: &'static str, limit: Option<NonZeroU32>) -> Self {
        Self::new(name, limit, TimeDelta::minutes(1))
    }

    /// A limit per window of time; `None` is unlimited.
    #[must_use]
    pub fn new(name: &'static str, limit: Option<NonZeroU32>, window: TimeDelta) -> Self {
        let rate = limit.map(|limit| Rate { limit, window });
        Self {
            name,
            rate,
            scale: 1,
            max_debt: TimeDelta::zero(),
            full_at: Arc::new(Mutex::new(GenerationalMap::new(MIN_TRACKED_CALLERS))),
        }
    }

    /// A limit of time per minute, in seconds; `None` is unlimited. Usage is charged afterwards, so a caller may be in
    /// debt by up to a minute's worth.
    #[must_use]
    pub fn seconds_per_minute(name: &'static str, limit: Option<NonZeroU32>) -> Self {
        let scale = 1_000_000;
        let microseconds = limit.and_then(|limit| NonZeroU32::new(limit.get().saturating_mul(scale)));
        Self { scale, max_debt: TimeDelta::minutes(1), ..Self::per_minute(name, microseconds) }
    }

    /// Checks that a caller has no debt, and uses nothing. A debt that is refilled in a moment is ignored.
    ///
    /// # Errors
    /// When the caller is in debt.
    pub fn check_debt(&self, caller: CallerId, now: DateTime<Utc>) -> Result<(), RateLimited> {
        let Some(rate) = self.rate else { return Ok(()) };
        let full_at = rate.full_at(&self.lock(), caller, now, self.max_debt);
        let over = full_at - now - rate.window;
        if over > TimeDelta::zero() {
            return Err(RateLimited { status: self.status(rate, full_at - now), retry_after: over });
        }
        Ok(())
    }

    /// Charges time that was used. May cause a debt.
    pub fn charge(&self, caller: CallerId, time: Duration, now: DateTime<Utc>) {
        let Some(rate) = self.rate else { return };
        let microseconds = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let max = rate.window + self.max_debt;
        let mut times = self.lock();
        let debt = rate.refill_time(microseconds).min(max);
        let full_at = rate.full_at(&times, caller, now, self.max_debt) + debt;
        times.insert(caller, full_at.min(now + max));
    }

    fn lock(&self) -> MutexGuard<'_, RefillTimes> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner) // entries are replaced as a whole
    }

    /// The limit per window; `None` is unlimited.
    #[must_use]
    pub fn limit(&self) -> Option<NonZeroU32> {
        self.rate.map(|rate| rate.limit)
    }

    /// Uses `amount` of a caller's bucket, and returns its state; `None` without a limit. An amount that exceeds the
    /// limit counts as the limit.
    ///
    /// # Errors
    /// When less than `amount` remains. Nothing is used then.
    pub fn check_n(
        &self,
        caller: CallerId,
        amount: u32,
        now: DateTime<Utc>,
    ) -> Result<Option<RateLimitStatus>, RateLimited> {
        let Some(rate) = self.rate else { return Ok(None) };
        let mut times = self.lock();
        let full_at = rate.full_at(&times, caller, now, self.max_debt);
        let would_be = full_at + rate.refill_time_capped(amount);
        let over = would_be - now - rate.window;
        if over > TimeDelta::zero() {
            return Err(RateLimited { status: self.status(rate, full_at - now), retry_after: over });
        }
        times.insert(caller, would_be);
        Ok(Some(self.status(rate, would_be - now)))
    }

    /// Checks that something remains, and uses nothing.
    ///
    /// # Errors
    /// When nothing remains.
    pub fn check_remaining(&self, caller: CallerId, now: DateTime<Utc>) -> Result<(), RateLimited> {
        match self.check_n(caller, 0, now)? {
            Some(standing) if standing.remaining == 0 => {
                let retry_in = self.rate.map_or(TimeDelta::zero(), |rate| rate.refill_time_capped(1));
                Err(RateLimited { status: standing, retry_after: retry_in })
            }
            _ => Ok(()),
        }
    }

    /// Uses `amount` of a caller's bucket, or all that remains.
    pub fn penalize(&self, caller: CallerId, amount: u32, now: DateTime<Utc>) {
        if let Err(RateLimited { status, .. }) = self.check_n(caller, amount, now) {
            let _ = self.check_n(caller, status.remaining, now);
        }
    }

    fn status(&self, rate: Rate, full_in: TimeDelta) -> RateLimitStatus {
        let Rate { limit, window } = rate;
        let remaining = limit.get().saturating_sub(rate.amount_refilled_in(full_in));
        RateLimitStatus {
            name: self.name,
            limit: limit.get() / self.scale,
            window,
            remaining: remaining / self.scale,
            full_in,
        }
    }
}

impl Rate {
    /// When a caller's bucket is full: not before now, and at most a window and its debt later, even if the clock was set back.
    fn full_at(self, times: &RefillTimes, caller: CallerId, now: DateTime<Utc>, max_debt: TimeDelta) -> DateTime<Utc> {
        times.get(&caller).map_or(now, |&full_at| full_at.clamp(now, now + self.window + max_debt))
    }

    /// The time in which an amount is refilled; what exceeds the limit counts as the limit.
    fn refill_time_capped(self, amount: u32) -> TimeDelta {
        self.refill_time(amount.min(self.limit.get()))
    }

    /// The time in which an amount is refilled.
    fn refill_time(self, amount: u32) -> TimeDelta {
        let (amount, limit) = (i128::from(amount), i128::from(self.limit.get()));
        let nanoseconds = self.window_nanoseconds() * amount / limit;
        TimeDelta::nanoseconds(i64::try_from(nanoseconds).unwrap_or(i64::MAX))
    }

    /// The amount that is refilled in a time, rounded up.
    fn amount_refilled_in(self, time: TimeDelta) -> u32 {
        let (time, window) = (i128::from(time.num_nanoseconds().unwrap_or(0)), self.window_nanoseconds());
        let amount = (time * i128::from(self.limit.get()) + window - 1) / window;
        u32::try_from(amount).unwrap_or(u32::MAX)
    }

    fn window_nanoseconds(self) -> i128 {
        i128::from(self.window.num_seconds()) * 1_000_000_000
    }
}

/// Whole seconds, rounded up.
fn ceil_seconds(time: TimeDelta) -> i64 {
    let seconds = time.num_seconds();
    if time > TimeDelta::seconds(seconds) { seconds + 1 } else { seconds }
}

impl RateLimitStatus {
    /// The fields `RateLimit-Policy` and `RateLimit`, as draft-ietf-httpapi-ratelimit-headers-10 has them.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let Self { name, limit, window, remaining, full_in } = self;
        let mut headers = HeaderMap::new();
        let [policy, remaining_header] = RATE_LIMIT_HEADERS;
        let fields = [
            (policy, format!("\"{name}\";q={limit};w={}", window.num_seconds())),
            (remaining_header, format!("\"{name}\";r={remaining};t={}", ceil_seconds(*full_in))),
        ];
        for (field, value) in fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(field), value);
            }
        }
        headers
    }
}

impl RateLimited {
    /// Seconds until a retry may succeed.
    #[must_use]
    pub fn retry_after_seconds(&self) -> i64 {
        ceil_seconds(self.retry_after)
    }

    /// The headers of the status, and `Retry-After`.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = self.status.headers();
        headers.insert(header::RETRY_AFTER, self.retry_after_seconds().into());
        headers
    }

    /// The message for clients.
    #[must_use]
    pub fn message(&self) -> String {
        let RateLimitStatus { name, limit, window, remaining, .. } = self.status;
        let window = match window.num_seconds() {
            60 => "minute",
            3600 => "hour",
            86_400 => "day",
            _ => "window",
        };
        let seconds = self.retry_after_seconds();
        if self.status.remaining == 0 && name == DATABASE_TIME_POLICY {
            return format!(
                "the database time of this caller is used up, which is {limit} seconds a {window}; try again in {seconds} seconds"
            );
        }
        format!(
            "this would use more than the {remaining} remaining of {limit} a {window} ({name}); try again in {seconds} seconds"
        )
    }
}

#[cfg(test)]
mod tests;
