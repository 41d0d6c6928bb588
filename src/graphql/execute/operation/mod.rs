//! From the text of a document to the operation that is executed.
//!
//! A document is checked against the [`syntax`], parsed, checked against the [limits], and [validated](validation) by
//! all rules of the specification (edition of September 2025). Then the [`variables`] of the operation are coerced, and
//! async-graphql executes its [`canonical`] form. Nothing runs before all steps have succeeded.

pub mod canonical;
pub mod error;
mod leaf_coercion;
mod lexer;
mod line_index;
mod syntax;
#[cfg(test)]
mod tests;
mod types;
mod validation;
mod variables;

use std::sync::{Arc, OnceLock};

use apollo_compiler::{
    Node, ast,
    executable::{ExecutableDocument, Operation as Executable},
};
use async_graphql::{
    ServerError, Variables,
    parser::types::{self as plain, OperationType},
};
pub use types::TypeSystem;

use self::{
    error::{SyntaxError, ValidationError},
    line_index::LineIndex,
};
use super::{error_codes, limits};

/// Maximum memory per byte of text after parsing, in bytes: a field of one letter is a node in each of two trees.
const MEMORY_PER_TEXT_BYTE: usize = 256;
/// Maximum memory of a field in the canonical form, in bytes. A field of a fragment occurs there once per spread.
const MEMORY_PER_FIELD: usize = 1024;

/// A parsed document within the limits.
#[derive(Debug)]
pub struct Document {
    parsed: ast::Document,
    lines: LineIndex,
    /// Number of fields; fields of a fragment count at each spread.
    fields: usize,
    validated: OnceLock<ValidatedDocument>,
}

/// Result of validation.
#[derive(Debug)]
struct ValidatedDocument {
    document: ExecutableDocument,
    /// Canonical forms of the operations without variables, in their order.
    operations_without_variables: Vec<OnceLock<Arc<Operation>>>,
}

/// An operation that can be executed.
#[derive(Debug)]
pub struct Operation {
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// Name of the operation in the document.
    pub name: Option<String>,
    /// A document with only this operation, in canonical form.
    pub document: plain::ExecutableDocument,
}

impl Document {
    /// Parses a text.
    ///
    /// # Errors
    /// When it exceeds a limit or is not a document.
    pub fn parse(text: &str) -> Result<Self, ServerError> {
        limits::text(text).map_err(|excess| error_codes::from_api_error(excess.into()))?;
        let located = |error: SyntaxError| error.into_server_error(&LineIndex::new(text));
        let blanked = syntax::check(text).map_err(located)?;
        let parsed = ast::Document::parse(blanked.into_owned(), "request").map_err(|broken| {
            // `syntax` is stricter; this is a fallback for errors it missed.
            let message = broken.errors.iter().next().map_or_else(String::new, |error| error.error.to_string());
            located(SyntaxError::new(0, message))
        })?;
        let fields = limits::document(&parsed).map_err(|excess| error_codes::from_api_error(excess.into()))?;
        Ok(Self { parsed, lines: LineIndex::new(text), fields, validated: OnceLock::new() })
    }

    /// Whether it contains introspection.
    #[must_use]
    pub fn introspects(&self) -> bool {
        limits::introspects(&self.parsed)
    }

    /// Kind of the operation that would run; `None` when it is ambiguous.
    #[must_use]
    pub fn kind(&self, name: Option<&str>) -> Option<OperationType> {
        let mut operations = self.parsed.definitions.iter().filter_map(|it| it.as_operation_definition());
        let operation = match name {
            Some(name) => operations.find(|operation| operation.name.as_deref() == Some(name))?,
            None => operations.next().filter(|_| operations.next().is_none())?,
        };
        Some(operation_type(operation.operation_type))
    }

