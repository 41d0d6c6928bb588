//! Cache of rendered events, for channels that differ only in their filter.
//!
//! The rendering of an event depends on the selection and the key, not on the filter that it passed. So the first of
//! such channels renders an event for all of them. Events are kept until the next [`RenderCache::clear`].

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;

use crate::domain::feed::FeedOffset;

/// Maximum size per selection, in bytes.
const MAX_CHANNEL_BYTES: usize = 256 << 10;
/// Maximum size of all selections together, in bytes.
const MAX_TOTAL_BYTES: usize = 64 << 20;
/// Memory of an event beside its text, in bytes.
const EVENT_OVERHEAD_BYTES: usize = 64;

/// Cached bytes of all selections. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct TotalRenderedBytes(Arc<AtomicUsize>);

/// Rendered events of one selection.
pub(super) struct RenderCache {
    events: Mutex<RenderCacheState>,
    total_bytes: TotalRenderedBytes,
}

#[derive(Default)]
struct RenderCacheState {
    by_offset: BTreeMap<FeedOffset, Bytes>,
    bytes: usize,
}

impl RenderCache {
    pub(super) fn new(total_bytes: TotalRenderedBytes) -> Self {
        Self { events: Mutex::default(), total_bytes }
    }

    /// The rendered event at each offset, if it is cached.
    pub(super) fn get(&self, offsets: &[FeedOffset]) -> Vec<Option<Bytes>> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner); // a panic leaves a consistent state
        offsets.iter().map(|offset| events.by_offset.get(offset).cloned()).collect()
    }

    /// Caches rendered events; evicts the oldest.
    pub(super) fn insert(&self, rendered: impl IntoIterator<Item = (FeedOffset, Bytes)>) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        for (offset, bytes) in rendered {
            if events.by_offset.contains_key(&offset) {
                continue;
            }
            let size = bytes.len() + EVENT_OVERHEAD_BYTES;
            if self.total_bytes.0.load(Ordering::Relaxed) + size > MAX_TOTAL_BYTES {
                return;
            }
            events.by_offset.insert(offset, bytes);
            events.bytes += size;
            self.total_bytes.0.fetch_add(size, Ordering::Relaxed);
            while events.bytes > MAX_CHANNEL_BYTES {
                let Some((_, oldest)) = events.by_offset.pop_first() else { break };
                events.bytes -= oldest.len() + EVENT_OVERHEAD_BYTES;
                self.total_bytes.0.fetch_sub(oldest.len() + EVENT_OVERHEAD_BYTES, Ordering::Relaxed);
            }
        }
    }

    /// Removes all events.
    pub(super) fn clear(&self) {
        let events = std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner));
        self.total_bytes.0.fetch_sub(events.bytes, Ordering::Relaxed);
    }
}

impl Drop for RenderCache {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_events_are_cached_within_the_limit() {
        let total_bytes = TotalRenderedBytes::default();
        let rendered = RenderCache::new(total_bytes.clone());
        let event = |number| (FeedOffset::after(number), Bytes::from(vec![0; 1000]));
        rendered.insert((0..300).map(event));
        rendered.insert([event(299)]);
        let kept = rendered.get(&[FeedOffset::after(0), FeedOffset::after(299)]);
        assert!(kept[0].is_none() && kept[1].is_some());
        let bytes = total_bytes.0.load(Ordering::Relaxed);
        assert!((MAX_CHANNEL_BYTES - 2000..=MAX_CHANNEL_BYTES).contains(&bytes), "{bytes}");
        drop(rendered);
        assert_eq!(total_bytes.0.load(Ordering::Relaxed), 0);
    }
}
