//! Subscriptions: what can be asked, and how events are told. When they are told is decided in [`crate::live`].

pub mod answers;
mod document;
mod root;
#[cfg(test)]
mod tests;
pub mod topic;

use async_graphql::{Request, Response, parser::types::OperationType};
use futures_util::StreamExt as _;

use super::{
    Schema,
    admission::{self, Admitted},
    complexity,
    context::State,
    loader, panics, refusal,
};
use crate::{auth::Caller, error::ApiError};
use answers::{Answering, Answers};
use document::Told;
pub use root::Subscription;
use topic::{Asked, Slot};

const NOT_A_SUBSCRIPTION: &str = "this operation is no subscription";

/// The schema that tells events.
#[must_use]
pub fn answering(state: State) -> Answering {
    Answering::new(state)
}

/// Checks a subscription: the document, its cost, its arguments, and whether the caller may. Gives what is asked, and how
/// it is to be told. `resume` is a cursor that takes the place of the argument `after`.
///
/// # Errors
/// The answer that refuses the request.
pub async fn check(
    schema: &Schema,
    answering: &Answering,
    request: Request,
    caller: &Caller,
    resume: Option<&str>,
) -> Result<(Asked, Answers), Box<Response>> {
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
) -> Result<(Asked, Answers), Box<Response>> {
    let Admitted { operation, cost, .. } = admission::admit(state, &mut request, caller).await?;
    let cost = cost.unwrap_or(0); // where it isn't known, what follows tells why
    if cost > complexity::MAX_OF_AN_EVENT {
        return Err(refuse(ApiError::TooComplex(complexity::too_dear_an_event(cost))));
    }
    let told = (operation.kind == OperationType::Subscription).then(|| Told::of(&operation)).flatten();
    let told = told.ok_or_else(|| refuse(ApiError::InvalidDocument(NOT_A_SUBSCRIPTION.to_owned())))?;
    let asked = ask(schema, request, caller).await?;
    let mut asked = asked.ok_or_else(|| refuse(ApiError::InvalidDocument(NOT_A_SUBSCRIPTION.to_owned())))?;
    if let (Some(cursor), true) = (resume, asked.topic.is_resumable()) {
        asked.after = root::check_after(Some(cursor.to_owned())).map_err(refuse)?;
    }
    let answers = Answers::new(answering, told, caller, cost);
    Ok((asked, answers))
}

/// Has the resolvers of a subscription check what is asked of them.
async fn ask(schema: &Schema, request: Request, caller: &Caller) -> Result<Option<Asked>, Box<Response>> {
    let state: &State = schema.data().unwrap_or_else(|| unreachable!("schema() puts it there"));
    let (loader, batches) = loader::new(state.database.reads.clone());
    let slot = Slot::default();
    let request = request.data(caller.clone()).data(loader).data(slot.clone());
    let mut stream = schema.execute_stream(request);
    // Its streams are empty: what comes is an error.
    match batches.drive(stream.next()).await {
        Some(response) => Err(refusal::answer(response.errors)),
        None => Ok(slot.take()),
    }
}

/// The answer that refuses a request.
#[must_use]
pub fn refuse(error: ApiError) -> Box<Response> {
    refusal::answer(vec![refusal::of(error)])
}
