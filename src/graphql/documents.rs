//! Documents that were parsed lately. A page asks the same ones again and again, and parsing one takes longer than all
//! else that is done with it before the database is asked. Validation still runs each time: it looks at the variables.

use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::{
    Name, Positioned, Request, ServerError, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType},
};

use super::{limits, refusal};

/// The longest text that is kept, in bytes. A parsed document takes up to two hundred times its text.
const LONGEST: usize = 8 << 10;
/// Texts kept at most, in bytes of all of them; beyond it all are forgotten.
const MOST: usize = 128 << 10;

/// What is remembered. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Documents(Arc<Mutex<Kept>>);

/// Why a document was refused, as data of its request.
struct Refused(ServerError);

#[derive(Debug, Default)]
struct Kept {
    documents: HashMap<String, Arc<ExecutableDocument>>,
    bytes: usize,
}

impl Documents {
    /// Parses the request's document, or takes it from memory, and gives it back. What is in memory was found within the
    /// [limits] before.
    ///
    /// # Errors
    /// When the document is beyond a limit, or none.
    pub fn parse(&self, request: &mut Request) -> Result<Arc<ExecutableDocument>, ServerError> {
        let refused = request.data.get(&TypeId::of::<Refused>()).and_then(|data| data.downcast_ref());
        if let Some(Refused(error)) = refused {
            return Err(error.clone());
        }
        let kept = self.kept(&request.query);
        if let Some(document) = &kept {
            request.set_parsed_query((**document).clone());
        }
        kept.map_or_else(|| self.read(request), Ok)
    }

    /// What kind of operation would run. A document that is refused, or whose operation is not clear, counts as a query: its
    /// error is found where all are.
    pub fn operation_type(&self, request: &mut Request) -> OperationType {
        let document = match self.kept(&request.query).map_or_else(|| self.read(request), Ok) {
            Ok(document) => document,
            Err(error) => {
                request.data.insert(Refused(error)); // to find it twice would take twice as long
                return OperationType::Query;
            }
        };
        let operation = operation(&document, request.operation_name.as_deref());
        operation.map_or(OperationType::Query, |operation| operation.node.ty)
    }

    /// Parses the request's document, which then has it.
    fn read(&self, request: &mut Request) -> Result<Arc<ExecutableDocument>, ServerError> {
        limits::text(&request.query).map_err(|excess| refusal::of(excess.into()))?;
        let document = request.parsed_query()?;
        limits::document(document).map_err(|excess| refusal::of(excess.into()))?;
        let document = Arc::new(document.clone());
        if request.query.len() <= LONGEST {
            self.keep(&request.query, document.clone());
        }
        Ok(document)
    }

    fn kept(&self, text: &str) -> Option<Arc<ExecutableDocument>> {
        self.lock().documents.get(text).cloned()
    }

    fn keep(&self, text: &str, document: Arc<ExecutableDocument>) {
        let mut kept = self.lock();
        if kept.bytes + text.len() > MOST {
            *kept = Kept::default();
        }
        if kept.documents.insert(text.to_owned(), document).is_none() {
            kept.bytes += text.len();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // at worst something was not kept
    }
}

/// The operation of a document that a request with this `operationName` runs; none where that is not clear.
#[must_use]
pub fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a Positioned<OperationDefinition>> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
        _ => None,
    }
}

/// What that operation calls itself.
#[must_use]
pub fn name<'a>(document: &'a ExecutableDocument, name: Option<&'a str>) -> Option<&'a str> {
    match &document.operations {
        DocumentOperations::Single(_) => None,
        DocumentOperations::Multiple(operations) => name.or_else(|| operations.keys().next().map(Name::as_str)),
    }
}

/// Gives the variables that a request leaves out their defaults. async-graphql takes them for absent where a directive
/// asks for them.
pub fn fill_in_defaults(variables: &mut Variables, operation: &OperationDefinition) {
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        if let Some(default) = &definition.default_value
            && !variables.contains_key(&definition.name.node)
        {
            variables.insert(definition.name.node.clone(), default.node.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(documents: &Documents, text: &str) -> String {
        let mut request = Request::new(text);
        let _ = documents.parse(&mut request);
        format!("{:?}", request.parsed_query().map(|document| format!("{document:?}")))
    }

    #[test]
    fn the_operation_that_would_run_tells_its_kind() {
        let of = |text: &str, name: Option<&str>| {
            let mut request = Request::new(text);
            request.operation_name = name.map(str::to_owned);
            let documents = Documents::default();
            let first = documents.operation_type(&mut request);
            assert_eq!(documents.operation_type(&mut request), first, "also from memory");
            first
        };
        assert_eq!(of("{ a }", None), OperationType::Query);
        assert_eq!(of("mutation { a }", None), OperationType::Mutation);
        assert_eq!(of("mutation M { a }", None), OperationType::Mutation);
        assert_eq!(of("subscription S { a } fragment F on Q { a }", None), OperationType::Subscription);
        assert_eq!(of("query A { a } mutation B { b }", Some("B")), OperationType::Mutation);
        for unclear in [("query A { a } mutation B { b }", None), ("mutation B { b }", Some("C")), ("mutation {", None)]
        {
            assert_eq!(of(unclear.0, unclear.1), OperationType::Query, "{unclear:?}");
        }
    }

    #[test]
    fn what_is_beyond_a_limit_is_not_kept() {
        let documents = Documents::default();
        let text = format!("{{ {} }}", "a ".repeat(limits::MAX_REPETITIONS + 1));
        for _ in 0..2 {
            let error = documents.parse(&mut Request::new(&text)).expect_err("too many fields");
            assert!(error.message.contains("`a` stands more than 49 times"), "{}", error.message);
        }
        assert_eq!(documents.lock().documents.len(), 0);
    }

    #[test]
    fn a_document_is_the_same_the_second_time() {
        let documents = Documents::default();
        for text in
            ["{ a }", "query A($n: Int = 1) { b(n: $n) ...F } fragment F on Q { c @skip(if: true) }", "{ a ", ""]
        {
            let first = parsed(&documents, text);
            assert_eq!(
                first,
                format!("{:?}", Request::new(text).parsed_query().map(|document| format!("{document:?}")))
            );
            assert_eq!(parsed(&documents, text), first);
        }
        assert_eq!(documents.lock().documents.len(), 2, "those that can be parsed");
    }

    #[test]
    fn no_more_is_kept_than_the_bound() {
        let documents = Documents::default();
        for n in 0..100 {
            parsed(&documents, &format!("{{ a{n} {} }}", " ".repeat(LONGEST - 20)));
            let kept = documents.lock();
            assert!(kept.bytes <= MOST && kept.bytes == kept.documents.keys().map(String::len).sum::<usize>());
        }
        parsed(&documents, &format!("{{ a {} }}", " ".repeat(LONGEST)));
        assert!(documents.lock().documents.keys().all(|text| text.len() <= LONGEST));
    }
}
