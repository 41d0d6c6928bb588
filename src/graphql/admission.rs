//! What every request passes before it is executed, whichever way it came: the limits of documents, validation, variables, the
//! price, the budget. What is executed is the [canonical](super::operation) operation.

use std::{any::TypeId, net::Ipv4Addr, sync::Arc};

use async_graphql::{Request, Response, Value, Variables, value};

use super::{complexity, context::State, operation::Operation, price, refusal, types};
use crate::{
    auth::Caller,
    budget::{Exhausted, Payer, Standing},
    error::ApiError,
};

/// What a request uses of a budget that is refused, whatever is wrong with it. To find that out costs about as much as a few
/// rows.
const REFUSED: u32 = 100;

/// A request that may be executed.
pub(super) struct Admitted {
    /// What it runs.
    pub operation: Arc<Operation>,
    /// None where it could not be found out, so that executing the request tells why.
    pub cost: Option<usize>,
    standing: Option<Standing>,
}

/// Admits a request, which then has the operation that it runs, and no variables.
///
/// # Errors
/// The answer that refuses it.
pub(super) async fn admit(state: &State, request: &mut Request, caller: &Caller) -> Result<Admitted, Box<Response>> {
    let (budget, now) = (&state.budgets.cost, state.clock.now());
    let payer = payer(request, caller);
    // Who has nothing left is not even read.
    budget.spend(payer, 1, now).map_err(rate_limited)?;
    let refuse = |answer: Box<Response>| {
        budget.fine(payer, REFUSED, now);
        answer
    };
    let document = state.documents.parse(request).map_err(|error| refuse(refusal::answer(vec![error])))?;
    let exposure = &state.about.exposure;
    if !exposure.introspection && document.introspects() {
        let error = ApiError::Forbidden("the schema can't be read by queries here; ask the operator for it".to_owned());
        return Err(refuse(refusal::answer(vec![refusal::of(error)])));
    }
    document.validate(types(), exposure.suggestions).map_err(|errors| refuse(refusal::answer(errors)))?;
    state.documents.keep(&request.query, &document);
    let operation = document.operation(types(), request.operation_name.as_deref(), &request.variables);
    let operation = operation.map_err(|errors| refuse(refusal::answer(errors)))?;
    // Both are in the operation now, and async-graphql would look for them once more.
    request.operation_name = None;
    request.variables = Variables::default();
    request.set_parsed_query(operation.document.clone());
    let cost = price::of(&operation).await;
    let cost_or_fine = match cost {
        Some(cost) if cost > complexity::MAX => {
            let error = ApiError::TooComplex(complexity::too_dear(cost));
            return Err(refuse(refusal::answer(vec![refusal::of(error)])));
        }
        Some(cost) => u32::try_from(cost).unwrap_or(u32::MAX).saturating_sub(1),
        None => REFUSED,
    };
    let standing = budget.spend(payer, cost_or_fine, now).map_err(rate_limited)?;
    Ok(Admitted { operation, cost, standing })
}

impl Admitted {
    /// Tells in an answer what the request cost, and in its headers what is left of the budget. What is left isn't told in
    /// the body, so that the same request has the same answer.
    pub fn tell(&self, response: &mut Response) {
        if let Some(cost) = self.cost {
            response.extensions.insert("cost".to_owned(), value!({ "requested": cost, "limit": (complexity::MAX) }));
        }
        if let Some(standing) = self.standing {
            response.http_headers.extend(standing.headers());
        }
    }
}

fn rate_limited(exhausted: Exhausted) -> Box<Response> {
    let mut answer = refusal::answer(vec![refusal::of(ApiError::RateLimited(exhausted))]);
    answer.http_headers = exhausted.headers();
    answer
}

/// The caller that is charged: the key, or else the address that came with the request. Requests without either share one
/// budget.
pub fn payer(request: &Request, caller: &Caller) -> Payer {
    let came = request.data.get(&TypeId::of::<Payer>()).and_then(|data| data.downcast_ref()).copied();
    caller.api_key().map(Payer::Key).or(came).unwrap_or(Payer::Address(Ipv4Addr::UNSPECIFIED.into()))
}

/// Whether an answer refuses a request for want of budget.
#[must_use]
pub fn is_rate_limited(response: &Response) -> bool {
    let code = |error: &async_graphql::ServerError| error.extensions.as_ref()?.get("code").cloned();
    response.errors.iter().any(|error| code(error).is_some_and(|code| code == Value::from(ApiError::RATE_LIMITED)))
}
