//! What a request may cost at most. How much it costs is in [`super::cost`].

use super::cost::Cost;

/// The largest answer: a full page of 10,000 measurements with twenty fields each.
pub const MAX_RESPONSE_COST: u64 = 250_000;
/// The most that one request may cost in all: about ten seconds of one processor in Postgres.
pub const MAX_REQUEST_COST: u64 = 20_000_000;

/// Checks a price, and says why a request is refused that costs more.
///
/// # Errors
/// When it is too much.
pub fn check(price: Cost) -> Result<(), String> {
    if price.response > MAX_RESPONSE_COST {
        let cost = price.response;
        return Err(format!(
            "the answer would cost more than {MAX_RESPONSE_COST}, namely {cost}; every field costs 1, a list its page size times what \
             a row costs: ask for smaller pages"
        ));
    }
    let cost = price.total();
    if cost > MAX_REQUEST_COST {
        return Err(format!(
            "the request would cost more than {MAX_REQUEST_COST}, namely {cost}, as too much would be read for it: ask for a shorter \
             time range, or for less"
        ));
    }
    Ok(())
}

/// Why a subscription is refused whose events would cost too much.
#[must_use]
pub fn event_too_expensive(cost: u64) -> String {
    format!(
        "each event would cost more than {MAX_EVENT_COST}, namely {cost}: subscribe to less of it, and query the rest when \
         it is needed"
    )
}

/// The dearest event: what is told again and again may not cost what is asked once.
pub const MAX_EVENT_COST: u64 = 10_000;

/// The most that is told of events at once, so that none keeps a processor for long: as much as a page of a thousand rows.
const MAX_EVENT_BATCH_COST: u64 = 50_000;
/// Events that are told at once at most. All look-ups for them are one statement a kind; more at once would only take more
/// memory.
const MAX_EVENT_BATCH_SIZE: usize = 500;

/// How many events can be told at once that cost so much each.
#[must_use]
pub fn event_batch_size(cost: u64) -> usize {
    usize::try_from(MAX_EVENT_BATCH_COST / cost.max(1)).unwrap_or(MAX_EVENT_BATCH_SIZE).clamp(1, MAX_EVENT_BATCH_SIZE)
}

/// The deepest selection: GraphiQL's introspection takes 13 levels.
pub const MAX_DEPTH: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_size_shrinks_with_event_cost() {
        assert_eq!((event_batch_size(0), event_batch_size(10)), (MAX_EVENT_BATCH_SIZE, MAX_EVENT_BATCH_SIZE));
        assert_eq!((event_batch_size(500), event_batch_size(MAX_EVENT_COST)), (100, 5));
        assert_eq!(event_batch_size(u64::MAX), 1);
    }
}
