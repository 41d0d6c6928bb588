//! Arguments of mutations that are checked before anything is executed.
//!
//! Root fields of a mutation run one after the other, so a check in a resolver comes after the fields before it have
//! changed the database. The complexity of every field is computed before execution, and an error there refuses the
//! whole request.

use async_graphql::{ServerError, ServerResult};

use super::refusal::INVALID_VALUE;
use crate::error::ApiError;

/// The own complexity of a field whose argument was checked.
///
/// # Errors
/// Names the argument that is invalid.
pub fn checked<T>(check: Result<T, ApiError>) -> ServerResult<usize> {
    match check {
        Ok(_) => Ok(1),
        Err(ApiError::BadUserInput { argument, reason }) => {
            Err(ServerError::new(format!("{INVALID_VALUE}{argument}\", {reason}"), None))
        }
        Err(error) => Err(ServerError::new(error.message(), None)),
    }
}
