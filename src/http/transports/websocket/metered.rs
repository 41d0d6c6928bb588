//! A connection that counts its incoming messages in [`BodyMemory`].

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::close::CloseReason;
use crate::{
    http::BodyMemory,
    limits::{Permit, rate_limit::CallerId},
};

/// Largest message before `connection_init` is accepted, in bytes. Only that one message is expected.
const MAX_MESSAGE_BYTES_BEFORE_INIT: usize = 16 << 10;
/// Maximum size of a frame without its payload, in bytes.
const MAX_FRAME_HEADER_BYTES: usize = 14;

/// A metered connection.
pub(super) struct MeteredStream<S> {
    connection: S,
    bodies: BodyMemory,
    caller: CallerId,
    max_message: usize,
    /// Bytes of the incomplete message.
    message: usize,
    permit: Option<Permit<CallerId>>,
    close_reason: Option<CloseReason>,
}

/// The memory of a message, returned when dropped.
pub(super) struct MessagePermit(#[expect(dead_code, reason = "held, not read")] Option<Permit<CallerId>>);

impl<S> MeteredStream<S> {
    pub fn new(connection: S, bodies: BodyMemory, caller: CallerId) -> Self {
        Self {
            connection,
            bodies,
            caller,
            max_message: MAX_MESSAGE_BYTES_BEFORE_INIT,
            message: 0,
            permit: None,
            close_reason: None,
        }
    }

    /// Allows large messages. The WebSocket has a limit of its own.
    pub fn allow_large_messages(&mut self) {
        self.max_message = usize::MAX;
    }

    /// A message is complete.
    pub fn message_ended(&mut self) -> MessagePermit {
        self.message = 0;
        MessagePermit(self.permit.take())
    }

    /// A ping or a pong arrived, perhaps within a message.
    pub fn control_frame_received(&mut self, payload: usize) {
        self.message = self.message.saturating_sub(payload + MAX_FRAME_HEADER_BYTES);
    }

    /// Why reading failed, if because of a limit.
    pub fn take_close_reason(&mut self) -> Option<CloseReason> {
        self.close_reason.take()
    }

    fn count(&mut self, bytes: usize) -> Result<(), CloseReason> {
        self.message += bytes;
        if self.message > self.max_message {
            return Err(CloseReason::message_too_large_before_init(self.max_message));
        }
        let held = self.bodies.reserve(self.caller, &mut self.permit, self.message);
        held.map_err(|limit| CloseReason::try_again(limit.reason().to_owned()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MeteredStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.connection).poll_read(cx, buffer))?;
        let read = buffer.filled().len() - before;
        Poll::Ready(self.count(read).map_err(|close| {
            self.close_reason = Some(close);
            io::ErrorKind::OutOfMemory.into()
        }))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MeteredStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }
}
