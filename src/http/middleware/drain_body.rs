//! Reads the rest of a request body after the request was answered. A client that is still sending when its connection
//! is closed gets a broken pipe instead of the response, so a bounded part of the rest is read and discarded.

use std::{
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::header,
    response::Response,
};
use futures_util::StreamExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::{sync::oneshot, time::timeout};

use crate::http::MAX_BODY_BYTES;

/// A body up to this size arrives with its head or shortly after. In bytes.
const MAX_UNDRAINED_BYTES: u64 = 16 << 10;
/// Maximum bytes that are read and discarded; a client that sends more is disconnected.
const MAX_DRAINED_BYTES: usize = 8 * MAX_BODY_BYTES;
/// Maximum time for which a body is drained.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers a request after its unread body has been drained.
pub(crate) async fn drain_unread_body(request: Request, next: impl AsyncFnOnce(Request) -> Response) -> Response {
    let is_small = request.body().size_hint().upper().is_some_and(|size| size <= MAX_UNDRAINED_BYTES);
    // A client that sends `Expect: 100-continue` sends no body before it is requested.
    if is_small || request.headers().contains_key(header::EXPECT) {
        return next(request).await;
    }
    let (sender, mut unread) = oneshot::channel();
    let request = request.map(|body| Body::new(ReturnableBody { body, return_to: Some(sender) }));
    let response = next(request).await;
    if let Ok(unread) = unread.try_recv() {
        let _ = timeout(DRAIN_TIMEOUT, drain(unread)).await;
    }
    response
}

async fn drain(body: Body) {
    let mut pieces = pin!(body.into_data_stream());
    let mut read = 0;
    while let Some(Ok(piece)) = pieces.next().await {
        read += piece.len();
        if read > MAX_DRAINED_BYTES {
            return;
        }
    }
}

/// A body that is returned through a channel unless it was read to its end.
struct ReturnableBody {
    body: Body,
    return_to: Option<oneshot::Sender<Body>>,
}

impl HttpBody for ReturnableBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ReturnableBody {
    fn drop(&mut self) {
        if let Some(sender) = self.return_to.take().filter(|_| !self.body.is_end_stream()) {
            let _ = sender.send(std::mem::take(&mut self.body)); // fails if the request was cancelled
        }
    }
}
