//! Random documents on a small schema. Its fields complete in another order than selected, and sometimes fail. The
//! response must equal that of a simple reference implementation of the specification's algorithm.

use std::{collections::HashSet, fmt::Write as _, sync::LazyLock};

use async_graphql::{
    EmptyMutation, EmptySubscription, ID, Interface, Object, Request, Schema, Variables,
    indexmap::IndexMap,
    parser::{
        parse_query,
        types::{Directive, DocumentOperations, ExecutableDocument, Field, Selection, SelectionSet},
    },
};
use proptest::prelude::*;
use serde_json::json;

use super::normalize_response;
use crate::{
    api_error::ApiError,
    graphql::{
        execute::operation::{Document, TypeSystem},
        test_util::RandomChoices,
    },
};

struct Query;
struct Bird;
struct Fish;

#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID"))]
enum Animal {
    Bird(Bird),
    Fish(Fish),
}

/// A future that is ready after this number of polls.
async fn after(calls: u32) {
    for _ in 0..calls {
        tokio::task::yield_now().await;
    }
}

#[Object]
impl Query {
    async fn late(&self) -> i32 {
        after(5).await;
        1
    }

    async fn animal(&self) -> Option<Animal> {
        after(3).await;
        Some(Animal::Fish(Fish))
    }

    async fn bird(&self) -> Bird {
        after(1).await;
        Bird
    }

    async fn fish(&self) -> Option<Fish> {
        Some(Fish)
    }

    async fn missing(&self) -> Option<Bird> {
        after(2).await;
        None
    }

    async fn zoo(&self) -> Vec<Option<Animal>> {
        after(4).await;
        vec![Some(Animal::Bird(Bird)), None, Some(Animal::Fish(Fish))]
    }

    #[expect(clippy::unused_async, reason = "resolvers are asynchronous")]
    async fn broken(&self) -> Result<Option<i32>, ApiError> {
        Err(ApiError::NotFound)
    }
}

#[Object]
impl Bird {
    async fn id(&self) -> ID {
        after(2).await;
        ID::from("b")
    }

    async fn wing(&self) -> i32 {
        2
    }

    async fn late(&self) -> Option<i32> {
        after(4).await;
        Some(3)
    }

    async fn mate(&self) -> Option<Animal> {
        after(1).await;
        Some(Animal::Bird(Bird))
    }

    async fn chicks(&self) -> Vec<Option<Bird>> {
        after(3).await;
        vec![Some(Bird), None]
    }

    async fn broken(&self) -> Result<Option<Bird>, ApiError> {
        after(2).await;
        Err(ApiError::NotFound)
    }

    async fn cracked(&self) -> Result<i32, ApiError> {
        after(1).await;
        Err(ApiError::NotFound)
    }
}

#[Object]
impl Fish {
    async fn id(&self) -> ID {
        ID::from("f")
    }

    async fn fin(&self) -> i32 {
        after(6).await;
        4
    }

    async fn mate(&self) -> Option<Animal> {
        None
    }

    async fn school(&self) -> Option<Vec<Fish>> {
        after(2).await;
        Some(vec![Fish, Fish])
    }

    async fn home(&self) -> Option<Bird> {
        after(1).await;
        Some(Bird)
    }

    #[expect(clippy::unused_async, reason = "resolvers are asynchronous")]
    async fn cracked(&self) -> Result<i32, ApiError> {
        Err(ApiError::NotFound)
    }
}

