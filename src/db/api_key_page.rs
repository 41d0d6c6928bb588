//! Lists of API keys: filters and keyset pages, newest first.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, Postgres, QueryBuilder};

use super::{
    DbError,
    api_key::{ApiKeyRow, SELECT_API_KEY},
};
use crate::domain::api_key::{ApiKey, ApiKeyId, Role};

/// Filter of a list of API keys. All conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyFilter {
    /// Keys with this role.
    pub role: Option<Role>,
    /// Keys bound to the device with this key, which may have been deleted.
    pub device_key: Option<String>,
    /// Keys whose name or device contains this text, case-insensitively.
    pub text: Option<String>,
    /// Keys that are valid (true), or expired or revoked (false).
    pub is_valid: Option<bool>,
}

/// One page of a list of API keys.
#[derive(Clone, Debug)]
pub struct ApiKeyPage {
    /// Filter.
    pub filter: ApiKeyFilter,
    /// Only keys after this one in the list.
    pub after: Option<ApiKeyId>,
    /// Maximum number of keys.
    pub limit: i64,
}

/// One page of API keys, newest first. `now` decides which are expired.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.api_key.list_page", skip_all, fields(limit = page.limit))]
pub async fn list(db: impl PgExecutor<'_>, page: &ApiKeyPage, now: DateTime<Utc>) -> Result<Vec<ApiKey>, DbError> {
    let mut query = QueryBuilder::new(SELECT_API_KEY);
    query.push(" where true");
    push_filter(&mut query, &page.filter, now);
    if let Some(after) = page.after {
        query.push(" and api_key_id < ").push_bind(after.0);
    }
    query.push(" order by api_key_id desc limit ").push_bind(page.limit);
    let rows: Vec<ApiKeyRow> = query.build_query_as().fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &ApiKeyFilter, now: DateTime<Utc>) {
    if let Some(role) = filter.role {
        query.push(" and role = ").push_bind(role.as_str());
    }
    if let Some(device_key) = &filter.device_key {
        query.push(" and coalesce(device.key, deleted_device) = ").push_bind(device_key.clone());
    }
    if let Some(text) = &filter.text {
        query.push(" and (strpos(lower(api_key.name), lower(").push_bind(text.clone());
        query.push(")) > 0 or strpos(lower(coalesce(device.key, deleted_device)), lower(").push_bind(text.clone());
        query.push(")) > 0)");
    }
    if let Some(is_valid) = filter.is_valid {
        let condition = if is_valid { " and (" } else { " and not (" };
        query.push(condition).push("revoked_at is null and (expires_at is null or expires_at > ").push_bind(now);
        query.push("))");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_conditions_make_one_statement() {
        let mut query = QueryBuilder::new("");
        let filter = ApiKeyFilter {
            role: Some(Role::Sensor),
            device_key: Some("bike-7".to_owned()),
            text: Some("bike".to_owned()),
            is_valid: Some(false),
        };
        push_filter(&mut query, &filter, DateTime::UNIX_EPOCH);
        let expected = " and role = $1 and coalesce(device.key, deleted_device) = $2 \
                        and (strpos(lower(api_key.name), lower($3)) > 0 \
                        or strpos(lower(coalesce(device.key, deleted_device)), lower($4)) > 0) \
                        and not (revoked_at is null and (expires_at is null or expires_at > $5))";
        assert_eq!(query.sql().as_str(), expected);
    }
}
