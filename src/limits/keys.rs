//! Limits of invalid API keys.

/// How many keys may be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLimits {
    /// Invalid keys that one address may send in a minute.
    pub max_invalid_per_minute: u32,
    /// Keys of one address that are looked up at the same time, those that were valid before not counted.
    pub max_lookups_per_address: usize,
}

impl Default for KeyLimits {
    fn default() -> Self {
        Self { max_invalid_per_minute: 30, max_lookups_per_address: 200 }
    }
}
