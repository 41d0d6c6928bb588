//! Permits for a resource that is held for some time, such as a connection: bounded per caller and in total.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Limit;

/// Permits of one resource. Cheap to clone.
#[derive(Debug)]
pub struct Quota<K: Eq + Hash>(Arc<Inner<K>>);

impl<K: Eq + Hash> Clone for Quota<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Debug)]
struct Inner<K> {
    max_per_caller: usize,
    max_total: usize,
    used: Mutex<Used<K>>,
}

/// Holds an entry only for callers that hold a permit, so its size is bounded by `max_total`.
#[derive(Debug)]
struct Used<K> {
    total: usize,
    by_caller: HashMap<K, usize>,
}

/// Which of its two limits refused a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaExceeded {
    /// The caller holds the maximum per caller.
    PerCaller,
    /// All permits are held.
    Total,
}

impl QuotaExceeded {
    /// The limit that was exceeded.
    #[must_use]
    pub const fn limit(self, per_caller: Limit, total: Limit) -> Limit {
        match self {
            Self::PerCaller => per_caller,
            Self::Total => total,
        }
    }
}

/// A permit, returned when dropped.
#[derive(Debug)]
pub struct Permit<K: Eq + Hash> {
    quota: Arc<Inner<K>>,
    /// `None` for a permit that counts in total only.
    caller: Option<K>,
    count: usize,
}

impl<K: Eq + Hash + Clone> Quota<K> {
    /// A resource of which one caller may use `max_per_caller`, and all together `max_total`.
    #[must_use]
    pub fn new(max_per_caller: usize, max_total: usize) -> Self {
        let used = Mutex::new(Used { total: 0, by_caller: HashMap::new() });
        Self(Arc::new(Inner { max_per_caller, max_total, used }))
    }

    /// A permit for a caller.
    ///
    /// # Errors
    /// When one of the limits is reached.
    pub fn try_acquire(&self, caller: &K) -> Result<Permit<K>, QuotaExceeded> {
        self.try_acquire_up_to(caller, 1, self.0.max_per_caller)
    }

    /// `count` permits as one, for a caller that may hold `max_per_caller`.
    ///
    /// # Errors
    /// When one of the limits would be exceeded.
    pub fn try_acquire_up_to(
        &self,
        caller: &K,
        count: usize,
        max_per_caller: usize,
    ) -> Result<Permit<K>, QuotaExceeded> {
        let mut used = self.0.lock();
        let held = used.by_caller.get(caller).copied().unwrap_or(0);
        if held.saturating_add(count) > max_per_caller {
            return Err(QuotaExceeded::PerCaller);
        }
        if used.total.saturating_add(count) > self.0.max_total {
            return Err(QuotaExceeded::Total);
        }
        used.total += count;
        *used.by_caller.entry(caller.clone()).or_default() += count;
        Ok(Permit { quota: self.0.clone(), caller: Some(caller.clone()), count })
    }

    /// `count` permits as one, such as for bytes.
    ///
    /// # Errors
    /// When one of the limits would be exceeded.
    pub fn try_acquire_many(&self, caller: &K, count: usize) -> Result<Permit<K>, QuotaExceeded> {
        self.try_acquire_up_to(caller, count, self.0.max_per_caller)
    }

    /// A permit that counts in total only: for a caller that acts for many, such as a trusted proxy.
    ///
    /// # Errors
    /// When all permits are held.
    pub fn try_acquire_shared(&self) -> Result<Permit<K>, QuotaExceeded> {
        let mut used = self.0.lock();
        if used.total >= self.0.max_total {
            return Err(QuotaExceeded::Total);
        }
        used.total += 1;
        Ok(Permit { quota: self.0.clone(), caller: None, count: 1 })
    }

    /// Permits that a caller holds now.
    #[must_use]
    pub fn held_by(&self, caller: &K) -> usize {
        self.0.lock().by_caller.get(caller).copied().unwrap_or(0)
    }

    /// Permits that are held now, as a gauge.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.0.lock().total
    }
}

impl<K: Eq + Hash + Clone> Permit<K> {
    /// Grows the permit by `count`.
    ///
    /// # Errors
    /// When that exceeds one of the limits. The permit stays unchanged then.
    pub fn try_grow(&mut self, count: usize) -> Result<(), QuotaExceeded> {
        let Some(caller) = &self.caller else { return Err(QuotaExceeded::PerCaller) };
        let mut more = Quota(self.quota.clone()).try_acquire_many(caller, count)?;
        self.count += std::mem::take(&mut more.count);
        Ok(())
    }

    /// The number of permits that it counts as.
    #[must_use]
    pub fn amount(&self) -> usize {
        self.count
    }
}

impl<K> Inner<K> {
    fn lock(&self) -> MutexGuard<'_, Used<K>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner) // a panic leaves it consistent
    }
}

impl<K: Eq + Hash> Drop for Permit<K> {
    fn drop(&mut self) {
        let mut used = self.quota.lock();
        used.total -= self.count;
        let Some(caller) = &self.caller else { return };
        if let Some(held) = used.by_caller.get_mut(caller) {
            *held -= self.count;
            if *held == 0 {
                used.by_caller.remove(caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_are_bounded_per_caller_and_in_total_and_returned() {
        let quota = Quota::new(2, 3);
        let held = (quota.try_acquire(&'a'), quota.try_acquire(&'a'));
        assert_eq!(quota.try_acquire(&'a').err(), Some(QuotaExceeded::PerCaller));
        let other = quota.try_acquire(&'b');
        assert_eq!(quota.try_acquire(&'b').err(), Some(QuotaExceeded::Total));
        assert_eq!(quota.in_use(), 3);
        drop(held);
        assert_eq!(quota.in_use(), 1);
        assert!(quota.try_acquire(&'a').is_ok());
        let shared = (quota.try_acquire_shared(), quota.try_acquire_shared());
        assert_eq!(quota.try_acquire_shared().err(), Some(QuotaExceeded::Total));
        drop((other, shared));
        assert_eq!(quota.in_use(), 0);
        assert!(quota.0.lock().by_caller.is_empty(), "no entry is left for a caller without permits");
    }

    #[test]
    fn permits_of_one_acquire_are_returned_together() {
        let quota = Quota::new(1, 6);
        let held = quota.try_acquire_up_to(&'a', 4, 5).expect("four of five");
        assert_eq!((quota.held_by(&'a'), quota.in_use()), (4, 4));
        assert_eq!(quota.try_acquire_up_to(&'a', 2, 5).err(), Some(QuotaExceeded::PerCaller));
        assert_eq!(quota.try_acquire_up_to(&'b', 3, 5).err(), Some(QuotaExceeded::Total));
        drop(held);
        assert_eq!((quota.held_by(&'a'), quota.in_use()), (0, 0));
    }

    #[test]
    fn a_permit_grows_within_the_limits() {
        let quota = Quota::new(10, 15);
        let mut held = quota.try_acquire_many(&'a', 4).expect("enough");
        assert!(held.try_grow(4).is_ok() && held.try_grow(3).is_err());
        assert_eq!((held.amount(), quota.in_use()), (8, 8));
        assert_eq!(quota.try_acquire_many(&'b', 8).err(), Some(QuotaExceeded::Total));
        drop(held);
        assert!(quota.try_acquire_many(&'a', 10).is_ok());
    }

    #[test]
    fn a_limit_of_zero_refuses_all() {
        assert_eq!(Quota::new(0, 3).try_acquire(&'a').err(), Some(QuotaExceeded::PerCaller));
    }
}
