//! The price of a request, found out without executing it.
//!
//! The library reckons it with what stands beside each field (`#[graphql(complexity = …)]`) and tells it to extensions only.
//! A schema with an extension calls that for every field it resolves, so here is a schema of its own that resolves nothing.

use std::sync::{Arc, LazyLock, OnceLock};

use async_graphql::{
    Request, ServerError, ValidationMode, ValidationResult,
    async_trait::async_trait,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation},
    parser::types::{DocumentOperations, ExecutableDocument},
};

use super::{Schema, builder, documents};

/// Reckons, and resolves nothing. Other errors than those of the price are for the schema that executes.
static RECKONING: LazyLock<Schema> =
    LazyLock::new(|| builder().validation_mode(ValidationMode::Fast).extension(Reckoner).finish());

/// What the operation of a document would cost that this request asks for. None where that is not clear, or where an
/// argument that decides it can't be read: executing the request tells why.
pub(super) async fn of(document: &ExecutableDocument, request: &Request) -> Option<usize> {
    let operation = documents::operation(document, request.operation_name.as_deref())?;
    // Of the others, which would not run, nobody asks the price.
    let operations = DocumentOperations::Single(operation.clone());
    let alone = ExecutableDocument { operations, fragments: document.fragments.clone() };
    let price = Price::default();
    let mut reckoned = Request::new("").variables(request.variables.clone()).data(price.clone());
    reckoned.set_parsed_query(alone);
    RECKONING.execute(reckoned).await;
    price.0.get().copied()
}

#[derive(Clone, Default)]
struct Price(Arc<OnceLock<usize>>);

/// Notes the price, and lets nothing run.
struct Reckoner;

impl ExtensionFactory for Reckoner {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for Reckoner {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let reckoned = next.run(ctx).await?;
        let _ = ctx.data_unchecked::<Price>().0.set(reckoned.complexity);
        Err(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Variables, parser::parse_query, value};
    use futures_util::FutureExt as _;

    use super::*;

    fn price(text: &str, name: Option<&str>, variables: async_graphql::Value) -> Option<usize> {
        let document = parse_query(text).expect("a document");
        let mut request = Request::new(text).variables(Variables::from_value(variables));
        request.operation_name = name.map(str::to_owned);
        of(&document, &request).now_or_never().expect("nothing is waited for")
    }

    #[test]
    fn a_list_costs_its_page_times_its_rows() {
        let none = || value!({});
        assert_eq!(price("{ server { version time } }", None, none()), Some(3));
        assert_eq!(price("{ measurements(first: 10) { nodes { pm10 pm25 } } }", None, none()), Some(10 * 3 + 1));
        assert_eq!(
            price("{ measurements { nodes { ...F } } } fragment F on Measurement { pm10 }", None, none()),
            Some(50 * 2 + 1)
        );
        let text = "query ($n: Int = 3) { measurements(first: $n) { nodes { pm10 } } }";
        assert_eq!(price(text, None, none()), Some(3 * 2 + 1));
        assert_eq!(price(text, None, value!({ "n": 7 })), Some(7 * 2 + 1));
        assert_eq!(price("subscription { measurementRecorded { cursor } }", None, none()), Some(2));
    }

    #[test]
    fn only_the_operation_that_runs_is_paid() {
        let text = "query A { server { version } } query B { devices(first: 100) { nodes { id } } }";
        assert_eq!(price(text, Some("A"), value!({})), Some(2));
        assert_eq!(price(text, Some("B"), value!({})), Some(201));
        assert_eq!((price(text, None, value!({})), price(text, Some("C"), value!({}))), (None, None));
    }

    #[test]
    fn what_can_not_be_reckoned_has_no_price() {
        assert_eq!(
            price("query ($n: Int) { measurements(first: $n) { nodes { pm10 } } }", None, value!({ "n": "x" })),
            None
        );
        assert_eq!(price("{ nonsense }", None, value!({})), Some(1), "that it is none is found elsewhere");
    }
}
