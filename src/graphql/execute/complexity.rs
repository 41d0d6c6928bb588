//! Maximum cost of a request. Costs are computed in [`super::cost`].

use super::cost::Cost;

/// Maximum response cost: a full page of 10,000 measurements with twenty fields each.
pub const MAX_RESPONSE_COST: u64 = 250_000;
/// Maximum total cost of a request: about ten CPU seconds in Postgres.
pub const MAX_REQUEST_COST: u64 = 20_000_000;

/// Checks a cost against the maximum.
///
/// # Errors
/// The message when it is exceeded.
pub fn check(request_cost: Cost) -> Result<(), String> {
    if request_cost.response > MAX_RESPONSE_COST {
        let cost = request_cost.response;
        return Err(format!(
            "the response costs {cost}, more than the maximum {MAX_RESPONSE_COST}; each field costs 1, a list its page size times the cost of \
             a row; request smaller pages"
        ));
    }
    let cost = request_cost.total();
    if cost > MAX_REQUEST_COST {
        return Err(format!(
            "the request costs {cost}, more than the maximum {MAX_REQUEST_COST}, as it reads too much data; request a shorter \
             time range or less data"
        ));
    }
    Ok(())
}

/// The error message for a subscription with too expensive events.
#[must_use]
pub fn event_too_expensive(cost: u64) -> String {
    format!(
        "each event costs {cost}, more than the maximum {MAX_EVENT_COST}; select fewer fields, and query the rest when \
         it is needed"
    )
}

/// Maximum cost of an event. Lower than that of a query, as events are rendered repeatedly.
pub const MAX_EVENT_COST: u64 = 10_000;

/// Maximum cost of a batch of events, so that no batch occupies a CPU for long: a page of a thousand rows.
const MAX_EVENT_BATCH_COST: u64 = 50_000;
/// Maximum events in a batch. A batch needs one statement per kind of lookup; larger batches would only use more
/// memory.
const MAX_EVENT_BATCH_SIZE: usize = 500;

/// Number of events of this cost in a batch.
#[must_use]
pub fn event_batch_size(cost: u64) -> usize {
    usize::try_from(MAX_EVENT_BATCH_COST / cost.max(1)).unwrap_or(MAX_EVENT_BATCH_SIZE).clamp(1, MAX_EVENT_BATCH_SIZE)
}

/// Maximum nesting of selections. GraphiQL's introspection query has 13 levels.
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
