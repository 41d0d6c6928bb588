//! GraphQL over WebSocket, by the protocol [graphql-transport-ws]: queries, mutations and subscriptions.
//!
//! [graphql-transport-ws]: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

mod close;
mod connection;
mod credential;
mod deadlines;
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

/// Upgrades the connection and serves it. The key comes in the headers or in `connection_init`.
pub(crate) fn serve(app: SharedState, mut parts: Parts, caller: Caller, payer: CallerId) -> Response {
    let handshake = match Handshake::try_new(&mut parts) {
        Ok(handshake) => handshake,
        Err(refusal) => return *refusal,
    };
    let owner = caller.api_key_id().map_or(payer, CallerId::Key);
    let place = match app.sockets.acquire(owner) {
        Ok(place) => place,
        Err(limit) => return app.state.metrics.refusals.refuse(limit).into_response(),
    };
    let response = handshake.accept(std::mem::take(&mut parts.extensions));
    let upgraded = Identity::new(&app, caller, auth::secret_from_headers(&parts.headers).as_deref());
    // The rest of the handshake ends here: a header holds the whole buffer that the request was read into.
    let Handshake { upgrade, has_subprotocol: speaks_ours, .. } = handshake;
    let socket = async move {
        let Ok(connection) = upgrade.await else { return };
        let frames = Frames::new(connection, app.sockets.timeouts, app.body_memory.clone(), owner).await;
        if speaks_ours {
            let mut connection = Connection::new(app, frames, upgraded, payer, place);
            let end = connection.run().await;
            // On the heap, as there are many sockets and few goodbyes.
            let (frames, _place) = connection.into_frames();
            Box::pin(frames.close(end)).await;
        } else {
            Box::pin(frames.close(ConnectionEnd::Close(CloseReason::SUBPROTOCOL_NOT_ACCEPTABLE))).await;
            drop(place);
        }
    };
    tokio::spawn(socket.in_current_span());
    response
}
