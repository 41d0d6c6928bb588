//! A sample that was left out.

use async_graphql::SimpleObject;

use crate::ingest;

/// A sample that was left out, and why.
#[derive(Clone, Debug, SimpleObject)]
pub struct Rejection {
    /// Its place in the list that was given, from 0.
    index: i32,
    /// The reason, for programs.
    code: &'static str,
    /// The reason, for people.
    detail: String,
}

impl From<ingest::Rejection> for Rejection {
    fn from(rejection: ingest::Rejection) -> Self {
        let index = i32::try_from(rejection.index).unwrap_or(i32::MAX);
        Self { index, code: rejection.code, detail: rejection.detail }
    }
}
