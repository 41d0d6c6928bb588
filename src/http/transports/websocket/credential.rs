//! The API key in the payload of `connection_init` (`connectionParams` of a client). The protocol leaves the shape of
//! the payload open, so the common ones are supported. A member that looks like a credential but is not supported is an
//! error: otherwise the client would be anonymous without notice.

use std::fmt;

use serde_json::{Map, Value};

use crate::{api_error::ApiError, auth};

const EXPECTED_MESSAGE: &str = "send `{\"Authorization\": \"Bearer <key>\"}`";
/// Words in the name of a member that indicate a credential.
const CREDENTIAL_WORDS: [&str; 12] = [
    "apikey",
    "auth",
    "authentication",
    "authorization",
    "bearer",
    "credential",
    "credentials",
    "jwt",
    "pass",
    "password",
    "secret",
    "token",
];
/// Maximum depth at which members are searched for a credential.
const MAX_SEARCH_DEPTH: usize = 8;

/// The credential of a client.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// The value of an `Authorization` header.
    Authorization(String),
    /// The key alone.
    Key(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authorization(_) => "Authorization(…)",
            Self::Key(_) => "Key(…)",
        })
    }
}

impl Credential {
    /// The API key.
    ///
    /// # Errors
    /// When the value of `Authorization` contains no key.
    pub fn secret(self) -> Result<String, ApiError> {
        match self {
            Self::Authorization(value) => auth::secret_from_authorization(&value)
                .ok_or(ApiError::Unauthenticated("`authorization` in connection_init must be `Bearer <key>`")),
            Self::Key(key) => Ok(key),
        }
    }
}

/// Finds the credential in a payload: `Authorization`, `X-Api-Key` or `authToken` in any case, at the top or in `headers`.
///
/// # Errors
/// When there is none, but a member looks like one, or when it is not a string.
pub(super) fn find(payload: &Map<String, Value>) -> Result<Option<Credential>, String> {
    if let Some(credential) = find_in_members(payload, "payload")? {
        return Ok(Some(credential));
    }
    for (name, value) in payload {
        if let (true, Value::Object(headers)) = (name.eq_ignore_ascii_case("headers"), value)
            && let Some(credential) = find_in_members(headers, "payload.headers")?
        {
            return Ok(Some(credential));
        }
    }
    match find_unsupported_credential(payload, 0) {
        Some(name) => Err(format!("`{name}` in connection_init is not read: {EXPECTED_MESSAGE}")),
        None => Ok(None),
    }
}

fn find_in_members(members: &Map<String, Value>, path: &str) -> Result<Option<Credential>, String> {
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let text = || value.as_str().map(str::to_owned).ok_or_else(|| format!("`{path}.{name}` is no string"));
        match split_words(name).concat().as_str() {
            "authorization" | "authtoken" => return text().map(Credential::Authorization).map(Some),
            "xapikey" => return text().map(Credential::Key).map(Some),
            _ => {}
        }
    }
    Ok(None)
}

/// The name of a member that looks like a credential.
fn find_unsupported_credential(members: &Map<String, Value>, depth: usize) -> Option<&str> {
    members.iter().find_map(|(name, value)| match value {
        Value::Object(members) if depth < MAX_SEARCH_DEPTH => find_unsupported_credential(members, depth + 1),
        Value::String(text) if !text.is_empty() && looks_like_a_credential(name) => Some(name.as_str()),
        _ => None,
    })
}

fn looks_like_a_credential(name: &str) -> bool {
    let words = split_words(name);
    words.iter().any(|word| CREDENTIAL_WORDS.contains(&word.as_str()))
        || ["key", "apikey", "accesskey"].contains(&words.concat().as_str())
}

/// The words of a name such as `authToken`, `auth_token` or `X-Auth-Token`, in lower case.
fn split_words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower_case = false;
    for letter in name.chars() {
        let begins = !letter.is_alphanumeric() || (letter.is_uppercase() && after_lower_case);
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter.is_alphanumeric(), words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
        after_lower_case = letter.is_lowercase() || letter.is_numeric();
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(payload: &Value) -> Result<Option<String>, String> {
        let payload = payload.as_object().expect("an object");
        find(payload).map(|found| found.map(|credential| credential.secret().unwrap_or_else(|_| "no key".to_owned())))
    }

    #[test]
    fn supported_credentials_are_found() {
        for payload in [
            json!({ "Authorization": "Bearer k" }),
            json!({ "authorization": "bearer k", "other": 1 }),
            json!({ "AUTHORIZATION": "Token k" }),
            json!({ "authorization": "k" }),
            json!({ "X-Api-Key": "k" }),
            json!({ "x-api-key": "k" }),
            json!({ "X-API-KEY": "k" }),
            json!({ "authToken": "k" }),
            json!({ "auth_token": "Bearer k" }),
            json!({ "headers": { "Authorization": "Bearer k" } }),
            json!({ "Headers": { "x-api-key": "k", "accept": "*/*" } }),
            json!({ "authorization": null, "headers": { "authorization": "Bearer k" } }),
            json!({ "authorization": "Bearer k", "token": "other" }),
        ] {
            assert_eq!(found(&payload), Ok(Some("k".to_owned())), "{payload}");
        }
    }

    #[test]
    fn payloads_without_a_credential_are_anonymous() {
        for payload in [
            json!({}),
            json!({ "authorization": null }),
            json!({ "headers": {} }),
            json!({ "headers": null, "token": null }),
            json!({ "token": "" }),
            json!({ "clientName": "map", "keyboard": "de", "author": "me", "passenger": "x", "deviceKey": "bike-07", "apollographql-client-name": "a" }),
        ] {
            assert_eq!(found(&payload), Ok(None), "{payload}");
        }
    }

    #[test]
    fn unsupported_credential_is_an_error() {
        for (payload, name) in [
            (json!({ "token": "k" }), "token"),
            (json!({ "accessToken": "k" }), "accessToken"),
            (json!({ "apiKey": "k" }), "apiKey"),
            (json!({ "api_key": "k" }), "api_key"),
            (json!({ "X-Auth": "k" }), "X-Auth"),
            (json!({ "user": "me", "password": "k" }), "password"),
            (json!({ "context": { "headers": { "Authorization": "Bearer k" } } }), "Authorization"),
        ] {
            let error = found(&payload).expect_err("refused");
            assert!(error.starts_with(&format!("`{name}` in connection_init is not read")), "{error}");
            assert!(error.len() <= 123, "it fits into a close frame: {error}");
        }
        assert_eq!(found(&json!({ "authorization": 5 })), Err("`payload.authorization` is no string".to_owned()));
        assert_eq!(
            found(&json!({ "headers": { "X-Api-Key": [] } })),
            Err("`payload.headers.X-Api-Key` is no string".to_owned())
        );
        assert_eq!(found(&json!({ "authorization": "Digest x" })), Ok(Some("no key".to_owned())));
    }
}
