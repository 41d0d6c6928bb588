//! Budgets: how much each caller may use in a window of time, such as a minute.
//!
//! Used budget is refilled at a constant rate, so a caller that pauses for a second may use a sixtieth of its minute again
//! (a token bucket, kept as the one time at which it is full again: the generic cell rate algorithm). The library for this,
//! governor, has no bound of the number of callers, which strangers decide.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::api_key::ApiKeyId;

/// The headers that describe what is left of a budget.
pub const RATE_LIMIT_HEADERS: [&str; 2] = ["ratelimit-policy", "ratelimit"];

/// Callers that are remembered at least. Of more, those who have not asked for longest may begin anew.
const MIN_TRACKED_CALLERS: usize = 50_000;

/// The name of the budgets of database time.
pub const DATABASE_TIME_POLICY: &str = "database-time";

/// Who pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallerId {
    /// The holder of a key, wherever they are.
    Key(ApiKeyId),
    /// Somebody without a key, by the network they are in.
    Address(IpAddr),
}

impl CallerId {
    /// Somebody without a key at this address. Whoever has an IPv6 address has 2⁶⁴ of them, so these count as one.
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
    /// Amounts are shown to clients in units of so many.
    scale: u32,
    /// How far beyond a window a caller may owe, in time until it is refilled.
    max_debt: TimeDelta,
    /// When each caller will have all of it again.
    full_at: Arc<Mutex<RefillTimes>>,
}

/// An amount per window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    limit: NonZeroU32,
    window: TimeDelta,
}

/// Callers, in two generations: where the younger one is full, it becomes the older one, which is forgotten.
#[derive(Debug, Default)]
struct RefillTimes {
    young: HashMap<CallerId, DateTime<Utc>>,
    old: HashMap<CallerId, DateTime<Utc>>,
}

/// What a caller has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitStatus {
    name: &'static str,
    /// What there is in a window.
    pub limit: u32,
    window: TimeDelta,
    /// What is left of it.
    pub remaining: u32,
    full_in: TimeDelta,
}

/// A budget that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimited {
    /// What is left, which is too little.
    pub status: RateLimitStatus,
    /// When it will be enough.
    pub retry_after: TimeDelta,
}

impl RateLimiter {
    /// A budget per minute; none is unlimited. Headers contain the name.
    #[must_use]
    pub fn per_minute(name: &'static str, limit: Option<NonZeroU32>) -> Self {
        Self::new(name, limit, TimeDelta::minutes(1))
    }

    /// A budget per window of time; none is unlimited.
    #[must_use]
    pub fn new(name: &'static str, limit: Option<NonZeroU32>, window: TimeDelta) -> Self {
        let rate = limit.map(|limit| Rate { limit, window });
        Self { name, rate, scale: 1, max_debt: TimeDelta::zero(), full_at: Arc::default() }
    }

    /// A budget of time per minute, in seconds; none is unlimited. What was used is charged afterwards, so a caller may owe
    /// as much as a minute's worth.
    #[must_use]
    pub fn seconds_per_minute(name: &'static str, limit: Option<NonZeroU32>) -> Self {
        let scale = 1_000_000;
        let microseconds = limit.and_then(|limit| NonZeroU32::new(limit.get().saturating_mul(scale)));
        Self { scale, max_debt: TimeDelta::minutes(1), ..Self::per_minute(name, microseconds) }
    }

    /// Checks that a caller owes nothing beyond its budget, and uses nothing. What is refilled in a moment is not waited for.
    ///
    /// # Errors
    /// When it owes something.
    pub fn check_debt(&self, payer: CallerId, now: DateTime<Utc>) -> Result<(), RateLimited> {
        let Some(rate) = self.rate else { return Ok(()) };
        let full_at = self.lock().full_at(payer, now, rate.window + self.max_debt);
        let over = full_at - now - rate.window;
        if over > TimeDelta::zero() {
            return Err(RateLimited { status: self.status(rate, full_at - now), retry_after: over });
        }
        Ok(())
    }

    /// Charges time that was used, of a budget of time, to be paid from what is refilled.
    pub fn charge(&self, payer: CallerId, time: Duration, now: DateTime<Utc>) {
        let Some(rate) = self.rate else { return };
        let microseconds = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let most = rate.window + self.max_debt;
        let mut lately = self.lock();
        let owed = rate.refill_time(microseconds).min(most);
        let full_at = lately.full_at(payer, now, most) + owed;
        lately.set(payer, full_at.min(now + most));
    }

