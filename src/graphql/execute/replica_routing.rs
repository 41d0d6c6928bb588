//! Which server answers a request: one for all that it reads. Queries go to a replica that has what their caller may expect
//! to see; everything else, and whatever a replica fails to answer, goes to the primary.

use std::{any::TypeId, sync::Arc, time::Instant};

use async_graphql::{
    Request, Response, Value,
    indexmap::IndexMap,
    parser::types::{ExecutableDocument, OperationType},
};
use axum::http::{HeaderName, HeaderValue};

use super::{
    admission,
    admission::Admitted,
    answer_size::AnswerSize,
    argument_check, operation,
    operation::Operation,
    reader::{Account, Reader},
};
use crate::{
    api_error::ApiError,
    auth::Caller,
    db,
    db::{
        cancellation::cancel_on_drop,
        replicas::{Replica, lsn::Lsn, statement},
    },
    domain::area::SharedAreas,
    graphql::{
        Schema, compat,
        context::{FeedSeen, State},
        fast_json::Spliced,
        loaders, types,
    },
    observability::metrics::replicas::PRIMARY_SERVER,
};

/// The header that tells, in the answer to a mutation, up to where the log holds what it wrote; and in a request, what its
/// answer has to know of.
pub static POSITION: HeaderName = HeaderName::from_static("airgraph-position");

/// What a request has to know of, as its data: all that was written up to here.
#[derive(Clone, Copy, Debug)]
pub struct Position(pub Lsn);

/// Executes a request.
pub(crate) async fn execute(
    schema: &Schema,
    state: &State,
    request: Request,
    admitted: &Admitted,
    caller: Caller,
) -> Response {
    let run = Run { schema, operation: &admitted.operation, caller: &caller };
    let account = account(state, admitted, &caller);
    let primary = |account| Reader::metered(state.read_servers.primary().clone(), account);
    match admitted.operation.kind {
        _ if state.replicas.is_empty() => run.on(primary(account), request).await,
        OperationType::Query => Box::pin(query(run, state, account, primary, request)).await,
        OperationType::Mutation => Box::pin(mutation(run, state, primary(account), request)).await,
        OperationType::Subscription => run.on(primary(account), request).await,
    }
}

/// What a request may use of the database.
fn account(state: &State, admitted: &Admitted, caller: &Caller) -> Arc<Account> {
    let kind = admission::kind_of(caller);
    let budget = state.budgets.database_time(kind).cloned();
    let (limits, metric) = (&state.about.limits.reading, state.metrics.database_time.clone());
    let charged = (state.budgets.cost.clone(), admitted.price.total());
    Arc::new(Account::new(limits, (admitted.payer, kind), budget, charged, state.clock.clone(), metric))
}

async fn query(
    run: Run<'_>,
    state: &State,
    account: Arc<Account>,
    primary: impl FnOnce(Arc<Account>) -> Reader,
    request: Request,
) -> Response {
    let servers = &state.metrics.replica_queries;
    if let Some(replica) = replica_for(state, &request, run.caller)
        && let Some(pool) = state.read_servers.replica(&replica.at)
    {
        let reader = Reader::metered(pool.clone(), account.clone());
        let answer = cancel_on_drop(run.on(reader, again(&request, run.operation.document.clone())));
        let answer = Box::pin(replica.answers(answer)).await.filter(|answer| !is_servers_fault(answer));
        servers.count_query(&replica.at, answer.is_some());
        match answer {
            Some(answer) => return answer,
            None => replica.failed(), // queries only read, so running it again is safe
        }
    }
    let answer = run.on(primary(account), request).await;
    servers.count_query(PRIMARY_SERVER, !is_servers_fault(&answer));
    answer
}

