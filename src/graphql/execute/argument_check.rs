//! Checks of mutation arguments before execution.
//!
//! Root fields of a mutation run serially, so a check in a resolver runs after previous fields have changed the
//! database. async-graphql computes the complexity of every field before execution, and an error there rejects the
//! whole request. Complexity is only used for this; costs are in [`super::cost`].

use std::sync::{Arc, LazyLock, OnceLock};

use async_graphql::{
    Request, ServerError, ServerResult, ValidationMode, ValidationResult,
    async_trait::async_trait,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation},
    parser::types::ExecutableDocument,
};

use super::error_codes::INVALID_ARGUMENT_PREFIX;
use crate::{
    api_error::ApiError,
    graphql::{Schema, builder},
};

/// The complexity of a field with a checked argument.
///
/// # Errors
/// Names the argument that is invalid.
pub fn checked<T>(check: Result<T, ApiError>) -> ServerResult<usize> {
    match check {
        Ok(_) => Ok(1),
        Err(ApiError::BadUserInput { argument, reason, .. }) => {
            Err(ServerError::new(format!("{INVALID_ARGUMENT_PREFIX}{argument}\", {reason}"), None))
        }
        Err(error) => Err(ServerError::new(error.message(), None)),
    }
}

/// A schema that checks arguments and resolves nothing. It is separate, as its extension would be called for each
/// resolved field.
static ARGUMENT_CHECK_SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| builder().validation_mode(ValidationMode::Fast).extension(ArgumentCheckExtension).finish());

/// Whether all arguments checked before execution are valid. If not, executing the operation returns the error.
pub(crate) async fn arguments_are_valid(document: &ExecutableDocument) -> bool {
    let valid = ArgumentsValid::default();
    let mut request = Request::new("").data(valid.clone());
    request.set_parsed_query(document.clone());
    ARGUMENT_CHECK_SCHEMA.execute(request).await;
    valid.0.get().is_some()
}

#[derive(Clone, Default)]
struct ArgumentsValid(Arc<OnceLock<()>>);

struct ArgumentCheckExtension;

impl ExtensionFactory for ArgumentCheckExtension {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for ArgumentCheckExtension {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        next.run(ctx).await?;
        let _ = ctx.data_unchecked::<ArgumentsValid>().0.set(());
        Err(Vec::new()) // nothing is executed
    }
}
