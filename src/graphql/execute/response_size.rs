//! Maximum size of a response. The bytes of lists are counted while they are written, so that a response that is too
//! large fails before it uses the memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::{Response, Value};

use super::{error_codes, response_writer};
use crate::{api_error::ApiError, graphql::context::State, limits::Limit, observability::metrics::refusals::Refusals};

/// Bytes of a response so far, as data of its request.
#[derive(Clone)]
pub(crate) struct ResponseSize(Arc<Inner>);

struct Inner {
    max_bytes: usize,
    written_bytes: AtomicUsize,
    /// Metric of rejections; `None` when an oversized response is rendered again in parts.
    refusals: Option<Refusals>,
}

impl ResponseSize {
    /// The size of an empty response.
    pub fn new(state: &State) -> Self {
        Self::counted_by(state, Some(state.metrics.refusals.clone()))
    }

    /// The size of several responses written together, limited like one response.
    pub fn of_several(state: &State) -> Self {
        Self::counted_by(state, None)
    }

    fn counted_by(state: &State, refusals: Option<Refusals>) -> Self {
        let max = state.info.limits.responses.max_bytes;
        Self(Arc::new(Inner { max_bytes: max, written_bytes: AtomicUsize::new(0), refusals }))
    }

    /// Whether the limit is exceeded.
    pub fn is_exceeded(&self) -> bool {
        self.0.written_bytes.load(Ordering::Relaxed) > self.0.max_bytes
    }

    /// Remaining bytes.
    pub fn remaining(&self) -> usize {
        self.0.max_bytes.saturating_sub(self.0.written_bytes.load(Ordering::Relaxed))
    }

    /// Adds written bytes.
    ///
    /// # Errors
    /// When the limit is exceeded.
    pub fn add(&self, bytes: usize) -> Result<(), ApiError> {
        let written = self.0.written_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if written > self.0.max_bytes {
            Err(too_large_error(self.0.refusals.as_ref(), self.0.max_bytes))
        } else {
            Ok(())
        }
    }
}

/// The response, or an error when it is too large.
pub(crate) fn check_response(state: &State, response: Response) -> Response {
    match check(state, &response.data) {
        Ok(()) => response,
        Err(error) => *error_codes::error_response(vec![error_codes::from_api_error(error)]),
    }
}

/// Checks the size of the data of one response or one event.
///
/// # Errors
/// When it is too large.
pub(crate) fn check(state: &State, data: &Value) -> Result<(), ApiError> {
    let max = state.info.limits.responses.max_bytes;
    if response_writer::min_json_size(data) <= max {
        Ok(())
    } else {
        Err(too_large_error(Some(&state.metrics.refusals), max))
    }
}

fn too_large_error(refusals: Option<&Refusals>, max: usize) -> ApiError {
    refusals.inspect(|refusals| refusals.count(Limit::ResponseBytes));
    ApiError::TooComplex(format!("the response is larger than {max} bytes; request smaller pages or fewer fields"))
}
