//! Close codes and reasons.

use std::borrow::Cow;

use async_graphql::connection::CursorType as _;
use tokio_tungstenite::tungstenite::{
    self,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::{MAX_MESSAGE_BYTES, message::OperationId};
use crate::{domain::feed::FeedOffset, graphql::cursor::FeedCursor};

/// Maximum length of a close reason, in bytes.
const MAX_CLOSE_REASON_BYTES: usize = 123;

/// Why a socket is closed. Clients of graphql-ws reconnect after 1001, 1013, 4403 and 4408, and not after the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CloseReason {
    code: u16,
    reason: Cow<'static, str>,
}

impl CloseReason {
    pub const GOING_AWAY: Self = Self::fixed(1001, "Going away");
    pub const UNAUTHORIZED: Self = Self::fixed(4401, "Unauthorized");
    pub const SUBPROTOCOL_NOT_ACCEPTABLE: Self = Self::fixed(4406, "Subprotocol not acceptable");
    pub const INIT_TIMEOUT: Self = Self::fixed(4408, "Connection initialisation timeout");
    pub const TOO_MANY_INIT_REQUESTS: Self = Self::fixed(4429, "Too many initialisation requests");
    pub const INTERNAL: Self = Self::fixed(4500, "Internal server error");

    const fn fixed(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    /// An invalid message.
    pub fn bad_request(reason: String) -> Self {
        Self { code: 4400, reason: reason.into() }
    }

    /// An invalid key, or one without the needed permission.
    pub fn forbidden(reason: String) -> Self {
        Self { code: 4403, reason: reason.into() }
    }

    /// A message that is too large for an unauthenticated client.
    pub fn message_too_large_before_init(max: usize) -> Self {
        Self { code: 1009, reason: format!("a message before connection_init is larger than {max} bytes").into() }
    }

    /// A temporary failure.
    pub fn try_again(reason: String) -> Self {
        Self { code: 1013, reason: reason.into() }
    }

    /// A slow consumer, and the position after which it can resume.
    pub fn too_slow(offset: Option<FeedOffset>) -> Self {
        Self::try_again(offset.map_or_else(
            || "too slow".to_owned(),
            |offset| format!("too slow; resume after {}", FeedCursor(offset).encode_cursor()),
        ))
    }

    /// An operation id that is in use.
    pub fn already_exists(id: &OperationId) -> Self {
        let (before, after) = ("Subscriber for ", " already exists");
        let mut id = id.text();
        if before.len() + id.len() + after.len() > MAX_CLOSE_REASON_BYTES {
            id.truncate(id.floor_char_boundary(MAX_CLOSE_REASON_BYTES - before.len() - after.len() - '…'.len_utf8()));
            id.push('…');
        }
        Self { code: 4409, reason: format!("{before}{id}{after}").into() }
    }

    /// A violation of the WebSocket protocol. `None` if the connection is broken, so that no frame can be sent.
    pub fn from_error(error: &tungstenite::Error) -> Option<Self> {
        use tungstenite::{Error, error::ProtocolError};
        match error {
            Error::Capacity(_) => {
                Some(Self { code: 1009, reason: format!("a message is larger than {MAX_MESSAGE_BYTES} bytes").into() })
            }
            Error::Utf8(_) => Some(Self::fixed(1007, "a text is not UTF-8")),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
            Error::Protocol(error) => Some(Self { code: 1002, reason: error.to_string().into() }),
            _ => None,
        }
    }

    /// The close frame.
    pub fn frame(&self) -> CloseFrame {
        let reason = &self.reason[..self.reason.floor_char_boundary(MAX_CLOSE_REASON_BYTES)];
        CloseFrame { code: CloseCode::from(self.code), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::transports::websocket::message::ClientMessage;

    #[test]
    fn too_slow_reason_carries_the_resume_cursor() {
        let offset = FeedOffset { number: i64::MAX, index: FeedOffset::END };
        let reason = CloseReason::too_slow(Some(offset)).frame().reason;
        let cursor = reason.strip_prefix("too slow; resume after ").expect("a cursor");
        assert_eq!(FeedCursor::decode_cursor(cursor).expect("a cursor").0, offset);
    }

    proptest! {
        #[test]
        fn close_reason_fits_its_frame(text in "\\PC{0,200}", id in "\\PC{1,200}") {
            let frame = CloseReason::bad_request(text.clone()).frame();
            prop_assert!(frame.reason.len() <= MAX_CLOSE_REASON_BYTES && text.starts_with(&*frame.reason));
            prop_assert!(frame.reason.len() + 4 > text.len().min(MAX_CLOSE_REASON_BYTES));
            let json = serde_json::json!({ "type": "complete", "id": id }).to_string();
            let Ok(ClientMessage::Complete { id: parsed }) = ClientMessage::parse(&json) else { panic!("no message") };
            let frame = CloseReason::already_exists(&parsed).frame();
            prop_assert!(frame.reason.len() <= MAX_CLOSE_REASON_BYTES);
            prop_assert!(frame.reason.starts_with("Subscriber for ") && frame.reason.ends_with(" already exists"));
            prop_assert_eq!(frame.reason.contains(&*id), id.len() <= 93, "{}", frame.reason);
        }
    }
}
