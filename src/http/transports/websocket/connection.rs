//! One socket, from its first message to its last: the protocol `graphql-transport-ws`.
//!
//! One task polls everything in turns: incoming frames, events of operations, deadlines. The next event of an operation
//! is polled only when the previous one was written, so a client that reads slowly holds at most one batch.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_graphql::Response;
use futures_util::{FutureExt as _, future::BoxFuture};
use serde_json::json;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    close::CloseReason,
    credential,
    deadlines::Deadlines,
    event::{ConnectionEvent, ConnectionState},
    frames::{ConnectionEnd, Frames, IncomingFrame, SendError},
    identity::{self, Identity},
    message::{self, ClientMessage, OperationId},
    operations::{OperationEvent, Operations},
    sockets::{SocketPermit, SocketTimeouts},
};
use crate::{
    api_error::ApiError,
    auth::INVALID_KEY_MESSAGE,
    graphql::execute::response_writer,
    http::{
        extract::authenticated::recheck_interval,
        routes::graphql::{charge_rejected_request, request, response},
        state::SharedState,
        transports::resume,
    },
    limits::rate_limit::CallerId,
};

/// Maximum concurrent operations of one socket.
const MAX_OPERATIONS_PER_SOCKET: usize = 100;

/// A socket that uses the subprotocol.
pub(super) struct Connection {
    app: SharedState,
    frames: Frames,
    permit: SocketPermit,
    state: ConnectionState,
    /// Charged if there is no key.
    address: CallerId,
    /// A lookup of the client's key in progress.
    key_lookup: Option<BoxFuture<'static, Result<Identity, ApiError>>>,
    /// Resolves when the client's key was revoked or changed.
    key_changed: Option<BoxFuture<'static, ()>>,
    operations: Operations,
    /// Resolves when the shutdown begins.
    shutdown: Option<BoxFuture<'static, ()>>,
    deadlines: Deadlines,
    timer: Pin<Box<Sleep>>,
    last_received_at: Instant,
    /// Whether operations were polled first the last time. Alternates, so that neither source starves the other.
    operations_first: bool,
}

impl Connection {
    pub fn new(app: SharedState, frames: Frames, upgraded: Identity, address: CallerId, permit: SocketPermit) -> Self {
        let now = Instant::now();
        let deadlines = Deadlines::new(now, app.sockets.timeouts);
        Self {
            frames,
            permit,
            state: ConnectionState::AwaitingInit(upgraded),
            address,
            key_lookup: None,
            key_changed: None,
            operations: Operations::default(),
            shutdown: Some(app.shutdown_triggered().boxed()),
            timer: Box::pin(sleep_until(deadlines.next())),
            deadlines,
            last_received_at: now,
            operations_first: false,
            app,
        }
    }

    /// Serves the socket until it ends.
    pub async fn run(&mut self) -> ConnectionEnd {
        loop {
            if let Err(end) = self.handle_next_event().await {
                return end;
            }
        }
    }

    /// The parts needed to close the socket; the rest is dropped.
    pub fn into_frames(self) -> (Frames, SocketPermit) {
        (self.frames, self.permit)
    }

