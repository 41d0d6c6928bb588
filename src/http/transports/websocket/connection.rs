//! One socket, from its first message to its last: the protocol `graphql-transport-ws`.
//!
//! All happens in one task, in turns: something came in, an operation tells something, a deadline is reached. What an
//! operation tells next is asked for only when what it told before was written, so a client that reads slowly holds
//! nothing here but one batch.

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
    close::Close,
    credential,
    deadlines::Deadlines,
    frames::{End, Frames, Heard, NotSent},
    identity::{self, Identity},
    message::{self, Id, Message},
    operations::{Operations, Told},
    sockets::{Pace, SocketPlace},
};
use crate::{
    api_error::ApiError,
    auth::KEY_NOT_VALID,
    graphql::execute::response_writer,
    http::{
        extract::authenticated::until_next_look,
        routes::graphql::{charged, request, response},
        state::Shared,
        transports::resume,
    },
    limits::rate_limit::Payer,
};

/// Operations at most that run at a time on one socket.
const MAX_OPERATIONS: usize = 100;

/// A socket that speaks our protocol.
pub(super) struct Connection {
    app: Shared,
    frames: Frames,
    place: SocketPlace,
    standing: Standing,
    /// Who pays where there is no key.
    payer: Payer,
    /// A look at the client's key, under way.
    look_up: Option<BoxFuture<'static, Result<Identity, ApiError>>>,
    /// Resolves when the client's key was revoked or changed.
    key_changed: Option<BoxFuture<'static, ()>>,
    operations: Operations,
    /// Comes back when the gateway ends.
    stopping: Option<BoxFuture<'static, ()>>,
    deadlines: Deadlines,
    timer: Pin<Box<Sleep>>,
    heard_at: Instant,
    /// Who was asked first the last time, so that neither waits for the other for good.
    operations_first: bool,
}

/// How far the client has got.
enum Standing {
    /// It has told nothing of itself yet; this is who upgraded.
    New(Identity),
    /// It has told who it is, and that is looked up.
    Initialising,
    /// It may subscribe.
    Accepted(Identity),
}

/// What comes next.
enum Turn {
    Heard(Heard),
    Told(u64, Told),
    LookedUp(Result<Identity, ApiError>),
    Due,
    Stop,
    /// Nothing, so what was gathered can be sent.
    Idle,
}

impl Connection {
    pub fn new(app: Shared, frames: Frames, upgraded: Identity, payer: Payer, place: SocketPlace) -> Self {
        let now = Instant::now();
        let deadlines = Deadlines::new(now, app.sockets.pace);
        Self {
            frames,
            place,
            standing: Standing::New(upgraded),
            payer,
            look_up: None,
            key_changed: None,
            operations: Operations::default(),
            stopping: Some(app.stopping().boxed()),
            timer: Box::pin(sleep_until(deadlines.next())),
            deadlines,
            heard_at: now,
            operations_first: false,
            app,
        }
    }

    /// Serves it until it is to end.
    pub async fn run(&mut self) -> End {
        loop {
            if let Err(end) = self.turn().await {
                return end;
            }
        }
    }

    /// What is left for the goodbye; the rest ends here.
    pub fn into_frames(self) -> (Frames, SocketPlace) {
        (self.frames, self.place)
    }

