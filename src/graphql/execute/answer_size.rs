//! The largest answer. The lists of an answer are counted while they are written, so that an answer that is too large is an error
//! before it takes the memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::{Response, Value};

use super::{error_codes, response_writer};
use crate::{api_error::ApiError, graphql::context::State, limits::Limit, observability::metrics::refusals::Refusals};

/// The bytes of an answer so far, as data of its request.
#[derive(Clone)]
pub(crate) struct AnswerSize(Arc<Shared>);

struct Shared {
    max: usize,
    written: AtomicUsize,
    /// Counts a refusal; none where the answer is written again when it is too large.
    refusals: Option<Refusals>,
}

impl AnswerSize {
    /// Of an answer of which nothing is written.
    pub fn new(state: &State) -> Self {
        Self::counted_by(state, Some(state.metrics.refusals.clone()))
    }

    /// Of several answers that are written together, for as long as they are no larger than one may be.
    pub fn of_several(state: &State) -> Self {
        Self::counted_by(state, None)
    }

    fn counted_by(state: &State, refusals: Option<Refusals>) -> Self {
        let max = state.about.limits.answers.max_bytes;
        Self(Arc::new(Shared { max, written: AtomicUsize::new(0), refusals }))
    }

    /// Whether too much was written.
    pub fn is_exceeded(&self) -> bool {
        self.0.written.load(Ordering::Relaxed) > self.0.max
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
        if written > self.0.max { Err(too_large(self.0.refusals.as_ref(), self.0.max)) } else { Ok(()) }
    }
}

/// The answer, or an error when it is too large.
pub(crate) fn checked(state: &State, response: Response) -> Response {
    match check(state, &response.data) {
        Ok(()) => response,
        Err(error) => *error_codes::answer(vec![error_codes::of(error)]),
    }
}

/// Checks the size of the data of one answer, or of one event.
///
/// # Errors
/// When it is too large.
pub(crate) fn check(state: &State, data: &Value) -> Result<(), ApiError> {
    let max = state.about.limits.answers.max_bytes;
    if response_writer::size(data) <= max { Ok(()) } else { Err(too_large(Some(&state.metrics.refusals), max)) }
}

fn too_large(refusals: Option<&Refusals>, max: usize) -> ApiError {
    refusals.inspect(|refusals| refusals.count(Limit::AnswerBytes));
    ApiError::TooComplex(format!("the answer is larger than {max} bytes; request smaller pages or fewer fields"))
}
