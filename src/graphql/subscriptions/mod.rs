//! Subscriptions: their root fields, and the rendering of events as GraphQL responses. Events are scheduled by
//! [`crate::subscriptions`].

mod document;
pub mod render;
mod root;
#[cfg(test)]
mod tests;
pub mod topic;

use async_graphql::{Request, Response, parser::types::OperationType};
use document::EventDocument;
use futures_util::StreamExt as _;
use render::{EventRenderer, EventSchema};
pub use root::Subscription;
use topic::{ResultSlot, SubscriptionRequest};

use super::{
    Schema,
    context::State,
    execute::{admission, admission::AdmittedRequest, complexity, error_codes, panics},
    loaders,
};
use crate::{api_error::ApiError, auth::Caller};

const NOT_A_SUBSCRIPTION: &str = "the operation is not a subscription";

/// The schema that renders events.
#[must_use]
pub fn event_schema(state: State) -> EventSchema {
    EventSchema::new(state)
}

/// Checks a subscription: the document, its cost, its arguments, and the caller's permission to read. Returns the
/// checked request and the renderer of its events. `resume` is a cursor that replaces the argument `after`.
///
/// # Errors
/// The response that rejects the request.
pub async fn check(
    schema: &Schema,
    event_schema: &EventSchema,
    request: Request,
    caller: &Caller,
    resume: Option<&str>,
) -> Result<(SubscriptionRequest, EventRenderer), Box<Response>> {
    let state: &State = schema.data().unwrap_or_else(|| unreachable!("schema() puts it there"));
    let checked = check_all(schema, state, event_schema, request, caller, resume);
    panics::catch_panic(&state.metrics.operations, checked, Err).await
}

async fn check_all(
    schema: &Schema,
    state: &State,
    event_schema: &EventSchema,
    mut request: Request,
    caller: &Caller,
    resume: Option<&str>,
) -> Result<(SubscriptionRequest, EventRenderer), Box<Response>> {
    let AdmittedRequest { operation, cost: request_cost, .. } = admission::admit(state, &mut request, caller)?;
    let cost = request_cost.response;
    if cost > complexity::MAX_EVENT_COST {
        return Err(error_response(ApiError::TooComplex(complexity::event_too_expensive(cost))));
    }
    let document =
        (operation.kind == OperationType::Subscription).then(|| EventDocument::from_subscription(&operation)).flatten();
    let document = document.ok_or_else(|| error_response(ApiError::InvalidDocument(NOT_A_SUBSCRIPTION.to_owned())))?;
    let checked = check_arguments(schema, request, caller).await?;
    let mut checked =
        checked.ok_or_else(|| error_response(ApiError::InvalidDocument(NOT_A_SUBSCRIPTION.to_owned())))?;
    if let (Some(cursor), true) = (resume, checked.topic.is_resumable()) {
        checked.after = root::parse_after(Some(cursor.to_owned())).map_err(error_response)?;
    }
    let renderer = EventRenderer::new(event_schema, document, caller, cost);
    Ok((checked, renderer))
}

/// Runs the resolvers of a subscription, which check the arguments.
async fn check_arguments(
    schema: &Schema,
    request: Request,
    caller: &Caller,
) -> Result<Option<SubscriptionRequest>, Box<Response>> {
    let state: &State = schema.data().unwrap_or_else(|| unreachable!("schema() puts it there"));
    let (loader, batches) = loaders::new(state.unmetered_read_pool.clone());
    let slot = ResultSlot::default();
    let request = request.data(caller.clone()).data(loader).data(slot.clone());
    let mut stream = schema.execute_stream(request);
    // The streams are empty: any item is an error.
    match batches.drive(stream.next()).await {
        Some(response) => Err(error_codes::error_response(response.errors)),
        None => Ok(slot.take()),
    }
}

/// The response that rejects a request.
#[must_use]
pub fn error_response(error: ApiError) -> Box<Response> {
    error_codes::error_response(vec![error_codes::from_api_error(error)])
}
