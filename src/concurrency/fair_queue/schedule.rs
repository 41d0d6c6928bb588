//! Decides which request gets the next permit. Pure: no clock, no task, no lock.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use super::{PermitShare, QueueFull};

/// Waiting requests of type `W` of callers `K`, and the permits.
#[derive(Debug)]
pub(super) struct Schedule<K, W> {
    permits: usize,
    free: usize,
    share: PermitShare,
    max_waiting_per_caller: usize,
    /// Callers that hold a permit or have a request waiting.
    callers: HashMap<K, CallerState<W>>,
    /// Callers with waiting requests, each once, in the order of their turns.
    turns: VecDeque<K>,
}

#[derive(Debug)]
struct CallerState<W> {
    held: usize,
    waiting: VecDeque<W>,
}

impl<W> Default for CallerState<W> {
    fn default() -> Self {
        Self { held: 0, waiting: VecDeque::new() }
    }
}

impl<K: Eq + Hash + Clone, W> Schedule<K, W> {
    pub fn new(permits: usize, share: PermitShare, max_waiting_per_caller: usize) -> Self {
        Self { permits, free: permits, share, max_waiting_per_caller, callers: HashMap::new(), turns: VecDeque::new() }
    }

    pub fn permits(&self) -> usize {
        self.permits
    }

    pub fn held(&self) -> usize {
        self.permits - self.free
    }

    pub fn waiting(&self) -> usize {
        self.callers.values().map(|caller| caller.waiting.len()).sum()
    }

    /// Permits that a caller holds, and its waiting requests.
    pub fn caller_load(&self, caller: &K) -> usize {
        self.callers.get(caller).map_or(0, |state| state.held + state.waiting.len())
    }

    /// Takes a permit for a caller if no request waits and the caller may hold one more.
    pub fn try_take(&mut self, caller: &K) -> bool {
        let held = self.callers.get(caller).map_or(0, |state| state.held);
        let is_granted = self.turns.is_empty() && self.free > 0 && self.share.allows(held, self.free);
        if is_granted {
            self.free -= 1;
            self.callers.entry(caller.clone()).or_default().held += 1;
        }
        is_granted
    }

    /// Whether a caller has the maximum number of requests waiting.
    pub fn is_full(&self, caller: &K) -> bool {
        self.callers.get(caller).map_or(0, |state| state.waiting.len()) >= self.max_waiting_per_caller
    }

    /// Removes cancelled requests of a caller.
    pub fn remove_gone(&mut self, caller: &K, is_gone: impl Fn(&W) -> bool) {
        if let Some(state) = self.callers.get_mut(caller) {
            state.waiting.retain(|request| !is_gone(request));
        }
        self.remove_if_idle(caller);
    }

    /// Enqueues a request behind those of the same caller.
    pub fn enqueue(&mut self, caller: K, request: W) -> Result<(), QueueFull> {
        if self.is_full(&caller) {
            return Err(QueueFull);
        }
        let state = self.callers.entry(caller.clone()).or_default();
        state.waiting.push_back(request);
        if state.waiting.len() == 1 {
            self.turns.push_back(caller);
        }
        Ok(())
    }

    /// The request that gets a permit now, if there is one. A caller at its share keeps its turn. Cancelled requests
    /// are removed.
    pub fn next(&mut self, is_gone: impl Fn(&W) -> bool) -> Option<(K, W)> {
        let mut at = 0;
        while self.free > 0 {
            let caller = self.turns.get(at)?.clone();
            let state = self.callers.get_mut(&caller)?;
            while state.waiting.front().is_some_and(&is_gone) {
                state.waiting.pop_front();
            }
            if state.waiting.is_empty() {
                self.remove_if_idle(&caller); // removes its turn, so the next caller is at this index
            } else if !self.share.allows(state.held, self.free) {
                at += 1;
            } else {
                let request = state.waiting.pop_front()?;
                state.held += 1;
                self.free -= 1;
                if !state.waiting.is_empty() {
                    self.turns.push_back(caller.clone());
                }
                self.turns.remove(at);
                return Some((caller, request));
            }
        }
        None
    }

    /// Whether there is no state of any caller.
    #[cfg(test)]
    pub fn is_idle(&self) -> bool {
        self.callers.is_empty() && self.turns.is_empty()
    }

    /// A caller returns a permit.
    pub fn release(&mut self, caller: &K) {
        if let Some(state) = self.callers.get_mut(caller) {
            state.held -= 1;
            self.free += 1;
        }
        self.remove_if_idle(caller);
    }