    async fn turn(&mut self) -> Result<(), End> {
        match poll_fn(|cx| self.poll_turn(cx)).await? {
            Turn::Heard(heard) => {
                self.heard_at = Instant::now();
                match heard {
                    Heard::Text(text, _held) => self.on_text(&text).await,
                    Heard::Binary => Err(bad_request("a message is a text, not binary".to_owned())),
                    Heard::Control => Ok(()),
                }
            }
            Turn::Told(number, told) => {
                self.on_told(number, told).await?;
                self.leave_when_done()
            }
            Turn::LookedUp(found) => self.on_looked_up(found).await,
            Turn::Due => self.on_due().await,
            Turn::Stop => {
                self.deadlines.leave = Some(Instant::now() + self.pace().finish);
                self.operations.end_subscriptions();
                self.set_timer();
                self.leave_when_done()
            }
            Turn::Idle => {
                let flushed = self.frames.flush().await;
                flushed.map_err(|not_sent| self.not_sent(&not_sent))
            }
        }
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<Turn, End>> {
        if let Some(stopping) = &mut self.stopping
            && stopping.poll_unpin(cx).is_ready()
        {
            self.stopping = None;
            return Poll::Ready(Ok(Turn::Stop));
        }
        if self.timer.poll_unpin(cx).is_ready() {
            return Poll::Ready(Ok(Turn::Due));
        }
        if let Some(look_up) = &mut self.look_up
            && let Poll::Ready(found) = look_up.poll_unpin(cx)
        {
            self.look_up = None;
            return Poll::Ready(Ok(Turn::LookedUp(found)));
        }
        if let (Some(changed), Standing::Accepted(identity)) = (&mut self.key_changed, &self.standing)
            && changed.poll_unpin(cx).is_ready()
        {
            self.key_changed = None;
            self.deadlines.key = None;
            // In place of one that may be under way: its answer may be from before the change.
            let mut look_up = identity.clone().again(self.app.clone()).boxed();
            match look_up.poll_unpin(cx) {
                Poll::Ready(found) => return Poll::Ready(Ok(Turn::LookedUp(found))),
                Poll::Pending => self.look_up = Some(look_up),
            }
        }
        for _ in 0..2 {
            self.operations_first = !self.operations_first;
            if self.operations_first {
                if let Poll::Ready((number, told)) = self.operations.poll_told(cx) {
                    return Poll::Ready(Ok(Turn::Told(number, told)));
                }
            } else if self.deadlines.leave.is_none()
                && let Poll::Ready(heard) = self.frames.poll_heard(cx)
            {
                return Poll::Ready(heard.map(Turn::Heard));
            }
        }
        if self.frames.unflushed { Poll::Ready(Ok(Turn::Idle)) } else { Poll::Pending }
    }

    async fn on_text(&mut self, text: &str) -> Result<(), End> {
        match Message::parse(text).map_err(bad_request)? {
            Message::ConnectionInit(payload) => {
                let credential = credential::find(&payload).map_err(bad_request)?;
                let Standing::New(upgraded) = std::mem::replace(&mut self.standing, Standing::Initialising) else {
                    return Err(End::Close(Close::INITIALISED_TWICE));
                };
                self.deadlines.init = None;
                self.look_up = Some(upgraded.told(self.app.clone(), self.payer, credential).boxed());
                Ok(())
            }
            Message::Ping(payload) => self.feed(message::pong(payload.as_deref())).await,
            Message::Pong => Ok(()),
            Message::Subscribe { id, body } => {
                let Standing::Accepted(identity) = &self.standing else {
                    return Err(End::Close(Close::UNAUTHORIZED));
                };
                if self.operations.has(&id) {
                    return Err(End::Close(Close::already_exists(&id)));
                }
                if self.operations.len() >= MAX_OPERATIONS {
                    return self.refuse(&id, ApiError::TooManyOperations(MAX_OPERATIONS)).await;
                }
                let request = match request::request(&self.app.persisted, *body) {
                    Ok(request) => request,
                    Err(error) => match charged(&self.app, self.payer(), error) {
                        ApiError::BadRequest(reason) | ApiError::MalformedRequest(reason) => {
                            return Err(bad_request(reason));
                        }
                        refusal => return self.refuse(&id, refusal).await,
                    },
                };
                self.operations.start(id, &self.app, identity, request.data(self.payer));
                Ok(())
            }
            Message::Complete { id } => {
                self.operations.complete(&id);
                Ok(())
            }
        }
    }

    async fn on_told(&mut self, number: u64, told: Told) -> Result<(), End> {
        let Some(operation) = self.operations.find(number) else { return Ok(()) };
        match told {
            Told::Begun(place, progress) => {
                (operation.place, operation.progress) = (place, progress);
                return self.send_positions().await;
            }
            Told::Events(events) => {
                for event in events {
                    let message = match event.place.filter(|_| operation.has_cursors) {
                        Some(place) => message::next(&operation.id, &resume::with_cursor(&event.payload, place)),
                        None => message::next(&operation.id, &event.payload),
                    };
                    if let Err(not_sent) = self.frames.feed(message.into()).await {
                        return Err(self.not_sent(&not_sent));
                    }
                    operation.place = event.place.or(operation.place);
                    operation.sent_position = operation.place;
                }
            }
            Told::TooSlow(place) => {
                operation.place = Some(place);
                return Err(End::Close(Close::too_slow(self.operations.least_place())));
            }
            Told::Answer(response, place) => {
                let id = operation.id.clone();
                self.operations.end(number);
                if response::is_refused(&response) {
                    return self.fail(&id, &response).await;
                }
                let message = message::next(&id, &response_writer::text(&response));
                drop(response);
                match self.app.answers.hold(self.payer(), message, place) {
                    Ok(message) => {
                        let fed = self.frames.feed(message).await;
                        fed.map_err(|not_sent| self.not_sent(&not_sent))?;
                        self.feed(message::complete(&id)).await?;
                    }
                    Err(error) => self.refuse(&id, error).await?,
                }
            }
            Told::Failed(response) => {
                let id = operation.id.clone();
                self.operations.end(number);
                self.fail(&id, &response).await?;
            }
        }
        Ok(())
    }

    /// Sends the positions of subscriptions that moved on without an event.
    async fn send_positions(&mut self) -> Result<(), End> {
        for (id, place) in self.operations.new_positions() {
            self.feed(message::next(&id, &resume::position(place))).await?;
        }
        Ok(())
    }

    async fn on_looked_up(&mut self, found: Result<Identity, ApiError>) -> Result<(), End> {
        match (&self.standing, found) {
            (Standing::Accepted(_), Err(ApiError::Unauthenticated(_))) => {
                for id in self.operations.take_ids() {
                    self.refuse(&id, ApiError::Unauthenticated(KEY_NOT_VALID)).await?;
                }
                return Err(End::Close(Close::forbidden(KEY_NOT_VALID.to_owned())));
            }
            // Whether it is valid can't be told now, so it is as before.
            (Standing::Accepted(identity), Err(_)) => self.look_again_in(until_next_look(&identity.caller, &self.app)),
            (_, Err(error)) => return Err(End::Close(identity::refusal(&error))),
            (standing, Ok(identity)) => {
                let is_new = !matches!(standing, Standing::Accepted(_));
                if is_new && let Some(key) = identity.caller.api_key() {
                    self.place.move_to(Payer::Key(key)).map_err(|limit| {
                        self.app.state.metrics.refusals.count(limit);
                        End::Close(Close::try_again(limit.reason().to_owned()))
                    })?;
                }
                if identity.has_key() {
                    self.key_changed = Some(identity.until_changed(&self.app));
                    self.look_again_in(until_next_look(&identity.caller, &self.app));
                }
                self.standing = Standing::Accepted(identity);
                if is_new {
                    self.frames.allow_large_messages();
                    self.feed(message::CONNECTION_ACK.into()).await?;
                }
            }
        }
        Ok(())
    }

    /// Plans the next look at the key.
    fn look_again_in(&mut self, wait: Duration) {
        self.deadlines.key = Some(Instant::now() + wait);
        self.set_timer();
    }

    async fn on_due(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.deadlines.init) {
            return Err(End::Close(Close::TOO_LATE));
        }
        if due(self.deadlines.leave) {
            return Err(End::Close(Close::GOING_AWAY));
        }
        if due(self.deadlines.key) {
            self.deadlines.key = None;
            if let Standing::Accepted(identity) = &self.standing {
                self.look_up = Some(identity.clone().again(self.app.clone()).boxed());
            }
        }
        if due(Some(self.deadlines.ping)) {
            if now - self.heard_at >= 2 * self.pace().ping {
                return Err(End::Lost);
            }
            self.deadlines.ping = now + self.pace().ping;
            let pinged = self.frames.ping().await;
            pinged.map_err(|not_sent| self.not_sent(&not_sent))?;
            self.send_positions().await?;
        }
        self.set_timer();
        Ok(())
    }

