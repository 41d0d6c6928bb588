//! Permits that callers get in turn, so that a caller that waits for many of them delays each permit of another caller by at
//! most one of its own.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::members::Members;
use crate::budget::Payer;

/// Permits for one kind of work. Cheap to clone.
#[derive(Clone)]
pub(super) struct Turns(Arc<Shared>);

struct Shared {
    max_per_caller: usize,
    state: Mutex<Queues>,
}

struct Queues {
    free: usize,
    /// Callers that hold a permit or wait for one.
    callers: HashMap<Payer, Caller>,
    /// Callers that wait, in the order of their turns, each once.
    order: VecDeque<Payer>,
}

#[derive(Default)]
struct Caller {
    held: usize,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// A permit, returned when dropped.
pub(super) struct Turn {
    turns: Turns,
    caller: Payer,
}

/// The callers that a permit is for.
#[derive(Clone, Copy)]
pub(super) enum TurnOf<'a> {
    /// This one.
    Caller(Payer),
    /// The one that has the fewest permits and waits for the fewest.
    OneOf(&'a Members),
}

impl Turns {
    /// So many permits at a time, of which one caller may hold `max_per_caller`.
    pub(super) fn new(permits: usize, max_per_caller: usize) -> Self {
        let state = Queues { free: permits, callers: HashMap::new(), order: VecDeque::new() };
        Self(Arc::new(Shared { max_per_caller, state: Mutex::new(state) }))
    }

    /// Waits for a permit.
    pub(super) async fn acquire(&self, of: TurnOf<'_>) -> Turn {
        let (sender, receiver) = oneshot::channel();
        let granted = {
            let mut state = self.lock();
            let load = |caller| state.callers.get(&caller).map_or(0, |caller| caller.held + caller.waiting.len());
            let caller = match of {
                TurnOf::Caller(caller) => caller,
                TurnOf::OneOf(members) => members.least(load),
            };
            let waiting = &mut state.callers.entry(caller).or_default().waiting;
            waiting.push_back(sender);
            if waiting.len() == 1 {
                state.order.push_back(caller);
            }
            self.grant(&mut state)
        };
        send(granted);
        match receiver.await {
            Ok(turn) => turn,
            Err(_) => unreachable!("a sender is dropped only after its receiver"),
        }
    }

    /// Takes free permits for the callers whose turn it is.
    fn grant(&self, state: &mut Queues) -> Vec<(oneshot::Sender<Turn>, Turn)> {
        let mut granted = Vec::new();
        // Each caller once; those that get a permit and still wait are at the end then.
        let mut passed_over = 0;
        while state.free > 0 && passed_over < state.order.len() {
            let Some(payer) = state.order.pop_front() else { break };
            let Some(caller) = state.callers.get_mut(&payer) else { continue };
            if caller.held >= self.0.max_per_caller {
                state.order.push_back(payer);
                passed_over += 1;
                continue;
            }
            // A receiver that is gone needs no permit.
            while let Some(sender) = caller.waiting.pop_front() {
                if !sender.is_closed() {
                    caller.held += 1;
                    state.free -= 1;
                    granted.push((sender, Turn { turns: self.clone(), caller: payer }));
                    break;
                }
            }
            if !caller.waiting.is_empty() {
                state.order.push_back(payer);
            } else if caller.held == 0 {
                state.callers.remove(&payer);
            }
            passed_over = 0;
        }
        granted
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner) // no panic leaves it half changed
    }
}

/// Hands permits over, without the lock: a permit whose receiver is gone by now is returned.
fn send(granted: Vec<(oneshot::Sender<Turn>, Turn)>) {
    for (sender, turn) in granted {
        drop(sender.send(turn));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let granted = {
            let mut state = self.turns.lock();
            state.free += 1;
            if let Some(caller) = state.callers.get_mut(&self.caller) {
                caller.held -= 1;
                if caller.held == 0 && caller.waiting.is_empty() {
                    state.callers.remove(&self.caller);
                }
            }
            self.turns.grant(&mut state)
        };
        send(granted);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::{domain::api_key::ApiKeyId, limits::Quota};

    fn key(number: i64) -> TurnOf<'static> {
        TurnOf::Caller(Payer::Key(ApiKeyId(number)))
    }

    /// The caller of a permit that is there.
    fn now(waiting: &mut std::pin::Pin<Box<impl Future<Output = Turn>>>) -> Option<Turn> {
        waiting.as_mut().now_or_never()
    }

    #[tokio::test]
    async fn a_caller_with_many_waiting_delays_another_by_one_turn() {
        let turns = Turns::new(1, 1);
        let first = turns.acquire(key(1)).await;
        let mut many: Vec<_> = (0..100).map(|_| Box::pin(turns.acquire(key(1)))).collect(); // within one poll of tokio
        assert!(many.iter_mut().all(|waiting| now(waiting).is_none()));
        let mut other = Box::pin(turns.acquire(key(2)));
        assert!(now(&mut other).is_none());
        drop(first);
        let turn = now(&mut many[0]).expect("it waited first");
        assert!(now(&mut other).is_none());
        drop(turn);
        drop(now(&mut other).expect("then it is the other caller's turn"));
        for mut waiting in many.into_iter().skip(1) {
            drop(now(&mut waiting).expect("then those that are left"));
        }
        let state = turns.lock();
        assert_eq!((state.free, state.callers.len(), state.order.len()), (1, 0, 0));
    }

    #[tokio::test]
    async fn a_caller_never_holds_all_permits() {
        let turns = Turns::new(4, 2);
        let held = [turns.acquire(key(1)).await, turns.acquire(key(1)).await];
        let mut third = Box::pin(turns.acquire(key(1)));
        assert!(now(&mut third).is_none());
        let other = turns.acquire(key(2)).await;
        assert!(now(&mut third).is_none());
        drop(held);
        assert!(now(&mut third).is_some());
        drop(other);
    }

    #[tokio::test]
    async fn a_permit_of_a_cancelled_wait_goes_to_the_next() {
        let turns = Turns::new(1, 1);
        let held = turns.acquire(key(1)).await;
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(turns.acquire(key(1)))).collect();
        assert!(waiting.iter_mut().all(|waiting| now(waiting).is_none()));
        let mut last = waiting.pop().expect("three");
        waiting.pop();
        drop(held); // grants the first
        drop(waiting); // which is not taken
        assert!(now(&mut last).is_some());
        assert!(turns.lock().callers.is_empty());
    }

    #[tokio::test]
    async fn a_turn_of_several_callers_is_that_of_the_one_with_the_fewest() {
        let turns = Turns::new(1, 1);
        let (members, quota) = (Members::default(), Quota::new(1, 9));
        for number in [1, 2] {
            let caller = Payer::Key(ApiKeyId(number));
            members.add(caller, || quota.try_acquire(&caller)).expect("a permit");
        }
        let held = turns.acquire(key(1)).await;
        let mut waiting = Box::pin(turns.acquire(key(1)));
        assert!(now(&mut waiting).is_none());
        let mut shared = Box::pin(turns.acquire(TurnOf::OneOf(&members)));
        assert!(now(&mut shared).is_none());
        assert_eq!(turns.lock().callers[&Payer::Key(ApiKeyId(2))].waiting.len(), 1);
        drop(held);
    }
}