    fn lock(&self) -> MutexGuard<'_, RefillTimes> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner) // each entry is whole
    }

    /// The amount per window; none is unlimited.
    #[must_use]
    pub fn limit(&self) -> Option<NonZeroU32> {
        self.rate.map(|rate| rate.limit)
    }

    /// Uses so much of a caller's budget, and tells what is left; none where there is no limit. An amount that exceeds
    /// the limit counts as the limit.
    ///
    /// # Errors
    /// When there is not so much. Nothing is used then.
    pub fn check_n(
        &self,
        payer: CallerId,
        amount: u32,
        now: DateTime<Utc>,
    ) -> Result<Option<RateLimitStatus>, RateLimited> {
        let Some(rate) = self.rate else { return Ok(None) };
        let mut lately = self.lock();
        let full_at = lately.full_at(payer, now, rate.window + self.max_debt);
        let would_be = full_at + rate.refill_time_capped(amount);
        let over = would_be - now - rate.window;
        if over > TimeDelta::zero() {
            return Err(RateLimited { status: self.status(rate, full_at - now), retry_after: over });
        }
        lately.set(payer, would_be);
        Ok(Some(self.status(rate, would_be - now)))
    }

    /// Checks that a caller has something left, and uses nothing.
    ///
    /// # Errors
    /// When nothing is left.
    pub fn check_remaining(&self, payer: CallerId, now: DateTime<Utc>) -> Result<(), RateLimited> {
        match self.check_n(payer, 0, now)? {
            Some(standing) if standing.remaining == 0 => {
                let retry_in = self.rate.map_or(TimeDelta::zero(), |rate| rate.refill_time_capped(1));
                Err(RateLimited { status: standing, retry_after: retry_in })
            }
            _ => Ok(()),
        }
    }

    /// Uses so much of a caller's budget, or what is left of it.
    pub fn penalize(&self, payer: CallerId, amount: u32, now: DateTime<Utc>) {
        if let Err(RateLimited { status: standing, .. }) = self.check_n(payer, amount, now) {
            let _ = self.check_n(payer, standing.remaining, now);
        }
    }

    fn status(&self, rate: Rate, full_in: TimeDelta) -> RateLimitStatus {
        let Rate { limit, window } = rate;
        let left = limit.get().saturating_sub(rate.amount_refilled_in(full_in));
        RateLimitStatus {
            name: self.name,
            limit: limit.get() / self.scale,
            window,
            remaining: left / self.scale,
            full_in,
        }
    }
}

impl RefillTimes {
    /// Not before now, and no more than that away, even if the clock was put back.
    fn full_at(&self, payer: CallerId, now: DateTime<Utc>, most: TimeDelta) -> DateTime<Utc> {
        let known = self.young.get(&payer).or_else(|| self.old.get(&payer));
        known.map_or(now, |&full_at| full_at.clamp(now, now + most))
    }

    fn set(&mut self, payer: CallerId, full_at: DateTime<Utc>) {
        if self.young.len() >= MIN_TRACKED_CALLERS && !self.young.contains_key(&payer) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(payer, full_at);
    }
}

impl Rate {
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

/// In whole seconds, rounded up.
fn ceil_seconds(time: TimeDelta) -> i64 {
    let seconds = time.num_seconds();
    if time > TimeDelta::seconds(seconds) { seconds + 1 } else { seconds }
}

impl RateLimitStatus {
    /// The fields `RateLimit-Policy` and `RateLimit`, as draft-ietf-httpapi-ratelimit-headers-10 has them.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let Self { name, limit, window, remaining: left, full_in } = self;
        let mut headers = HeaderMap::new();
        let [policy, left_of_it] = RATE_LIMIT_HEADERS;
        let fields = [
            (policy, format!("\"{name}\";q={limit};w={}", window.num_seconds())),
            (left_of_it, format!("\"{name}\";r={left};t={}", ceil_seconds(*full_in))),
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
    /// In how many seconds the same can be tried again.
    #[must_use]
    pub fn retry_after_seconds(&self) -> i64 {
        ceil_seconds(self.retry_after)
    }

    /// Those of the standing, and `Retry-After`.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = self.status.headers();
        headers.insert(header::RETRY_AFTER, self.retry_after_seconds().into());
        headers
    }

    /// What to tell people.
    #[must_use]
    pub fn message(&self) -> String {
        let RateLimitStatus { name, limit, window, remaining: left, .. } = self.status;
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
            "this would use more than the {left} left of {limit} a {window} ({name}); try again in {seconds} seconds"
        )
    }
}

#[cfg(test)]
mod tests;
