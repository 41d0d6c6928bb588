//! What is left of a body when its request is answered already. A client that is still sending when its connection is closed
//! sees a broken pipe, and not the answer that tells why; so some of the rest is read, and forgotten.

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

/// What is not larger is there once its head is, or soon after. In bytes.
const MAX_UNDRAINED_BYTES: u64 = 16 << 10;
/// How much is read for nobody, in bytes; who sends more is cut off.
const MAX_DRAINED_BYTES: usize = 8 * MAX_BODY_BYTES;
/// For how long.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers a request once its body has come, if nobody read it.
pub(crate) async fn drain_unread_body(request: Request, next: impl AsyncFnOnce(Request) -> Response) -> Response {
    let is_small = request.body().size_hint().upper().is_some_and(|most| most <= MAX_UNDRAINED_BYTES);
    // Who expects to be told to go on sends nothing before.
    if is_small || request.headers().contains_key(header::EXPECT) {
        return next(request).await;
    }
    let (back, mut rest) = oneshot::channel();
    let request = request.map(|body| Body::new(ReturnableBody { body, return_to: Some(back) }));
    let response = next(request).await;
    if let Ok(rest) = rest.try_recv() {
        let _ = timeout(DRAIN_TIMEOUT, drain(rest)).await;
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

/// A body that comes back unless it was read to its end.
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
        if let Some(back) = self.return_to.take().filter(|_| !self.body.is_end_stream()) {
            let _ = back.send(std::mem::take(&mut self.body)); // none waits where the request was given up
        }
    }
}