    /// Validates the document, once.
    ///
    /// # Errors
    /// All errors, in document order.
    pub fn validate(&self, types: &TypeSystem, suggests: bool) -> Result<(), Vec<ServerError>> {
        if self.validated.get().is_some() {
            return Ok(());
        }
        let document = validation::validate(types, &self.parsed, suggests).map_err(|faults| self.errors(faults))?;
        let constant = document.operations.iter().map(|_| OnceLock::new()).collect();
        let _ = self.validated.set(ValidatedDocument { document, operations_without_variables: constant }); // a concurrent request may have set it
        Ok(())
    }

    /// The operation with this name, or the only one, with these values of its variables.
    ///
    /// # Errors
    /// When there is no such operation, or a variable can't be coerced.
    pub fn operation(
        &self,
        types: &TypeSystem,
        name: Option<&str>,
        variables: &Variables,
    ) -> Result<Arc<Operation>, Vec<ServerError>> {
        let Some(valid) = self.validated.get() else {
            return Err(vec![operation_selection_error("the document was not validated")]);
        };
        let (at, executable) =
            select_operation(&valid.document, name).map_err(|message| vec![operation_selection_error(&message)])?;
        if executable.variables.is_empty() {
            let operation = valid.operations_without_variables[at].get_or_init(|| {
                Arc::new(self.canonical(types, &valid.document, executable, &variables::VariableValues::new()))
            });
            return Ok(operation.clone());
        }
        let values = variables::coerce(types, executable, variables).map_err(|faults| self.errors(faults))?;
        Ok(Arc::new(self.canonical(types, &valid.document, executable, &values)))
    }

    fn canonical(
        &self,
        types: &TypeSystem,
        document: &ExecutableDocument,
        executable: &Executable,
        values: &variables::VariableValues,
    ) -> Operation {
        Operation {
            kind: operation_type(executable.operation_type),
            name: executable.name.as_ref().map(ToString::to_string),
            document: canonical::canonical(types, document, executable, values, &self.lines),
        }
    }

    fn errors(&self, faults: Vec<ValidationError>) -> Vec<ServerError> {
        faults.into_iter().map(|error| error.into_server_error(&self.lines)).collect()
    }

    /// Upper bound of its memory including canonical forms, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.lines.text().len() * MEMORY_PER_TEXT_BYTE + self.fields * MEMORY_PER_FIELD
    }
}

impl Operation {
    /// Its selection set.
    #[must_use]
    pub fn selection_set(&self) -> &plain::SelectionSet {
        selection_set(&self.document)
    }

    /// A document with only the root field at this index.
    #[must_use]
    pub fn root_field_document(&self, at: usize) -> plain::ExecutableDocument {
        let items = self.selection_set().items.get(at).cloned().into_iter().collect();
        canonical::single_operation_document(self.kind, plain::SelectionSet { items })
    }
}

/// The selection set of the one operation of a canonical document.
#[must_use]
pub fn selection_set(document: &plain::ExecutableDocument) -> &plain::SelectionSet {
    match &document.operations {
        plain::DocumentOperations::Single(operation) => &operation.node.selection_set.node,
        plain::DocumentOperations::Multiple(_) => unreachable!("a canonical document has one operation"),
    }
}

fn select_operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<(usize, &'a Node<Executable>), String> {
    let mut operations = document.operations.iter().enumerate();
    match name {
        Some(name) => operations.find(|(_, operation)| operation.name.as_deref() == Some(name)).ok_or_else(|| {
            format!("operationName: the document has no operation `{}`", leaf_coercion::truncated(name))
        }),
        None if document.operations.len() > 1 => {
            Err("operationName: the document has several operations; name the one to run".to_owned())
        }
        None => operations.next().ok_or_else(|| "the document has no operation, only fragments".to_owned()),
    }
}

fn operation_type(operation: ast::OperationType) -> OperationType {
    match operation {
        ast::OperationType::Query => OperationType::Query,
        ast::OperationType::Mutation => OperationType::Mutation,
        ast::OperationType::Subscription => OperationType::Subscription,
    }
}

fn operation_selection_error(message: &str) -> ServerError {
    error_codes::from_api_error(crate::api_error::ApiError::InvalidDocument(message.to_owned()))
}
