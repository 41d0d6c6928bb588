//! The messages of `graphql-transport-ws` as JSON.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use crate::http::routes::graphql::request::RequestBody;

/// Maximum length of an operation id, in bytes. It is part of every message of the operation, and kept while that runs.
const MAX_OPERATION_ID_BYTES: usize = 1024;

/// A message of a client.
pub(super) enum ClientMessage {
    /// The first message, with its payload.
    ConnectionInit(Map<String, Value>),
    /// A ping, with the payload of the answer.
    Ping(Option<Box<RawValue>>),
    /// A pong, solicited or not.
    Pong,
    /// Starts an operation.
    Subscribe { id: OperationId, body: Box<RequestBody> },
    /// Ends an operation.
    Complete { id: OperationId },
}

// Written by hand: payloads hold keys, documents and variables.
impl fmt::Debug for ClientMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectionInit(_) => f.write_str("ConnectionInit(…)"),
            Self::Ping(_) => f.write_str("Ping(…)"),
            Self::Pong => f.write_str("Pong"),
            Self::Subscribe { id, .. } => f.debug_struct("Subscribe").field("id", id).finish_non_exhaustive(),
            Self::Complete { id } => f.debug_struct("Complete").field("id", id).finish(),
        }
    }
}

/// An operation id as JSON text, quotes included, as it is written into messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OperationId(Box<str>);

impl OperationId {
    fn new(id: &str) -> Self {
        Self(Value::from(id).to_string().into())
    }

    /// The unescaped id.
    pub fn text(&self) -> String {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// The members of all messages. Unknown ones are ignored.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

impl ClientMessage {
    /// Parses a message; the error describes what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.trim_start().starts_with('{') {
            return Err("a message is a JSON object".to_owned());
        }
        let envelope: Envelope = serde_json::from_str(text).map_err(|error| format!("bad JSON: {error}"))?;
        let kind = envelope.kind.ok_or("`type` is missing")?;
        let kind: String = serde_json::from_str(kind.get()).map_err(|_| "`type` is no string")?;
        match kind.as_str() {
            "connection_init" => {
                let payload = envelope.object()?.map_or(Ok(Map::new()), |payload| serde_json::from_str(payload.get()));
                payload.map(Self::ConnectionInit).map_err(|error| format!("`payload`: {error}"))
            }
            "ping" => Ok(Self::Ping(envelope.object()?.map(ToOwned::to_owned))),
            "pong" => envelope.object().map(|_| Self::Pong),
            "subscribe" => Ok(Self::Subscribe { id: envelope.id()?, body: envelope.body()? }),
            "complete" => Ok(Self::Complete { id: envelope.id()? }),
            "connection_ack" | "next" | "error" => Err(format!("`{kind}` is for the server to send")),
            _ => Err(format!("unknown message type {kind:?}")),
        }
    }
}

impl<'a> Envelope<'a> {
    fn id(&self) -> Result<OperationId, String> {
        let id = self.id.ok_or("`id` is missing")?;
        let id: String = serde_json::from_str(id.get()).map_err(|_| "`id` is no string")?;
        if id.is_empty() {
            Err("`id` is empty".to_owned())
        } else if id.len() > MAX_OPERATION_ID_BYTES {
            Err(format!("`id` is longer than {MAX_OPERATION_ID_BYTES} bytes"))
        } else {
            Ok(OperationId::new(&id))
        }
    }

    /// An optional payload: an object, or nothing.
    fn object(&self) -> Result<Option<&'a RawValue>, String> {
        match self.payload {
            Some(payload) if !payload.get().starts_with('{') => Err("`payload` is no object".to_owned()),
            payload => Ok(payload),
        }
    }

    fn body(&self) -> Result<Box<RequestBody>, String> {
        let payload = self.payload.ok_or("`payload` is missing: an object with `query`")?;
        if !payload.get().starts_with('{') {
            return Err("`payload` is no object with `query`".to_owned());
        }
        let mut json = serde_json::Deserializer::from_str(payload.get());
        serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let message = error.inner().to_string();
            let reason = message.split(" at line ").next().unwrap_or_default(); // without the position in the payload
            format!("`payload.{}`: {reason}", error.path())
        })
    }
}

/// Accepts the connection.
pub(super) const CONNECTION_ACK: &str = r#"{"type":"connection_ack"}"#;

