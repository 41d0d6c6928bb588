//! Routes requests to database servers. All reads of a request go to one server. Queries go to a replica that has
//! applied the caller's earlier writes; all other requests, and queries that failed on a replica, go to the primary.

use std::{any::TypeId, sync::Arc, time::Instant};

use async_graphql::{
    Request, Response, Value,
    indexmap::IndexMap,
    parser::types::{ExecutableDocument, OperationType},
};
use axum::http::{HeaderName, HeaderValue};

use super::{
    admission,
    admission::AdmittedRequest,
    archive_notice::ArchiveNotice,
    argument_check, operation,
    operation::Operation,
    read_pool::{DatabaseUsage, ReadPool},
    response_size::ResponseSize,
};
use crate::{
    api_error::ApiError,
    auth::Caller,
    db,
    db::{
        cancellation::cancel_on_drop,
        replicas::{Replica, lsn::Lsn, probe},
    },
    domain::area::SharedAreas,
    graphql::{
        Schema, compat,
        context::{FeedSnapshot, State},
        fast_json::RawJson,
        loaders, types,
    },
    observability::metrics::replicas::PRIMARY_SERVER,
};

/// Header with a position (LSN) of the write-ahead log. In the response to a mutation: the position after its writes.
/// In a request: the minimum position its reads must include.
pub static MIN_LSN_HEADER: HeaderName = HeaderName::from_static("airgraph-min-lsn");

/// Minimum LSN that a request must read, as data of the request.
#[derive(Clone, Copy, Debug)]
pub struct RequestMinLsn(pub Lsn);

/// Executes a request.
pub(crate) async fn execute(
    schema: &Schema,
    state: &State,
    request: Request,
    admitted: &AdmittedRequest,
    caller: Caller,
) -> Response {
    let run = OperationRun { schema, operation: &admitted.operation, caller: &caller };
    let notice = ArchiveNotice::start(state).await;
    let account = Arc::new(database_usage(state, admitted, &caller).with_archive_notice(notice));
    let primary = |account| ReadPool::metered(state.read_servers.primary().clone(), account);
    let usage = account.clone();
    let mut response = match admitted.operation.kind {
        _ if state.replicas.is_empty() => run.execute_on(primary(account), request).await,
        OperationType::Query => Box::pin(execute_query(run, state, account, primary, request)).await,
        OperationType::Mutation => Box::pin(execute_mutation(run, state, primary(account), request)).await,
        OperationType::Subscription => run.execute_on(primary(account), request).await,
    };
    if let Some(notice) = usage.archive_notice() {
        notice.report(&mut response);
    }
    response
}

/// The database usage limits of a request.
fn database_usage(state: &State, admitted: &AdmittedRequest, caller: &Caller) -> DatabaseUsage {
    let kind = admission::caller_kind(caller);
    let rate_limiter = state.rate_limiters.database_time(kind).cloned();
    let (limits, metric) = (&state.info.limits.reading, state.metrics.database_time.clone());
    let charged = (state.rate_limiters.cost.clone(), admitted.cost.total());
    DatabaseUsage::new(limits, (admitted.payer, kind), rate_limiter, charged, state.clock.clone(), metric)
}

async fn execute_query(
    run: OperationRun<'_>,
    state: &State,
    account: Arc<DatabaseUsage>,
    primary: impl FnOnce(Arc<DatabaseUsage>) -> ReadPool,
    request: Request,
) -> Response {
    let servers = &state.metrics.replica_queries;
    if let Some(replica) = choose_replica(state, &request, run.caller)
        && let Some(pool) = state.read_servers.replica(&replica.address)
    {
        let reader = ReadPool::metered(pool.clone(), account.clone());
        let response = cancel_on_drop(run.execute_on(reader, clone_request(&request, run.operation.document.clone())));
        let response = Box::pin(replica.unless_lost(response)).await.filter(|response| !is_server_error(response));
        servers.count_query(&replica.address, response.is_some());
        match response {
            Some(response) => return response,
            None => replica.record_query_failure(), // queries only read, so running it again is safe
        }
    }
    let response = run.execute_on(primary(account), request).await;
    servers.count_query(PRIMARY_SERVER, !is_server_error(&response));
    response
}

