//! A value whose hash is computed once.

use std::{
    hash::{BuildHasher as _, Hash, Hasher, RandomState},
    ops::Deref,
    sync::LazyLock,
};

/// A value that is part of many keys, such as the page of each device in a list.
#[derive(Clone, Debug)]
pub struct Prehashed<T> {
    value: T,
    hash: u64,
}

/// Equal values must have equal hashes, so all have the same state; it is random, so that no client can choose values
/// with equal ones.
static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl<T: Hash> Prehashed<T> {
    /// The value with its hash.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self { hash: STATE.hash_one(&value), value }
    }
}

impl<T> Hash for Prehashed<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<T: PartialEq> PartialEq for Prehashed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.value == other.value
    }
}

impl<T: Eq> Eq for Prehashed<T> {}

impl<T> Deref for Prehashed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn equal_values_are_one_key() {
        let keys: HashSet<_> = ["a", "b", "a"].map(|value| Prehashed::new(value.to_owned())).into();
        assert_eq!(keys.len(), 2);
        assert!(keys.contains(&Prehashed::new("b".to_owned())));
        assert!(!keys.contains(&Prehashed::new("c".to_owned())));
    }
}
