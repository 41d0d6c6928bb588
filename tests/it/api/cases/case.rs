//! One case: an operation, and what its header says about the request.

use std::{fs, path::Path};

use serde_json::{Value, json};

/// An operation of a file. Its first lines may be headers, which are comments of GraphQL:
///
/// ```graphql
/// # caller: admin
/// # variables: {"key": "school"}
/// # varies: id, cursor
/// ```
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub operation: String,
    /// Whether the request has the admin's key; else it has none.
    pub is_admin: bool,
    pub variables: Value,
    /// Fields whose values differ between runs, such as random ids. They are replaced in the snapshot.
    varying_fields: Vec<String>,
}

impl Case {
    pub fn read(path: &Path, name: String) -> Self {
        let operation = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut case = Self {
            name,
            operation: operation.clone(),
            is_admin: false,
            variables: json!({}),
            varying_fields: Vec::new(),
        };
        for header in operation.lines().map_while(|line| line.strip_prefix("# ")) {
            match header.split_once(": ") {
                Some(("caller", "admin")) => case.is_admin = true,
                Some(("variables", variables)) => case.variables = serde_json::from_str(variables).expect("JSON"),
                Some(("varies", fields)) => case.varying_fields = fields.split(", ").map(str::to_owned).collect(),
                _ => panic!("{}: unknown header: {header}", path.display()),
            }
        }
        case
    }

    /// The response with a mark in place of varying values.
    pub fn without_varying_values(&self, mut response: Value) -> Value {
        self.replace(&mut response);
        response
    }

    fn replace(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.replace(item)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    if !value.is_null() && self.varying_fields.contains(name) {
                        *value = json!("[varies]");
                    } else {
                        self.replace(value);
                    }
                }
            }
            _ => {}
        }
    }
}
