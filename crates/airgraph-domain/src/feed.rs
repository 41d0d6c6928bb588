//! The feed: what was committed, batch after batch, in the order of the commits.

/// A place in the feed: right after one event of one batch. What lies after it has not been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedOffset {
    /// The number of the batch.
    pub number: i64,
    /// The event's place among all that the batch tells, from 0; [`Place::END`] is the end of the batch.
    pub index: u32,
}

impl FeedOffset {
    /// The index of the end of a batch.
    pub const END: u32 = u32::MAX;

    /// The place after all that a batch tells.
    #[must_use]
    pub fn after(number: i64) -> Self {
        Self { number, index: Self::END }
    }
}
