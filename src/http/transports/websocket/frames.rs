//! Messages in and out of one WebSocket, with limits on what a client may send, on what is buffered for a slow client,
//! and on the duration of the close handshake.

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

use axum::body::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, stream::FusedStream as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message, Utf8Bytes,
        protocol::{
            Role, WebSocketConfig,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};

use super::{
    MAX_MESSAGE_BYTES,
    close::CloseReason,
    metered::{MessagePermit, MeteredStream},
    sockets::SocketTimeouts,
};
use crate::{http::BodyMemory, limits::rate_limit::CallerId};

/// Size of the read buffer, which stays allocated while the socket is idle. Larger frames are allocated when they
/// arrive.
const READ_BUFFER_BYTES: usize = 2 << 10;
/// Size of the write buffer. It is written when full, or when no further message is ready.
const WRITE_BUFFER_BYTES: usize = 16 << 10;
/// Longer messages are sent in fragments, since the write buffer grows to the largest frame and does not shrink.
const MAX_FRAGMENT_BYTES: usize = 16 << 10;

/// A WebSocket.
pub(super) struct Frames {
    stream: WebSocketStream<MeteredStream<TokioIo<Upgraded>>>,
    timeouts: SocketTimeouts,
    /// Whether the write buffer may hold messages.
    pub unflushed: bool,
}

/// An incoming frame.
pub(super) enum IncomingFrame {
    Text(Utf8Bytes, MessagePermit),
    Binary,
    /// A ping or a pong of the WebSocket, which is already answered.
    Control,
}

/// How a socket ends.
#[derive(Debug)]
pub(super) enum ConnectionEnd {
    /// The gateway closes it.
    Close(CloseReason),
    /// The client closed it.
    Closed,
    /// The connection is lost.
    Lost,
}

/// Why a message could not be sent.
pub(super) enum SendError {
    /// The client read nothing for too long.
    Stalled,
    /// The connection is lost.
    Lost,
}

impl Frames {
    pub async fn new(upgraded: Upgraded, timeouts: SocketTimeouts, bodies: BodyMemory, caller: CallerId) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let metered = MeteredStream::new(TokioIo::new(upgraded), bodies, caller);
        let stream = WebSocketStream::from_raw_socket(metered, Role::Server, Some(config)).await;
        Self { stream, timeouts, unflushed: false }
    }

    /// The client is authenticated, and may send large messages.
    pub fn allow_large_messages(&mut self) {
        self.stream.get_mut().allow_large_messages();
    }

    /// The next incoming frame.
    pub fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Result<IncomingFrame, ConnectionEnd>> {
        let message = ready!(self.stream.poll_next_unpin(cx));
        let metered = self.stream.get_mut();
        Poll::Ready(match message {
            Some(Ok(Message::Text(text))) => Ok(IncomingFrame::Text(text, metered.message_ended())),
            Some(Ok(Message::Binary(_))) => Ok(IncomingFrame::Binary),
            Some(Ok(Message::Ping(payload) | Message::Pong(payload))) => {
                metered.control_frame_received(payload.len());
                Ok(IncomingFrame::Control)
            }
            Some(Ok(Message::Close(_))) => Err(ConnectionEnd::Closed),
            Some(Ok(_)) => Ok(IncomingFrame::Control),
            Some(Err(error)) => {
                let close = metered.take_close_reason().or_else(|| CloseReason::from_error(&error));
                Err(close.map_or(ConnectionEnd::Lost, ConnectionEnd::Close))
            }
            None => Err(ConnectionEnd::Lost),
        })
    }

    /// Buffers a text message, which is sent with the next [`flush`](Self::flush) at the latest.
    pub async fn feed(&mut self, text: Bytes) -> Result<(), SendError> {
        let (mut rest, mut kind) = (text, Data::Text);
        loop {
            let part = rest.split_to(rest.len().min(MAX_FRAGMENT_BYTES));
            self.send(Message::Frame(Frame::message(part, OpCode::Data(kind), rest.is_empty()))).await?;
            if rest.is_empty() {
                return Ok(());
            }
            kind = Data::Continue;
        }
    }

    /// Buffers a ping, which is sent with the next [`flush`](Self::flush) at the latest.
    pub async fn ping(&mut self) -> Result<(), SendError> {
        self.send(Message::Ping(Bytes::new())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), SendError> {
        self.unflushed = true;
        match timeout(self.timeouts.write, poll_fn(|cx| self.stream.poll_ready_unpin(cx))).await {
            Ok(Ok(())) => self.stream.start_send_unpin(message).map_err(|_| SendError::Lost),
            Ok(Err(_)) => Err(SendError::Lost),
            Err(_) => Err(SendError::Stalled),
        }
    }

    /// Sends buffered messages.
    pub async fn flush(&mut self) -> Result<(), SendError> {
        match timeout(self.timeouts.write, self.stream.flush()).await {
            Ok(Ok(())) => {
                self.unflushed = false;
                Ok(())
            }
            Ok(Err(_)) => Err(SendError::Lost),
            Err(_) => Err(SendError::Stalled),
        }
    }

    /// Closes the socket, and waits a limited time for the client's close frame.
    pub async fn close(mut self, end: ConnectionEnd) {
        let close_timeout = self.timeouts.close;
        let _ = timeout(close_timeout, self.close_handshake(end)).await;
    }

    async fn close_handshake(&mut self, end: ConnectionEnd) {
        match end {
            ConnectionEnd::Close(close) => {
                tracing::debug!(?close, "closing a socket");
                // Into the buffer, however full it is.
                if self.stream.start_send_unpin(Message::Close(Some(close.frame()))).is_err()
                    || self.stream.flush().await.is_err()
                {
                    return;
                }
            }
            ConnectionEnd::Closed => {}
            ConnectionEnd::Lost => return,
        }
        if self.stream.is_terminated() {
            // A message that must not be read is in progress. If it stayed unread, the client's system would see a
            // reset connection, and discard the close frame.
            let connection = self.stream.get_mut();
            let mut unread = vec![0; 16 << 10];
            let _ = connection.shutdown().await;
            while connection.read(&mut unread).await.is_ok_and(|read| read > 0) {}
        } else {
            while let Some(Ok(_)) = self.stream.next().await {}
        }
    }
}
