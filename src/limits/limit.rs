//! The table of limits: the name of each in metrics, its scope, when a client may retry, and the message for it.

use std::time::Duration;

/// Scope of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One caller: a key, a device, or an address without a key. Refused with 429.
    Caller,
    /// All callers together. Refused with 503.
    Gateway,
}

macro_rules! limits {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $scope:ident, $retry_after_s:literal, $reason:literal;)+) => {
        /// A limit of a shared resource.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Limit { $($(#[$doc])* $variant,)+ }

        impl Limit {
            /// Every limit.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            const fn definition(self) -> Definition {
                match self {
                    $(Self::$variant => Definition {
                        name: $name, scope: Scope::$scope, retry_after_s: $retry_after_s, reason: $reason,
                    },)+
                }
            }
        }
    };
}

struct Definition {
    name: &'static str,
    scope: Scope,
    retry_after_s: u64,
    reason: &'static str,
}

limits! {
    /// Connections of one address.
    ConnectionsPerAddress = "connections_per_address", Caller, 10, "too many connections from your address; close some";
    /// Connections of all clients.
    Connections = "connections", Gateway, 10, "too many connections to this gateway; retry later";
    /// Time to send the head of a request.
    RequestHead = "request_head", Caller, 1, "the request head was not sent in time";
    /// Time to read a response.
    SlowReader = "slow_reader", Caller, 1, "the response was not read in time; request less at once";
    /// Size of one response.
    ResponseBytes = "response_bytes", Caller, 1, "the response is too large; request smaller pages or fewer fields";
    /// Bytes of the responses to one caller that are being sent.
    ResponsesSentPerCaller = "responses_sent_per_caller", Caller, 10, "too many large responses to you are being sent; read them first";
    /// Bytes of the responses to all callers that are being sent.
    ResponsesSent = "responses_sent", Gateway, 10, "too many large responses are being sent; retry later";
    /// Memory of the bodies of one caller.
    BodiesPerCaller = "bodies_per_caller", Caller, 2, "too many large requests of yours are being read; send fewer at the same time";
    /// Memory of all bodies.
    Bodies = "bodies", Gateway, 2, "too many large requests are being read; retry later";
    /// Open `WebSocket`s of one caller.
    WebSocketsPerCaller = "websockets_per_caller", Caller, 10, "too many WebSockets of yours are open; close some";
    /// Open `WebSocket`s of all callers.
    WebSockets = "websockets", Gateway, 10, "too many WebSockets are open; retry later";
    /// Invalid keys of one address.
    InvalidKeys = "invalid_keys", Caller, 10, "too many invalid API keys from your address; retry later with a valid one";
    /// Uploads of one key at the same time.
    UploadsPerKey = "uploads_per_key", Caller, 10, "too many uploads with your key at the same time; send files one after another";
    /// Uploads of all keys at the same time.
    Uploads = "uploads", Gateway, 10, "too many uploads at the same time; retry later";
    /// Time to send a file.
    SlowUpload = "slow_upload", Caller, 1, "the file was not sent in time";
    /// Exports of one caller at the same time.
    ExportsPerCaller = "exports_per_caller", Caller, 10, "too many exports of this key or address at the same time; read them one after another";
    /// Exports of all callers at the same time.
    Exports = "exports", Gateway, 10, "too many exports at the same time; retry later";
    /// Time for which a caller's queries hold connections to Postgres.
    DatabaseTime = "database_time", Caller, 30, "the database time of this caller is used up; retry later";
    /// Subscriptions of all callers together.
    Subscriptions = "subscriptions", Gateway, 30, "too many subscriptions on this gateway; retry in 30 seconds";
    /// Subscriptions of one caller.
    SubscriptionsPerCaller = "subscriptions_per_caller", Caller, 30, "too many subscriptions of this key or address; end some, or retry in 30 seconds";
    /// Different subscriptions of all callers together.
    SubscriptionChannels = "subscription_channels", Gateway, 30, "too many different subscriptions on this gateway; retry in 30 seconds";
    /// Different subscriptions of one caller.
    SubscriptionChannelsPerCaller = "subscription_channels_per_caller", Caller, 30, "too many different subscriptions of this key or address; end some, or retry in 30 seconds";
    /// Deletions of measurements that run at the same time.
    Deletions = "deletions", Gateway, 30, "another deletion is running; retry in 30 seconds";
    /// Devices that a key adds in an hour.
    NewDevices = "new_devices", Caller, 3600, "too many new devices with this key; send samples of fewer unknown devices, or register them";
    /// Months that a key needs new partitions for in an hour.
    NewMonths = "new_months", Caller, 3600, "samples of too many new months with this key; send fewer, or upload them with an admin key";
    /// Bytes of bodies that are stored for a key in a day.
    UplinkBytes = "uplink_bytes", Caller, 3600, "too many bytes of undecodable bodies with this key; correct what is sent";
    /// Free space on the disk of the embedded Postgres.
    DiskSpace = "disk_space", Gateway, 600, "disk almost full, so undecodable bodies are not kept; retry later";
}

impl Limit {
    /// The value of the label `limit` in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.definition().name
    }

    /// Its scope.
    #[must_use]
    pub const fn scope(self) -> Scope {
        self.definition().scope
    }

    /// The message for clients: which limit was exceeded, and what to do.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        self.definition().reason
    }

    /// When a client may retry.
    #[must_use]
    pub const fn retry_after(self) -> Duration {
        Duration::from_secs(self.definition().retry_after_s)
    }
}
