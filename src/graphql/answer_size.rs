//! The largest answer. The lists of an answer are counted while they are written, so that an answer that is too large is an error
//! before it takes the memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::Response;

use super::{context::State, refusal, writer};
use crate::{
    error::ApiError,
    limits::{Limit, Refusals},
};

/// The bytes of an answer so far, as data of its request.
#[derive(Clone)]
pub(super) struct AnswerSize(Arc<Shared>);

struct Shared {
    max: usize,
    written: AtomicUsize,
    refusals: Refusals,
}

impl AnswerSize {
    /// Of an answer of which nothing is written.
    pub fn new(state: &State) -> Self {
        let max = state.about.limits.answers.max_bytes;
        Self(Arc::new(Shared { max, written: AtomicUsize::new(0), refusals: state.metrics.refusals.clone() }))
    }

    /// Bytes that may still be written.
    pub fn left(&self) -> usize {
        self.0.max.saturating_sub(self.0.written.load(Ordering::Relaxed))
    }

    /// Counts what was written.
    ///
    /// # Errors
    /// When it is too much.
    pub fn add(&self, bytes: usize) -> Result<(), ApiError> {
        let written = self.0.written.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if written > self.0.max { Err(too_large(&self.0.refusals, self.0.max)) } else { Ok(()) }
    }
}

/// The answer, or an error when it is too large.
pub(super) fn checked(state: &State, response: Response) -> Response {
    let max = state.about.limits.answers.max_bytes;
    if writer::size(&response.data) <= max {
        return response;
    }
    *refusal::answer(vec![refusal::of(too_large(&state.metrics.refusals, max))])
}

fn too_large(refusals: &Refusals, max: usize) -> ApiError {
    refusals.count(Limit::AnswerBytes);
    ApiError::TooComplex(format!("the answer is larger than {max} bytes; request smaller pages or fewer fields"))
}
