//! Bounds the memory of request bodies and `WebSocket` messages while they are read and processed.
//!
//! A body may have a megabyte, and each connection may send one. Small bodies, as of sensors and most queries, take
//! about as much as the connection itself and are not counted, so large ones never block them.

use axum::{
    body::{Bytes, HttpBody as _},
    extract::Request,
};
use bytes::BytesMut;
use futures_util::StreamExt as _;

use super::decompression::DecompressionError;
use crate::{
    api_error::ApiError,
    http::MAX_BODY_BYTES,
    limits::{BodyLimits, Limit, Permit, Quota, QuotaExceeded, rate_limit::CallerId},
    observability::metrics::refusals::Refusals,
};

/// Maximum size of a body that is not counted, in bytes.
const MAX_UNTRACKED_BODY_BYTES: usize = 16 << 10;
/// The bodies of one gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BodyMemory {
    bytes: Quota<CallerId>,
    refusals: Refusals,
}

/// A body that was read. Its memory counts until this is dropped.
#[derive(Debug)]
pub(crate) struct BufferedBody {
    pub bytes: Bytes,
    permit: Option<Permit<CallerId>>,
}

/// The permit without the bytes, which have been moved elsewhere.
pub(crate) struct BodyPermit(#[expect(dead_code, reason = "held, not read")] Option<Permit<CallerId>>);

impl BodyMemory {
    /// No body is held yet.
    #[must_use]
    pub fn new(limits: BodyLimits, refusals: Refusals) -> Self {
        Self { bytes: Quota::new(limits.max_bytes_per_caller, limits.max_bytes), refusals }
    }

    /// Bytes of the bodies that are held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.in_use()
    }

    /// Reads the body of a request to its end.
    ///
    /// # Errors
    /// When it is too large, breaks off, or too many large ones are being read.
    pub(crate) async fn read(&self, caller: CallerId, request: Request) -> Result<BufferedBody, ApiError> {
        let body = request.into_body();
        if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
            return Err(ApiError::TooLarge(MAX_BODY_BYTES));
        }
        let mut pieces = body.into_data_stream();
        let (mut buffer, mut first, mut held) = (BytesMut::new(), Bytes::new(), None);
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| match DecompressionError::find(&error) {
                Some(error) => error.into(),
                None => ApiError::BadRequest("the body could not be read to its end".to_owned()),
            })?;
            if first.len() + buffer.len() + piece.len() > MAX_BODY_BYTES {
                return Err(ApiError::TooLarge(MAX_BODY_BYTES));
            }
            if first.is_empty() && buffer.is_empty() {
                first = piece; // most bodies have one chunk
            } else {
                buffer.extend_from_slice(&std::mem::take(&mut first));
                buffer.extend_from_slice(&piece);
            }
            self.reserve(caller, &mut held, first.len() + buffer.len())?;
        }
        let bytes = if buffer.is_empty() { first } else { buffer.freeze() };
        Ok(BufferedBody { bytes, permit: held })
    }

    /// Reserves memory for the window of a decoder.
    ///
    /// # Errors
    /// When too much memory is reserved already.
    pub(crate) fn reserve_decoder_window(&self, caller: CallerId, bytes: usize) -> Result<Permit<CallerId>, Limit> {
        self.bytes.try_acquire_many(&caller, bytes).map_err(|exceeded| self.count_refusal(exceeded))
    }

    /// Grows a reservation to this number of bytes.
    ///
    /// # Errors
    /// When too much memory is reserved already.
    pub(crate) fn reserve(
        &self,
        caller: CallerId,
        held: &mut Option<Permit<CallerId>>,
        bytes: usize,
    ) -> Result<(), Limit> {
        let has = held.as_ref().map_or(0, Permit::amount);
        if bytes <= MAX_UNTRACKED_BODY_BYTES.max(has) {
            return Ok(());
        }
        let more = bytes - has;
        let outcome = match held {
            Some(held) => held.try_grow(more),
            None => self.bytes.try_acquire_many(&caller, more).map(|permit| *held = Some(permit)),
        };
        outcome.map_err(|exceeded| self.count_refusal(exceeded))
    }

    fn count_refusal(&self, exceeded: QuotaExceeded) -> Limit {
        let limit = exceeded.limit(Limit::BodiesPerCaller, Limit::Bodies);
        self.refusals.count(limit);
        limit
    }
}

