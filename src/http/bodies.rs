//! Bodies while they are read and worked on: how much memory all of them take together.
//!
//! One may have a megabyte, and there may be as many as there are connections. Small ones, as sensors and most questions
//! have, take about as much as the connection itself and are not counted, so that large ones never keep them out.

use std::sync::Arc;

use axum::{
    body::{Bytes, HttpBody as _},
    extract::Request,
};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{MAX_BODY, decompression::DecompressionError};
use crate::error::ApiError;

/// Up to which size a body is small, in bytes.
const SMALL: usize = 16 << 10;
/// What all others may take together, in bytes.
const MOST: usize = 64 << 20;

/// The bodies of one gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bodies(Arc<Semaphore>);

/// A body that was read. Its memory counts until this is dropped.
#[derive(Debug)]
pub(super) struct Body {
    pub bytes: Bytes,
    held: Option<OwnedSemaphorePermit>,
}

/// What is left when the bytes have gone elsewhere.
pub(super) struct Held(#[expect(dead_code, reason = "held, not read")] Option<OwnedSemaphorePermit>);

impl Default for Bodies {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }
}

impl Bodies {
    /// Reads the body of a request to its end.
    ///
    /// # Errors
    /// When it is too large, breaks off, or there are too many large ones at the time.
    pub(super) async fn read(&self, request: Request) -> Result<Body, ApiError> {
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
            self.hold(&mut held, first.len() + whole.len())?;
        }
        let bytes = if whole.is_empty() { first } else { whole.freeze() };
        Ok(Body { bytes, held })
    }

    /// Holds memory for the window of a decoder; nothing where too much is held already.
    pub(super) fn hold_window(&self, bytes: u32) -> Option<OwnedSemaphorePermit> {
        self.0.clone().try_acquire_many_owned(bytes).ok()
    }

    /// Makes what is held enough for so many bytes.
    fn hold(&self, held: &mut Option<OwnedSemaphorePermit>, bytes: usize) -> Result<(), ApiError> {
        let has = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if bytes <= SMALL.max(has) {
            return Ok(());
        }
        let more = u32::try_from(bytes - has).map_err(|_| ApiError::TooLarge(MAX_BODY))?;
        let more = self.0.clone().try_acquire_many_owned(more).map_err(|_| ApiError::Overloaded)?;
        match held {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
        Ok(())
    }
}

impl Body {
    /// The bytes, and what is held for them.
    pub(super) fn split(self) -> (Bytes, Held) {
        (self.bytes, Held(self.held))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    /// A request whose body comes in pieces of 8 kB, and is said to be so long or not.
    fn request(bytes: usize) -> Request {
        let pieces = (0..bytes).step_by(8192).map(move |at| vec![b'x'; (bytes - at).min(8192)]);
        let pieces = stream::iter(pieces.map(Ok::<_, std::convert::Infallible>));
        Request::new(axum::body::Body::from_stream(pieces))
    }

    #[tokio::test]
    async fn a_body_is_read_whole_and_no_longer_than_it_may_be() {
        let bodies = Bodies::default();
        for bytes in [0, 1, 8192, 8193, SMALL, SMALL + 1, MAX_BODY] {
            let body = bodies.read(request(bytes)).await.expect("read");
            assert_eq!(body.bytes, vec![b'x'; bytes], "{bytes}");
            let held = body.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            assert_eq!(held, if bytes > SMALL { bytes } else { 0 });
        }
        assert!(matches!(bodies.read(request(MAX_BODY + 1)).await, Err(ApiError::TooLarge(MAX_BODY))));
        let told = Request::new(axum::body::Body::from(vec![b'x'; MAX_BODY + 1]));
        assert!(matches!(bodies.read(told).await, Err(ApiError::TooLarge(MAX_BODY))));
        assert_eq!(bodies.0.available_permits(), MOST, "all is given back");
    }

    #[tokio::test]
    async fn large_ones_beyond_what_there_is_are_refused_and_small_ones_are_not() {
        let bodies = Bodies::default();
        let mut held = Vec::new();
        for _ in 0..MOST / MAX_BODY {
            held.push(bodies.read(request(MAX_BODY)).await.expect("there is room").split().1);
        }
        assert!(matches!(bodies.read(request(SMALL + 1)).await, Err(ApiError::Overloaded)));
        assert!(bodies.read(request(SMALL)).await.is_ok());
        held.pop();
        assert!(bodies.read(request(MAX_BODY)).await.is_ok());
    }
}
