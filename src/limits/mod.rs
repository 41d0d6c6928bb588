//! Limits of shared resources: how much of each one caller may use, and how much all callers may use together.
//!
//! [`Limits`] holds every value with its default, one file a subject. Tests lower single values. A request that exceeds a
//! limit gets [`ApiError::LimitReached`], which names the limit and says when to retry; [`Refusals`] counts these errors
//! by limit.

mod answers;
mod bodies;
mod connections;
mod deletions;
mod keys;
mod quota;
mod reading;
mod recording;
mod refusals;
mod subscriptions;
mod uploads;
mod websockets;

use std::time::Duration;

pub use answers::AnswerLimits;
pub use bodies::BodyLimits;
pub use connections::ConnectionLimits;
pub use deletions::Deletions;
pub use keys::KeyLimits;
pub use quota::{Permit, Quota, QuotaExceeded};
pub use reading::Reading;
pub use recording::RecordingLimits;
pub use refusals::Refusals;
pub use subscriptions::SubscriptionLimits;
pub use uploads::UploadLimits;
pub use websockets::WebSocketLimits;

use crate::error::ApiError;

/// The values of all limits of one gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// TCP connections.
    pub connections: ConnectionLimits,
    /// GraphQL answers.
    pub answers: AnswerLimits,
    /// Request bodies and messages.
    pub bodies: BodyLimits,
    /// `WebSocket`s.
    pub websockets: WebSocketLimits,
    /// Invalid API keys.
    pub keys: KeyLimits,
    /// File uploads.
    pub uploads: UploadLimits,
    /// Subscriptions.
    pub subscriptions: SubscriptionLimits,
    /// Of what GraphQL requests read.
    pub reading: Reading,
    /// Deletions of measurements.
    pub deletions: Deletions,
    /// Of what one key may add by recording.
    pub recording: RecordingLimits,
}

/// A limit of a shared resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Connections of one address.
    ConnectionsPerAddress,
    /// Connections of all clients.
    Connections,
    /// Time to send the head of a request.
    RequestHead,
    /// Time to read an answer.
    SlowReader,
    /// Size of one answer.
    AnswerBytes,
    /// Bytes of the answers to one caller that are being sent.
    AnswersSentPerCaller,
    /// Bytes of the answers to all callers that are being sent.
    AnswersSent,
    /// Memory of the bodies of one caller.
    BodiesPerCaller,
    /// Memory of all bodies.
    Bodies,
    /// Open `WebSocket`s of one caller.
    WebSocketsPerCaller,
    /// Open `WebSocket`s of all callers.
    WebSockets,
    /// Invalid keys of one address.
    InvalidKeys,
    /// Uploads of one key at the same time.
    UploadsPerKey,
    /// Uploads of all keys at the same time.
    Uploads,
    /// Time to send a file.
    SlowUpload,
    /// Time for which a caller's queries hold connections to Postgres.
    DatabaseTime,
    /// Subscriptions of all callers together.
    Subscriptions,
    /// Subscriptions of one caller.
    SubscriptionsPerCaller,
    /// Different subscriptions of all callers together.
    SubscriptionChannels,
    /// Different subscriptions of one caller.
    SubscriptionChannelsPerCaller,
    /// Deletions of measurements that run at the same time.
    Deletions,
    /// Devices that a key adds in an hour.
    NewDevices,
    /// Months that a key needs new partitions for in an hour.
    NewMonths,
    /// Bytes of bodies that are kept of a key in a day.
    UplinkBytes,
    /// Room on the disk of the embedded Postgres.
    DiskSpace,
}

/// Whose use a limit bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One caller: a key, a device, or an address without a key. Refused with 429.
    Caller,
    /// All callers together. Refused with 503.
    Gateway,
}

impl Limit {
    /// Every limit.
    pub const ALL: &[Self] = &[
        Self::ConnectionsPerAddress,
        Self::Connections,
        Self::RequestHead,
        Self::SlowReader,
        Self::AnswerBytes,
        Self::AnswersSentPerCaller,
        Self::AnswersSent,
        Self::BodiesPerCaller,
        Self::Bodies,
        Self::WebSocketsPerCaller,
        Self::WebSockets,
        Self::InvalidKeys,
        Self::UploadsPerKey,
        Self::Uploads,
        Self::SlowUpload,
        Self::DatabaseTime,
        Self::Subscriptions,
        Self::SubscriptionsPerCaller,
        Self::SubscriptionChannels,
        Self::SubscriptionChannelsPerCaller,
        Self::Deletions,
        Self::NewDevices,
        Self::NewMonths,
        Self::UplinkBytes,
        Self::DiskSpace,
    ];

