//! What every request passes before it is executed, whichever way it came: the limits of documents, validation, variables, the
//! price, the budget. What is executed is the [canonical](super::operation) operation.

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

/// What a request uses of a budget that is refused, whatever is wrong with it. To find that out costs about as much as a few
/// rows.
pub const REJECTED_REQUEST_COST: u32 = 100;

/// A request that may be executed.
pub(crate) struct AdmittedRequest {
    /// What it runs.
    pub operation: Arc<Operation>,
    /// What it costs.
    pub cost: Cost,
    /// The caller as budgets and turns know it.
    pub payer: CallerId,
    rate_limit_status: Option<RateLimitStatus>,
}

/// Admits a request, which then has the operation that it runs, and no variables.
///
/// # Errors
/// The answer that refuses it.
pub(crate) fn admit(state: &State, request: &mut Request, caller: &Caller) -> Result<AdmittedRequest, Box<Response>> {
    let (budget, now) = (&state.rate_limiters.cost, state.clock.now());
    let payer = client_key(request, caller);
    // A request of a caller that has nothing left is not even parsed.
    check_database_time(state, payer, caller_kind(caller)).map_err(rate_limited_response)?;
    budget.check_n(payer, 1, now).map_err(rate_limited_response)?;
    let refuse = |answer: Box<Response>| {
        budget.penalize(payer, REJECTED_REQUEST_COST, now);
        answer
    };
    let document =
        state.document_cache.parse(request).map_err(|error| refuse(error_codes::error_response(vec![error])))?;
    let exposure = &state.info.security_profile;
    if !exposure.introspection && document.introspects() {
        let error = ApiError::Forbidden("the schema can't be read by queries here; ask the operator for it".to_owned());
        return Err(refuse(error_codes::error_response(vec![error_codes::from_api_error(error)])));
    }
    document.validate(types(), exposure.suggestions).map_err(|errors| refuse(error_codes::error_response(errors)))?;
    state.document_cache.insert(payer, &request.query, &document);
    let registration = request.data.get(&TypeId::of::<Registration>()).and_then(|data| data.downcast_ref());
    if let Some(registration) = registration {
        Registration::store(registration, payer, &request.query);
    }
    let operation = document.operation(types(), request.operation_name.as_deref(), &request.variables);
    let operation = operation.map_err(|errors| refuse(error_codes::error_response(errors)))?;
    if reads_data(&operation) {
        caller.may_read(state.info.public_read).map_err(|error| refuse(unauthenticated_response(error)))?;
    }
    // Both are in the operation now, and async-graphql would look for them once more.
    request.operation_name = None;
    request.variables = Variables::default();
    request.set_parsed_query(operation.document.clone());
    let price = cost::analyze(&operation, &state.storage_statistics.current(&state.database.reads), now);
    complexity::check(price).map_err(|reason| {
        refuse(error_codes::error_response(vec![error_codes::from_api_error(ApiError::TooComplex(reason))]))
    })?;
    // Who has a whole budget may spend it on one request, whatever that costs.
    let cost = u32::try_from(price.total()).unwrap_or(u32::MAX).min(budget.limit().map_or(u32::MAX, NonZeroU32::get));
    let standing = budget.check_n(payer, cost.saturating_sub(1), now).map_err(rate_limited_response)?;
    Ok(AdmittedRequest { operation, cost: price, payer, rate_limit_status: standing })
}

impl AdmittedRequest {
    /// Tells in an answer what the request cost, and in its headers what is left of the budget. What is left isn't told in
    /// the body, so that the same request has the same answer.
    pub fn report_cost(&self, response: &mut Response) {
        let cost = value!({ "requested": (self.cost.total()), "limit": (complexity::MAX_REQUEST_COST) });
        response.extensions.insert("cost".to_owned(), cost);
        if let Some(standing) = self.rate_limit_status {
            response.http_headers.extend(standing.headers());
        }
    }
}

/// The kind of a caller.
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
/// When it used all that it may, and more was not refilled yet.
pub fn check_database_time(state: &State, payer: CallerId, kind: CallerKind) -> Result<(), RateLimited> {
    let Some(budget) = state.rate_limiters.database_time(kind) else { return Ok(()) };
    budget.check_debt(payer, state.clock.now()).inspect_err(|_| state.metrics.refusals.count(Limit::DatabaseTime))
}

/// Whether an operation needs permission to read. The schema may be read without, and mutations have rules of their own.
fn reads_data(operation: &Operation) -> bool {
    let is_of_data = |item: &Positioned<Selection>| match &item.node {
        Selection::Field(field) => !field.node.name.node.starts_with("__"),
        Selection::InlineFragment(_) | Selection::FragmentSpread(_) => true,
    };
    operation.kind != OperationType::Mutation && operation.selection_set().items.iter().any(is_of_data)
}

fn unauthenticated_response(error: ApiError) -> Box<Response> {
    let headers = error.headers();
    let mut answer = error_codes::error_response(vec![error_codes::from_api_error(error)]);
    answer.http_headers = headers;
    answer
}

fn rate_limited_response(exhausted: RateLimited) -> Box<Response> {
    let mut answer = error_codes::error_response(vec![error_codes::from_api_error(ApiError::RateLimited(exhausted))]);
    answer.http_headers = exhausted.headers();
    answer
}

/// The caller that is charged: the key, or else the address that came with the request. Requests without either share one
/// budget.
#[must_use]
pub fn client_key(request: &Request, caller: &Caller) -> CallerId {
    let came = request.data.get(&TypeId::of::<CallerId>()).and_then(|data| data.downcast_ref()).copied();
    caller.api_key_id().map(CallerId::Key).or(came).unwrap_or(CallerId::Address(Ipv4Addr::UNSPECIFIED.into()))
}

/// Whether an answer refuses a request for want of budget.
#[must_use]
pub fn is_rate_limited(response: &Response) -> bool {
    let code = |error: &async_graphql::ServerError| error.extensions.as_ref()?.get("code").cloned();
    response.errors.iter().any(|error| code(error).is_some_and(|code| code == Value::from(ApiError::RATE_LIMITED)))
}
