//! The end of a channel, or of one of its subscribers, with errors.

use async_graphql::ServerError;

use super::feed::Broken;
use crate::{api_error::ApiError, graphql::subscriptions::refuse};

/// Why a channel, or one of its subscribers, can't go on.
pub(super) struct Stop(pub Vec<ServerError>);

impl<E: Into<ApiError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self(refuse(error.into()).errors)
    }
}

impl From<Broken> for ApiError {
    fn from(broken: Broken) -> Self {
        Self::CursorExpired(match broken {
            Broken::Forgotten => Self::CURSOR_TOO_OLD,
            Broken::Restored => Self::RESTORED,
        })
    }
}
