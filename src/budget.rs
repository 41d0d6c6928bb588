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
pub const HEADERS: [&str; 2] = ["ratelimit-policy", "ratelimit"];

/// Callers that are remembered at least. Of more, those who have not asked for longest may begin anew.
const MOST: usize = 50_000;

/// The name of the budgets of database time.
pub const DATABASE_TIME: &str = "database-time";

/// Who pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// The holder of a key, wherever they are.
    Key(ApiKeyId),
    /// Somebody without a key, by the network they are in.
    Address(IpAddr),
}

impl Payer {
    /// Somebody without a key at this address. Whoever has an IPv6 address has 2⁶⁴ of them, so these count as one.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
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
pub struct Budget {
    name: &'static str,
    rate: Option<Rate>,
    /// Amounts are shown to clients in units of so many.
    scale: u32,
    /// How far beyond a window a caller may owe, in time until it is refilled.
    max_debt: TimeDelta,
    /// When each caller will have all of it again.
    full_at: Arc<Mutex<Lately>>,
}

/// An amount per window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    limit: NonZeroU32,
    window: TimeDelta,
}

/// Callers, in two generations: where the younger one is full, it becomes the older one, which is forgotten.
#[derive(Debug, Default)]
struct Lately {
    younger: HashMap<Payer, DateTime<Utc>>,
    older: HashMap<Payer, DateTime<Utc>>,
}

/// What a caller has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    name: &'static str,
    /// What there is in a window.
    pub limit: u32,
    window: TimeDelta,
    /// What is left of it.
    pub left: u32,
    full_in: TimeDelta,
}

/// A budget that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// What is left, which is too little.
    pub standing: Standing,
    /// When it will be enough.
    pub retry_in: TimeDelta,
}

impl Budget {
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
    pub fn check_debt(&self, payer: Payer, now: DateTime<Utc>) -> Result<(), Exhausted> {
        let Some(rate) = self.rate else { return Ok(()) };
        let full_at = self.lock().full_at(payer, now, rate.window + self.max_debt);
        let over = full_at - now - rate.window;
        if over > TimeDelta::zero() {
            return Err(Exhausted { standing: self.standing(rate, full_at - now), retry_in: over });
        }
        Ok(())
    }

    /// Charges time that was used, of a budget of time, to be paid from what is refilled.
    pub fn charge(&self, payer: Payer, time: Duration, now: DateTime<Utc>) {
        let Some(rate) = self.rate else { return };
        let microseconds = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let most = rate.window + self.max_debt;
        let mut lately = self.lock();
        let owed = rate.time_for_all_of(microseconds).min(most);
        let full_at = lately.full_at(payer, now, most) + owed;
        lately.set(payer, full_at.min(now + most));
    }

    fn lock(&self) -> MutexGuard<'_, Lately> {
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
    pub fn spend(&self, payer: Payer, amount: u32, now: DateTime<Utc>) -> Result<Option<Standing>, Exhausted> {
        let Some(rate) = self.rate else { return Ok(None) };
        let mut lately = self.lock();
        let full_at = lately.full_at(payer, now, rate.window + self.max_debt);
        let would_be = full_at + rate.time_for(amount);
        let over = would_be - now - rate.window;
        if over > TimeDelta::zero() {
            return Err(Exhausted { standing: self.standing(rate, full_at - now), retry_in: over });
        }
        lately.set(payer, would_be);
        Ok(Some(self.standing(rate, would_be - now)))
    }

    /// Checks that a caller has something left, and uses nothing.
    ///
    /// # Errors
    /// When nothing is left.
    pub fn require_left(&self, payer: Payer, now: DateTime<Utc>) -> Result<(), Exhausted> {
        match self.spend(payer, 0, now)? {
            Some(standing) if standing.left == 0 => {
                let retry_in = self.rate.map_or(TimeDelta::zero(), |rate| rate.time_for(1));
                Err(Exhausted { standing, retry_in })
            }
            _ => Ok(()),
        }
    }

    /// Uses so much of a caller's budget, or what is left of it.
    pub fn fine(&self, payer: Payer, amount: u32, now: DateTime<Utc>) {
        if let Err(Exhausted { standing, .. }) = self.spend(payer, amount, now) {
            let _ = self.spend(payer, standing.left, now);
        }
    }

    fn standing(&self, rate: Rate, full_in: TimeDelta) -> Standing {
        let Rate { limit, window } = rate;
        let left = limit.get().saturating_sub(rate.refilled_in(full_in));
        Standing { name: self.name, limit: limit.get() / self.scale, window, left: left / self.scale, full_in }
    }
}

