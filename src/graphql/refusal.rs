//! Codes for the errors that async-graphql itself makes: syntax, validation, values of a wrong type. Its errors
//! have only a message, so the message decides; a test holds each kind against the library's wording.

use async_graphql::{Pos, Response, ServerError};

use super::scalar::EXPECTED_TIME;
use crate::error::ApiError;

/// Of so many mistakes of a document is told at most.
const MOST_MISTAKES: usize = 20;
/// The longest message, in bytes.
const LONGEST: usize = 2000;
/// How the library begins when the value of an argument is not of its type.
pub(super) const INVALID_VALUE: &str = "Invalid value for argument \"";

/// An error of the whole request, as GraphQL tells it: it stands nowhere in the document.
pub(super) fn of(error: ApiError) -> ServerError {
    let mut error = async_graphql::Error::from(error).into_server_error(Pos::default());
    error.locations.clear();
    error
}

/// The answer to a request that is refused for these.
pub(super) fn answer(mut errors: Vec<ServerError>) -> Box<Response> {
    name_all(&mut errors);
    Box::new(Response::from_errors(errors))
}

/// Gives the errors of an answer their codes.
pub(super) fn name_all(errors: &mut Vec<ServerError>) {
    // A value that was found wrong is found so again when the cost of its field is reckoned, in worse words.
    if errors.iter().any(|error| error.message.starts_with(INVALID_VALUE)) {
        errors.retain(|error| !error.message.contains("(occurred while parsing \""));
    }
    // Validation tells each mistake, of which a long document may have thousands.
    let mut mistakes = 0;
    errors.retain(|error| {
        mistakes += usize::from(error.path.is_empty());
        !error.path.is_empty() || mistakes <= MOST_MISTAKES
    });
    for error in errors {
        shorten(&mut error.message);
        name(error);
    }
}

/// Names may be long, and the parser repeats the line in which it failed, twice: its first line says where, its last what
/// was expected.
fn shorten(message: &mut String) {
    if message.len() <= LONGEST {
        return;
    }
    let cut = |text: &str| text.chars().take(LONGEST / 8).collect::<String>(); // a character takes up to four bytes
    let mut lines = message.lines();
    let first = cut(lines.next().unwrap_or_default());
    *message = match lines.next_back() {
        Some(last) => format!("{first} {}", cut(last.trim_start())),
        None => format!("{first}…"),
    };
}

/// Gives an error of the library its code, and the argument where it names one. Errors of ours have theirs.
fn name(error: &mut ServerError) {
    if error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some()) {
        return;
    }
    let mut extensions = error.extensions.take().unwrap_or_default();
    let mut set = |code: &str, argument: Option<String>| {
        extensions.set("code", code);
        if let Some(argument) = argument {
            extensions.set("argument", argument);
        }
    };
    if let Some(rest) = error.message.strip_prefix(INVALID_VALUE) {
        let argument = rest.split_once('"').map(|(argument, _)| with_brackets(argument));
        let is_time = rest.ends_with("expected type \"DateTime\"");
        if let Some(argument) = argument.as_ref().filter(|_| is_time) {
            error.message = format!("{argument}: {EXPECTED_TIME}");
        }
        set("BAD_USER_INPUT", argument);
    } else if error.message.starts_with("Failed to parse \"") || error.message.starts_with("invalid number") {
        set("BAD_USER_INPUT", None);
    } else {
        set("GRAPHQL_VALIDATION_FAILED", None);
    }
    error.extensions = Some(extensions);
}

/// `input.measurements.3.pm10` as our own errors write it: `input.measurements[3].pm10`.
fn with_brackets(argument: &str) -> String {
    let mut path = String::with_capacity(argument.len());
    for step in argument.split('.') {
        if !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
            path.extend(["[", step, "]"]);
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(step);
        }
    }
    path
}
