//! Checks of every request before execution, for all transports: document limits, validation, variables, cost, rate
//! limit. The [canonical](super::operation) operation is executed.

use std::{any::TypeId, net::Ipv4Addr, num::NonZeroU32, sync::Arc};

use async_graphql::{
    Positioned, Request, Response, Value, Variables,
    parser::types::{OperationType, Selection},
    value,
};

use super::{complexity, cost, cost::Cost, error_codes, operation::Operation, persisted::Registration};
use crate::{
    api_error::ApiError,
    auth::Caller,
    graphql::{context::State, types},
    limits::{
        Limit,
        rate_limit::{CallerId, RateLimitStatus, RateLimited},
    },
    observability::metrics::database_time::CallerKind,
};

/// Cost charged for a rejected request. Finding the error takes about as long as reading a few rows.
pub const REJECTED_REQUEST_COST: u32 = 100;

/// A request admitted to execution.
pub(crate) struct AdmittedRequest {
    /// The operation.
    pub operation: Arc<Operation>,
    /// Its cost.
    pub cost: Cost,
    /// The caller that is charged by rate limiters and queued.
    pub payer: CallerId,
    rate_limit_status: Option<RateLimitStatus>,
}

/// Admits a request. Its document is replaced by the canonical operation, and its variables are removed.
///
/// # Errors
/// The response that rejects the request.
pub(crate) fn admit(state: &State, request: &mut Request, caller: &Caller) -> Result<AdmittedRequest, Box<Response>> {
    let (rate_limiter, now) = (&state.rate_limiters.cost, state.clock.now());
    let caller_id = client_key(request, caller);
    // A request of a caller over its limit is not parsed.
    check_database_time(state, caller_id, caller_kind(caller)).map_err(rate_limited_response)?;
    rate_limiter.check_n(caller_id, 1, now).map_err(rate_limited_response)?;
    let refuse = |response: Box<Response>| {
        rate_limiter.penalize(caller_id, REJECTED_REQUEST_COST, now);
        response
    };
    let document =
        state.document_cache.parse(request).map_err(|error| refuse(error_codes::error_response(vec![error])))?;
    let security = &state.info.security_profile;
    if !security.introspection && document.introspects() {
        let error = ApiError::Forbidden("the schema can't be read by queries here; ask the operator for it".to_owned());
        return Err(refuse(error_codes::error_response(vec![error_codes::from_api_error(error)])));
    }
    document.validate(types(), security.suggestions).map_err(|errors| refuse(error_codes::error_response(errors)))?;
    state.document_cache.insert(caller_id, &request.query, &document);
    let registration = request.data.get(&TypeId::of::<Registration>()).and_then(|data| data.downcast_ref());
    if let Some(registration) = registration {
        Registration::store(registration, caller_id, &request.query);
    }
    let operation = document.operation(types(), request.operation_name.as_deref(), &request.variables);
    let operation = operation.map_err(|errors| refuse(error_codes::error_response(errors)))?;
    if reads_data(&operation) {
        caller.may_read(state.info.public_read).map_err(|error| refuse(unauthenticated_response(error)))?;
    }
    // Both are part of the canonical operation; async-graphql would apply them again.
    request.operation_name = None;
    request.variables = Variables::default();
    request.set_parsed_query(operation.document.clone());
    let request_cost = cost::analyze(&operation, &state.storage_statistics.current(&state.database.reads), now);
    complexity::check(request_cost).map_err(|reason| {
        refuse(error_codes::error_response(vec![error_codes::from_api_error(ApiError::TooComplex(reason))]))
    })?;
    // A caller with a full budget may spend it on one request of any cost.
    let cost = u32::try_from(request_cost.total())
        .unwrap_or(u32::MAX)
        .min(rate_limiter.limit().map_or(u32::MAX, NonZeroU32::get));
    let rate_limit_status =
        rate_limiter.check_n(caller_id, cost.saturating_sub(1), now).map_err(rate_limited_response)?;
    Ok(AdmittedRequest { operation, cost: request_cost, payer: caller_id, rate_limit_status })
}

impl AdmittedRequest {
    /// Adds the cost to the response, and the remaining budget to its headers. The body has no remaining budget, so
    /// that equal requests have equal bodies.
    pub fn report_cost(&self, response: &mut Response) {
        let cost = value!({ "requested": (self.cost.total()), "limit": (complexity::MAX_REQUEST_COST) });
        response.extensions.insert("cost".to_owned(), cost);
        if let Some(rate_limit_status) = self.rate_limit_status {
            response.http_headers.extend(rate_limit_status.headers());
        }
    }
}

/// Kind of a caller.
#[must_use]
pub fn caller_kind(caller: &Caller) -> CallerKind {
    match caller {
        Caller::Anonymous => CallerKind::Anonymous,
        caller if caller.is_admin() => CallerKind::Admin,
        Caller::Key(_) => CallerKind::Key,
    }
}

/// Checks that a caller has database time left.
///
/// # Errors
/// When the budget of database time is used up.
pub fn check_database_time(state: &State, caller_id: CallerId, kind: CallerKind) -> Result<(), RateLimited> {
    let Some(rate_limiter) = state.rate_limiters.database_time(kind) else { return Ok(()) };
    rate_limiter
        .check_debt(caller_id, state.clock.now())
        .inspect_err(|_| state.metrics.refusals.count(Limit::DatabaseTime))
}

/// Whether an operation needs permission to read. Introspection does not, and mutations have their own rules.
fn reads_data(operation: &Operation) -> bool {
    let is_of_data = |item: &Positioned<Selection>| match &item.node {
        Selection::Field(field) => !field.node.name.node.starts_with("__"),
        Selection::InlineFragment(_) | Selection::FragmentSpread(_) => true,
    };
    operation.kind != OperationType::Mutation && operation.selection_set().items.iter().any(is_of_data)
}

fn unauthenticated_response(error: ApiError) -> Box<Response> {
    let headers = error.headers();
    let mut response = error_codes::error_response(vec![error_codes::from_api_error(error)]);
    response.http_headers = headers;
    response
}

fn rate_limited_response(exhausted: RateLimited) -> Box<Response> {
    let mut response = error_codes::error_response(vec![error_codes::from_api_error(ApiError::RateLimited(exhausted))]);
    response.http_headers = exhausted.headers();
    response
}

/// The caller that is charged: the API key, or else the client address. Requests without either share one budget.
#[must_use]
pub fn client_key(request: &Request, caller: &Caller) -> CallerId {
    let came = request.data.get(&TypeId::of::<CallerId>()).and_then(|data| data.downcast_ref()).copied();
    caller.api_key_id().map(CallerId::Key).or(came).unwrap_or(CallerId::Address(Ipv4Addr::UNSPECIFIED.into()))
}

/// Whether a response rejects a request because of a rate limit.
#[must_use]
pub fn is_rate_limited(response: &Response) -> bool {
    let code = |error: &async_graphql::ServerError| error.extensions.as_ref()?.get("code").cloned();
    response.errors.iter().any(|error| code(error).is_some_and(|code| code == Value::from(ApiError::RATE_LIMITED)))
}