impl BufferedBody {
    /// The bytes, and the permit for them.
    pub(crate) fn into_parts(self) -> (Bytes, BodyPermit) {
        (self.bytes, BodyPermit(self.permit))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::domain::api_key::ApiKeyId;

    /// A request with a body in chunks of 8 kB, without a content length.
    fn request(bytes: usize) -> Request {
        let pieces = (0..bytes).step_by(8192).map(move |at| vec![b'x'; (bytes - at).min(8192)]);
        let pieces = stream::iter(pieces.map(Ok::<_, std::convert::Infallible>));
        Request::new(axum::body::Body::from_stream(pieces))
    }

    const CALLER: CallerId = CallerId::Key(ApiKeyId(1));
    const OTHER: CallerId = CallerId::Key(ApiKeyId(2));

    fn bodies(max_bytes_per_caller: usize, max_bytes: usize) -> BodyMemory {
        BodyMemory::new(BodyLimits { max_bytes_per_caller, max_bytes }, Refusals::default())
    }

    #[tokio::test]
    async fn body_is_read_whole_up_to_the_maximum() {
        let bodies = bodies(MAX_BODY_BYTES, MAX_BODY_BYTES);
        for bytes in [0, 1, 8192, 8193, MAX_UNTRACKED_BODY_BYTES, MAX_UNTRACKED_BODY_BYTES + 1, MAX_BODY_BYTES] {
            let body = bodies.read(CALLER, request(bytes)).await.expect("read");
            assert_eq!(body.bytes, vec![b'x'; bytes], "{bytes}");
            let held = body.permit.as_ref().map_or(0, Permit::amount);
            assert_eq!(held, if bytes > MAX_UNTRACKED_BODY_BYTES { bytes } else { 0 });
        }
        assert!(matches!(
            bodies.read(CALLER, request(MAX_BODY_BYTES + 1)).await,
            Err(ApiError::TooLarge(MAX_BODY_BYTES))
        ));
        let sized = Request::new(axum::body::Body::from(vec![b'x'; MAX_BODY_BYTES + 1]));
        assert!(matches!(bodies.read(CALLER, sized).await, Err(ApiError::TooLarge(MAX_BODY_BYTES))));
        assert_eq!(bodies.bytes(), 0, "all is returned");
    }

    #[tokio::test]
    async fn large_bodies_beyond_the_limit_are_refused() {
        let bodies = bodies(2 * MAX_BODY_BYTES, 3 * MAX_BODY_BYTES);
        let mut held = Vec::new();
        for _ in 0..2 {
            held.push(bodies.read(CALLER, request(MAX_BODY_BYTES)).await.expect("there is room").into_parts().1);
        }
        let refused = |outcome: Result<BufferedBody, ApiError>| match outcome {
            Err(ApiError::LimitReached(limit)) => Some(limit),
            _ => None,
        };
        assert_eq!(
            refused(bodies.read(CALLER, request(MAX_UNTRACKED_BODY_BYTES + 1)).await),
            Some(Limit::BodiesPerCaller)
        );
        assert!(bodies.read(CALLER, request(MAX_UNTRACKED_BODY_BYTES)).await.is_ok());
        held.push(bodies.read(OTHER, request(MAX_BODY_BYTES)).await.expect("there is room for others").into_parts().1);
        assert_eq!(refused(bodies.read(OTHER, request(MAX_UNTRACKED_BODY_BYTES + 1)).await), Some(Limit::Bodies));
        held.clear();
        assert!(bodies.read(CALLER, request(MAX_BODY_BYTES)).await.is_ok());
    }
}
