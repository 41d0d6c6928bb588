//! Subscriptions that go on where they were cut off: the request extension `resume`.
//!
//! A request with `extensions: {"resume": {"after": <cursor or null>}}` goes on after that cursor. Each of its results has
//! `extensions.cursor`; a result with `"data": null` and a cursor only is sent when the subscription begins, and from time to
//! time while no event matches. A client that puts the last cursor into the extension when it sends the request again gets
//! every event once, whatever document it sends. The position is kept by the client, as only the client knows what arrived.

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
    /// The cursor after which the client goes on; none when it begins.
    pub after: Option<String>,
}

impl Resume {
    /// The extension that came with a request.
    pub fn from_request(request: &Request) -> Option<&Self> {
        request.data.get(&TypeId::of::<Self>())?.downcast_ref()
    }
}

/// A result with the cursor of its place. A result is a JSON object without `extensions`.
pub(crate) fn with_cursor(result: &[u8], place: FeedOffset) -> Vec<u8> {
    let members = result.strip_suffix(b"}").unwrap_or(result);
    [members, br#","extensions":{"cursor":""#, FeedCursor(place).encode_cursor().as_bytes(), br#""}}"#].concat()
}

/// A result that has only a cursor.
pub(crate) fn position_result(place: FeedOffset) -> Vec<u8> {
    with_cursor(br#"{"data":null}"#, place)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn result_carries_its_cursor_as_an_extension() {
        let place = FeedOffset { number: 7, index: 3 };
        let extensions = json!({ "cursor": FeedCursor(place).encode_cursor() });
        for (result, expected) in [
            (
                with_cursor(br#"{"data":{"a":{"b":1}}}"#, place),
                json!({ "data": { "a": { "b": 1 } }, "extensions": extensions }),
            ),
            (
                with_cursor(br#"{"data":null,"errors":[]}"#, place),
                json!({ "data": null, "errors": [], "extensions": extensions }),
            ),
            (position_result(place), json!({ "data": null, "extensions": extensions })),
        ] {
            assert_eq!(serde_json::from_slice::<Value>(&result).expect("JSON"), expected);
        }
    }
}
