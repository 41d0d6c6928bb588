//! Rejected samples.

use async_graphql::SimpleObject;

use crate::ingest;

/// Rejected sample and the reason.
#[derive(Clone, Debug, SimpleObject)]
pub struct Rejection {
    /// Index of the sample in the list of the request, from 0.
    index: i32,
    /// Reason as a stable, machine-readable code.
    code: &'static str,
    /// Reason as readable text.
    detail: String,
}

impl From<ingest::Rejection> for Rejection {
    fn from(rejection: ingest::Rejection) -> Self {
        let index = i32::try_from(rejection.index).unwrap_or(i32::MAX);
        Self { index, code: rejection.code, detail: rejection.detail }
    }
}
