//! Limits of shared resources: how much of each one caller may use, and how much all callers may use together.
//!
//! [`Limits`] holds every value with its default, one file a subject. Tests lower single values. A request that exceeds a
//! limit gets `ApiError::LimitReached`, which names the limit and says when to retry; `Refusals` counts these errors
//! by limit.

mod bodies;
mod connections;
mod deletions;
mod exports;
mod keys;
mod limit;
mod quota;
pub mod rate_limit;
mod reading;
mod recording;
mod responses;
mod subscriptions;
mod uploads;
mod websockets;

pub use bodies::BodyLimits;
pub use connections::ConnectionLimits;
pub use deletions::DeletionLimits;
pub use exports::ExportLimits;
pub use keys::KeyLimits;
pub use limit::{Limit, Scope};
pub use quota::{Permit, Quota, QuotaExceeded};
pub use reading::ReadLimits;
pub use recording::RecordingLimits;
pub use responses::ResponseLimits;
pub use subscriptions::SubscriptionLimits;
pub use uploads::UploadLimits;
pub use websockets::WebSocketLimits;

/// The values of all limits of one gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// TCP connections.
    pub connections: ConnectionLimits,
    /// GraphQL responses.
    pub responses: ResponseLimits,
    /// Request bodies and messages.
    pub bodies: BodyLimits,
    /// `WebSocket`s.
    pub websockets: WebSocketLimits,
    /// Invalid API keys.
    pub keys: KeyLimits,
    /// File uploads.
    pub uploads: UploadLimits,
    /// Exports.
    pub exports: ExportLimits,
    /// Subscriptions.
    pub subscriptions: SubscriptionLimits,
    /// Reads of GraphQL requests.
    pub reading: ReadLimits,
    /// Deletions of measurements.
    pub deletions: DeletionLimits,
    /// Additions by one key through recording.
    pub recording: RecordingLimits,
}
