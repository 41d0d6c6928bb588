//! Documents that were parsed lately. A page asks the same ones again and again, and parsing one takes longer than all
//! else that is done with it before the database is asked. Validation still runs each time: it looks at the variables.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::{
    Name, Positioned, Request, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition},
};

/// The longest text that is kept, in bytes. A parsed document takes up to two hundred times its text.
const LONGEST: usize = 8 << 10;
/// Texts kept at most, in bytes of all of them; beyond it all are forgotten.
const MOST: usize = 128 << 10;

/// What is remembered. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Documents(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    documents: HashMap<String, Arc<ExecutableDocument>>,
    bytes: usize,
}

impl Documents {
    /// Parses the request's document, or takes it from memory, and gives it back. One that can't be parsed is left as it
    /// is: executing it tells why.
    pub fn parse(&self, request: &mut Request) -> Option<Arc<ExecutableDocument>> {
        let kept = self.lock().documents.get(&request.query).cloned();
        if let Some(document) = kept {
            request.set_parsed_query((*document).clone());
            return Some(document);
        }
        let document = Arc::new(request.parsed_query().ok()?.clone());
        if request.query.len() <= LONGEST {
            self.keep(&request.query, document.clone());
        }
        Some(document)
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
        documents.parse(&mut request);
        format!("{:?}", request.parsed_query().map(|document| format!("{document:?}")))
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
