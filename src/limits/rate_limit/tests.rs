//! Rate limits over time, their bounds, and their headers.

use proptest::prelude::*;

use super::*;

const KEY: CallerId = CallerId::Key(ApiKeyId(7));

fn limiter(per_minute: u32) -> RateLimiter {
    RateLimiter::per_minute("cost", NonZeroU32::new(per_minute))
}

fn remaining(outcome: Result<Option<RateLimitStatus>, RateLimited>) -> Result<u32, i64> {
    outcome
        .map(|status| status.expect("a limit").remaining)
        .map_err(|exhausted| exhausted.retry_after.num_milliseconds())
}

#[test]
fn used_amount_is_refilled_evenly() {
    let (limiter, start) = (limiter(60), DateTime::UNIX_EPOCH);
    let at = |seconds| start + TimeDelta::seconds(seconds);
    assert_eq!(remaining(limiter.check_n(KEY, 20, at(0))), Ok(40));
    assert_eq!(remaining(limiter.check_n(KEY, 40, at(0))), Ok(0));
    assert_eq!(remaining(limiter.check_n(KEY, 1, at(0))), Err(1000));
    assert_eq!(remaining(limiter.check_n(KEY, 30, at(10))), Err(20_000), "and a refusal uses nothing");
    assert_eq!(remaining(limiter.check_n(KEY, 30, at(30))), Ok(0));
    assert_eq!(remaining(limiter.check_n(CallerId::Key(ApiKeyId(8)), 1, at(30))), Ok(59), "each caller has its own");
    assert_eq!(remaining(limiter.check_n(KEY, 0, at(1000))), Ok(60), "at most one window");
    assert_eq!(remaining(limiter.check_n(KEY, 1000, at(1000))), Ok(0), "a larger amount uses all");
    limiter.penalize(KEY, 10, at(1005));
    assert_eq!(remaining(limiter.check_n(KEY, 1, at(1005))), Err(1000), "a penalty uses what remains");
    assert_eq!(
        remaining(limiter.check_n(KEY, 1, at(0))),
        Err(1000),
        "a clock that was set back causes no long refusal"
    );
    assert_eq!(self::limiter(0).check_n(KEY, 1000, start), Ok(None), "no limit");
}

#[test]
fn time_is_charged_afterwards_up_to_a_debt_of_one_minute() {
    let (limiter, start) =
        (RateLimiter::seconds_per_minute(DATABASE_TIME_POLICY, NonZeroU32::new(30)), DateTime::UNIX_EPOCH);
    let at = |seconds| start + TimeDelta::seconds(seconds);
    let retry_in = |at| limiter.check_debt(KEY, at).map_err(|exhausted| exhausted.retry_after_seconds());
    limiter.charge(KEY, Duration::from_secs(30), at(0));
    assert_eq!(retry_in(at(0)), Ok(()), "all of it, and no more");
    let other = CallerId::Key(ApiKeyId(9));
    limiter.charge(other, Duration::from_secs(35), at(0));
    assert_eq!(
        limiter.check_debt(other, at(0)).map_err(|exhausted| exhausted.retry_after_seconds()),
        Err(10),
        "at once"
    );
    limiter.charge(KEY, Duration::from_secs(5), at(0));
    assert_eq!((retry_in(at(0)), retry_in(at(9)), retry_in(at(10))), (Err(10), Err(1), Ok(())));
    limiter.charge(KEY, Duration::from_secs(1000), at(10));
    limiter.charge(KEY, Duration::from_secs(1000), at(10));
    assert_eq!((retry_in(at(10)), retry_in(at(70))), (Err(60), Ok(())));
    let message = limiter.check_debt(KEY, at(11)).expect_err("it is in debt").message();
    assert!(message.contains("30 seconds a minute") && message.contains("in 59 seconds"), "{message}");
    assert_eq!(limiter.check_debt(CallerId::Key(ApiKeyId(8)), at(10)), Ok(()), "another caller has no debt");
    let unlimited = RateLimiter::seconds_per_minute(DATABASE_TIME_POLICY, None);
    unlimited.charge(KEY, Duration::MAX, start);
    assert_eq!(unlimited.check_debt(KEY, start), Ok(()));
}

#[test]
fn ipv6_addresses_of_one_64_prefix_share_a_limit() {
    let at = |address: &str| CallerId::from_address(address.parse().expect("an address"));
    assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
    assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
    assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
}

#[test]
fn recent_callers_are_tracked() {
    let (limiter, now) = (limiter(60), DateTime::UNIX_EPOCH);
    let spend = |number: usize| {
        remaining(limiter.check_n(CallerId::Key(ApiKeyId(i64::try_from(number).expect("few"))), 60, now))
    };
    for number in 0..3 * MIN_TRACKED_CALLERS {
        assert_eq!(spend(number), Ok(0));
        assert!(number < MIN_TRACKED_CALLERS || spend(number - MIN_TRACKED_CALLERS + 1).is_err(), "{number}");
    }
}

#[test]
fn headers_match_the_ratelimit_draft() {
    let (limiter, now) = (limiter(600), DateTime::UNIX_EPOCH);
    let status = limiter.check_n(KEY, 15, now).expect("enough").expect("a limit");
    assert_eq!(status.headers()["ratelimit-policy"], "\"cost\";q=600;w=60");
    assert_eq!(status.headers()["ratelimit"], "\"cost\";r=585;t=2");
    let exhausted = limiter.check_n(KEY, 590, now).expect_err("too much");
    assert_eq!(exhausted.headers()[header::RETRY_AFTER], "1");
    assert_eq!(exhausted.headers()["ratelimit"], "\"cost\";r=585;t=2");
}

proptest! {
    #[test]
    fn usage_never_exceeds_one_window_plus_refill(
        per_minute in 1..5000_u32,
        requests in proptest::collection::vec((0..90_000_i64, 0..6000_u32), 1..60),
    ) {
        let limiter = limiter(per_minute);
        let (start, mut now, mut used) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH, 0_u64);
        for (milliseconds, amount) in requests {
            now += TimeDelta::milliseconds(milliseconds);
            let max = u64::from(per_minute) * (60_000 + u64::try_from((now - start).num_milliseconds()).expect("later")) / 60_000;
            match limiter.check_n(KEY, amount, now) {
                Ok(_) => used += u64::from(amount.min(per_minute)),
                Err(exhausted) => {
                    // the time in `Retry-After` is sufficient
                    let then = now + exhausted.retry_after;
                    let copy = self::limiter(per_minute);
                    if let Some(full_at) = limiter.lock().get(&KEY) {
                        copy.lock().insert(KEY, *full_at);
                    }
                    prop_assert!(copy.check_n(KEY, amount, then).is_ok());
                }
            }
            prop_assert!(used <= max + 1, "{used} of {max}");
        }
    }
}
