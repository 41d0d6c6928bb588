//! What happens on a socket, and the state of the protocol in which it happens.

use super::{frames::IncomingFrame, identity::Identity, operations::OperationEvent};
use crate::api_error::ApiError;

/// State of the protocol.
pub(super) enum ConnectionState {
    /// `connection_init` has not arrived; holds the identity of the upgrade request.
    AwaitingInit(Identity),
    /// `connection_init` has arrived, and its key is looked up.
    Authenticating,
    /// Operations may start.
    Ready(Identity),
}

/// The next event to handle.
pub(super) enum ConnectionEvent {
    Incoming(IncomingFrame),
    Operation(u64, OperationEvent),
    Authenticated(Result<Identity, ApiError>),
    TimerElapsed,
    ShutdownTriggered,
    /// No event is ready, so buffered messages can be flushed.
    Idle,
}
