//! What is wrong with a request before it runs, and where.

use async_graphql::{Pos, ServerError};

use super::line_index::LineIndex;

/// The code of a document that can't be parsed.
pub const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
/// The code of a document that breaks a rule of validation.
pub const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
/// The code of a value that is not of its type: in the document, or of a variable.
pub const BAD_USER_INPUT: &str = "BAD_USER_INPUT";

/// A mistake in the text of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub offset: usize,
    pub message: String,
    code: &'static str,
}

impl SyntaxError {
    pub fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into(), code: PARSE_FAILED }
    }

    /// A definition of a type system, which the grammar knows but no service executes (§5.1.1).
    pub fn not_executable(offset: usize) -> Self {
        let message = "a document that is executed has only operations and fragments".to_owned();
        Self { offset, message, code: VALIDATION_FAILED }
    }

    pub fn into_server_error(self, lines: &LineIndex) -> ServerError {
        let message = if self.code == PARSE_FAILED { format!("syntax error: {}", self.message) } else { self.message };
        server_error(message, lines.position(self.offset), self.code, None)
    }
}

/// A broken rule of validation, or a value that is not of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ValidationError {
    /// Where in the document.
    pub offset: usize,
    pub message: String,
    /// The path of the value, where one is not of its type.
    pub argument: Option<String>,
}

impl ValidationError {
    pub fn broken_rule(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into(), argument: None }
    }

    pub fn invalid_value(offset: usize, path: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        let path = path.into();
        Self { offset, message: format!("{path}: {reason}"), argument: Some(path) }
    }

    pub fn into_server_error(self, lines: &LineIndex) -> ServerError {
        let code = if self.argument.is_some() { BAD_USER_INPUT } else { VALIDATION_FAILED };
        server_error(self.message, lines.position(self.offset), code, self.argument)
    }
}

fn server_error(message: String, position: Pos, code: &str, argument: Option<String>) -> ServerError {
    let mut error = ServerError::new(message, Some(position));
    let mut extensions = async_graphql::ErrorExtensionValues::default();
    extensions.set("code", code);
    if let Some(argument) = argument {
        extensions.set("argument", argument);
    }
    error.extensions = Some(extensions);
    error
}
