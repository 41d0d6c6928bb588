//! The feed: committed events in batches, in commit order.

/// A position in the feed: right after one event of one batch. Later events have not been delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedOffset {
    /// The number of the batch.
    pub number: i64,
    /// The event's index in the batch, from 0; [`FeedOffset::END`] is the end of the batch.
    pub index: u32,
}

impl FeedOffset {
    /// The index of the end of a batch.
    pub const END: u32 = u32::MAX;

    /// The position after the last event of a batch.
    #[must_use]
    pub fn after(number: i64) -> Self {
        Self { number, index: Self::END }
    }
}
