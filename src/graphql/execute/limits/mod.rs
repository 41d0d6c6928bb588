//! Limits of a document: of its text before parsing, of the parsed document before validation. They use neither
//! variables nor the schema and take time linear in the length of the text, so that a hostile document is rejected
//! cheaply.
//!
//! The limit of a request's *cost*, which depends on page sizes, is in [`super::cost`].

mod document;
mod introspection;
#[cfg(test)]
mod properties;
mod text;

pub use document::check as document;
pub use introspection::introspects;
pub use text::check as text;

use super::complexity::MAX_DEPTH;
use crate::api_error::ApiError;

/// Maximum length of the text, in bytes. The parser reads strings character by character: 0.5 MB take 40 ms.
pub const MAX_DOCUMENT_BYTES: usize = 128 << 10;
/// Maximum number of tokens. GraphiQL's introspection query has about 400.
pub const MAX_TOKENS: usize = 10_000;
/// Maximum nesting of brackets in the text, and of selection sets including fragments. The parser and the validation
/// are recursive.
pub const MAX_NESTING: usize = 64;
/// Maximum number of fields; fields of a fragment count at each spread. GraphiQL's introspection query has about 400.
pub const MAX_FIELDS: usize = 2000;
/// Maximum number of root fields of an operation.
pub const MAX_ROOT_FIELDS: usize = 49;
/// Maximum number of occurrences of a field in one selection set.
pub const MAX_REPETITIONS: usize = 49;
/// Maximum length of a response key (alias or field name), in bytes: the response repeats it in each row.
pub const MAX_RESPONSE_KEY: usize = 128;
/// Maximum number of aliases, counted like fields.
pub const MAX_ALIASES: usize = 100;
/// Maximum number of directives, counted like fields.
pub const MAX_DIRECTIVES: usize = 49;

/// Reason for rejecting a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitExceeded {
    /// More than [`MAX_DOCUMENT_BYTES`].
    #[error("the document is longer than {MAX_DOCUMENT_BYTES} bytes; send long values as variables")]
    DocumentBytes,
    /// More than [`MAX_TOKENS`].
    #[error(
        "the document has more than {MAX_TOKENS} tokens; split it into several requests, and send long lists as variables"
    )]
    Tokens,
    /// More than [`MAX_NESTING`].
    #[error("the document's brackets or fragments are nested more than {MAX_NESTING} deep; nest them less")]
    Nesting,
    /// More than [`MAX_DEPTH`].
    #[error("the request is nested more than {MAX_DEPTH} levels deep; query deeper objects by their `id`")]
    Depth,
    /// More than [`MAX_FIELDS`].
    #[error(
        "the request selects more than {MAX_FIELDS} fields, those of a fragment counted at each spread; select \
         fewer, or split it into several requests"
    )]
    Fields,
    /// More than [`MAX_ROOT_FIELDS`].
    #[error("the operation has more than {MAX_ROOT_FIELDS} root fields; split it into several requests")]
    RootFields,
    /// More than [`MAX_REPETITIONS`].
    #[error("`{0}` is selected more than {MAX_REPETITIONS} times in one selection set; once is enough")]
    Repetitions(String),
    /// Longer than [`MAX_RESPONSE_KEY`]. Holds the beginning of the key.
    #[error("the alias or field name `{0}…` is longer than {MAX_RESPONSE_KEY} bytes")]
    ResponseKey(String),
    /// More than [`MAX_ALIASES`].
    #[error(
        "the request has more than {MAX_ALIASES} aliases, those of a fragment counted at each spread; split it into \
         several requests, or use a field that takes a list"
    )]
    Aliases,
    /// More than [`MAX_DIRECTIVES`].
    #[error(
        "the request has more than {MAX_DIRECTIVES} directives, those of a fragment counted at each spread; put \
         fields that are included together into one fragment"
    )]
    Directives,
    /// A cycle of fragments.
    #[error("fragment `{0}` spreads itself, by way of others or directly; a fragment can't contain itself")]
    FragmentCycle(String),
}

impl From<LimitExceeded> for ApiError {
    fn from(excess: LimitExceeded) -> Self {
        match excess {
            LimitExceeded::FragmentCycle(_) => Self::InvalidDocument(excess.to_string()),
            _ => Self::TooComplex(excess.to_string()),
        }
    }
}
