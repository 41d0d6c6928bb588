//! GraphQL over WebSocket, by the protocol [graphql-transport-ws]: queries, mutations and subscriptions.
//!
//! [graphql-transport-ws]: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

mod close;
mod connection;
mod credential;
mod deadlines;
mod event;
mod frames;
mod handshake;
mod identity;
mod message;
mod metered;
mod operations;
mod sockets;

use axum::{
    http::request::Parts,
    response::{IntoResponse as _, Response},
};
pub(crate) use handshake::is_upgrade_request;
pub use sockets::{SocketTimeouts, Sockets};
use tracing::Instrument as _;

use self::{
    close::CloseReason,
    connection::Connection,
    frames::{ConnectionEnd, Frames},
    handshake::Handshake,
    identity::Identity,
};
use crate::{auth, auth::Caller, http::state::SharedState, limits::rate_limit::CallerId};

/// The largest message that a client may send, in bytes.
const MAX_MESSAGE_BYTES: usize = crate::http::MAX_BODY_BYTES;

/// Upgrades the connection and serves it. The key is in the headers or in `connection_init`.
pub(crate) fn serve(app: SharedState, mut parts: Parts, caller: Caller, address: CallerId) -> Response {
    let handshake = match Handshake::try_new(&mut parts) {
        Ok(handshake) => handshake,
        Err(refusal) => return *refusal,
    };
    let caller_id = caller.api_key_id().map_or(address, CallerId::Key);
    let permit = match app.sockets.acquire(caller_id) {
        Ok(permit) => permit,
        Err(limit) => return app.state.metrics.refusals.refuse(limit).into_response(),
    };
    let response = handshake.accept(std::mem::take(&mut parts.extensions));
    let upgraded = Identity::new(&app, caller, auth::secret_from_headers(&parts.headers).as_deref());
    // Drops the rest of the handshake: a header keeps the whole buffer that the request was read into.
    let Handshake { upgrade, has_subprotocol, .. } = handshake;
    let socket = async move {
        let Ok(connection) = upgrade.await else { return };
        let frames = Frames::new(connection, app.sockets.timeouts, app.body_memory.clone(), caller_id).await;
        if has_subprotocol {
            let mut connection = Connection::new(app, frames, upgraded, address, permit);
            let end = connection.run().await;
            // Boxed: there are many sockets, and few of them are closing.
            let (frames, _place) = connection.into_frames();
            Box::pin(frames.close(end)).await;
        } else {
            Box::pin(frames.close(ConnectionEnd::Close(CloseReason::SUBPROTOCOL_NOT_ACCEPTABLE))).await;
            drop(permit);
        }
    };
    tokio::spawn(socket.in_current_span());
    response
}
