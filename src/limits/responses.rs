//! Limits of GraphQL responses.

/// Sizes of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseLimits {
    /// Bytes of one response.
    pub max_bytes: usize,
    /// Bytes of the responses to one caller that are being sent. Responses that fit into the buffers of a connection
    /// don't count.
    pub max_bytes_sent_per_caller: usize,
    /// Bytes of the responses to all callers that are being sent.
    pub max_bytes_sent: usize,
}

impl Default for ResponseLimits {
    fn default() -> Self {
        Self { max_bytes: 64 << 20, max_bytes_sent_per_caller: 128 << 20, max_bytes_sent: 512 << 20 }
    }
}