impl Lately {
    /// Not before now, and no more than that away, even if the clock was put back.
    fn full_at(&self, payer: Payer, now: DateTime<Utc>, most: TimeDelta) -> DateTime<Utc> {
        let known = self.younger.get(&payer).or_else(|| self.older.get(&payer));
        known.map_or(now, |&full_at| full_at.clamp(now, now + most))
    }

    fn set(&mut self, payer: Payer, full_at: DateTime<Utc>) {
        if self.younger.len() >= MOST && !self.younger.contains_key(&payer) {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(payer, full_at);
    }
}

impl Rate {
    /// The time in which an amount is refilled; what exceeds the limit counts as the limit.
    fn time_for(self, amount: u32) -> TimeDelta {
        self.time_for_all_of(amount.min(self.limit.get()))
    }

    /// The time in which an amount is refilled.
    fn time_for_all_of(self, amount: u32) -> TimeDelta {
        let (amount, limit) = (i128::from(amount), i128::from(self.limit.get()));
        let nanoseconds = self.window_nanoseconds() * amount / limit;
        TimeDelta::nanoseconds(i64::try_from(nanoseconds).unwrap_or(i64::MAX))
    }

    /// The amount that is refilled in a time, rounded up.
    fn refilled_in(self, time: TimeDelta) -> u32 {
        let (time, window) = (i128::from(time.num_nanoseconds().unwrap_or(0)), self.window_nanoseconds());
        let amount = (time * i128::from(self.limit.get()) + window - 1) / window;
        u32::try_from(amount).unwrap_or(u32::MAX)
    }

    fn window_nanoseconds(self) -> i128 {
        i128::from(self.window.num_seconds()) * 1_000_000_000
    }
}

/// In whole seconds, rounded up.
fn seconds(time: TimeDelta) -> i64 {
    let seconds = time.num_seconds();
    if time > TimeDelta::seconds(seconds) { seconds + 1 } else { seconds }
}

impl Standing {
    /// The fields `RateLimit-Policy` and `RateLimit`, as draft-ietf-httpapi-ratelimit-headers-10 has them.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let Self { name, limit, window, left, full_in } = self;
        let mut headers = HeaderMap::new();
        let [policy, left_of_it] = HEADERS;
        let fields = [
            (policy, format!("\"{name}\";q={limit};w={}", window.num_seconds())),
            (left_of_it, format!("\"{name}\";r={left};t={}", seconds(*full_in))),
        ];
        for (field, value) in fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(field), value);
            }
        }
        headers
    }
}

impl Exhausted {
    /// In how many seconds the same can be tried again.
    #[must_use]
    pub fn retry_after_s(&self) -> i64 {
        seconds(self.retry_in)
    }

