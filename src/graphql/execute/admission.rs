//! What every request passes before it is executed, whichever way it came: the limits of documents, validation, variables, the
//! price, the budget. What is executed is the [canonical](super::operation) operation.

use std::{any::TypeId, net::Ipv4Addr, num::NonZeroU32, sync::Arc};

use async_graphql::{
    Positioned, Request, Response, Value, Variables,
    parser::types::{OperationType, Selection},
    value,
};

use super::{complexity, cost, cost::Price, error_codes, operation::Operation, persisted::Registration};
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
pub const REFUSED: u32 = 100;

/// A request that may be executed.
pub(crate) struct Admitted {
    /// What it runs.
    pub operation: Arc<Operation>,
    /// What it costs.
    pub price: Price,
    /// The caller as budgets and turns know it.
    pub payer: CallerId,
    standing: Option<RateLimitStatus>,
}

/// Admits a request, which then has the operation that it runs, and no variables.
///
/// # Errors
/// The answer that refuses it.
pub(crate) fn admit(state: &State, request: &mut Request, caller: &Caller) -> Result<Admitted, Box<Response>> {
    let (budget, now) = (&state.budgets.cost, state.clock.now());
    let payer = payer(request, caller);
    // A request of a caller that has nothing left is not even parsed.
    check_database_time(state, payer, kind_of(caller)).map_err(rate_limited)?;
    budget.check_n(payer, 1, now).map_err(rate_limited)?;
    let refuse = |answer: Box<Response>| {
        budget.penalize(payer, REFUSED, now);
        answer
    };
    let document = state.documents.parse(request).map_err(|error| refuse(error_codes::answer(vec![error])))?;
    let exposure = &state.about.exposure;
    if !exposure.introspection && document.introspects() {
        let error = ApiError::Forbidden("the schema can't be read by queries here; ask the operator for it".to_owned());
        return Err(refuse(error_codes::answer(vec![error_codes::of(error)])));
    }
    document.validate(types(), exposure.suggestions).map_err(|errors| refuse(error_codes::answer(errors)))?;
    state.documents.keep(payer, &request.query, &document);
    let registration = request.data.get(&TypeId::of::<Registration>()).and_then(|data| data.downcast_ref());
    if let Some(registration) = registration {
        Registration::complete(registration, payer, &request.query);
    }
    let operation = document.operation(types(), request.operation_name.as_deref(), &request.variables);
    let operation = operation.map_err(|errors| refuse(error_codes::answer(errors)))?;
    if reads_data(&operation) {
        caller.may_read(state.about.public_read).map_err(|error| refuse(unauthenticated(error)))?;
    }
    // Both are in the operation now, and async-graphql would look for them once more.
    request.operation_name = None;
    request.variables = Variables::default();
    request.set_parsed_query(operation.document.clone());
    let price = cost::of(&operation, &state.archive.now(&state.database.reads), now);
    complexity::check(price)
        .map_err(|reason| refuse(error_codes::answer(vec![error_codes::of(ApiError::TooComplex(reason))])))?;
    // Who has a whole budget may spend it on one request, whatever that costs.
    let cost = u32::try_from(price.total()).unwrap_or(u32::MAX).min(budget.limit().map_or(u32::MAX, NonZeroU32::get));
    let standing = budget.check_n(payer, cost.saturating_sub(1), now).map_err(rate_limited)?;
    Ok(Admitted { operation, price, payer, standing })
}

impl Admitted {
    /// Tells in an answer what the request cost, and in its headers what is left of the budget. What is left isn't told in
    /// the body, so that the same request has the same answer.
    pub fn tell(&self, response: &mut Response) {
        let cost = value!({ "requested": (self.price.total()), "limit": (complexity::MAX) });
        response.extensions.insert("cost".to_owned(), cost);
        if let Some(standing) = self.standing {
            response.http_headers.extend(standing.headers());
        }
    }
}

/// The kind of a caller.
#[must_use]
pub fn kind_of(caller: &Caller) -> CallerKind {
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
    let Some(budget) = state.budgets.database_time(kind) else { return Ok(()) };
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

fn unauthenticated(error: ApiError) -> Box<Response> {
    let headers = error.headers();
    let mut answer = error_codes::answer(vec![error_codes::of(error)]);
    answer.http_headers = headers;
    answer
}

fn rate_limited(exhausted: RateLimited) -> Box<Response> {
    let mut answer = error_codes::answer(vec![error_codes::of(ApiError::RateLimited(exhausted))]);
    answer.http_headers = exhausted.headers();
    answer
}

/// The caller that is charged: the key, or else the address that came with the request. Requests without either share one
/// budget.
#[must_use]
pub fn payer(request: &Request, caller: &Caller) -> CallerId {
    let came = request.data.get(&TypeId::of::<CallerId>()).and_then(|data| data.downcast_ref()).copied();
    caller.api_key_id().map(CallerId::Key).or(came).unwrap_or(CallerId::Address(Ipv4Addr::UNSPECIFIED.into()))
}

/// Whether an answer refuses a request for want of budget.
#[must_use]
pub fn is_rate_limited(response: &Response) -> bool {
    let code = |error: &async_graphql::ServerError| error.extensions.as_ref()?.get("code").cloned();
    response.errors.iter().any(|error| code(error).is_some_and(|code| code == Value::from(ApiError::RATE_LIMITED)))
}
