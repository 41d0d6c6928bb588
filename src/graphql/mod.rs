//! The GraphQL schema and the one way to execute a request on it.
//!
//! `model/` has the types, `query/` and `mutation/` the root fields, `input/` the arguments, `loader/` the batched
//! look-ups behind nested fields; one file a type each.

pub mod admission;
mod answer_size;
mod argument_check;
mod asked;
#[cfg(test)]
mod choices;
pub mod columns;
mod completion;
pub mod complexity;
pub mod context;
pub mod cursor;
pub mod documents;
pub mod flat;
pub mod id;
pub mod input;
pub mod limits;
pub mod loader;
pub mod model;
mod mutation;
pub mod operation;
pub mod page;
mod panics;
pub mod persisted;
pub mod price;
mod query;
pub mod read_servers;
pub mod reader;
pub mod reading;
mod refusal;
pub mod scalar;
mod shared_cache;
pub mod subscription;
pub(crate) mod writer;

use std::sync::LazyLock;

use async_graphql::{Request, Response, ValidationMode};

use crate::auth::Caller;
use admission::Admitted;
use asked::Asked;
use context::State;
use operation::TypeSystem;

/// The schema of airgraph.
pub type Schema = async_graphql::Schema<query::Query, mutation::Mutation, subscription::Subscription>;

/// The schema, ready to execute.
#[must_use]
pub fn schema(state: State) -> Schema {
    let exposure = &state.about.exposure;
    let mut builder = builder();
    if !exposure.introspection {
        builder = builder.disable_introspection();
    }
    // Each operation was validated before, in all that the specification asks.
    builder.validation_mode(ValidationMode::Fast).data(state).finish()
}

/// The schema in the schema definition language, as `schema.graphql` holds it.
#[must_use]
pub fn sdl() -> String {
    let options = async_graphql::SDLExportOptions::new()
        .sorted_fields()
        .sorted_enum_items()
        .sorted_arguments()
        .include_specified_by();
    let schema = builder().finish().sdl_with_options(options);
    let lines: Vec<_> = schema.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n").trim())
}

fn builder() -> async_graphql::SchemaBuilder<query::Query, mutation::Mutation, subscription::Subscription> {
    Schema::build(query::Query::default(), mutation::Mutation::default(), subscription::Subscription)
        .register_output_type::<model::node::Node>()
}

/// Executes a request for a caller.
pub async fn execute(schema: &Schema, request: impl Into<Request>, caller: Caller) -> Response {
    let state: &State = schema.data().unwrap_or_else(|| unreachable!("schema() puts it there"));
    let answer = Box::pin(answer(schema, state, request.into(), caller));
    panics::caught(&state.metrics.operations, answer, |error| *error).await
}

async fn answer(schema: &Schema, state: &State, mut request: Request, caller: Caller) -> Response {
    let admitted = admission::admit(state, &mut request, &caller);
    let operation = admitted.as_ref().ok().map(|admitted| &*admitted.operation);
    let kind = operation.map(|operation| operation.kind).or_else(|| documents::known_kind(&request));
    let asked = Asked::begin(state, kind, operation);
    let response = match admitted {
        Ok(admitted) => asked.statements().during(Box::pin(run(schema, state, request, admitted, caller))).await,
        Err(refusal) => *refusal,
    };
    asked.answered(&response);
    response
}

async fn run(schema: &Schema, state: &State, request: Request, admitted: Admitted, caller: Caller) -> Response {
    let mut response = reading::execute(schema, state, request, &admitted, caller).await;
    refusal::name_all(&mut response.errors);
    response = answer_size::checked(state, response);
    admitted.tell(&mut response);
    response
}

/// The schema as documents are validated against it.
pub(crate) fn types() -> &'static TypeSystem {
    static TYPES: LazyLock<TypeSystem> = LazyLock::new(|| {
        TypeSystem::read(&sdl()).unwrap_or_else(|error| unreachable!("the schema's own words: {error}"))
    });
    &TYPES
}
