//! What a request may cost at most. How much it costs is in [`super::cost`].

use super::cost::Price;

/// The largest answer: a full page of 10,000 measurements with twenty fields each.
pub const MAX_ANSWER: u64 = 250_000;
/// The most that one request may cost in all: about ten seconds of one processor in Postgres.
pub const MAX: u64 = 20_000_000;

/// Checks a price, and says why a request is refused that costs more.
///
/// # Errors
/// When it is too much.
pub fn check(price: Price) -> Result<(), String> {
    if price.answer > MAX_ANSWER {
        let cost = price.answer;
        return Err(format!(
            "the answer would cost more than {MAX_ANSWER}, namely {cost}; every field costs 1, a list its page size times what \
             a row costs: ask for smaller pages"
        ));
    }
    let cost = price.total();
    if cost > MAX {
        return Err(format!(
            "the request would cost more than {MAX}, namely {cost}, as too much would be read for it: ask for a shorter \
             time range, or for less"
        ));
    }
    Ok(())
}

/// Why a subscription is refused whose events would cost too much.
#[must_use]
pub fn too_dear_an_event(cost: u64) -> String {
    format!(
        "each event would cost more than {MAX_OF_AN_EVENT}, namely {cost}: subscribe to less of it, and query the rest when \
         it is needed"
    )
}

/// The dearest event: what is told again and again may not cost what is asked once.
pub const MAX_OF_AN_EVENT: u64 = 10_000;

/// The most that is told of events at once, so that none keeps a processor for long: as much as a page of a thousand rows.
const MAX_OF_EVENTS: u64 = 50_000;
/// Events that are told at once at most. All look-ups for them are one statement a kind; more at once would only take more
/// memory.
const MAX_EVENTS: usize = 500;

/// How many events can be told at once that cost so much each.
#[must_use]
pub fn events_at_once(cost: u64) -> usize {
    usize::try_from(MAX_OF_EVENTS / cost.max(1)).unwrap_or(MAX_EVENTS).clamp(1, MAX_EVENTS)
}

/// The deepest selection: GraphiQL's introspection takes 13 levels.
pub const MAX_DEPTH: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dearer_events_are_the_fewer_are_told_at_once() {
        assert_eq!((events_at_once(0), events_at_once(10)), (MAX_EVENTS, MAX_EVENTS));
        assert_eq!((events_at_once(500), events_at_once(MAX_OF_AN_EVENT)), (100, 5));
        assert_eq!(events_at_once(u64::MAX), 1);
    }
}
