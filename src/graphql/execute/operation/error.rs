//! Errors of a request before execution, with their positions.

use async_graphql::{Pos, ServerError};

use super::line_index::LineIndex;

/// Error code: the document can't be parsed.
pub const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
/// Error code: the document violates a validation rule.
pub const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
/// Error code: a value in the document or of a variable has the wrong type.
pub const BAD_USER_INPUT: &str = "BAD_USER_INPUT";

/// Syntax error in a document.
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

    /// The error for a type system definition, which is valid syntax but not executable (§5.1.1).
    pub fn not_executable(offset: usize) -> Self {
        let message = "a document that is executed has only operations and fragments".to_owned();
        Self { offset, message, code: VALIDATION_FAILED }
    }

    pub fn into_server_error(self, lines: &LineIndex) -> ServerError {
        let message = if self.code == PARSE_FAILED { format!("syntax error: {}", self.message) } else { self.message };
        server_error(message, lines.position(self.offset), self.code, None)
    }
}

/// Violation of a validation rule, or a value of the wrong type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ValidationError {
    /// Position in the document.
    pub offset: usize,
    pub message: String,
    /// Path of a value of the wrong type.
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
