//! Answers that refuse, and codes for errors that async-graphql makes while it executes. Its errors have only a message, so the
//! message decides.

use async_graphql::{Pos, Response, ServerError};

use super::operation::error::{BAD_USER_INPUT, VALIDATION_FAILED};
use crate::api_error::ApiError;

/// Of so many mistakes of a document is told at most.
const MAX_REPORTED_ERRORS: usize = 20;
/// Characters of a message at most: it may repeat a long name.
const MAX_MESSAGE_CHARS: usize = 500;
/// How errors begin that the check of an argument gives while the cost is computed ([`super::argument_check`]).
pub(crate) const INVALID_ARGUMENT_PREFIX: &str = "Invalid value for argument \"";

/// An error of the whole request, as GraphQL tells it: it stands nowhere in the document.
pub(crate) fn from_api_error(error: ApiError) -> ServerError {
    let mut error = async_graphql::Error::from(error).into_server_error(Pos::default());
    error.locations.clear();
    error
}

/// The answer to a request that is refused for these.
pub(crate) fn error_response(mut errors: Vec<ServerError>) -> Box<Response> {
    add_codes(&mut errors);
    Box::new(Response::from_errors(errors))
}

/// Gives the errors of an answer their codes.
pub(crate) fn add_codes(errors: &mut Vec<ServerError>) {
    // Validation tells each mistake, of which a long document may have thousands.
    let mut mistakes = 0;
    errors.retain(|error| {
        mistakes += usize::from(error.path.is_empty());
        !error.path.is_empty() || mistakes <= MAX_REPORTED_ERRORS
    });
    for error in errors {
        truncate_message(&mut error.message);
        add_code(error);
    }
}

fn truncate_message(message: &mut String) {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE_CHARS) {
        message.truncate(end);
        message.push('…');
    }
}

/// Gives an error of the library its code. Errors of ours have theirs.
fn add_code(error: &mut ServerError) {
    let mut extensions = error.extensions.take().unwrap_or_default();
    if extensions.get("code").is_none() {
        let checked = error.message.strip_prefix(INVALID_ARGUMENT_PREFIX).and_then(|rest| rest.split_once("\", "));
        if let Some((argument, reason)) = checked {
            extensions.set("code", BAD_USER_INPUT);
            extensions.set("argument", argument);
            error.message = format!("{argument}: {reason}");
        } else {
            // The second is of a variable that is null at a place within a value where null may not be.
            let is_of_a_value =
                error.message.starts_with("Failed to parse \"") || error.message.contains("(occurred while parsing \"");
            extensions.set("code", if is_of_a_value { BAD_USER_INPUT } else { VALIDATION_FAILED });
        }
    }
    error.extensions = Some(extensions);
}
