//! The opening handshake (RFC 6455, section 4.2).

use axum::{
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::api_error::ApiError;

/// The supported subprotocol.
const SUBPROTOCOL: HeaderValue = HeaderValue::from_static("graphql-transport-ws");

/// A request to upgrade a connection to a WebSocket.
pub(super) struct Handshake {
    key: HeaderValue,
    /// Whether the client supports the subprotocol.
    pub has_subprotocol: bool,
    /// Resolves to the connection once the handshake was answered.
    pub upgrade: OnUpgrade,
}

/// Whether a request is a WebSocket upgrade.
pub(crate) fn is_upgrade_request(headers: &HeaderMap) -> bool {
    list_header_contains(headers, &header::UPGRADE, "websocket")
}

impl Handshake {
    /// Parses the handshake of an [upgrade request](is_upgrade_request).
    pub fn try_new(parts: &mut Parts) -> Result<Self, Box<Response>> {
        let bad = |reason: &str| ApiError::BadRequest(format!("no WebSocket handshake: {reason}")).into_response();
        if parts.headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            let mut response = bad("Sec-WebSocket-Version must be 13");
            *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
            response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            return Err(response.into());
        }
        if !list_header_contains(&parts.headers, &header::CONNECTION, "upgrade") {
            return Err(bad("Connection must name Upgrade; a proxy may have taken it away").into());
        }
        let Some(key) = parts.headers.get(header::SEC_WEBSOCKET_KEY).cloned() else {
            return Err(bad("Sec-WebSocket-Key is missing").into());
        };
        let Some(upgrade) = parts.extensions.remove::<OnUpgrade>() else {
            return Err(bad("this connection can't be upgraded; use HTTP/1.1").into());
        };
        let offered = parts.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
        let has_subprotocol =
            offered.iter().any(|value| list_members(value).any(|offered| offered == SUBPROTOCOL.as_bytes()));
        Ok(Self { key, has_subprotocol, upgrade })
    }

    /// The response that accepts the handshake. The extensions of the request hold the case of its header names, which
    /// hyper repeats when the response has them.
    pub fn accept(&self, extensions: Extensions) -> Response {
        let mut headers = HeaderMap::from_iter([
            (header::CONNECTION, HeaderValue::from_static("upgrade")),
            (header::UPGRADE, HeaderValue::from_static("websocket")),
        ]);
        if let Ok(accept) = derive_accept_key(self.key.as_bytes()).parse() {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept); // base64 always fits
        }
        if self.has_subprotocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
        }
        let mut response = (StatusCode::SWITCHING_PROTOCOLS, headers).into_response();
        response.extensions_mut().extend(extensions);
        response
    }
}

/// Whether a list header has this member, ignoring case.
fn list_header_contains(headers: &HeaderMap, name: &HeaderName, member: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .any(|value| list_members(value).any(|item| item.eq_ignore_ascii_case(member.as_bytes())))
}

fn list_members(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}
