//! Subscriptions: their root fields, and events as GraphQL answers. When events are rendered is decided in [`crate::subscriptions`].

pub mod answers;
mod document;
mod root;
#[cfg(test)]
mod tests;
pub mod topic;

use answers::{Answering, Answers};
use async_graphql::{Request, Response, parser::types::OperationType};
use document::EventDocument;
use futures_util::StreamExt as _;
pub use root::Subscription;
use topic::{ResultSlot, SubscriptionRequest};

use super::{
    Schema,
    context::State,
    execute::{admission, admission::Admitted, complexity, error_codes, panics},
    loaders,
};
use crate::{api_error::ApiError, auth::Caller};

const NOT_A_SUBSCRIPTION: &str = "this operation is no subscription";

/// The schema that renders events.
#[must_use]
pub fn answering(state: State) -> Answering {
    Answering::new(state)
}

/// Checks a subscription: the document, its cost, its arguments, and whether the caller may read. Returns the checked request
/// and what renders its events. `resume` is a cursor that takes the place of the argument `after`.
///
/// # Errors
/// The answer that refuses the request.
pub async fn check(
    schema: &Schema,
    answering: &Answering,
    request: Request,
    caller: &Caller,
    resume: Option<&str>,
) -> Result<(SubscriptionRequest, Answers), Box<Response>> {
    let state: &State = schema.data().unwrap_or_else(|| unreachable!("schema() puts it there"));
    let checked = check_all(schema, state, answering, request, caller, resume);
    panics::caught(&state.metrics.operations, checked, Err).await
}

async fn check_all(
    schema: &Schema,
    state: &State,
    answering: &Answering,
    mut request: Request,
    caller: &Caller,
    resume: Option<&str>,
) -> Result<(SubscriptionRequest, Answers), Box<Response>> {
    let Admitted { operation, price, .. } = admission::admit(state, &mut request, caller)?;
    let cost = price.answer;
    if cost > complexity::MAX_OF_AN_EVENT {
        return Err(refuse(ApiError::TooComplex(complexity::too_dear_an_event(cost))));
    }
    let document = (operation.kind == OperationType::Subscription).then(|| EventDocument::of(&operation)).flatten();
    let document = document.ok_or_else(|| refuse(ApiError::InvalidDocument(NOT_A_SUBSCRIPTION.to_owned())))?;
    let checked = check_arguments(schema, request, caller).await?;
    let mut checked = checked.ok_or_else(|| refuse(ApiError::InvalidDocument(NOT_A_SUBSCRIPTION.to_owned())))?;
    if let (Some(cursor), true) = (resume, checked.topic.is_resumable()) {
        checked.after = root::check_after(Some(cursor.to_owned())).map_err(refuse)?;
    }
    let answers = Answers::new(answering, document, caller, cost);
    Ok((checked, answers))
}

/// Runs the resolvers of a subscription, which check the arguments.
async fn check_arguments(
    schema: &Schema,
    request: Request,
    caller: &Caller,
) -> Result<Option<SubscriptionRequest>, Box<Response>> {
    let state: &State = schema.data().unwrap_or_else(|| unreachable!("schema() puts it there"));
    let (loader, batches) = loaders::new(state.unmetered.clone());
    let slot = ResultSlot::default();
    let request = request.data(caller.clone()).data(loader).data(slot.clone());
    let mut stream = schema.execute_stream(request);
    // Its streams are empty: what comes is an error.
    match batches.drive(stream.next()).await {
        Some(response) => Err(error_codes::answer(response.errors)),
        None => Ok(slot.take()),
    }
}

/// The answer that refuses a request.
#[must_use]
pub fn refuse(error: ApiError) -> Box<Response> {
    error_codes::answer(vec![error_codes::of(error)])
}
