//! What a document may be, found out before it costs anything: its text before it is parsed, the document before it is
//! validated. None of this looks at variables or at the schema, and all of it takes no longer than reading the text, so a
//! stranger's worst document is refused as cheaply as it came.
//!
//! What a request may *cost*, which knows the sizes of pages, is in [`super::cost`].

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

/// The longest text, in bytes. The parser reads a string letter by letter: half a megabyte of one took it 40 ms.
pub const MAX_DOCUMENT_BYTES: usize = 128 << 10;
/// The most tokens of a text. The query with which GraphiQL reads the schema has about 400.
pub const MAX_TOKENS: usize = 10_000;
/// The deepest brackets within brackets of a text, and the deepest selection sets within each other by way of fields and
/// fragments. The parser and the library's validation call themselves for each.
pub const MAX_NESTING: usize = 64;
/// The most fields, those of a fragment counted wherever it is spread. Reading the schema takes about 400.
pub const MAX_FIELDS: usize = 2000;
/// The most root fields of an operation.
pub const MAX_ROOT_FIELDS: usize = 49;
/// How often a field may stand in one selection set.
pub const MAX_REPETITIONS: usize = 49;
/// The longest response key, an alias or the name of a field, in bytes: it stands in the answer once a row.
pub const MAX_RESPONSE_KEY: usize = 128;
/// The most aliases, counted as fields are.
pub const MAX_ALIASES: usize = 100;
/// The most directives, counted as fields are.
pub const MAX_DIRECTIVES: usize = 49;

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitExceeded {
    /// More than [`MAX_DOCUMENT_BYTES`].
    #[error("the document is longer than {MAX_DOCUMENT_BYTES} bytes; send long values as variables")]
    DocumentBytes,
    /// More than [`MAX_TOKENS`].
    #[error(
        "the document has more than {MAX_TOKENS} tokens; ask in several requests, and send long lists as variables"
    )]
    Tokens,
    /// More than [`MAX_NESTING`].
    #[error("the document's brackets or fragments are nested more than {MAX_NESTING} deep; nest them less")]
    Nesting,
    /// More than [`MAX_DEPTH`].
    #[error("the request is nested more than {MAX_DEPTH} levels deep; ask for what lies deeper by its `id`")]
    Depth,
    /// More than [`MAX_FIELDS`].
    #[error(
        "the request selects more than {MAX_FIELDS} fields, those of a fragment counted wherever it is spread; ask for \
         fewer, or in several requests"
    )]
    Fields,
    /// More than [`MAX_ROOT_FIELDS`].
    #[error("the operation has more than {MAX_ROOT_FIELDS} root fields; ask in several requests")]
    RootFields,
    /// More than [`MAX_REPETITIONS`].
    #[error("`{0}` stands more than {MAX_REPETITIONS} times in one selection set; once is enough")]
    Repetitions(String),
    /// Longer than [`MAX_RESPONSE_KEY`]. The beginning of it.
    #[error("the alias or field name `{0}…` is longer than {MAX_RESPONSE_KEY} bytes")]
    ResponseKey(String),
    /// More than [`MAX_ALIASES`].
    #[error(
        "the request has more than {MAX_ALIASES} aliases, those of a fragment counted wherever it is spread; ask in \
         several requests, or use a field that takes a list"
    )]
    Aliases,
    /// More than [`MAX_DIRECTIVES`].
    #[error(
        "the request has more than {MAX_DIRECTIVES} directives, those of a fragment counted wherever it is spread; put \
         fields that are included together into one fragment"
    )]
    Directives,
    /// No limit, but without an end.
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
