//! Bodies and messages of `WebSocket`s while they are read and worked on: how much memory they take.
//!
//! One may have a megabyte, and there may be as many as there are connections. Small ones, as sensors and most questions
//! have, take about as much as the connection itself and are not counted, so that large ones never keep them out.

use axum::{
    body::{Bytes, HttpBody as _},
    extract::Request,
};
use bytes::BytesMut;
use futures_util::StreamExt as _;

use super::decompression::DecompressionError;
use crate::{
    api_error::ApiError,
    http::MAX_BODY,
    limits::{BodyLimits, Limit, Permit, Quota, QuotaExceeded, rate_limit::Payer},
    observability::metrics::refusals::Refusals,
};

/// Up to which size a body is small, in bytes.
const SMALL: usize = 16 << 10;
/// The bodies of one gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bodies {
    bytes: Quota<Payer>,
    refusals: Refusals,
}

/// A body that was read. Its memory counts until this is dropped.
#[derive(Debug)]
pub(crate) struct Body {
    pub bytes: Bytes,
    held: Option<Permit<Payer>>,
}

/// What is left when the bytes have gone elsewhere.
pub(crate) struct Held(#[expect(dead_code, reason = "held, not read")] Option<Permit<Payer>>);

impl Bodies {
    /// None so far.
    #[must_use]
    pub fn new(limits: BodyLimits, refusals: Refusals) -> Self {
        Self { bytes: Quota::new(limits.max_bytes_per_caller, limits.max_bytes), refusals }
    }

    /// Bytes of the bodies that are being read.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.in_use()
    }

    /// Reads the body of a request to its end.
    ///
    /// # Errors
    /// When it is too large, breaks off, or there are too many large ones at the time.
    pub(crate) async fn read(&self, payer: Payer, request: Request) -> Result<Body, ApiError> {
        let body = request.into_body();
        if body.size_hint().lower() > MAX_BODY as u64 {
            return Err(ApiError::TooLarge(MAX_BODY));
        }
        let mut pieces = body.into_data_stream();
        let (mut whole, mut first, mut held) = (BytesMut::new(), Bytes::new(), None);
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| match DecompressionError::find(&error) {
                Some(error) => error.into(),
                None => ApiError::BadRequest("the body could not be read to its end".to_owned()),
            })?;
            if first.len() + whole.len() + piece.len() > MAX_BODY {
                return Err(ApiError::TooLarge(MAX_BODY));
            }
            if first.is_empty() && whole.is_empty() {
                first = piece; // most come in one piece
            } else {
                whole.extend_from_slice(&std::mem::take(&mut first));
                whole.extend_from_slice(&piece);
            }
            self.hold(payer, &mut held, first.len() + whole.len())?;
        }
        let bytes = if whole.is_empty() { first } else { whole.freeze() };
        Ok(Body { bytes, held })
    }

    /// Holds memory for the window of a decoder.
    ///
    /// # Errors
    /// When too much is held already.
    pub(crate) fn hold_window(&self, payer: Payer, bytes: usize) -> Result<Permit<Payer>, Limit> {
        self.bytes.try_acquire_many(&payer, bytes).map_err(|exceeded| self.refused(exceeded))
    }

    /// Makes what is held enough for so many bytes.
    ///
    /// # Errors
    /// When too much is held already.
    pub(crate) fn hold(&self, payer: Payer, held: &mut Option<Permit<Payer>>, bytes: usize) -> Result<(), Limit> {
        let has = held.as_ref().map_or(0, Permit::amount);
        if bytes <= SMALL.max(has) {
            return Ok(());
        }
        let more = bytes - has;
        let outcome = match held {
            Some(held) => held.try_grow(more),
            None => self.bytes.try_acquire_many(&payer, more).map(|permit| *held = Some(permit)),
        };
        outcome.map_err(|exceeded| self.refused(exceeded))
    }

    fn refused(&self, exceeded: QuotaExceeded) -> Limit {
        let limit = exceeded.limit(Limit::BodiesPerCaller, Limit::Bodies);
        self.refusals.count(limit);
        limit
    }
}

impl Body {
    /// The bytes, and what is held for them.
    pub(crate) fn split(self) -> (Bytes, Held) {
        (self.bytes, Held(self.held))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::domain::api_key::ApiKeyId;

    /// A request whose body comes in pieces of 8 kB, and is said to be so long or not.
    fn request(bytes: usize) -> Request {
        let pieces = (0..bytes).step_by(8192).map(move |at| vec![b'x'; (bytes - at).min(8192)]);
        let pieces = stream::iter(pieces.map(Ok::<_, std::convert::Infallible>));
        Request::new(axum::body::Body::from_stream(pieces))
    }

    const CALLER: Payer = Payer::Key(ApiKeyId(1));
    const OTHER: Payer = Payer::Key(ApiKeyId(2));

    fn bodies(max_bytes_per_caller: usize, max_bytes: usize) -> Bodies {
        Bodies::new(BodyLimits { max_bytes_per_caller, max_bytes }, Refusals::default())
    }

    #[tokio::test]
    async fn a_body_is_read_whole_and_no_longer_than_it_may_be() {
        let bodies = bodies(MAX_BODY, MAX_BODY);
        for bytes in [0, 1, 8192, 8193, SMALL, SMALL + 1, MAX_BODY] {
            let body = bodies.read(CALLER, request(bytes)).await.expect("read");
            assert_eq!(body.bytes, vec![b'x'; bytes], "{bytes}");
            let held = body.held.as_ref().map_or(0, Permit::amount);
            assert_eq!(held, if bytes > SMALL { bytes } else { 0 });
        }
        assert!(matches!(bodies.read(CALLER, request(MAX_BODY + 1)).await, Err(ApiError::TooLarge(MAX_BODY))));
        let told = Request::new(axum::body::Body::from(vec![b'x'; MAX_BODY + 1]));
        assert!(matches!(bodies.read(CALLER, told).await, Err(ApiError::TooLarge(MAX_BODY))));
        assert_eq!(bodies.bytes(), 0, "all is given back");
    }

    #[tokio::test]
    async fn large_ones_beyond_what_there_is_are_refused_and_small_ones_are_not() {
        let bodies = bodies(2 * MAX_BODY, 3 * MAX_BODY);
        let mut held = Vec::new();
        for _ in 0..2 {
            held.push(bodies.read(CALLER, request(MAX_BODY)).await.expect("there is room").split().1);
        }
        let refused = |outcome: Result<Body, ApiError>| match outcome {
            Err(ApiError::LimitReached(limit)) => Some(limit),
            _ => None,
        };
        assert_eq!(refused(bodies.read(CALLER, request(SMALL + 1)).await), Some(Limit::BodiesPerCaller));
        assert!(bodies.read(CALLER, request(SMALL)).await.is_ok());
        held.push(bodies.read(OTHER, request(MAX_BODY)).await.expect("there is room for others").split().1);
        assert_eq!(refused(bodies.read(OTHER, request(SMALL + 1)).await), Some(Limit::Bodies));
        held.clear();
        assert!(bodies.read(CALLER, request(MAX_BODY)).await.is_ok());
    }
}
