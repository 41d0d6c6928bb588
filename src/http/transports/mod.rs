//! GraphQL over WebSocket and Server-Sent Events.

pub(crate) mod resume;
pub(crate) mod sse;
pub(crate) mod websocket;