    /// The value of the label `limit` in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConnectionsPerAddress => "connections_per_address",
            Self::Connections => "connections",
            Self::RequestHead => "request_head",
            Self::SlowReader => "slow_reader",
            Self::AnswerBytes => "answer_bytes",
            Self::AnswersSentPerCaller => "answers_sent_per_caller",
            Self::AnswersSent => "answers_sent",
            Self::BodiesPerCaller => "bodies_per_caller",
            Self::Bodies => "bodies",
            Self::WebSocketsPerCaller => "websockets_per_caller",
            Self::WebSockets => "websockets",
            Self::InvalidKeys => "invalid_keys",
            Self::UploadsPerKey => "uploads_per_key",
            Self::Uploads => "uploads",
            Self::SlowUpload => "slow_upload",
            Self::DatabaseTime => "database_time",
            Self::Subscriptions => "subscriptions",
            Self::SubscriptionsPerCaller => "subscriptions_per_caller",
            Self::SubscriptionChannels => "subscription_channels",
            Self::SubscriptionChannelsPerCaller => "subscription_channels_per_caller",
            Self::Deletions => "deletions",
            Self::NewDevices => "new_devices",
            Self::NewMonths => "new_months",
            Self::UplinkBytes => "uplink_bytes",
            Self::DiskSpace => "disk_space",
        }
    }

    /// Whose use it bounds.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::ConnectionsPerAddress
            | Self::RequestHead
            | Self::SlowReader
            | Self::AnswerBytes
            | Self::AnswersSentPerCaller
            | Self::BodiesPerCaller
            | Self::WebSocketsPerCaller
            | Self::InvalidKeys
            | Self::UploadsPerKey
            | Self::SlowUpload
            | Self::DatabaseTime
            | Self::SubscriptionsPerCaller
            | Self::SubscriptionChannelsPerCaller
            | Self::NewDevices
            | Self::NewMonths
            | Self::UplinkBytes => Scope::Caller,
            Self::Connections
            | Self::AnswersSent
            | Self::Bodies
            | Self::WebSockets
            | Self::Uploads
            | Self::Deletions
            | Self::Subscriptions
            | Self::SubscriptionChannels
            | Self::DiskSpace => Scope::Gateway,
        }
    }

    /// What the client is told: what there is too much of, and what to do.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ConnectionsPerAddress => "too many connections from your address; close some",
            Self::Connections => "too many connections to this gateway; retry later",
            Self::RequestHead => "the request head was not sent in time",
            Self::AnswerBytes => "the answer is too large; request smaller pages or fewer fields",
            Self::AnswersSentPerCaller => "too many large answers to you are being sent; read them first",
            Self::AnswersSent => "too many large answers are being sent; retry later",
            Self::BodiesPerCaller => "too many large requests of yours are being read; send fewer at the same time",
            Self::Bodies => "too many large requests are being read; retry later",
            Self::WebSocketsPerCaller => "too many WebSockets of yours are open; close some",
            Self::WebSockets => "too many WebSockets are open; retry later",
            Self::InvalidKeys => "too many invalid API keys from your address; retry later with a valid one",
            Self::UploadsPerKey => "too many uploads with your key at the same time; send files one after another",
            Self::Uploads => "too many uploads at the same time; retry later",
            Self::SlowUpload => "the file was not sent in time",
            Self::SlowReader => "the answer was not read in time; request less at once",
            Self::DatabaseTime => "the database time of this caller is used up; retry later",
            Self::Subscriptions => "too many subscriptions on this gateway; retry in 30 seconds",
            Self::SubscriptionsPerCaller => {
                "too many subscriptions of this key or address; end some, or retry in 30 seconds"
            }
            Self::SubscriptionChannels => "too many different subscriptions on this gateway; retry in 30 seconds",
            Self::SubscriptionChannelsPerCaller => {
                "too many different subscriptions of this key or address; end some, or retry in 30 seconds"
            }
            Self::Deletions => "another deletion is running; retry in 30 seconds",
            Self::NewDevices => {
                "too many new devices with this key; send samples of fewer unknown devices, or register them"
            }
            Self::NewMonths => {
                "samples of too many new months with this key; send fewer, or upload them with an admin key"
            }
            Self::UplinkBytes => "too many bytes of undecodable bodies with this key; correct what is sent",
            Self::DiskSpace => "disk almost full, so undecodable bodies are not kept; retry later",
        }
    }

    /// When a client may retry.
    #[must_use]
    pub const fn retry_after(self) -> Duration {
        match self {
            Self::BodiesPerCaller | Self::Bodies => Duration::from_secs(2),
            Self::RequestHead | Self::SlowReader | Self::AnswerBytes | Self::SlowUpload => Duration::from_secs(1),
            Self::ConnectionsPerAddress
            | Self::Connections
            | Self::AnswersSentPerCaller
            | Self::AnswersSent
            | Self::WebSocketsPerCaller
            | Self::WebSockets
            | Self::InvalidKeys
            | Self::UploadsPerKey
            | Self::Uploads => Duration::from_secs(10),
            Self::DatabaseTime
            | Self::Subscriptions
            | Self::Deletions
            | Self::SubscriptionsPerCaller
            | Self::SubscriptionChannels
            | Self::SubscriptionChannelsPerCaller => Duration::from_secs(30),
            Self::NewDevices | Self::NewMonths | Self::UplinkBytes => Duration::from_hours(1),
            Self::DiskSpace => Duration::from_mins(10),
        }
    }
}

impl From<Limit> for ApiError {
    fn from(limit: Limit) -> Self {
        Self::LimitReached(limit)
    }
}