async fn execute_mutation(run: OperationRun<'_>, state: &State, primary: ReadPool, request: Request) -> Response {
    // A caller without key can't write.
    let Some(key) = run.caller.api_key_id() else { return run.execute_on(primary, request).await };
    let writing = state.write_tracker.start_write(key);
    let mut response = run.execute_on(primary, request).await;
    // Not charged to the caller: the mutation is committed and must be answered.
    match probe::load_insert_lsn(&state.database.reads).await {
        Ok(position) => {
            writing.finish(position);
            if let Ok(position) = HeaderValue::try_from(position.to_string()) {
                response.http_headers.insert(MIN_LSN_HEADER.clone(), position);
            }
        }
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "LSN of a mutation unknown; for a minute its caller reads from the primary");
        }
    }
    response
}

/// A replica that includes the caller's writes; `None` when only the primary is certain to.
fn choose_replica(state: &State, request: &Request, caller: &Caller) -> Option<Arc<Replica>> {
    let requested = request.data.get(&TypeId::of::<RequestMinLsn>()).and_then(|data| data.downcast_ref());
    let requested = requested.map_or(Lsn::default(), |RequestMinLsn(position)| *position);
    let written = state.write_tracker.min_lsn(caller.api_key_id(), Instant::now())?;
    state.replicas.choose(requested.max(written))
}

/// Whether a response has an error that may not occur on another server.
fn is_server_error(response: &Response) -> bool {
    response.errors.iter().any(|error| {
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
        matches!(code, Some(Value::String(code)) if [ApiError::UNAVAILABLE, ApiError::INTERNAL].contains(&code.as_str()))
    })
}

/// A copy of the request with this document.
fn clone_request(request: &Request, document: ExecutableDocument) -> Request {
    let mut copy = Request::new(request.query.clone());
    copy.extensions.clone_from(&request.extensions);
    copy.introspection_mode = request.introspection_mode;
    copy.set_parsed_query(document);
    if request.data.contains_key(&TypeId::of::<RawJson>()) { copy.data(RawJson) } else { copy }
}

/// One execution of a request.
#[derive(Clone, Copy)]
struct OperationRun<'a> {
    schema: &'a Schema,
    operation: &'a Operation,
    caller: &'a Caller,
}

impl OperationRun<'_> {
    /// Executes the operation with all reads on one server.
    async fn execute_on(self, reader: ReadPool, request: Request) -> Response {
        let root_fields = self.operation.selection_set().items.len();
        let document = &self.operation.document;
        // An invalid argument rejects the whole request.
        if self.operation.kind == OperationType::Mutation
            && root_fields > 1
            && argument_check::arguments_are_valid(document).await
        {
            Box::pin(self.execute_serially(root_fields, &reader, &request)).await
        } else {
            self.execute_document(document, &reader, request).await
        }
    }

    /// Executes the root fields of a mutation serially (§6.3.3). When a failed field makes the response's data null,
    /// the following fields do not run, as their outcome could not be reported.
    async fn execute_serially(self, root_fields: usize, reader: &ReadPool, request: &Request) -> Response {
        let mut response = Response::default();
        let mut data = IndexMap::new();
        for at in 0..root_fields {
            let document = self.operation.root_field_document(at);
            let part =
                Box::pin(self.execute_document(&document, reader, clone_request(request, document.clone()))).await;
            response.errors.extend(part.errors);
            response.http_headers.extend(part.http_headers);
            let Value::Object(fields) = part.data else { return response };
            data.extend(fields);
        }
        response.data = Value::Object(data);
        response
    }

    async fn execute_document(self, document: &ExecutableDocument, reader: &ReadPool, request: Request) -> Response {
        let (loader, batches) = loaders::new(reader.clone());
        let mut request =
            request.data(self.caller.clone()).data(loader).data(reader.clone()).data(SharedAreas::default());
        if let Some(state) = self.schema.data::<State>() {
            request = request.data(ResponseSize::new(state));
        }
        if request.query.contains("feedCursor") {
            let seen = Box::pin(db::feed::extent(reader)).await;
            request = request.data(FeedSnapshot(seen.map(|extent| extent.newest_whole).map_err(Arc::new)));
        }
        let mut response = batches.drive(Box::pin(self.schema.execute(request))).await;
        compat::normalize_response(types(), self.operation.kind, operation::selection_set(document), &mut response);
        response
    }
}
