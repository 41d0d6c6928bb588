//! Messages in and out of one WebSocket, within bounds: of what a client may send, of what is held for one that reads
//! slowly, and of the time that a goodbye takes.

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
    MAX_MESSAGE,
    close::Close,
    metered::{Held, Metered},
    sockets::Pace,
};
use crate::{http::Bodies, limits::rate_limit::Payer};

/// What is allocated for reading, and stays so while the socket is idle. What is larger is allocated when it comes.
const READ_BUFFER: usize = 2 << 10;
/// How much is gathered before it is written, unless there is nothing more to be gathered.
const WRITE_BUFFER: usize = 16 << 10;
/// Longer messages are sent in fragments, since the buffer for writing grows with the largest frame and stays so.
const FRAGMENT: usize = 16 << 10;

/// A WebSocket.
pub(super) struct Frames {
    stream: WebSocketStream<Metered<TokioIo<Upgraded>>>,
    pace: Pace,
    /// Whether something was fed that may still wait in the buffer.
    pub unflushed: bool,
}

/// What came in.
pub(super) enum Heard {
    Text(Utf8Bytes, Held),
    Binary,
    /// A ping or a pong of the WebSocket, which are answered already.
    Control,
}

/// How it ends.
#[derive(Debug)]
pub(super) enum End {
    /// We close it.
    Close(Close),
    /// The client closed it.
    Closed,
    /// The connection is gone.
    Lost,
}

/// Why something could not be sent.
pub(super) enum NotSent {
    /// For too long the client took nothing.
    Stalled,
    /// The connection is gone.
    Lost,
}

impl Frames {
    pub async fn new(upgraded: Upgraded, pace: Pace, bodies: Bodies, payer: Payer) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let metered = Metered::new(TokioIo::new(upgraded), bodies, payer);
        let stream = WebSocketStream::from_raw_socket(metered, Role::Server, Some(config)).await;
        Self { stream, pace, unflushed: false }
    }

    /// The client was accepted, and may send more.
    pub fn allow_large_messages(&mut self) {
        self.stream.get_mut().allow_large_messages();
    }

    /// What comes in next.
    pub fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<Result<Heard, End>> {
        let heard = ready!(self.stream.poll_next_unpin(cx));
        let metered = self.stream.get_mut();
        Poll::Ready(match heard {
            Some(Ok(Message::Text(text))) => Ok(Heard::Text(text, metered.message_ended())),
            Some(Ok(Message::Binary(_))) => Ok(Heard::Binary),
            Some(Ok(Message::Ping(payload) | Message::Pong(payload))) => {
                metered.control_frame_came(payload.len());
                Ok(Heard::Control)
            }
            Some(Ok(Message::Close(_))) => Err(End::Closed),
            Some(Ok(_)) => Ok(Heard::Control),
            Some(Err(error)) => {
                let close = metered.refused().or_else(|| Close::of_error(&error));
                Err(close.map_or(End::Lost, End::Close))
            }
            None => Err(End::Lost),
        })
    }

    /// Sends a text, at the latest with the next [`flush`](Self::flush).
    pub async fn feed(&mut self, text: Bytes) -> Result<(), NotSent> {
        let (mut rest, mut kind) = (text, Data::Text);
        loop {
            let part = rest.split_to(rest.len().min(FRAGMENT));
            self.send(Message::Frame(Frame::message(part, OpCode::Data(kind), rest.is_empty()))).await?;
            if rest.is_empty() {
                return Ok(());
            }
            kind = Data::Continue;
        }
    }

    /// Asks whether the client is there, at the latest with the next [`flush`](Self::flush).
    pub async fn ping(&mut self) -> Result<(), NotSent> {
        self.send(Message::Ping(Bytes::new())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), NotSent> {
        self.unflushed = true;
        match timeout(self.pace.write, poll_fn(|cx| self.stream.poll_ready_unpin(cx))).await {
            Ok(Ok(())) => self.stream.start_send_unpin(message).map_err(|_| NotSent::Lost),
            Ok(Err(_)) => Err(NotSent::Lost),
            Err(_) => Err(NotSent::Stalled),
        }
    }

    /// Sends what was fed.
    pub async fn flush(&mut self) -> Result<(), NotSent> {
        match timeout(self.pace.write, self.stream.flush()).await {
            Ok(Ok(())) => {
                self.unflushed = false;
                Ok(())
            }
            Ok(Err(_)) => Err(NotSent::Lost),
            Err(_) => Err(NotSent::Stalled),
        }
    }

    /// Ends it, and gives the client a moment to hear why.
    pub async fn end(mut self, end: End) {
        let farewell = self.pace.farewell;
        let _ = timeout(farewell, self.take_leave(end)).await;
    }

    async fn take_leave(&mut self, end: End) {
        match end {
            End::Close(close) => {
                tracing::debug!(?close, "closing a socket");
                // Into the buffer, however full that is.
                if self.stream.start_send_unpin(Message::Close(Some(close.frame()))).is_err()
                    || self.stream.flush().await.is_err()
                {
                    return;
                }
            }
            End::Closed => {}
            End::Lost => return,
        }
        if self.stream.is_terminated() {
            // In the middle of what may not be read. If it were left unread, the client's system would be told that the
            // connection is broken, and forget the reason that was sent.
            let connection = self.stream.get_mut();
            let mut unread = vec![0; 16 << 10];
            let _ = connection.shutdown().await;
            while connection.read(&mut unread).await.is_ok_and(|read| read > 0) {}
        } else {
            while let Some(Ok(_)) = self.stream.next().await {}
        }
    }
}
