//! Error responses, and codes for errors of async-graphql's execution. These errors only have a message, which
//! determines the code.

use async_graphql::{Pos, Response, ServerError};

use super::operation::error::{BAD_USER_INPUT, VALIDATION_FAILED};
use crate::api_error::ApiError;

/// Maximum errors in a response to an invalid document.
const MAX_REPORTED_ERRORS: usize = 20;
/// Maximum characters of a message, as it may contain a long name.
const MAX_MESSAGE_CHARS: usize = 500;
/// Prefix of errors of argument checks ([`super::argument_check`]).
pub(crate) const INVALID_ARGUMENT_PREFIX: &str = "Invalid value for argument \"";

/// A GraphQL error of the whole request, without location.
pub(crate) fn from_api_error(error: ApiError) -> ServerError {
    let mut error = async_graphql::Error::from(error).into_server_error(Pos::default());
    error.locations.clear();
    error
}

/// The response that rejects a request with these errors.
pub(crate) fn error_response(mut errors: Vec<ServerError>) -> Box<Response> {
    add_codes(&mut errors);
    Box::new(Response::from_errors(errors))
}

/// Sets the codes of a response's errors.
pub(crate) fn add_codes(errors: &mut Vec<ServerError>) {
    // Validation reports every error; a long document may have thousands.
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

/// Sets the code of an error of async-graphql. Other errors already have one.
fn add_code(error: &mut ServerError) {
    let mut extensions = error.extensions.take().unwrap_or_default();
    if extensions.get("code").is_none() {
        let checked = error.message.strip_prefix(INVALID_ARGUMENT_PREFIX).and_then(|rest| rest.split_once("\", "));
        if let Some((argument, reason)) = checked {
            extensions.set("code", BAD_USER_INPUT);
            extensions.set("argument", argument);
            error.message = format!("{argument}: {reason}");
        } else {
            // The second one is for a null variable in a non-null position within a value.
            let is_of_a_value =
                error.message.starts_with("Failed to parse \"") || error.message.contains("(occurred while parsing \"");
            extensions.set("code", if is_of_a_value { BAD_USER_INPUT } else { VALIDATION_FAILED });
        }
    }
    error.extensions = Some(extensions);
}