    async fn handle_next_event(&mut self) -> Result<(), ConnectionEnd> {
        match poll_fn(|cx| self.poll_event(cx)).await? {
            ConnectionEvent::Incoming(frame) => {
                self.last_received_at = Instant::now();
                match frame {
                    IncomingFrame::Text(text, _held) => self.on_text(&text).await,
                    IncomingFrame::Binary => Err(bad_request("a message is a text, not binary".to_owned())),
                    IncomingFrame::Control => Ok(()),
                }
            }
            ConnectionEvent::Operation(number, event) => {
                self.on_operation_event(number, event).await?;
                self.close_when_drained()
            }
            ConnectionEvent::Authenticated(found) => self.on_authenticated(found).await,
            ConnectionEvent::TimerElapsed => self.on_timer().await,
            ConnectionEvent::ShutdownTriggered => {
                self.deadlines.drain = Some(Instant::now() + self.timeouts().drain);
                self.operations.end_subscriptions();
                self.set_timer();
                self.close_when_drained()
            }
            ConnectionEvent::Idle => {
                let flushed = self.frames.flush().await;
                flushed.map_err(|not_sent| self.end_from_send_error(&not_sent))
            }
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<ConnectionEvent, ConnectionEnd>> {
        if let Some(stopping) = &mut self.shutdown
            && stopping.poll_unpin(cx).is_ready()
        {
            self.shutdown = None;
            return Poll::Ready(Ok(ConnectionEvent::ShutdownTriggered));
        }
        if self.timer.poll_unpin(cx).is_ready() {
            return Poll::Ready(Ok(ConnectionEvent::TimerElapsed));
        }
        if let Some(lookup) = &mut self.key_lookup
            && let Poll::Ready(found) = lookup.poll_unpin(cx)
        {
            self.key_lookup = None;
            return Poll::Ready(Ok(ConnectionEvent::Authenticated(found)));
        }
        if let (Some(changed), ConnectionState::Ready(identity)) = (&mut self.key_changed, &self.state)
            && changed.poll_unpin(cx).is_ready()
        {
            self.key_changed = None;
            self.deadlines.key_recheck = None;
            // Replaces a lookup in progress: its result may be from before the change.
            let mut lookup = identity.clone().reauthenticate(self.app.clone()).boxed();
            match lookup.poll_unpin(cx) {
                Poll::Ready(found) => return Poll::Ready(Ok(ConnectionEvent::Authenticated(found))),
                Poll::Pending => self.key_lookup = Some(lookup),
            }
        }
        for _ in 0..2 {
            self.operations_first = !self.operations_first;
            if self.operations_first {
                if let Poll::Ready((number, event)) = self.operations.poll_event(cx) {
                    return Poll::Ready(Ok(ConnectionEvent::Operation(number, event)));
                }
            } else if self.deadlines.drain.is_none()
                && let Poll::Ready(frame) = self.frames.poll_incoming(cx)
            {
                return Poll::Ready(frame.map(ConnectionEvent::Incoming));
            }
        }
        if self.frames.unflushed { Poll::Ready(Ok(ConnectionEvent::Idle)) } else { Poll::Pending }
    }

    async fn on_text(&mut self, text: &str) -> Result<(), ConnectionEnd> {
        match ClientMessage::parse(text).map_err(bad_request)? {
            ClientMessage::ConnectionInit(payload) => {
                let credential = credential::find(&payload).map_err(bad_request)?;
                let ConnectionState::AwaitingInit(upgraded) =
                    std::mem::replace(&mut self.state, ConnectionState::Authenticating)
                else {
                    return Err(ConnectionEnd::Close(CloseReason::TOO_MANY_INIT_REQUESTS));
                };
                self.deadlines.init = None;
                self.key_lookup = Some(upgraded.authenticate(self.app.clone(), self.address, credential).boxed());
                Ok(())
            }
            ClientMessage::Ping(payload) => self.feed(message::pong(payload.as_deref())).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe { id, body } => {
                let ConnectionState::Ready(identity) = &self.state else {
                    return Err(ConnectionEnd::Close(CloseReason::UNAUTHORIZED));
                };
                if self.operations.contains(&id) {
                    return Err(ConnectionEnd::Close(CloseReason::already_exists(&id)));
                }
                if self.operations.len() >= MAX_OPERATIONS_PER_SOCKET {
                    return self.refuse(&id, ApiError::TooManyOperations(MAX_OPERATIONS_PER_SOCKET)).await;
                }
                let request = match request::build_request(&self.app.persisted, *body) {
                    Ok(request) => request,
                    Err(error) => match charge_rejected_request(&self.app, self.caller_id(), error) {
                        ApiError::BadRequest(reason) | ApiError::MalformedRequest(reason) => {
                            return Err(bad_request(reason));
                        }
                        refusal => return self.refuse(&id, refusal).await,
                    },
                };
                self.operations.start(id, &self.app, identity, request.data(self.address));
                Ok(())
            }
            ClientMessage::Complete { id } => {
                self.operations.complete(&id);
                Ok(())
            }
        }
    }

    async fn on_operation_event(&mut self, number: u64, event: OperationEvent) -> Result<(), ConnectionEnd> {
        let Some(operation) = self.operations.find(number) else { return Ok(()) };
        match event {
            OperationEvent::Started(offset, progress) => {
                (operation.place, operation.progress) = (offset, progress);
                return self.send_positions().await;
            }
            OperationEvent::Events(events) => {
                for event in events {
                    let message = match event.offset.filter(|_| operation.has_cursors) {
                        Some(offset) => message::next(&operation.id, &resume::with_cursor(&event.payload, offset)),
                        None => message::next(&operation.id, &event.payload),
                    };
                    if let Err(not_sent) = self.frames.feed(message.into()).await {
                        return Err(self.end_from_send_error(&not_sent));
                    }
                    operation.place = event.offset.or(operation.place);
                    operation.sent_position = operation.place;
                }
            }
            OperationEvent::SlowConsumer(offset) => {
                operation.place = Some(offset);
                return Err(ConnectionEnd::Close(CloseReason::too_slow(self.operations.min_position())));
            }
            OperationEvent::Completed(response, permit) => {
                let id = operation.id.clone();
                self.operations.end(number);
                if response::is_request_error(&response) {
                    return self.fail(&id, &response).await;
                }
                let message = message::next(&id, &response_writer::to_json(&response));
                drop(response);
                match self.app.response_memory.reserve(self.caller_id(), message, permit) {
                    Ok(message) => {
                        let fed = self.frames.feed(message).await;
                        fed.map_err(|error| self.end_from_send_error(&error))?;
                        self.feed(message::complete(&id)).await?;
                    }
                    Err(error) => self.refuse(&id, error).await?,
                }
            }
            OperationEvent::Failed(response) => {
                let id = operation.id.clone();
                self.operations.end(number);
                self.fail(&id, &response).await?;
            }
        }
        Ok(())
    }

    /// Sends the positions of subscriptions that advanced without an event.
    async fn send_positions(&mut self) -> Result<(), ConnectionEnd> {
        for (id, offset) in self.operations.new_positions() {
            self.feed(message::next(&id, &resume::position_result(offset))).await?;
        }
        Ok(())
    }

    async fn on_authenticated(&mut self, found: Result<Identity, ApiError>) -> Result<(), ConnectionEnd> {
        match (&self.state, found) {
            (ConnectionState::Ready(_), Err(ApiError::Unauthenticated(_))) => {
                for id in self.operations.take_ids() {
                    self.refuse(&id, ApiError::Unauthenticated(INVALID_KEY_MESSAGE)).await?;
                }
                return Err(ConnectionEnd::Close(CloseReason::forbidden(INVALID_KEY_MESSAGE.to_owned())));
            }
            // The key can't be checked now, so the state is kept.
            (ConnectionState::Ready(identity), Err(_)) => {
                self.schedule_key_recheck(recheck_interval(&identity.caller, &self.app));
            }
            (_, Err(error)) => return Err(ConnectionEnd::Close(identity::close_reason(&error))),
            (state, Ok(identity)) => {
                let is_new = !matches!(state, ConnectionState::Ready(_));
                if is_new && let Some(key) = identity.caller.api_key_id() {
                    self.permit.transfer_to(CallerId::Key(key)).map_err(|limit| {
                        self.app.state.metrics.refusals.count(limit);
                        ConnectionEnd::Close(CloseReason::try_again(limit.reason().to_owned()))
                    })?;
                }
                if identity.has_key() {
                    self.key_changed = Some(identity.key_changed(&self.app));
                    self.schedule_key_recheck(recheck_interval(&identity.caller, &self.app));
                }
                self.state = ConnectionState::Ready(identity);
                if is_new {
                    self.frames.allow_large_messages();
                    self.feed(message::CONNECTION_ACK.into()).await?;
                }
            }
        }
        Ok(())
    }

    /// Schedules the next lookup of the key.
    fn schedule_key_recheck(&mut self, wait: Duration) {
        self.deadlines.key_recheck = Some(Instant::now() + wait);
        self.set_timer();
    }

    async fn on_timer(&mut self) -> Result<(), ConnectionEnd> {
        let now = Instant::now();
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.deadlines.init) {
            return Err(ConnectionEnd::Close(CloseReason::INIT_TIMEOUT));
        }
        if due(self.deadlines.drain) {
            return Err(ConnectionEnd::Close(CloseReason::GOING_AWAY));
        }
        if due(self.deadlines.key_recheck) {
            self.deadlines.key_recheck = None;
            if let ConnectionState::Ready(identity) = &self.state {
                self.key_lookup = Some(identity.clone().reauthenticate(self.app.clone()).boxed());
            }
        }
        if due(Some(self.deadlines.ping)) {
            if now - self.last_received_at >= 2 * self.timeouts().ping_interval {
                return Err(ConnectionEnd::Lost);
            }
            self.deadlines.ping = now + self.timeouts().ping_interval;
            let pinged = self.frames.ping().await;
            pinged.map_err(|not_sent| self.end_from_send_error(&not_sent))?;
            self.send_positions().await?;
        }
        self.set_timer();
        Ok(())
    }

    /// Closes the socket during shutdown once all operations have ended.
    fn close_when_drained(&self) -> Result<(), ConnectionEnd> {
        let done = self.deadlines.drain.is_some() && self.operations.len() == 0;
        if done { Err(ConnectionEnd::Close(CloseReason::GOING_AWAY)) } else { Ok(()) }
    }

    async fn fail(&mut self, id: &OperationId, response: &Response) -> Result<(), ConnectionEnd> {
        let errors = serde_json::to_vec(&response.errors).unwrap_or_else(|_| b"[]".to_vec());
        self.feed(message::error(id, &errors)).await
    }

    async fn refuse(&mut self, id: &OperationId, error: ApiError) -> Result<(), ConnectionEnd> {
        self.feed(message::error(id, json!([response::server_error(error)]).to_string().as_bytes())).await
    }

    async fn feed(&mut self, text: Vec<u8>) -> Result<(), ConnectionEnd> {
        let fed = self.frames.feed(text.into()).await;
        fed.map_err(|not_sent| self.end_from_send_error(&not_sent))
    }

    /// The caller that is charged for an operation: the key, or else the address.
    fn caller_id(&self) -> CallerId {
        match &self.state {
            ConnectionState::Ready(Identity { caller, .. }) => caller.api_key_id().map_or(self.address, CallerId::Key),
            ConnectionState::AwaitingInit(_) | ConnectionState::Authenticating => self.address,
        }
    }

    fn end_from_send_error(&self, not_sent: &SendError) -> ConnectionEnd {
        match not_sent {
            SendError::Stalled => ConnectionEnd::Close(CloseReason::too_slow(self.operations.min_position())),
            SendError::Lost => ConnectionEnd::Lost,
        }
    }

    fn set_timer(&mut self) {
        self.timer.as_mut().reset(self.deadlines.next());
    }

    fn timeouts(&self) -> SocketTimeouts {
        self.app.sockets.timeouts
    }
}

fn bad_request(reason: String) -> ConnectionEnd {
    ConnectionEnd::Close(CloseReason::bad_request(reason))
}
