//! Inbox of a channel: the numbers of pending batches that may concern it.
//!
//! The dispatcher adds to it, and one task of the channel at a time processes it. It holds no batches: these are in
//! memory once, in the ring of the feed. A channel whose inbox overflows drops it and reads the feed directly, until it
//! has caught up with the dispatcher.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use tokio::task::AbortHandle;

/// Limits of the inbox; a row takes 4 bytes.
const MAX_INBOX_BATCHES: usize = 256;
const MAX_INBOX_ROWS: usize = 4096;
/// Maximum number of batches taken at once.
const MAX_BATCHES_PER_TAKE: usize = 100;

/// Rows of a batch, by index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RowSelection {
    /// Any row may match.
    All,
    /// Only these rows may match.
    Candidates(Vec<u32>),
    /// Exactly these rows match.
    Matching(Vec<u32>),
}

impl RowSelection {
    fn len(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Candidates(rows) | Self::Matching(rows) => rows.len(),
        }
    }
}

/// Work for the task of a channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Process these batches, by number.
    Batches(Vec<(i64, RowSelection)>),
    /// Read all batches after this one.
    ReadFeedAfter(i64),
}

/// Position of the dispatcher.
#[derive(Debug, Default)]
pub(super) struct DispatchPosition {
    /// The batch that was matched last, or is being matched.
    pub started: AtomicI64,
    /// All batches up to this one are in the inboxes of the channels that they may concern.
    pub dispatched: AtomicI64,
}

/// Pending work of one channel.
pub(super) struct Inbox(Mutex<InboxState>);

struct InboxState {
    batches: VecDeque<(i64, RowSelection)>,
    rows: usize,
    /// Batches up to this one are ignored: they are already processed or irrelevant.
    from: i64,
    /// The batch after which the channel reads the feed directly.
    behind: Option<i64>,
    /// Whether a task processes it.
    is_running: bool,
    task: Option<AbortHandle>,
}

impl Inbox {
    /// The inbox of a channel that starts after a batch. If the dispatcher is already past it, the channel reads the
    /// batches in between directly.
    pub(super) fn new(from: i64, position: &DispatchPosition) -> Self {
        let is_behind = position.started.load(Ordering::SeqCst) > from;
        let behind = is_behind.then_some(from);
        Self(Mutex::new(InboxState { batches: VecDeque::new(), rows: 0, from, behind, is_running: false, task: None }))
    }

    /// Adds a batch; returns whether a task has to be started.
    pub(super) fn push(&self, number: i64, rows: RowSelection) -> bool {
        let mut state = self.lock();
        if state.behind.is_some() || number <= state.from {
            return false;
        }
        state.rows += rows.len();
        state.batches.push_back((number, rows));
        if state.batches.len() > MAX_INBOX_BATCHES || state.rows > MAX_INBOX_ROWS {
            let first = state.batches.front().map_or(number, |&(first, _)| first);
            state.fall_behind(first - 1);
        }
        !std::mem::replace(&mut state.is_running, true)
    }

    /// Whether a task has to be started at once, for a channel that starts behind the dispatcher.
    pub(super) fn starts_behind(&self) -> bool {
        let mut state = self.lock();
        state.behind.is_some() && !std::mem::replace(&mut state.is_running, true)
    }

    /// The next work of the running task; `None` when the task has to end.
    pub(super) fn take(&self) -> Option<Work> {
        let mut state = self.lock();
        if let Some(after) = state.behind {
            return Some(Work::ReadFeedAfter(after));
        }
        if state.batches.is_empty() {
            state.is_running = false;
            state.batches.shrink_to(4);
            return None;
        }
        let count = state.batches.len().min(MAX_BATCHES_PER_TAKE);
        let batches: Vec<_> = state.batches.drain(..count).collect();
        state.rows -= batches.iter().map(|(_, rows)| rows.len()).sum::<usize>();
        Some(Work::Batches(batches))
    }

    /// Makes the running task read the feed directly after this batch.
    pub(super) fn fall_behind(&self, after: i64) {
        self.lock().fall_behind(after);
    }

    /// Marks all batches up to this one as processed. If the dispatcher is not past it, the inbox receives batches
    /// again.
    pub(super) fn mark_processed(&self, number: i64, position: &DispatchPosition) {
        let mut state = self.lock();
        if position.started.load(Ordering::SeqCst) <= number {
            (state.behind, state.from) = (None, number);
        } else {
            state.behind = Some(number);
        }
    }

    /// Calls `when_idle` if no work is pending, before any can be added.
    pub(super) fn when_idle(&self, when_idle: impl FnOnce()) {
        let state = self.lock();
        if !state.is_running && state.behind.is_none() && state.batches.is_empty() {
            when_idle();
        }
    }

    /// Stores the handle of the task.
    pub(super) fn set_task(&self, task: AbortHandle) {
        self.lock().task = Some(task);
    }

    /// Aborts the task.
    pub(super) fn abort(&self) {
        if let Some(task) = self.lock().task.take() {
            task.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, InboxState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a panic leaves no partial change
    }
}

impl InboxState {
    fn fall_behind(&mut self, after: i64) {
        self.behind = Some(after);
        self.batches = VecDeque::new();
        self.rows = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: i64) -> DispatchPosition {
        DispatchPosition { started: number.into(), dispatched: number.into() }
    }

    #[test]
    fn batches_are_taken_once_by_one_task() {
        let inbox = Inbox::new(5, &at(5));
        assert!(!inbox.push(5, RowSelection::All), "it is not after the beginning");
        assert!(inbox.push(6, RowSelection::Candidates(vec![1])));
        assert!(!inbox.push(7, RowSelection::All), "a task runs");
        assert_eq!(
            inbox.take(),
            Some(Work::Batches(vec![(6, RowSelection::Candidates(vec![1])), (7, RowSelection::All)]))
        );
        inbox.when_idle(|| panic!("it is being processed"));
        assert_eq!(inbox.take(), None);
        let mut idle = false;
        inbox.when_idle(|| idle = true);
        assert!(idle && inbox.push(8, RowSelection::All));
    }

    #[test]
    fn channel_that_starts_behind_the_dispatcher_reads_the_feed() {
        let (inbox, position) = (Inbox::new(5, &at(7)), at(7));
        assert!(inbox.starts_behind() && !inbox.push(8, RowSelection::All));
        position.started.store(8, Ordering::SeqCst);
        assert_eq!(inbox.take(), Some(Work::ReadFeedAfter(5)));
        inbox.mark_processed(7, &position);
        assert_eq!(inbox.take(), Some(Work::ReadFeedAfter(7)), "8 was not added");
        inbox.mark_processed(9, &position);
        assert_eq!(inbox.take(), None);
        assert!(!inbox.push(9, RowSelection::All), "the feed was read up to it");
        assert!(inbox.push(10, RowSelection::All));
    }

    #[test]
    fn overflowing_inbox_falls_back_to_reading_the_feed() {
        for rows in [RowSelection::All, RowSelection::Candidates(vec![0; 100])] {
            let inbox = Inbox::new(0, &at(0));
            let mut number = 0;
            while inbox.lock().behind.is_none() {
                number += 10;
                inbox.push(number, rows.clone());
                assert!(number < 10_000);
            }
            assert_eq!(inbox.take(), Some(Work::ReadFeedAfter(9)), "after what came before the first");
            assert!(inbox.lock().batches.capacity() == 0);
        }
    }
}