/// Value of a field in the reference implementation.
enum ExpectedValue {
    Leaf(&'static str),
    Object(&'static str),
    List(Vec<ExpectedValue>),
    Null,
    Error,
}

/// Name, type and value of each field.
fn fields_of_type(of: &str) -> Vec<(&'static str, &'static str, ExpectedValue)> {
    use ExpectedValue::{Error, Leaf, List, Null, Object};
    match of {
        "Query" => vec![
            ("late", "Int!", Leaf("1")),
            ("animal", "Animal", Object("Fish")),
            ("bird", "Bird!", Object("Bird")),
            ("fish", "Fish", Object("Fish")),
            ("missing", "Bird", Null),
            ("zoo", "[Animal]!", List(vec![Object("Bird"), Null, Object("Fish")])),
            ("broken", "Int", Error),
        ],
        "Bird" => vec![
            ("id", "ID!", Leaf("\"b\"")),
            ("wing", "Int!", Leaf("2")),
            ("late", "Int", Leaf("3")),
            ("mate", "Animal", Object("Bird")),
            ("chicks", "[Bird]!", List(vec![Object("Bird"), Null])),
            ("broken", "Bird", Error),
            ("cracked", "Int!", Error),
        ],
        "Fish" => vec![
            ("id", "ID!", Leaf("\"f\"")),
            ("fin", "Int!", Leaf("4")),
            ("mate", "Animal", Null),
            ("school", "[Fish!]", List(vec![Object("Fish"), Object("Fish")])),
            ("home", "Bird", Object("Bird")),
            ("cracked", "Int!", Error),
        ],
        _ => vec![("id", "ID!", Null)],
    }
}

/// Whether a fragment with this condition applies to an object of this type.
fn type_condition_applies(of: &str, condition: &str) -> bool {
    of == condition || condition == "Animal" && of != "Query"
}

struct ReferenceNullPropagated;

/// Reference implementation of the specification's execution algorithm.
struct ReferenceExecutor<'a> {
    document: &'a ExecutableDocument,
    variables: &'a serde_json::Value,
}

impl<'a> ReferenceExecutor<'a> {
    fn object(&self, of: &str, sets: &[&'a SelectionSet]) -> Result<String, ReferenceNullPropagated> {
        let mut members = Vec::new();
        for (key, fields) in self.collect(of, sets) {
            let name = fields[0].name.node.as_str();
            let value = if name == "__typename" {
                format!("\"{of}\"")
            } else {
                let (_, ty, expected) = fields_of_type(of).into_iter().find(|field| field.0 == name).expect("a field");
                let below: Vec<_> = fields.iter().map(|field| &field.selection_set.node).collect();
                self.value(ty, &expected, &below)?
            };
            members.push(format!("\"{key}\":{value}"));
        }
        Ok(format!("{{{}}}", members.join(",")))
    }

    fn value(
        &self,
        ty: &str,
        expected: &ExpectedValue,
        sets: &[&'a SelectionSet],
    ) -> Result<String, ReferenceNullPropagated> {
        if let Some(nullable) = ty.strip_suffix('!') {
            let value = self.value(nullable, expected, sets)?;
            return if value == "null" { Err(ReferenceNullPropagated) } else { Ok(value) };
        }
        let ExpectedValue::List(items) = expected else { return Ok(self.complete_non_null(expected, sets)) };
        let of = ty.strip_prefix('[').and_then(|ty| ty.strip_suffix(']')).expect("a list");
        let items: Result<Vec<_>, _> = items.iter().map(|item| self.value(of, item, sets)).collect();
        Ok(items.map_or("null".to_owned(), |items| format!("[{}]", items.join(","))))
    }

    fn complete_non_null(&self, expected: &ExpectedValue, sets: &[&'a SelectionSet]) -> String {
        match expected {
            ExpectedValue::Leaf(text) => (*text).to_owned(),
            ExpectedValue::Object(of) => self.object(of, sets).unwrap_or("null".to_owned()),
            _ => "null".to_owned(),
        }
    }

    fn collect(&self, of: &str, sets: &[&'a SelectionSet]) -> IndexMap<&'a str, Vec<&'a Field>> {
        let mut fields = IndexMap::new();
        for set in sets {
            self.add(of, set, &mut HashSet::new(), &mut fields);
        }
        fields
    }

    fn add(
        &self,
        of: &str,
        set: &'a SelectionSet,
        opened: &mut HashSet<&'a str>,
        fields: &mut IndexMap<&'a str, Vec<&'a Field>>,
    ) {
        for selection in &set.items {
            if selection.node.directives().iter().any(|directive| self.is_skipped(&directive.node)) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => {
                    fields.entry(field.node.response_key().node.as_str()).or_default().push(&field.node);
                }
                Selection::FragmentSpread(spread) if opened.insert(spread.node.fragment_name.node.as_str()) => {
                    let fragment = &self.document.fragments[&spread.node.fragment_name.node].node;
                    if type_condition_applies(of, &fragment.type_condition.node.on.node) {
                        self.add(of, &fragment.selection_set.node, opened, fields);
                    }
                }
                Selection::FragmentSpread(_) => {}
                Selection::InlineFragment(fragment) => {
                    let condition = &fragment.node.type_condition;
                    if condition.as_ref().is_none_or(|condition| type_condition_applies(of, &condition.node.on.node)) {
                        self.add(of, &fragment.node.selection_set.node, opened, fields);
                    }
                }
            }
        }
    }

    fn is_skipped(&self, directive: &Directive) -> bool {
        let condition = directive.get_argument("if").expect("its argument").node.to_string();
        let holds = match condition.strip_prefix('$') {
            Some(name) => self.variables[name] == json!(true),
            None => condition == "true",
        };
        holds == (directive.name.node == "skip")
    }
}

/// Fragments that can be spread, with name, type and selection.
const FRAGMENTS: [(&str, &str, &str); 4] = [
    ("A", "Animal", "{ ... on Bird { late wing } ... on Fish { fin home { late wing id } } id ...F ...B }"),
    ("F", "Fish", "{ fin @skip(if: $unsaid) x: id mate { ...B id } school { id fin } }"),
    ("B", "Bird", "{ y: late chicks { late ... on Animal { id } wing } wing @include(if: $said) }"),
    ("Q", "Query", "{ late broken bird { wing ...B } ... @skip(if: $given) { zoo { ...A } } late }"),
];

const DIRECTIVES: [&str; 16] = [
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "@include(if: true)",
    "@skip(if: false)",
    "@skip(if: true)",
    "@include(if: $said)",
    "@include(if: $unsaid)",
    "@skip(if: $given)",
    "@skip(if: $said) @include(if: $given)",
    "@skip(if: $unsaid)",
];

/// Writes a random selection set on a type.
fn random_selection_set(choices: &mut RandomChoices<'_>, of: &str, depth: usize, out: &mut String) {
    out.push_str("{ ");
    for _ in 0..=choices.index_below(4) {
        let kind = choices.index_below(10);
        let possible: Vec<_> = ["Animal", "Bird", "Fish", "Query"]
            .into_iter()
            .filter(|condition| type_condition_applies(of, condition) || type_condition_applies(condition, of))
            .collect();
        match kind {
            0 => {
                let spreads: Vec<_> = FRAGMENTS.iter().filter(|fragment| possible.contains(&fragment.1)).collect();
                let name = spreads[choices.index_below(spreads.len())].0;
                let _ = write!(out, "...{name} {} ", DIRECTIVES[choices.index_below(16)]);
            }
            1 | 2 if depth > 0 => {
                let condition = possible[choices.index_below(possible.len())];
                let plain = choices.index_below(3) == 0;
                let condition = if plain { String::new() } else { format!("on {condition} ") };
                let _ = write!(out, "... {condition}{} ", DIRECTIVES[choices.index_below(16)]);
                let of = condition.strip_prefix("on ").map_or(of, str::trim);
                random_selection_set(choices, of, depth - 1, out);
            }
            3 => out.push_str("__typename "),
            _ => {
                let fields = fields_of_type(of);
                let (name, ty, _) = &fields[choices.index_below(fields.len())];
                let of = ty.trim_matches(|char| "[]!".contains(char));
                if ["Int", "ID"].contains(&of) {
                    // keys that are not allowed for another field
                    let alias = ["", "a_", "b_"][choices.index_below(3)];
                    let alias = if alias.is_empty() {
                        String::new()
                    } else {
                        format!("{alias}{}: ", random_response_key(name, ty))
                    };
                    let _ = write!(out, "{alias}{name} {} ", DIRECTIVES[choices.index_below(16)]);
                } else if depth > 0 {
                    let _ = write!(out, "{name} {} ", DIRECTIVES[choices.index_below(16)]);
                    random_selection_set(choices, of, depth - 1, out);
                } else {
                    let _ = write!(out, "{name} {{ __typename }} ");
                }
            }
        }
    }
    out.push_str("} ");
}

fn random_response_key(name: &str, ty: &str) -> String {
    format!("{name}{}", ty.len())
}

fn random_document(bytes: &[u8]) -> String {
    let mut choices = RandomChoices(bytes);
    let mut selection = String::new();
    random_selection_set(&mut choices, "Query", 4, &mut selection);
    // Each fragment and each variable must be used.
    let mut text = String::from("query ($said: Boolean! = true, $unsaid: Boolean = false, $given: Boolean!) { ");
    text.push_str("o: __typename @include(if: $said) @skip(if: $given) p: __typename @skip(if: $unsaid) ... ");
    text.push_str(&selection);
    text.push_str("... on Query { ...Q missing { ...A } } }");
    for (name, of, set) in FRAGMENTS {
        let _ = write!(text, " fragment {name} on {of} {set}");
    }
    text
}

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
    let answer = serde_json::to_string(&response.data).expect("JSON");
    Some((answer, expected.unwrap_or("null".to_owned())))
}

proptest! {
    #[test]
    fn responses_match_the_specification(bytes in proptest::collection::vec(any::<u8>(), 0..120), given: bool) {
        let text = random_document(&bytes);
        let answers = actual_and_expected(&text, given);
        prop_assume!(answers.is_some());
        let (answer, expected) = answers.unwrap_or_default();
        prop_assert_eq!(answer, expected, "{}", text);
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
        let (answer, reference) = actual_and_expected(text, false).expect("a document");
        assert_eq!((answer.as_str(), reference.as_str()), (expected, expected), "{text}");
    }
}