    /// Those of the standing, and `Retry-After`.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = self.standing.headers();
        headers.insert(header::RETRY_AFTER, self.retry_after_s().into());
        headers
    }

    /// What to tell people.
    #[must_use]
    pub fn message(&self) -> String {
        let Standing { name, limit, window, left, .. } = self.standing;
        let window = match window.num_seconds() {
            60 => "minute",
            3600 => "hour",
            86_400 => "day",
            _ => "window",
        };
        let seconds = self.retry_after_s();
        if self.standing.left == 0 && name == DATABASE_TIME {
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: Payer = Payer::Key(ApiKeyId(7));

    fn budget(per_minute: u32) -> Budget {
        Budget::per_minute("cost", NonZeroU32::new(per_minute))
    }

    fn left(outcome: Result<Option<Standing>, Exhausted>) -> Result<u32, i64> {
        outcome
            .map(|standing| standing.expect("a limit").left)
            .map_err(|exhausted| exhausted.retry_in.num_milliseconds())
    }

    #[test]
    fn what_was_used_comes_back_evenly() {
        let (budget, start) = (budget(60), DateTime::UNIX_EPOCH);
        let at = |seconds| start + TimeDelta::seconds(seconds);
        assert_eq!(left(budget.spend(KEY, 20, at(0))), Ok(40));
        assert_eq!(left(budget.spend(KEY, 40, at(0))), Ok(0));
        assert_eq!(left(budget.spend(KEY, 1, at(0))), Err(1000));
        assert_eq!(left(budget.spend(KEY, 30, at(10))), Err(20_000), "and a refusal uses nothing");
        assert_eq!(left(budget.spend(KEY, 30, at(30))), Ok(0));
        assert_eq!(left(budget.spend(Payer::Key(ApiKeyId(8)), 1, at(30))), Ok(59), "each has their own");
        assert_eq!(left(budget.spend(KEY, 0, at(1000))), Ok(60), "but no more than a minute's worth");
        assert_eq!(left(budget.spend(KEY, 1000, at(1000))), Ok(0), "what costs more takes all");
        budget.fine(KEY, 10, at(1005));
        assert_eq!(left(budget.spend(KEY, 1, at(1005))), Err(1000), "a fine takes what there is");
        assert_eq!(left(budget.spend(KEY, 1, at(0))), Err(1000), "a clock that was put back locks nobody out for long");
        assert_eq!(self::budget(0).spend(KEY, 1000, start), Ok(None), "no limit");
    }

    #[test]
    fn time_is_charged_afterwards_up_to_a_debt_of_a_minute() {
        let (budget, start) = (Budget::seconds_per_minute(DATABASE_TIME, NonZeroU32::new(30)), DateTime::UNIX_EPOCH);
        let at = |seconds| start + TimeDelta::seconds(seconds);
        let retry_in = |at| budget.check_debt(KEY, at).map_err(|exhausted| exhausted.retry_after_s());
        budget.charge(KEY, Duration::from_secs(30), at(0));
        assert_eq!(retry_in(at(0)), Ok(()), "all of it, and no more");
        let other = Payer::Key(ApiKeyId(9));
        budget.charge(other, Duration::from_secs(35), at(0));
        assert_eq!(budget.check_debt(other, at(0)).map_err(|exhausted| exhausted.retry_after_s()), Err(10), "at once");
        budget.charge(KEY, Duration::from_secs(5), at(0));
        assert_eq!((retry_in(at(0)), retry_in(at(9)), retry_in(at(10))), (Err(10), Err(1), Ok(())));
        budget.charge(KEY, Duration::from_secs(1000), at(10));
        budget.charge(KEY, Duration::from_secs(1000), at(10));
        assert_eq!((retry_in(at(10)), retry_in(at(70))), (Err(60), Ok(())));
        let message = budget.check_debt(KEY, at(11)).expect_err("it owes").message();
        assert!(message.contains("30 seconds a minute") && message.contains("in 59 seconds"), "{message}");
        assert_eq!(budget.check_debt(Payer::Key(ApiKeyId(8)), at(10)), Ok(()), "another caller owes nothing");
        let unlimited = Budget::seconds_per_minute(DATABASE_TIME, None);
        unlimited.charge(KEY, Duration::MAX, start);
        assert_eq!(unlimited.check_debt(KEY, start), Ok(()));
    }

    #[test]
    fn neighbours_in_one_network_of_ipv6_pay_together() {
        let at = |address: &str| Payer::at(address.parse().expect("an address"));
        assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
    }

    #[test]
    fn callers_are_bounded_and_the_latest_are_remembered() {
        let (budget, now) = (budget(60), DateTime::UNIX_EPOCH);
        let spend =
            |number: usize| left(budget.spend(Payer::Key(ApiKeyId(i64::try_from(number).expect("few"))), 60, now));
        for number in 0..3 * MOST {
            assert_eq!(spend(number), Ok(0));
            assert!(number < MOST || spend(number - MOST + 1).is_err(), "{number}");
        }
        let lately = budget.full_at.lock().expect("whole");
        assert!(lately.younger.len() + lately.older.len() <= 2 * MOST);
    }

    #[test]
    fn headers_are_those_of_the_draft() {
        let (budget, now) = (budget(600), DateTime::UNIX_EPOCH);
        let standing = budget.spend(KEY, 15, now).expect("enough").expect("a limit");
        assert_eq!(standing.headers()["ratelimit-policy"], "\"cost\";q=600;w=60");
        assert_eq!(standing.headers()["ratelimit"], "\"cost\";r=585;t=2");
        let exhausted = budget.spend(KEY, 590, now).expect_err("too much");
        assert_eq!(exhausted.headers()[header::RETRY_AFTER], "1");
        assert_eq!(exhausted.headers()["ratelimit"], "\"cost\";r=585;t=2");
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_a_minute_and_what_came_back(
            per_minute in 1..5000_u32,
            asked in proptest::collection::vec((0..90_000_i64, 0..6000_u32), 1..60),
        ) {
            let budget = budget(per_minute);
            let (start, mut now, mut used) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH, 0_u64);
            for (milliseconds, amount) in asked {
                now += TimeDelta::milliseconds(milliseconds);
                let most = u64::from(per_minute) * (60_000 + u64::try_from((now - start).num_milliseconds()).expect("later")) / 60_000;
                match budget.spend(KEY, amount, now) {
                    Ok(_) => used += u64::from(amount.min(per_minute)),
                    Err(exhausted) => {
                        // and as promised, it is enough then
                        let then = now + exhausted.retry_in;
                        let mut copy = self::budget(per_minute);
                        copy.full_at = Arc::new(Mutex::new(Lately {
                            younger: budget.full_at.lock().expect("whole").younger.clone(),
                            older: HashMap::new(),
                        }));
                        prop_assert!(copy.spend(KEY, amount, then).is_ok());
                    }
                }
                prop_assert!(used <= most + 1, "{used} of {most}");
            }
        }
    }
}
