//! Errors that end a channel or one of its subscribers.

use async_graphql::ServerError;

use super::feed::FeedGap;
use crate::{api_error::ApiError, graphql::subscriptions::error_response};

/// Why a channel, or one of its subscribers, ended.
pub(super) struct ChannelError(pub Vec<ServerError>);

impl<E: Into<ApiError>> From<E> for ChannelError {
    fn from(error: E) -> Self {
        Self(error_response(error.into()).errors)
    }
}

impl From<FeedGap> for ApiError {
    fn from(broken: FeedGap) -> Self {
        Self::CursorExpired(match broken {
            FeedGap::Trimmed => Self::CURSOR_TOO_OLD_MESSAGE,
            FeedGap::Restored => Self::DATABASE_RESTORED_MESSAGE,
        })
    }
}
