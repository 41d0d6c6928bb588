//! Limits of the memory of request bodies and messages.

/// Memory of the bodies and messages that are held. Those up to 16 kB don't count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes of one caller.
    pub max_bytes_per_caller: usize,
    /// Bytes of all callers.
    pub max_bytes: usize,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { max_bytes_per_caller: 24 << 20, max_bytes: 64 << 20 }
    }
}