/// Answers a ping.
pub(super) fn pong(payload: Option<&RawValue>) -> Vec<u8> {
    match payload {
        None => br#"{"type":"pong"}"#.to_vec(),
        Some(payload) => [br#"{"type":"pong","payload":"#, payload.get().as_bytes(), b"}"].concat(),
    }
}

/// A result of an operation, as JSON.
pub(super) fn next(id: &OperationId, answer: &[u8]) -> Vec<u8> {
    [br#"{"id":"#, id.0.as_bytes(), br#","type":"next","payload":"#, answer, b"}"].concat()
}

/// The end of an operation that failed: GraphQL errors as a JSON array.
pub(super) fn error(id: &OperationId, errors: &[u8]) -> Vec<u8> {
    [br#"{"id":"#, id.0.as_bytes(), br#","type":"error","payload":"#, errors, b"}"].concat()
}

/// The end of an operation that succeeded.
pub(super) fn complete(id: &OperationId) -> Vec<u8> {
    [br#"{"id":"#, id.0.as_bytes(), br#","type":"complete"}"#].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn refusal(text: &str) -> String {
        ClientMessage::parse(text).map_or_else(|reason| reason, |message| panic!("{text} was taken for {message:?}"))
    }

    #[test]
    fn invalid_message_is_rejected_with_a_reason() {
        for (text, reason) in [
            ("", "a message is a JSON object"),
            ("[1]", "a message is a JSON object"),
            ("{", "bad JSON: EOF while parsing an object at line 1 column 1"),
            (r#"{"type":"pong"} x"#, "bad JSON: trailing characters at line 1 column 17"),
            ("{}", "`type` is missing"),
            (r#"{"type":null}"#, "`type` is missing"),
            (r#"{"type":5}"#, "`type` is no string"),
            (r#"{"type":"start"}"#, "unknown message type \"start\""),
            (r#"{"type":"next","id":"1","payload":{}}"#, "`next` is for the server to send"),
            (r#"{"type":"connection_init","payload":[]}"#, "`payload` is no object"),
            (r#"{"type":"ping","payload":"x"}"#, "`payload` is no object"),
            (r#"{"type":"pong","payload":0}"#, "`payload` is no object"),
            (r#"{"type":"complete"}"#, "`id` is missing"),
            (r#"{"type":"complete","id":7}"#, "`id` is no string"),
            (r#"{"type":"complete","id":""}"#, "`id` is empty"),
            (r#"{"type":"subscribe","payload":{"query":"{a}"}}"#, "`id` is missing"),
            (r#"{"type":"subscribe","id":"1"}"#, "`payload` is missing: an object with `query`"),
            (r#"{"type":"subscribe","id":"1","payload":"{a}"}"#, "`payload` is no object with `query`"),
            (
                r#"{"type":"subscribe","id":"1","payload":{"query":5}}"#,
                "`payload.query`: invalid type: integer `5`, expected a string",
            ),
            (
                r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}"#,
                "`payload.variables`: invalid type: sequence, expected a map",
            ),
        ] {
            assert_eq!(refusal(text), reason, "{text}");
        }
        assert_eq!(
            refusal(&json!({ "type": "complete", "id": "é".repeat(513) }).to_string()),
            "`id` is longer than 1024 bytes"
        );
    }

    #[test]
    fn null_members_are_missing_and_unknown_ones_are_ignored() {
        for text in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null,"id":null}"#,
            r#"{"type":"ping","payload":null}"#,
            r#"{"type":"pong","more":[1]}"#,
            r#" {"payload":{"query":"{a}","variables":null,"operationName":null,"extensions":null},"id":"1","type":"subscribe"}"#,
        ] {
            assert!(ClientMessage::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn pong_repeats_the_ping_payload() {
        let text = r#"{"type":"ping","payload":{"n": 1.50e2, "n2":12345678901234567890123}}"#;
        let Ok(ClientMessage::Ping(payload)) = ClientMessage::parse(text) else { panic!("no ping") };
        let pong = String::from_utf8(pong(payload.as_deref())).expect("text");
        assert_eq!(pong, text.replace("ping", "pong"));
    }

    proptest! {
        #[test]
        fn operation_id_is_repeated_unchanged(id in "\\PC{1,200}|[\0-\x7f]{1,50}") {
            prop_assume!(id.len() <= MAX_OPERATION_ID_BYTES);
            let Ok(ClientMessage::Complete { id: parsed }) = ClientMessage::parse(&json!({ "type": "complete", "id": id }).to_string())
            else { panic!("no message") };
            prop_assert_eq!(&parsed.text(), &id);
            let message = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).expect("JSON");
            prop_assert_eq!(message(next(&parsed, b"{\"data\":1}")), json!({ "id": id, "type": "next", "payload": { "data": 1 } }));
            prop_assert_eq!(message(error(&parsed, b"[2]")), json!({ "id": id, "type": "error", "payload": [2] }));
            prop_assert_eq!(message(complete(&parsed)), json!({ "id": id, "type": "complete" }));
        }

        #[test]
        fn any_text_is_parsed_without_panic(text in "\\PC*") {
            let _ = ClientMessage::parse(&text);
        }
    }
}
