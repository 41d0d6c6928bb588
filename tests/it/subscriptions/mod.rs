//! Events: delivery, resuming, WebSocket, Server-Sent Events.

mod commit_window;
mod delivery;
mod delivery_crash;
mod feed;
mod resume;
mod sse;
mod sse_subscriptions;
mod websocket;