async fn mutation(run: Run<'_>, state: &State, primary: Reader, request: Request) -> Response {
    // Who has no key writes nothing.
    let Some(key) = run.caller.api_key_id() else { return run.on(primary, request).await };
    let writing = state.written.begin(key);
    let mut answer = run.on(primary, request).await;
    // By no account: the mutation happened, and has to be answered.
    match statement::written(&state.database.reads).await {
        Ok(position) => {
            writing.ended(position);
            if let Ok(position) = HeaderValue::try_from(position.to_string()) {
                answer.http_headers.insert(POSITION.clone(), position);
            }
        }
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "how far a mutation wrote isn't known; for a minute its caller reads from the primary"
            );
        }
    }
    answer
}

/// A replica that knows of all that a caller may expect; none where only the primary surely does.
fn replica_for(state: &State, request: &Request, caller: &Caller) -> Option<Arc<Replica>> {
    let asked = request.data.get(&TypeId::of::<Position>()).and_then(|data| data.downcast_ref());
    let asked = asked.map_or(Lsn::default(), |Position(position)| *position);
    let written = state.written.by(caller.api_key_id(), Instant::now())?;
    state.replicas.choose(asked.max(written))
}

/// Whether something of an answer failed in a way that another server may not.
fn is_servers_fault(answer: &Response) -> bool {
    answer.errors.iter().any(|error| {
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
        matches!(code, Some(Value::String(code)) if [ApiError::UNAVAILABLE, ApiError::INTERNAL].contains(&code.as_str()))
    })
}

/// The same request once more, for this document.
fn again(request: &Request, document: ExecutableDocument) -> Request {
    let mut copy = Request::new(request.query.clone());
    copy.extensions.clone_from(&request.extensions);
    copy.introspection_mode = request.introspection_mode;
    copy.set_parsed_query(document);
    if request.data.contains_key(&TypeId::of::<Spliced>()) { copy.data(Spliced) } else { copy }
}

/// A request's execution, wherever it takes place.
#[derive(Clone, Copy)]
struct Run<'a> {
    schema: &'a Schema,
    operation: &'a Operation,
    caller: &'a Caller,
}

impl Run<'_> {
    /// On one server, for all that it reads.
    async fn on(self, reader: Reader, request: Request) -> Response {
        let root_fields = self.operation.selection_set().items.len();
        let document = &self.operation.document;
        // An invalid argument refuses the request as a whole.
        if self.operation.kind == OperationType::Mutation
            && root_fields > 1
            && argument_check::are_valid(document).await
        {
            Box::pin(self.serially(root_fields, &reader, &request)).await
        } else {
            self.document(document, &reader, request).await
        }
    }

    /// The root fields of a mutation, one after the other (§6.3.3). When one fails so that the response can have no data, the
    /// following ones do not run: their outcome could not be reported.
    async fn serially(self, root_fields: usize, reader: &Reader, request: &Request) -> Response {
        let mut response = Response::default();
        let mut data = IndexMap::new();
        for at in 0..root_fields {
            let document = self.operation.of_root_field(at);
            let part = Box::pin(self.document(&document, reader, again(request, document.clone()))).await;
            response.errors.extend(part.errors);
            response.http_headers.extend(part.http_headers);
            let Value::Object(fields) = part.data else { return response };
            data.extend(fields);
        }
        response.data = Value::Object(data);
        response
    }

    async fn document(self, document: &ExecutableDocument, reader: &Reader, request: Request) -> Response {
        let (loader, batches) = loaders::new(reader.clone());
        let mut request =
            request.data(self.caller.clone()).data(loader).data(reader.clone()).data(SharedAreas::default());
        if let Some(state) = self.schema.data::<State>() {
            request = request.data(AnswerSize::new(state));
        }
        if request.query.contains("feedCursor") {
            let seen = Box::pin(db::feed::extent(reader)).await;
            request = request.data(FeedSeen(seen.map(|extent| extent.newest).map_err(Arc::new)));
        }
        let mut response = batches.drive(Box::pin(self.schema.execute(request))).await;
        compat::complete(types(), self.operation.kind, operation::selection_set(document), &mut response);
        response
    }
}
