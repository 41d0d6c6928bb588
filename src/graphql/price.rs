//! The price of a request, found out without executing it.
//!
//! The library reckons it with what stands beside each field (`#[graphql(complexity = …)]`) and tells it to extensions only.
//! A schema with an extension calls that for every field it resolves, so here is a schema of its own that resolves nothing.

use std::sync::{Arc, LazyLock, OnceLock};

use async_graphql::{
    Request, ServerError, ValidationMode, ValidationResult,
    async_trait::async_trait,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation},
    parser::types::{DocumentOperations, Selection, SelectionSet},
};

use super::{
    Schema, builder,
    operation::{Operation, canonical::HIDDEN},
};

/// Reckons, and resolves nothing.
static RECKONING: LazyLock<Schema> =
    LazyLock::new(|| builder().validation_mode(ValidationMode::Fast).extension(Reckoner).finish());

/// What an operation costs, reckoned once. None where that can't be: executing it tells why.
pub(super) async fn of(operation: &Operation) -> Option<usize> {
    *operation.cost.get_or_init(|| reckon(operation)).await
}

async fn reckon(operation: &Operation) -> Option<usize> {
    let mut document = operation.document.clone();
    if let DocumentOperations::Single(operation) = &mut document.operations {
        take_out_hidden(&mut operation.node.selection_set.node);
    }
    let price = Price::default();
    let mut reckoned = Request::new("").data(price.clone());
    reckoned.set_parsed_query(document);
    RECKONING.execute(reckoned).await;
    price.0.get().copied()
}

/// Takes out what no client selected, and none pays for.
fn take_out_hidden(set: &mut SelectionSet) {
    set.items.retain_mut(|item| match &mut item.node {
        Selection::Field(field) => {
            take_out_hidden(&mut field.node.selection_set.node);
            field.node.response_key().node != HIDDEN
        }
        Selection::InlineFragment(fragment) => {
            take_out_hidden(&mut fragment.node.selection_set.node);
            true
        }
        Selection::FragmentSpread(_) => true,
    });
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
    use async_graphql::{Value, Variables, value};
    use futures_util::FutureExt as _;

    use super::*;
    use crate::graphql::{operation::Document, types};

    fn price(text: &str, name: Option<&str>, variables: Value) -> Option<usize> {
        let document = Document::parse(text).expect("a document");
        document.validate(types(), true).expect("a valid one");
        let operation = document.operation(types(), name, &Variables::from_value(variables)).expect("an operation");
        of(&operation).now_or_never().expect("nothing is waited for")
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
    fn only_what_runs_is_paid() {
        let text = "query A { server { version } } query B { devices(first: 100) { nodes { id } } }";
        assert_eq!(price(text, Some("A"), value!({})), Some(2));
        assert_eq!(price(text, Some("B"), value!({})), Some(201));
        assert_eq!(
            price("{ server { version version } server { version time @skip(if: true) } }", None, value!({})),
            Some(2)
        );
        assert_eq!(price("{ node(id: 1) { id ... on Device { name } } }", None, value!({})), Some(3));
        assert_eq!(price("{ server { version @skip(if: true) } }", None, value!({})), Some(1));
    }
}
