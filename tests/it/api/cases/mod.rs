//! API tests as files: an operation in, a snapshot out.
//!
//! | Folder | Snapshot |
//! |---|---|
//! | `queries/` | response of a query |
//! | `errors/` | response of an operation that fails |
//! | `mutations/` | response of a mutation, each on a database of its own |
//! | `statements/` | SQL statements that an operation runs |
//!
//! To add a case, add `<name>.graphql` to a folder, run `just accept-snapshots` (`INSTA_UPDATE=always cargo test --test it
//! cases`), and review `snapshots/<name>.snap`. `fixture.rs` has the data, `case.rs` the header lines that a case may have.

mod case;
mod fixture;
mod statement_text;

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

use apollo_compiler::{
    ExecutableDocument, Schema,
    executable::{Selection, SelectionSet},
    schema::ExtendedType,
};
use serde_json::Value;
use tokio::time::timeout;

use self::{
    case::Case,
    fixture::{copy_of_fixture, gateway},
    statement_text::statement_text,
};
use crate::support::{TestApp, gateway::DEADLINE, statements::Statements};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/api/cases").join(name)
}

/// The names of the files of a folder with this extension, sorted.
fn names(folder: &str, extension: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(self::folder(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let paths = entries.map(|entry| entry.expect("a file").path());
    let paths = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    paths.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

pub fn cases(folder: &str) -> Vec<Case> {
    let names = names(folder, "graphql").into_iter();
    names.map(|name| Case::read(&self::folder(folder).join(format!("{name}.graphql")), name)).collect()
}

/// The response without its cost, which has tests of its own.
pub async fn response(app: &TestApp, case: &Case) -> Value {
    let key = case.is_admin.then_some(app.admin.as_str());
    let response = timeout(DEADLINE, app.graphql(key, &case.operation, case.variables.clone())).await;
    let mut response = response.unwrap_or_else(|_| panic!("{}: no response", case.name));
    if let Some(fields) = response.as_object_mut() {
        fields.remove("extensions");
    }
    case.without_varying_values(response)
}

/// Compares snapshots, and fails once at the end, so that one run shows all differences.
struct Comparison {
    folder: &'static str,
    failed: Vec<String>,
}

impl Comparison {
    fn new(folder: &'static str) -> Self {
        Self { folder, failed: Vec::new() }
    }

    /// Compares a response, which has errors only in the folder of errors.
    fn compare_response(&mut self, name: &str, response: &Value) {
        if response["errors"].is_array() == (self.folder == "errors") {
            self.compare(name, &format!("{response:#}"));
        } else {
            self.failed.push(format!("{}/{name}: {response}", self.folder));
        }
    }

    fn compare(&mut self, name: &str, text: &str) {
        let mut settings = insta::Settings::new();
        settings.set_snapshot_path(folder(self.folder).join("snapshots"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let compare = || settings.bind(|| insta::assert_snapshot!(name.to_owned(), text));
        if catch_unwind(AssertUnwindSafe(compare)).is_err() {
            self.failed.push(format!("{}/{name}: different from its snapshot", self.folder));
        }
    }

    fn finish(self) {
        assert!(self.failed.is_empty(), "{:#?}", self.failed);
        let snapshots = names(&format!("{}/snapshots", self.folder), "snap");
        assert_eq!(snapshots, names(self.folder, "graphql"), "{}: each snapshot has a case", self.folder);
    }
}

/// Runs all cases of a folder on one gateway.
async fn compare_responses(folder: &'static str) {
    let app = gateway(&copy_of_fixture().await).await;
    let mut comparison = Comparison::new(folder);
    for case in cases(folder) {
        comparison.compare_response(&case.name, &response(&app, &case).await);
    }
    comparison.finish();
}

#[tokio::test]
async fn queries_return_their_snapshots() {
    compare_responses("queries").await;
}

#[tokio::test]
async fn errors_equal_their_snapshots() {
    compare_responses("errors").await;
}

#[tokio::test]
async fn mutations_return_their_snapshots() {
    let mut comparison = Comparison::new("mutations");
    for case in cases("mutations") {
        let app = gateway(&copy_of_fixture().await).await;
        let response = response(&app, &case).await;
        app.close().await;
        comparison.compare_response(&case.name, &response);
    }
    comparison.finish();
}

/// Each case has a gateway of its own, because caches save statements.
#[tokio::test]
async fn operations_run_the_statements_of_their_snapshots() {
    let (options, statements) = (copy_of_fixture().await, Statements::watch());
    let mut comparison = Comparison::new("statements");
    for case in cases("statements") {
        let app = gateway(&options).await;
        let (texts, response) = statements.texts_of(response(&app, &case)).await;
        app.close().await;
        assert_eq!(response["errors"], Value::Null, "{}", case.name);
        // Statements of one request may run concurrently, so they are sorted. The last use of a key is stored beside them.
        let texts = texts.iter().map(|text| statement_text(text));
        let texts: BTreeSet<_> = texts.filter(|text| !text.contains("set last_used_at")).collect();
        let texts: Vec<_> = texts.into_iter().collect();
        comparison.compare(&case.name, &texts.join("\n\n"));
    }
    comparison.finish();
}

/// Adds the fields that a selection set selects, as `Type.field`.
fn selected_fields(document: &ExecutableDocument, set: &SelectionSet, fields: &mut BTreeSet<String>) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => {
                fields.insert(format!("{}.{}", set.ty, field.name));
                selected_fields(document, &field.selection_set, fields);
            }
            Selection::InlineFragment(fragment) => selected_fields(document, &fragment.selection_set, fields),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = spread.fragment_def(document) {
                    selected_fields(document, &fragment.selection_set, fields);
                }
            }
        }
    }
}

/// Root fields and fields with arguments or lists of objects: each has a query shape of its own. All connections are alike.
fn query_shapes(schema: &Schema) -> BTreeSet<String> {
    let is_root = |name: &str| ["Query", "Mutation"].contains(&name);
    let mut shapes = BTreeSet::new();
    for (name, definition) in &schema.types {
        let ExtendedType::Object(object) = definition else { continue };
        if definition.is_built_in() || name == "Subscription" || name.ends_with("Connection") {
            continue;
        }
        for (field, definition) in &object.fields {
            let is_list_of_objects =
                definition.ty.is_list() && schema.get_object(definition.ty.inner_named_type()).is_some();
            if is_root(name) || is_list_of_objects || !definition.arguments.is_empty() {
                shapes.insert(format!("{name}.{field}"));
            }
        }
    }
    shapes
}

#[test]
fn every_query_shape_has_a_case() {
    let schema = include_str!("../../../../schema.graphql");
    let schema = Schema::parse_and_validate(schema, "schema.graphql").expect("a valid schema");
    let mut selected = BTreeSet::new();
    for case in ["queries", "mutations"].into_iter().flat_map(cases) {
        let document = ExecutableDocument::parse_and_validate(&schema, &case.operation, &case.name)
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        for operation in document.operations.iter() {
            selected_fields(&document, &operation.selection_set, &mut selected);
        }
    }
    let missing: Vec<_> = query_shapes(&schema).difference(&selected).cloned().collect();
    assert!(missing.is_empty(), "no case in tests/it/api/cases selects {missing:#?}");
}
