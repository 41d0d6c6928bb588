//! Documents that clients registered, those that are used the longest.

use std::collections::HashMap;

use super::Hash;

/// The longest text that is kept, in bytes.
const LONGEST: usize = 64 << 10;
/// What is kept in each generation, in bytes of the texts and of what goes with each.
const MOST: usize = 2 << 20;
/// What an entry takes beside its text, about, in bytes.
const OVERHEAD: usize = 128;

/// In two generations: when the young one is full, it becomes the old one and the old one goes. What is used comes into the
/// young one again. So what one client sends in masses pushes out what another uses only if that is used seldom.
#[derive(Debug, Default)]
pub(super) struct Registered {
    young: HashMap<Hash, Box<str>>,
    old: HashMap<Hash, Box<str>>,
    /// Of the young ones.
    bytes: usize,
}

impl Registered {
    pub fn get(&mut self, hash: &Hash) -> Option<String> {
        if let Some(text) = self.young.get(hash) {
            return Some(text.to_string());
        }
        let text = self.old.remove(hash)?;
        self.put(*hash, &text);
        Some(text.into())
    }

    pub fn put(&mut self, hash: Hash, text: &str) {
        if text.len() > LONGEST || self.young.contains_key(&hash) {
            return;
        }
        if self.bytes + text.len() + OVERHEAD > MOST {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += text.len() + OVERHEAD;
        self.young.insert(hash, text.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u32) -> Hash {
        let mut hash = Hash::default();
        hash[..4].copy_from_slice(&n.to_le_bytes());
        hash
    }

    #[test]
    fn no_more_is_kept_than_the_bound_and_what_is_used_stays() {
        let mut registered = Registered::default();
        registered.put(hash(0), "used");
        let long = "x".repeat(LONGEST / 2);
        for n in 1..1000 {
            registered.put(hash(n), &long);
            assert!(registered.bytes <= MOST);
            assert!(registered.young.len() + registered.old.len() <= 2 * MOST / long.len());
            if n % 20 == 0 {
                assert_eq!(registered.get(&hash(0)).as_deref(), Some("used"), "after {n}");
            }
        }
        assert_eq!(registered.get(&hash(1)), None);
        registered.put(hash(1000), &"x".repeat(LONGEST + 1));
        assert_eq!(registered.get(&hash(1000)), None);
    }
}
