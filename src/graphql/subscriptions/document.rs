//! Converts a canonical subscription to a query of its events.

use async_graphql::{
    Name,
    parser::types::{DocumentOperations, ExecutableDocument, OperationType, Selection},
};

use crate::graphql::execute::operation::{Operation, canonical};

/// The selection of each event.
#[derive(Clone, Debug)]
pub(super) struct EventDocument {
    /// The subscription as a query. Its root field has no arguments, as these only select the events.
    pub document: ExecutableDocument,
    /// The response key of the root field.
    pub key: Name,
    /// The same document as text.
    pub text: String,
}

impl EventDocument {
    /// Converts a subscription; `None` when it does not have exactly one root field, which validation ensures.
    pub fn from_subscription(subscription: &Operation) -> Option<Self> {
        let mut document = subscription.document.clone();
        let DocumentOperations::Single(operation) = &mut document.operations else { return None };
        operation.node.ty = OperationType::Query;
        let set = &mut operation.node.selection_set.node;
        let [root] = &mut set.items[..] else { return None };
        let Selection::Field(field) = &mut root.node else { return None };
        field.node.arguments.clear();
        let key = field.node.response_key().node.clone();
        let text = canonical::selection_set_text(set);
        Some(Self { document, key, text })
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Variables, value};

    use super::*;
    use crate::graphql::{execute::operation::Document, types};

    fn event_document(text: &str) -> EventDocument {
        let document = Document::parse(text).expect("a document");
        document.validate(types(), true).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        let variables = Variables::from_value(value!({ "a": "x", "r": 7 }));
        EventDocument::from_subscription(&document.operation(types(), None, &variables).expect("an operation"))
            .expect("a subscription")
    }

    #[test]
    fn equivalent_subscriptions_have_the_same_event_document() {
        for text in [
            "subscription ($a: String, $r: Int) { e: measurementRecorded(after: $a) { cursor measurement { cell(resolution: $r) } } }",
            "subscription S ($r: Int) { ...R } fragment R on Subscription { e: measurementRecorded { cursor ...M } }
             fragment M on MeasurementEvent { measurement { cell(resolution: $r) pm1 @skip(if: true) } }",
            "subscription { ... { e: measurementRecorded { cursor } } e: measurementRecorded { measurement { cell(resolution: 7) } } }",
        ] {
            let document = event_document(text);
            assert_eq!(document.text, "{e:measurementRecorded{cursor measurement{cell(resolution:7)}}}", "{text}");
            assert_eq!(document.key, "e");
        }
    }
}