    /// Removes a caller that neither holds nor waits, and the turn of one that does not wait.
    fn remove_if_idle(&mut self, caller: &K) {
        let Some(state) = self.callers.get(caller) else { return };
        if state.waiting.is_empty() {
            if state.held == 0 {
                self.callers.remove(caller);
            }
            self.turns.retain(|other| other != caller);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn next(schedule: &mut Schedule<usize, usize>) -> Option<(usize, usize)> {
        schedule.next(|_| false)
    }

    #[test]
    fn waiting_requests_delay_another_caller_by_one_turn() {
        let mut schedule = Schedule::new(1, PermitShare::UpToFree, 1000);
        schedule.enqueue(0, 0).expect("room");
        assert_eq!(next(&mut schedule), Some((0, 0)));
        for request in 0..1000 {
            schedule.enqueue(0, request).expect("room");
        }
        schedule.enqueue(1, 7).expect("room");
        schedule.release(&0);
        assert_eq!(next(&mut schedule), Some((0, 0)), "its turn came first");
        schedule.release(&0);
        assert_eq!(next(&mut schedule), Some((1, 7)));
    }

    #[test]
    fn callers_leave_permits_free_for_the_next_one() {
        let mut schedule = Schedule::new(14, PermitShare::UpToFree, 100);
        let mut held = Vec::new();
        for caller in 0..4 {
            for request in 0..100 {
                schedule.enqueue(caller, request).expect("room");
            }
            while next(&mut schedule).is_some_and(|(granted, _)| {
                assert_eq!(granted, caller, "the others are at their share");
                true
            }) {}
            held.push(schedule.callers[&caller].held);
        }
        assert_eq!(held, [7, 4, 2, 1]);
        assert_eq!(schedule.held(), 14);
    }

    proptest! {
        /// Permits are never exceeded. None is idle while a caller without one waits. Requests of a caller keep their
        /// order. While a request at the head of its caller's queue waits and its caller may have a permit, no other
        /// caller is granted twice.
        #[test]
        fn turns_are_fair(
            permits in 1..20_usize,
            steps in proptest::collection::vec((0..6_usize, 0..4_u8), 1..400),
        ) {
            let mut schedule = Schedule::new(permits, PermitShare::UpToFree, 50);
            let (mut number, mut held) = (0, BTreeMap::<usize, usize>::new());
            let mut last = BTreeMap::<usize, usize>::new();
            // For each waiting caller: grants to others since its head started to wait, while it could have been
            // granted.
            let mut passed = BTreeMap::<usize, BTreeMap<usize, usize>>::new();
            for (caller, what) in steps {
                if what == 0 {
                    if let Some(count @ 1..) = held.get_mut(&caller) {
                        *count -= 1;
                        schedule.release(&caller);
                    }
                } else if what == 3 && schedule.try_take(&caller) {
                    let free = permits - held.values().sum::<usize>();
                    let own = held.entry(caller).or_default();
                    prop_assert!(passed.is_empty() && *own < free, "it was not its turn, or not its share");
                    *own += 1;
                } else if schedule.enqueue(caller, number).is_ok() {
                    number += 1;
                    passed.entry(caller).or_default();
                }
                loop {
                    let free = permits - held.values().sum::<usize>();
                    let Some((granted, request)) = next(&mut schedule) else { break };
                    prop_assert!(last.insert(granted, request).is_none_or(|before| before < request));
                    passed.remove(&granted);
                    for (waiting, by) in &mut passed {
                        if held.get(waiting).copied().unwrap_or(0) < free {
                            *by.entry(granted).or_default() += 1;
                            prop_assert!(by[&granted] <= 1, "{granted} was granted {} times before {waiting}", by[&granted]);
                        }
                    }
                    *held.entry(granted).or_default() += 1;
                    if schedule.callers[&granted].waiting.is_empty() { continue }
                    passed.insert(granted, BTreeMap::new());
                }
                let in_use: usize = held.values().sum();
                prop_assert!(in_use <= permits && schedule.held() == in_use);
                let starving = schedule.callers.values().any(|state| state.held == 0 && !state.waiting.is_empty());
                prop_assert!(!starving || in_use == permits, "a permit is idle while a caller without one waits");
            }
            let kept = schedule.callers.values().all(|state| state.held > 0 || !state.waiting.is_empty());
            prop_assert!(kept, "a caller without permits and requests is kept");
        }
    }
}
