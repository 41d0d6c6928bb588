//! Resumable subscriptions: the request extension `resume`.
//!
//! A request with `extensions: {"resume": {"after": <cursor or null>}}` continues after that cursor. Each of its
//! results has `extensions.cursor`. A result with `"data": null` and only a cursor is sent when the subscription
//! starts, and from time to time while no event matches. A client that sends the last cursor in the extension when it
//! repeats the request gets every event once, whatever document it sends. The client stores the position, as only the
//! client knows which results arrived.

use std::any::TypeId;

use async_graphql::{Request, connection::CursorType as _};
use serde::Deserialize;

use crate::{domain::feed::FeedOffset, graphql::cursor::FeedCursor};

/// The name of the extension.
pub(crate) const RESUME_EXTENSION: &str = "resume";

/// The extension of one request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    /// The cursor to continue after; `None` for a new subscription.
    pub after: Option<String>,
}

impl Resume {
    /// The extension of a request, if it has one.
    pub fn from_request(request: &Request) -> Option<&Self> {
        request.data.get(&TypeId::of::<Self>())?.downcast_ref()
    }
}

/// Adds the cursor of its offset to a result, which is a JSON object without `extensions`.
pub(crate) fn with_cursor(result: &[u8], offset: FeedOffset) -> Vec<u8> {
    let members = result.strip_suffix(b"}").unwrap_or(result);
    [members, br#","extensions":{"cursor":""#, FeedCursor(offset).encode_cursor().as_bytes(), br#""}}"#].concat()
}

/// A result with only a cursor.
pub(crate) fn position_result(offset: FeedOffset) -> Vec<u8> {
    with_cursor(br#"{"data":null}"#, offset)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn result_carries_its_cursor_as_an_extension() {
        let offset = FeedOffset { number: 7, index: 3 };
        let extensions = json!({ "cursor": FeedCursor(offset).encode_cursor() });
        for (result, expected) in [
            (
                with_cursor(br#"{"data":{"a":{"b":1}}}"#, offset),
                json!({ "data": { "a": { "b": 1 } }, "extensions": extensions }),
            ),
            (
                with_cursor(br#"{"data":null,"errors":[]}"#, offset),
                json!({ "data": null, "errors": [], "extensions": extensions }),
            ),
            (position_result(offset), json!({ "data": null, "extensions": extensions })),
        ] {
            assert_eq!(serde_json::from_slice::<Value>(&result).expect("JSON"), expected);
        }
    }
}
