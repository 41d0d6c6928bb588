//! Bounds the memory of responses while they are sent. A large response stays in memory until its client has read it,
//! so it counts until then. For a limited time it also keeps its concurrency permit.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::header,
    response::Response,
};
use hyper::body::{Frame, SizeHint};
use tokio::task::AbortHandle;

use super::concurrency_limit::ConcurrencyPermit;
use crate::{
    api_error::ApiError,
    limits::{Limit, Permit, Quota, ResponseLimits, rate_limit::CallerId},
    observability::metrics::refusals::Refusals,
};

/// A response up to this size is written to the buffers of the connection at once. In bytes.
const MAX_UNTRACKED_RESPONSE_BYTES: usize = 64 << 10;
/// Size of the chunks that are written to the connection, which makes the end of sending observable. In bytes.
const SEND_CHUNK_BYTES: usize = 64 << 10;
/// How long a response that is being sent keeps its permit. After that only its memory counts: otherwise a few clients
/// on slow networks would block all others.
const PERMIT_HOLD_TIMEOUT: Duration = Duration::from_secs(10);

/// The large responses that are being sent. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ResponseMemory {
    bytes: Quota<CallerId>,
    refusals: Refusals,
}

/// The text of a response, with permits that are held until it is dropped.
struct ReservedResponse {
    text: Vec<u8>,
    _permit: Permit<CallerId>,
    _sending: Option<PermitWhileSending>,
}

impl AsRef<[u8]> for ReservedResponse {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl ResponseMemory {
    /// No response is being sent yet.
    #[must_use]
    pub fn new(limits: ResponseLimits, refusals: Refusals) -> Self {
        Self { bytes: Quota::new(limits.max_bytes_sent_per_caller, limits.max_bytes_sent), refusals }
    }

    /// A response to be sent. Its bytes count until the last of them is dropped, and it keeps its permit as long.
    ///
    /// # Errors
    /// When too many bytes are being sent.
    pub(crate) fn reserve(
        &self,
        caller: CallerId,
        text: Vec<u8>,
        concurrency_permit: Option<ConcurrencyPermit>,
    ) -> Result<Bytes, ApiError> {
        if text.len() <= MAX_UNTRACKED_RESPONSE_BYTES {
            return Ok(text.into());
        }
        let permit = self.bytes.try_acquire_many(&caller, text.len()).map_err(|exceeded| {
            self.refusals.refuse(exceeded.limit(Limit::ResponsesSentPerCaller, Limit::ResponsesSent))
        })?;
        Ok(Bytes::from_owner(ReservedResponse {
            text,
            _permit: permit,
            _sending: concurrency_permit.map(PermitWhileSending::new),
        }))
    }

    /// Bytes that are being sent.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.in_use()
    }
}

/// A permit, returned when this is dropped, but at the latest after [`PERMIT_HOLD_TIMEOUT`].
struct PermitWhileSending {
    timeout: AbortHandle,
}

impl PermitWhileSending {
    fn new(permit: ConcurrencyPermit) -> Self {
        let permit = Arc::new(Mutex::new(Some(permit)));
        let timeout = tokio::spawn(async move {
            tokio::time::sleep(PERMIT_HOLD_TIMEOUT).await;
            permit.lock().unwrap_or_else(PoisonError::into_inner).take();
        });
        Self { timeout: timeout.abort_handle() }
    }
}

impl Drop for PermitWhileSending {
    fn drop(&mut self) {
        self.timeout.abort(); // drops the permit with the task
    }
}

/// The response, with its permit until it is sent. Event streams acquire permits of their own.
pub(crate) fn hold_permit_while_sending(response: Response, permit: ConcurrencyPermit) -> Response {
    let is_small =
        response.body().size_hint().upper().is_some_and(|bytes| bytes <= MAX_UNTRACKED_RESPONSE_BYTES as u64);
    let is_stream = response.headers().get(header::CONTENT_TYPE).is_some_and(|it| it == "text/event-stream");
    if is_small || is_stream {
        return response;
    }
    let permit = PermitWhileSending::new(permit);
    response.map(|body| Body::new(ChunkedBody { body, rest: Bytes::new(), _permit: permit }))
}

/// A body that is sent in chunks, so that it ends when nearly all of it is sent.
struct ChunkedBody {
    body: Body,
    rest: Bytes,
    _permit: PermitWhileSending,
}

impl HttpBody for ChunkedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(SEND_CHUNK_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}