    /// Closes once the gateway ends and what was asked of it is answered.
    fn leave_when_done(&self) -> Result<(), End> {
        let done = self.deadlines.leave.is_some() && self.operations.len() == 0;
        if done { Err(End::Close(Close::GOING_AWAY)) } else { Ok(()) }
    }

    async fn fail(&mut self, id: &Id, response: &Response) -> Result<(), End> {
        let errors = serde_json::to_vec(&response.errors).unwrap_or_else(|_| b"[]".to_vec());
        self.feed(message::error(id, &errors)).await
    }

    async fn refuse(&mut self, id: &Id, error: ApiError) -> Result<(), End> {
        self.feed(message::error(id, json!([response::of(error)]).to_string().as_bytes())).await
    }

    async fn feed(&mut self, text: Vec<u8>) -> Result<(), End> {
        let fed = self.frames.feed(text.into()).await;
        fed.map_err(|not_sent| self.not_sent(&not_sent))
    }

    /// Whose budget and quotas an operation uses: the key's, or else the address's.
    fn payer(&self) -> Payer {
        match &self.standing {
            Standing::Accepted(Identity { caller, .. }) => caller.api_key().map_or(self.payer, Payer::Key),
            Standing::New(_) | Standing::Initialising => self.payer,
        }
    }

    fn not_sent(&self, not_sent: &NotSent) -> End {
        match not_sent {
            NotSent::Stalled => End::Close(Close::too_slow(self.operations.least_place())),
            NotSent::Lost => End::Lost,
        }
    }

    fn set_timer(&mut self) {
        self.timer.as_mut().reset(self.deadlines.next());
    }

    fn pace(&self) -> Pace {
        self.app.sockets.pace
    }
}

fn bad_request(reason: String) -> End {
    End::Close(Close::bad_request(reason))
}
