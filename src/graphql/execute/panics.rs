//! Panics: a bug in the gateway or a library fails one operation only.
//!
//! Operations share sockets and connections. Without this, a panic would close a socket with all its subscriptions.

use std::{any::Any, panic::AssertUnwindSafe};

use async_graphql::{Response, ServerError};
use futures_util::FutureExt as _;

use super::error_codes;
use crate::{api_error::ApiError, observability::metrics::operations::OperationMetrics};

/// Runs the work of one operation. If it panics, `instead` converts the error response.
pub(crate) async fn catch_panic<T>(
    operations: &OperationMetrics,
    work: impl Future<Output = T>,
    instead: impl FnOnce(Box<Response>) -> T,
) -> T {
    // Partially modified state is dropped with the work.
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => done,
        Err(panic) => {
            operations.count_panic();
            instead(error_codes::error_response(vec![panic_error(&*panic)]))
        }
    }
}

/// The error returned to a client after a panic. The panic message is only logged.
pub(crate) fn panic_error(panic: &(dyn Any + Send)) -> ServerError {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    error_codes::from_api_error(ApiError::Internal(anyhow::anyhow!("panic: {}", text.unwrap_or("of no text"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn panic_becomes_an_error_and_is_counted() {
        let operations = OperationMetrics::default();
        let work = async { if operations.panics() == 0 { panic!("of the test") } else { Response::default() } };
        let response = catch_panic(&operations, work, |error| *error).await;
        let error = serde_json::to_value(&response.errors).expect("JSON");
        assert_eq!(error[0]["extensions"]["code"], "INTERNAL");
        assert_eq!(error[0]["message"], "internal error; the request id leads to it in the server's log");
        assert_eq!(operations.panics(), 1);
        let work = async { Response::new("well") };
        assert!(catch_panic(&operations, work, |error| *error).await.errors.is_empty());
        assert_eq!(operations.panics(), 1);
    }
}
