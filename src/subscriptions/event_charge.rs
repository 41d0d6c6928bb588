//! Charges events to their subscriber's caller: an event costs as much as a query for the same data, from the same rate
//! limit.
//!
//! Without remaining budget, events are delayed, in order and without loss: a client needs no code for it. When an
//! event is delayed until the channel no longer holds it, the subscription ends as a slow consumer, with its last
//! cursor.

use std::time::Duration;

use crate::{
    clock::Clock,
    limits::rate_limit::{CallerId, RateLimited, RateLimiter},
    observability::metrics,
};

/// Maximum time between two checks of the budget, which other subscriptions of the caller use too.
const MAX_RECHECK_INTERVAL: Duration = Duration::from_secs(5);
const MIN_RECHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Charges the events of one subscription to its caller.
pub(super) struct EventCharge {
    pub rate_limiter: RateLimiter,
    pub clock: Clock,
    pub caller: CallerId,
    /// The cost of an event, at least 1.
    pub cost: u32,
    pub metrics: metrics::feed::FeedMetrics,
}

impl EventCharge {
    /// Charges as many of `count` events as the budget allows, at least one, and returns that number.
    ///
    /// # Errors
    /// When the budget is too small for one event: the time after which to retry. Nothing is charged then.
    pub(super) fn charge(&self, count: usize) -> Result<usize, Duration> {
        let now = self.clock.now();
        let spend = |events: usize| {
            let events = u32::try_from(events).unwrap_or(u32::MAX);
            self.rate_limiter.check_n(self.caller, self.cost.saturating_mul(events), now)
        };
        // An amount above the limit is charged as the limit, so such events are charged in several steps.
        let limit = self.rate_limiter.limit().map_or(usize::MAX, |limit| (limit.get() / self.cost).max(1) as usize);
        let count = count.min(limit);
        let Err(RateLimited { status, .. }) = spend(count) else { return Ok(count) };
        let affordable = (status.remaining / self.cost).max(1) as usize;
        match spend(affordable.min(count)) {
            Ok(_) => Ok(affordable.min(count)),
            Err(exhausted) => {
                self.metrics.count_rate_limit_delay();
                let wait = exhausted.retry_after.to_std().unwrap_or_default();
                Err(wait.clamp(MIN_RECHECK_INTERVAL, MAX_RECHECK_INTERVAL))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::domain::api_key::ApiKeyId;

    fn charge(limit: u32, cost: u32) -> EventCharge {
        EventCharge {
            rate_limiter: RateLimiter::per_minute("cost", NonZeroU32::new(limit)),
            clock: Clock::fixed(DateTime::UNIX_EPOCH),
            caller: CallerId::Key(ApiKeyId(1)),
            cost,
            metrics: metrics::feed::FeedMetrics::default(),
        }
    }

    #[test]
    fn events_are_charged_up_to_the_remaining_budget() {
        let charge = charge(60, 7);
        assert_eq!(charge.charge(5), Ok(5));
        assert_eq!(charge.charge(5), Ok(3), "25 are left");
        assert_eq!(charge.charge(5), Err(Duration::from_secs(3)), "4 are left, and 3 more come in 3 s");
        charge.clock.advance(TimeDelta::seconds(3));
        assert_eq!(charge.charge(5), Ok(1));
    }

    #[test]
    fn events_above_the_limit_are_charged_in_several_steps() {
        assert_eq!(charge(60, 7).charge(500), Ok(8));
        assert_eq!(charge(60, 700).charge(500), Ok(1), "an event above the limit uses all of it");
        assert_eq!(charge(0, 7).charge(500), Ok(500), "no limit");
    }
}
