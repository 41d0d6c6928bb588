//! The GraphQL schema and the one way to execute a request on it.
//!
//! `types/` has the object types, `queries/`, `mutations/` and `subscriptions/` the root fields, `inputs/` the
//! arguments, `loaders/` the batched loading of nested fields; each with one file per type.

mod compat;
pub mod context;
pub mod cursor;
pub mod execute;
pub mod fast_json;
pub mod id;
pub mod inputs;
pub mod loaders;
mod mutations;
pub mod page;
mod queries;
pub mod scalar;
pub mod subscriptions;
#[cfg(test)]
mod test_util;
pub mod types;

use std::sync::LazyLock;

use async_graphql::{Request, Response, ValidationMode};
use context::State;
use execute::{admission::AdmittedRequest, operation::TypeSystem, operation_metrics::OperationObserver};

use crate::auth::Caller;

/// The schema of airgraph.
pub type Schema = async_graphql::Schema<queries::Query, mutations::Mutation, subscriptions::Subscription>;

/// The schema, ready to execute.
#[must_use]
pub fn schema(state: State) -> Schema {
    let security = &state.info.security_profile;
    let mut builder = builder();
    if !security.introspection {
        builder = builder.disable_introspection();
    }
    // Operations are already validated by all rules of the specification.
    builder.validation_mode(ValidationMode::Fast).data(state).finish()
}

/// The schema in the schema definition language, the content of `schema.graphql`.
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

fn builder() -> async_graphql::SchemaBuilder<queries::Query, mutations::Mutation, subscriptions::Subscription> {
    Schema::build(queries::Query::default(), mutations::Mutation::default(), subscriptions::Subscription)
        .register_output_type::<types::node::Node>()
}

/// Executes a request for a caller.
pub async fn execute(schema: &Schema, request: impl Into<Request>, caller: Caller) -> Response {
    let state: &State = schema.data().unwrap_or_else(|| unreachable!("schema() puts it there"));
    let executed = Box::pin(execute_observed(schema, state, request.into(), caller));
    execute::panics::catch_panic(&state.metrics.operations, executed, |error| *error).await
}

async fn execute_observed(schema: &Schema, state: &State, mut request: Request, caller: Caller) -> Response {
    let admitted = execute::admission::admit(state, &mut request, &caller);
    let operation = admitted.as_ref().ok().map(|admitted| &*admitted.operation);
    let kind =
        operation.map(|operation| operation.kind).or_else(|| execute::document_cache::parsed_operation_type(&request));
    let observer = OperationObserver::start(state, kind, operation);
    let response = match admitted {
        Ok(admitted) => {
            observer.statements().scope(Box::pin(execute_admitted(schema, state, request, admitted, caller))).await
        }
        Err(refusal) => *refusal,
    };
    observer.finish(&response);
    response
}

async fn execute_admitted(
    schema: &Schema,
    state: &State,
    request: Request,
    admitted: AdmittedRequest,
    caller: Caller,
) -> Response {
    let mut response = execute::replica_routing::execute(schema, state, request, &admitted, caller).await;
    execute::error_codes::add_codes(&mut response.errors);
    response = execute::response_size::check_response(state, response);
    admitted.report_cost(&mut response);
    response
}

/// The type system for the validation of documents.
pub(crate) fn types() -> &'static TypeSystem {
    static TYPES: LazyLock<TypeSystem> = LazyLock::new(|| {
        TypeSystem::parse(&sdl()).unwrap_or_else(|error| unreachable!("the schema's own text: {error}"))
    });
    &TYPES
}
