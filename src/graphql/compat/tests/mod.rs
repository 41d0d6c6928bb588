//! Random documents on a small schema. Its fields complete in another order than selected, and sometimes fail. The
//! response must equal that of a simple reference implementation of the specification's algorithm.

mod documents;
mod reference;
mod zoo;

use std::sync::LazyLock;

use async_graphql::{
    EmptyMutation, EmptySubscription, Request, Schema, Variables,
    parser::{parse_query, types::DocumentOperations},
};
use documents::random_document;
use proptest::prelude::*;
use reference::ReferenceExecutor;
use serde_json::json;
use zoo::Query;

use super::normalize_response;
use crate::graphql::execute::operation::{Document, TypeSystem};

type TestSchema = Schema<Query, EmptyMutation, EmptySubscription>;

static SCHEMA: LazyLock<(TestSchema, TypeSystem)> = LazyLock::new(|| {
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).finish();
    let types = TypeSystem::parse(&schema.sdl()).expect("a schema");
    (schema, types)
});

/// The actual and the expected response to a document with a variable; `None` when it exceeds a limit.
fn actual_and_expected(text: &str, given: bool) -> Option<(String, String)> {
    let (schema, types) = &*SCHEMA;
    let document = Document::parse(text).ok()?;
    document.validate(types, true).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    let variables = Variables::from_json(json!({ "given": given }));
    let operation = document.operation(types, None, &variables).expect("an operation");
    let mut request = Request::new(text);
    request.set_parsed_query(operation.document.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut response = runtime.block_on(schema.execute(request));
    assert!(response.errors.iter().all(|error| !error.path.is_empty()), "{text}: {:?}", response.errors);
    normalize_response(types, operation.kind, operation.selection_set(), &mut response);

    let said = json!({ "said": true, "unsaid": false, "given": given });
    let document = parse_query(text).expect("a document");
    let DocumentOperations::Single(operation) = &document.operations else { panic!("one operation: {text}") };
    let reference = ReferenceExecutor { document: &document, variables: &said };
    let expected = reference.object("Query", &[&operation.node.selection_set.node]);
    let actual = serde_json::to_string(&response.data).expect("JSON");
    Some((actual, expected.unwrap_or("null".to_owned())))
}

proptest! {
    #[test]
    fn responses_match_the_specification(bytes in proptest::collection::vec(any::<u8>(), 0..120), given: bool) {
        let text = random_document(&bytes);
        let responses = actual_and_expected(&text, given);
        prop_assume!(responses.is_some());
        let (actual, expected) = responses.unwrap_or_default();
        prop_assert_eq!(actual, expected, "{}", text);
    }
}

#[test]
fn fields_are_in_selection_order() {
    for (text, expected) in [
        ("{ bird { late wing id } late }", r#"{"bird":{"late":3,"wing":2,"id":"b"},"late":1}"#),
        ("{ late bird { id } l: late bird { late wing } }", r#"{"late":1,"bird":{"id":"b","late":3,"wing":2},"l":1}"#),
        (
            "{ zoo { ... on Fish { fin id } id ... on Bird { late } } }",
            r#"{"zoo":[{"id":"b","late":3},null,{"fin":4,"id":"f"}]}"#,
        ),
        ("{ animal { ... on Bird { wing } } }", r#"{"animal":{}}"#),
        ("{ bird { wing @skip(if: true) } }", r#"{"bird":{}}"#),
        ("{ fish { fin @skip(if: true) } missing { wing @skip(if: true) } }", r#"{"fish":{},"missing":null}"#),
        ("{ late bird { wing @skip(if: true) } bird { id } }", r#"{"late":1,"bird":{"id":"b"}}"#),
        ("{ fish { fin @skip(if: true) } fish { id } }", r#"{"fish":{"id":"f"}}"#),
        ("{ late @skip(if: true) }", "{}"),
        ("{ broken late }", r#"{"broken":null,"late":1}"#),
        ("{ broken }", r#"{"broken":null}"#),
        ("{ bird { broken { wing } } }", r#"{"bird":{"broken":null}}"#),
        ("{ fish { home { broken { wing } } } }", r#"{"fish":{"home":{"broken":null}}}"#),
        ("{ fish { home { cracked wing } fin } }", r#"{"fish":{"home":null,"fin":4}}"#),
        ("{ late bird { cracked } }", "null"),
        ("{ fish { school { cracked } id } }", r#"{"fish":{"school":null,"id":"f"}}"#),
        ("{ zoo { ... on Bird { cracked } id } late }", r#"{"zoo":[null,null,{"id":"f"}],"late":1}"#),
    ] {
        let (actual, reference) = actual_and_expected(text, false).expect("a document");
        assert_eq!((actual.as_str(), reference.as_str()), (expected, expected), "{text}");
    }
}
