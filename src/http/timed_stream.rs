//! A TCP connection that is closed when its client makes no progress: it does not finish a request head, sends no
//! request, or does not read a response. Time that the gateway takes does not count.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    limits::{ConnectionLimits, Limit, Permit, rate_limit::CallerId},
    observability::metrics::refusals::Refusals,
};

/// A connection. Counts for its address until it is dropped, also as a WebSocket.
pub(super) struct TimedStream {
    stream: TcpStream,
    progress: RequestProgress,
    limits: ConnectionLimits,
    refusals: Refusals,
    reading: ReadState,
    writing: WriteState,
    _permit: Permit<CallerId>,
}

/// The position of the connection in its sequence of requests, shared with the service that answers them.
///
/// HTTP/1 has one request at a time. The number is even between requests and odd while one is answered.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestProgress(Arc<AtomicU32>);

/// The connection is no longer HTTP.
const UPGRADED_POSITION: u32 = u32::MAX;

impl RequestProgress {
    /// A request head was read.
    pub fn request_began(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The response is ready and being sent.
    pub fn response_began(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The connection is a WebSocket now.
    pub fn upgraded(&self) {
        self.0.store(UPGRADED_POSITION, Ordering::Relaxed);
    }
}

/// State while the next request is awaited.
#[derive(Default)]
struct ReadState {
    /// The [`RequestProgress`] that this state belongs to.
    progress: u32,
    /// Since when the client has made no progress.
    since: Option<Instant>,
    head_began: bool,
    timer: Timer,
}

/// State while the client's buffers are full.
#[derive(Default)]
struct WriteState {
    /// Start of the window.
    since: Option<Instant>,
    /// Bytes written in it.
    written: usize,
    timer: Timer,
}

/// A reusable timer, so that it is not registered anew for each request.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Ready if the deadline has passed; otherwise wakes the task at the deadline or earlier.
    fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        ready!(sleep.as_mut().poll(cx));
        if Instant::now() >= deadline {
            return Poll::Ready(());
        }
        sleep.as_mut().reset(deadline);
        sleep.as_mut().poll(cx)
    }
}

impl TimedStream {
    pub fn new(stream: TcpStream, limits: ConnectionLimits, refusals: Refusals, permit: Permit<CallerId>) -> Self {
        Self {
            stream,
            progress: RequestProgress::default(),
            limits,
            refusals,
            reading: ReadState::default(),
            writing: WriteState::default(),
            _permit: permit,
        }
    }

    pub fn progress(&self) -> RequestProgress {
        self.progress.clone()
    }

    /// Whether the next request is awaited.
    fn is_between_requests(&mut self) -> bool {
        let now = self.progress.0.load(Ordering::Relaxed);
        if self.reading.progress != now {
            self.reading =
                ReadState { progress: now, timer: std::mem::take(&mut self.reading.timer), ..ReadState::default() };
        }
        now.is_multiple_of(2)
    }

    fn timeout_error(&self, limit: Limit) -> io::Error {
        self.refusals.count(limit);
        io::Error::new(io::ErrorKind::TimedOut, limit.reason())
    }

    fn on_written(&mut self, written: usize) {
        self.writing.written += written;
        self.reading.since = None; // a successful write is progress
    }

    /// Ready when the client took too long to send its next request; never while one is answered.
    fn poll_read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_between_requests() {
            return Poll::Pending;
        }
        let since = *self.reading.since.get_or_insert_with(Instant::now);
        let timeout = if self.reading.head_began { self.limits.head_timeout } else { self.limits.idle_timeout };
        self.reading.timer.poll(cx, since + timeout)
    }

    /// Ready with an error when the client reads too little of what waits to be sent.
    fn poll_write_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let ConnectionLimits { write_window, min_bytes_per_write_window, .. } = self.limits;
        loop {
            let since = *self.writing.since.get_or_insert_with(|| {
                self.writing.written = 0;
                Instant::now()
            });
            ready!(self.writing.timer.poll(cx, since + write_window));
            if self.writing.written < min_bytes_per_write_window {
                return Poll::Ready(self.timeout_error(Limit::SlowReader));
            }
            self.writing.since = None;
        }
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if let Poll::Ready(outcome) = Pin::new(&mut self.stream).poll_read(cx, buffer) {
            if buffer.filled().len() > before && self.is_between_requests() && !self.reading.head_began {
                self.reading.head_began = true;
                self.reading.since = Some(Instant::now());
            }
            return Poll::Ready(outcome);
        }
        ready!(self.poll_read_deadline(cx));
        Poll::Ready(Err(if self.reading.head_began {
            self.timeout_error(Limit::RequestHead)
        } else {
            io::Error::new(io::ErrorKind::TimedOut, "no request came")
        }))
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(outcome) = Pin::new(&mut self.stream).poll_write(cx, bytes) {
            self.on_written(*outcome.as_ref().unwrap_or(&0));
            return Poll::Ready(outcome);
        }
        self.poll_write_deadline(cx).map(Err)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(outcome) = Pin::new(&mut self.stream).poll_write_vectored(cx, slices) {
            self.on_written(*outcome.as_ref().unwrap_or(&0));
            return Poll::Ready(outcome);
        }
        self.poll_write_deadline(cx).map(Err)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing.since = None; // all is written
        if self.reading.since.is_none() {
            // After a response hyper reads only when it is woken, so the timer must run already. Its wake-up makes
            // hyper read.
            let _ = self.poll_read_deadline(cx);
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
