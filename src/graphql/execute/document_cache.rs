//! Cache of parsed and validated documents. Web pages send the same documents repeatedly: a cached one is neither
//! parsed nor validated again, and an operation without variables is cached in canonical form.

use std::{
    any::TypeId,
    panic::catch_unwind,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::{Request, ServerError, parser::types::OperationType};

use super::{operation::Document, panics, shared_cache::SharedCache};
use crate::limits::rate_limit::CallerId;

/// Maximum memory of a cached document, in bytes.
const MAX_CACHED_DOCUMENT_BYTES: usize = 2 << 20;
/// Maximum memory of the documents of one caller, in bytes.
const MAX_CACHED_BYTES_PER_CALLER: usize = 8 << 20;
/// Maximum memory of all documents, in bytes.
const MAX_CACHED_BYTES: usize = 32 << 20;

/// The cache. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DocumentCache(Arc<Mutex<ParsedDocuments>>);

type ParsedDocuments = SharedCache<Arc<str>, Arc<Document>>;

impl Default for DocumentCache {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(SharedCache::new(MAX_CACHED_BYTES_PER_CALLER, MAX_CACHED_BYTES))))
    }
}

/// Result of parsing a request's document, as data of the request.
type ParseResult = Result<Arc<Document>, ServerError>;

impl DocumentCache {
    /// The request's parsed document. A document from the cache is valid.
    ///
    /// # Errors
    /// When it exceeds a limit or is not a document.
    pub fn parse(&self, request: &mut Request) -> Result<Arc<Document>, ServerError> {
        let parsed = request.data.get(&TypeId::of::<ParseResult>()).and_then(|data| data.downcast_ref::<ParseResult>());
        if let Some(parsed) = parsed {
            return parsed.clone();
        }
        let known = self.lock().get(request.query.as_str());
        // A panic of the parser must not close the connection.
        let read = || {
            catch_unwind(|| Document::parse(&request.query)).unwrap_or_else(|panic| Err(panics::panic_error(&*panic)))
        };
        let parsed = known.map_or_else(|| read().map(Arc::new), Ok);
        request.data.insert(parsed.clone()); // used twice; finding an error also takes time
        parsed
    }

    /// Kind of the operation that would run. An invalid document or an ambiguous operation counts as a query; the error
    /// is reported by [`super::admission`].
    pub fn operation_type(&self, request: &mut Request) -> OperationType {
        let document = self.parse(request).ok();
        document.and_then(|document| document.kind(request.operation_name.as_deref())).unwrap_or(OperationType::Query)
    }

    /// Caches a validated document for all callers; its memory is charged to the caller that sent it.
    pub fn insert(&self, caller: CallerId, text: &str, document: &Arc<Document>) {
        let weight = document.memory_bytes();
        if weight <= MAX_CACHED_DOCUMENT_BYTES {
            let mut kept = self.lock();
            if kept.get(text).is_none() {
                kept.insert(caller, text.into(), document.clone(), weight);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, ParsedDocuments> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // at worst an entry was not stored
    }
}

/// Kind of the operation of a request with a parsed document.
pub(crate) fn parsed_operation_type(request: &Request) -> Option<OperationType> {
    let parsed = request.data.get(&TypeId::of::<ParseResult>())?.downcast_ref::<ParseResult>()?;
    parsed.as_ref().ok()?.kind(request.operation_name.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::api_key::ApiKeyId,
        graphql::{execute::limits, types},
    };

    const CALLER: CallerId = CallerId::Key(ApiKeyId(1));
    const OTHER: CallerId = CallerId::Key(ApiKeyId(2));

    /// Parses a text like a request, and caches it if valid.
    fn parse_and_cache(documents: &DocumentCache, caller: CallerId, text: &str) -> Arc<Document> {
        let document = documents.parse(&mut Request::new(text)).expect("a document");
        document.validate(types(), true).expect("a valid one");
        documents.insert(caller, text, &document);
        document
    }

    #[test]
    fn operation_type_is_that_of_the_selected_operation() {
        let of = |text: &str, name: Option<&str>| {
            let mut request = Request::new(text);
            request.operation_name = name.map(str::to_owned);
            let documents = DocumentCache::default();
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
    fn cached_document_is_not_parsed_or_validated_again() {
        let documents = DocumentCache::default();
        let first = parse_and_cache(&documents, CALLER, "{ server { version } }");
        let again = documents.parse(&mut Request::new("{ server { version } }")).expect("a document");
        assert!(Arc::ptr_eq(&first, &again));
        let operation =
            |document: &Document| document.operation(types(), None, &async_graphql::Variables::default()).expect("one");
        assert!(Arc::ptr_eq(&operation(&first), &operation(&again)), "nor made canonical again");
    }

    #[test]
    fn only_valid_documents_are_cached() {
        let documents = DocumentCache::default();
        let text = format!("{{ {} }}", "a ".repeat(limits::MAX_REPETITIONS + 1));
        for _ in 0..2 {
            let error = documents.parse(&mut Request::new(&text)).expect_err("too many fields");
            assert!(error.message.contains("`a` is selected more than 49 times"), "{}", error.message);
        }
        assert!(documents.parse(&mut Request::new("{ nonsense }")).is_ok());
        assert_eq!(documents.lock().len(), 0);
    }

    #[test]
    fn cache_is_bounded_and_callers_evict_only_their_own_documents() {
        let documents = DocumentCache::default();
        let (own, others) = ("{ server { version } }", "{ server { time } }");
        let (used, of_other) = (parse_and_cache(&documents, CALLER, own), parse_and_cache(&documents, OTHER, others));
        for n in 0..400 {
            parse_and_cache(&documents, CALLER, &format!("{{ a{n}: server {{ time }} {} }}", " ".repeat(1000)));
            let kept = documents.parse(&mut Request::new(own)).expect("a document");
            assert!(Arc::ptr_eq(&kept, &used), "{n}: what is used stays");
            let kept = documents.lock();
            assert!(
                kept.weight() <= MAX_CACHED_BYTES_PER_CALLER + of_other.memory_bytes() && kept.len() < 50,
                "{}",
                kept.len()
            );
        }
        let kept = documents.parse(&mut Request::new(others)).expect("a document");
        assert!(Arc::ptr_eq(&kept, &of_other));
        let heavy = format!("{{ server {{ version }} {} }}", " ".repeat(9000));
        parse_and_cache(&documents, OTHER, &heavy);
        assert!(documents.lock().get(heavy.as_str()).is_none(), "too heavy");
    }
}
