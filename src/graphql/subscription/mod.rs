//! Subscriptions: what can be asked, and how events are told. When they are told is decided in [`crate::live`].

pub mod answers;
mod document;
mod root;
#[cfg(test)]
mod tests;
pub mod topic;

use async_graphql::{Request, Response, ServerError, parser::types::OperationType};
use futures_util::StreamExt as _;

use super::{
    Schema,
    admission::{self, Admitted},
    complexity,
    context::State,
    documents, loader, refusal,
};
use crate::{auth::Caller, error::ApiError};
use answers::{Answering, Answers};
use document::Reduced;
pub use root::Subscription;
use topic::{Asked, Slot};

const NOTHING: &str = "there is nothing to subscribe to";

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
    mut request: Request,
    caller: &Caller,
    resume: Option<&str>,
) -> Result<(Asked, Answers), Box<Response>> {
    let state: &State = schema.data().unwrap_or_else(|| unreachable!("schema() puts it there"));
    let Admitted { document, cost, .. } = admission::admit(state, &mut request, caller).await?;
    let cost = cost.unwrap_or(0); // where it isn't known, what follows tells why
    if cost > complexity::MAX_OF_AN_EVENT {
        return Err(refuse(ApiError::TooComplex(complexity::too_dear_an_event(cost))));
    }
    let name = request.operation_name.clone();
    let operation = documents::operation(&document, name.as_deref());
    if let Some(operation) = operation {
        documents::fill_in_defaults(&mut request.variables, &operation.node);
    }
    let variables = request.variables.clone();
    if operation.is_some_and(|operation| operation.node.ty != OperationType::Subscription) {
        return Err(refusal::answer(vec![ServerError::new("this operation is no subscription", None)]));
    }
    // First all of the document is validated, as for any request; where the root field doesn't stand in a fragment, this
    // asks its resolver too.
    let mut asked = ask(schema, request, caller).await?;
    let Some(operation) = operation else {
        return Err(refusal::answer(vec![ServerError::new(NOTHING, None)])); // can't be: executing it has told why
    };
    let reduced = Reduced::try_new(&document, operation).map_err(|error| refusal::answer(vec![error]))?;
    if asked.is_none() {
        let mut request = Request::new("").variables(variables.clone());
        request.set_parsed_query(reduced.document());
        asked = ask(schema, request, caller).await?;
    }
    let Some(mut asked) = asked else {
        return Err(refusal::answer(vec![ServerError::new(NOTHING, None)])); // can't be: each root field leaves something
    };
    if let (Some(cursor), true) = (resume, asked.topic.is_resumable()) {
        asked.after = root::check_after(Some(cursor.to_owned())).map_err(refuse)?;
    }
    let answers = Answers::new(answering, &reduced, &variables, caller, complexity::events_at_once(cost));
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
