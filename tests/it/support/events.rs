//! A stream of Server-Sent Events, as a client reads it.

use axum::{
    Router,
    body::{Body, BodyDataStream},
    http::{Request, StatusCode, header},
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::gateway::DEADLINE;

/// A Server-Sent Event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSent {
    pub event: String,
    pub id: Option<String>,
    pub data: String,
}

/// An open stream. Dropping it disconnects.
pub struct EventStream {
    body: BodyDataStream,
    /// Received text that was not parsed yet.
    text: String,
}

/// The parameters of a request for a stream.
#[derive(Clone, Copy, Default)]
pub struct StreamRequest<'a> {
    pub query: &'a str,
    pub key: Option<&'a str>,
    pub last_event_id: Option<&'a str>,
    /// The cursor in the extension `resume`.
    pub after: Option<&'a str>,
}

impl EventStream {
    /// Subscribes by POST.
    pub async fn open(router: &Router, stream_request: StreamRequest<'_>) -> Self {
        let mut request = Request::post("/graphql/stream")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream");
        if let Some(key) = stream_request.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        if let Some(id) = stream_request.last_event_id {
            request = request.header("last-event-id", id);
        }
        let resume = stream_request.after.map(|after| json!({ "resume": { "after": after } }));
        let body = Body::from(json!({ "query": stream_request.query, "extensions": resume }).to_string());
        let response = router.clone().oneshot(request.body(body).expect("a request")).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The id of the next block, which has no event: the position of the stream.
    pub async fn position(&mut self) -> String {
        let block = self.block().await.expect("a position");
        assert!(block.event.is_empty() && block.data.is_empty(), "{block:?}");
        block.id.expect("an id")
    }

    /// The next event, as an `EventSource` dispatches it; none at the end.
    pub async fn next(&mut self) -> Option<ServerSent> {
        loop {
            let block = self.block().await?;
            if !block.event.is_empty() {
                return Some(block);
            }
        }
    }

    /// The next block that is no comment.
    async fn block(&mut self) -> Option<ServerSent> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let event = parse(&self.text[..end]);
                self.text.drain(..end + 2);
                if let Some(event) = event {
                    return Some(event);
                }
                continue;
            }
            let bytes = timeout(DEADLINE, self.body.next()).await.expect("something comes")?;
            self.text.push_str(std::str::from_utf8(&bytes.expect("no error")).expect("UTF-8"));
        }
    }

    /// The payloads of the next `count` events, and the id of the last.
    pub async fn payloads(&mut self, count: usize) -> (Vec<Value>, Option<String>) {
        let (mut payloads, mut last) = (Vec::new(), None);
        while payloads.len() < count {
            let event = self.next().await.expect("more events");
            assert_eq!(event.event, "next", "{event:?}");
            payloads.push(serde_json::from_str(&event.data).expect("JSON"));
            last = event.id;
        }
        (payloads, last)
    }

    /// The errors that end the stream: one `next` and `complete`.
    pub async fn failure(&mut self) -> Value {
        let (mut payloads, id) = self.payloads(1).await;
        assert_eq!(id, None, "nothing to go on after");
        let complete = ServerSent { event: "complete".to_owned(), id: None, data: String::new() };
        assert_eq!((self.next().await, self.next().await), (Some(complete), None));
        payloads[0]["errors"].take()
    }
}

/// Parses an event's lines; none for a comment.
fn parse(text: &str) -> Option<ServerSent> {
    let mut event = ServerSent { event: String::new(), id: None, data: String::new() };
    for line in text.lines() {
        match line.split_once(':').expect("a field") {
            ("", _) => return None,
            ("event", value) => value.trim_start().clone_into(&mut event.event),
            ("id", value) => event.id = Some(value.trim_start().to_owned()),
            ("data", value) => value.trim_start().clone_into(&mut event.data),
            other => panic!("{other:?}"),
        }
    }
    Some(event)
}
