//! The syntax of line protocol: `measurement[,tag=value…] field=value[,field=value…] [timestamp]`.
//!
//! A backslash escapes a comma, a space and (except in a measurement) an equals sign that follows it, and in
//! a quoted string a quote and a backslash; before other characters it is literal. A quoted string may extend over
//! several lines.

use std::collections::HashSet;

use super::super::{ignored::truncate_name, vocabulary::RawValue};

/// Why a line is not a sample: a code and the reason.
pub(super) type Reason = (&'static str, String);

/// A parsed line.
#[derive(Debug, PartialEq)]
pub(super) struct InfluxLine {
    pub(super) measurement: String,
    pub(super) tags: Vec<(String, String)>,
    pub(super) fields: Vec<(String, FieldValue)>,
    /// Time since 1970, in the precision of the request.
    pub(super) timestamp: Option<i64>,
}

impl InfluxLine {
    pub(super) fn tag(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn field(&self, name: &str) -> Option<&FieldValue> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// The value of a field.
#[derive(Debug, PartialEq)]
pub(super) enum FieldValue {
    Number(f64),
    Text(String),
    Boolean,
}

impl FieldValue {
    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

impl<'a> From<&'a FieldValue> for RawValue<'a> {
    fn from(field: &'a FieldValue) -> Self {
        match field {
            FieldValue::Number(number) => Self::Number(*number),
            FieldValue::Text(text) => Self::Text(text),
            FieldValue::Boolean => Self::Other,
        }
    }
}

/// The non-empty lines of a body, each with its number from 0.
pub(super) struct InfluxLines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> InfluxLines<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { rest: body, number: 0 }
    }

    /// Continues after the line that ends at or after `at`.
    fn skip_line(&mut self, at: usize) {
        let end = self.rest[at..].iter().position(|&byte| byte == b'\n').map_or(self.rest.len(), |end| at + end + 1);
        self.number += self.rest[..end].split(|&byte| byte == b'\n').count() - 1;
        self.rest = &self.rest[end..];
    }
}

impl Iterator for InfluxLines<'_> {
    type Item = (usize, Result<InfluxLine, Reason>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let mut scanner = Scanner { body: self.rest, at: 0 };
            scanner.skip(|byte| matches!(byte, b' ' | b'\t'));
            if scanner.at_end_of_line() || scanner.peek() == Some(b'#') {
                self.skip_line(scanner.at);
                continue;
            }
            let (number, line) = (self.number, scanner.line());
            self.skip_line(scanner.at);
            return Some((number, line));
        }
        None
    }
}

struct Scanner<'a> {
    body: &'a [u8],
    /// Never beyond the end of the body.
    at: usize,
}

impl Scanner<'_> {
    fn line(&mut self) -> Result<InfluxLine, Reason> {
        let measurement = self.text(b", ", b", ")?;
        if measurement.is_empty() {
            return Err(syntax("the measurement has no name"));
        }
        let mut tags = Vec::new();
        while self.accept(b',') {
            let key = self.key()?;
            let value = self.text(b",= ", b", ")?;
            if value.is_empty() {
                return Err(syntax(format!("tag {:?} has no value", truncate_name(&key))));
            }
            tags.push((key, value));
        }
        once_each(&tags)?;
        if !self.spaces() {
            return Err(syntax("a space and at least one field must follow the measurement and its tags"));
        }
        let mut fields = Vec::new();
        loop {
            let key = self.key()?;
            let value = self.field(&key)?;
            fields.push((key, value));
            if !self.accept(b',') {
                break;
            }
        }
        once_each(&fields)?;
        let timestamp = if self.spaces() && !self.at_end_of_line() { Some(self.timestamp()?) } else { None };
        self.spaces();
        if self.at_end_of_line() {
            Ok(InfluxLine { measurement, tags, fields, timestamp })
        } else {
            Err(syntax("something follows where the line should end"))
        }
    }

    /// The name of a tag or a field, including the equals sign after it.
    fn key(&mut self) -> Result<String, Reason> {
        let key = self.text(b",= ", b",= ")?;
        if key.is_empty() {
            return Err(syntax("a tag or field has no name"));
        }
        if !self.accept(b'=') {
            return Err(syntax(format!("= and a value must follow {:?}", truncate_name(&key))));
        }
        Ok(key)
    }

    /// Text up to one of `ends`; a backslash escapes the characters of `escapable`.
    fn text(&mut self, escapable: &[u8], ends: &[u8]) -> Result<String, Reason> {
        let mut text = Vec::new();
        while let Some(byte) = self.peek().filter(|byte| !ends.contains(byte) && !self.at_end_of_line()) {
            self.at += 1;
            match self.peek() {
                Some(next) if byte == b'\\' && escapable.contains(&next) => {
                    text.push(next);
                    self.at += 1;
                }
                _ => text.push(byte),
            }
        }
        utf8(text)
    }

    fn field(&mut self, key: &str) -> Result<FieldValue, Reason> {
        if self.peek() == Some(b'"') {
            return self.quoted().map(FieldValue::Text);
        }
        let text = self.text(b"", b", ")?;
        let unusable = || {
            ("INVALID_VALUE", format!("{:?}: {:?} is no value of a field", truncate_name(key), truncate_name(&text)))
        };
        if matches!(text.as_str(), "t" | "T" | "true" | "True" | "TRUE" | "f" | "F" | "false" | "False" | "FALSE") {
            return Ok(FieldValue::Boolean);
        }
        let whole = match (text.strip_suffix('i'), text.strip_suffix('u')) {
            (Some(digits), _) => Some((digits, digits.parse::<i64>().is_ok())),
            (_, Some(digits)) => Some((digits, digits.parse::<u64>().is_ok())),
            (None, None) => None,
        };
        if let Some((digits, valid)) = whole {
            return digits.parse().ok().filter(|_| valid).map(FieldValue::Number).ok_or_else(unusable);
        }
        // Rust also parses "nan" and "inf", which are not part of the protocol.
        let numeral = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        text.parse()
            .ok()
            .filter(|number: &f64| numeral && number.is_finite())
            .map(FieldValue::Number)
            .ok_or_else(unusable)
    }

    /// A quoted string. Without a closing quote, it ends with its line, so the following lines are not part of it.
    fn quoted(&mut self) -> Result<String, Reason> {
        let (mut text, mut at) = (Vec::new(), self.at + 1);
        loop {
            match (self.body.get(at), self.body.get(at + 1)) {
                (Some(b'"'), _) => break,
                (Some(b'\\'), Some(&next @ (b'"' | b'\\'))) => {
                    text.push(next);
                    at += 2;
                }
                (Some(&byte), _) => {
                    text.push(byte);
                    at += 1;
                }
                (None, _) => return Err(syntax("a quoted string has no end")),
            }
        }
        self.at = at + 1;
        utf8(text)
    }

    fn timestamp(&mut self) -> Result<i64, Reason> {
        let text = self.text(b"", b" ")?;
        let whole = || ("INVALID_TIME", format!("timestamp {:?} is not a 64-bit integer", truncate_name(&text)));
        text.parse().map_err(|_| whole())
    }

    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn at_end_of_line(&self) -> bool {
        matches!(self.body[self.at..], [] | [b'\n', ..] | [b'\r'] | [b'\r', b'\n', ..])
    }

    fn accept(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Skips spaces, and returns whether there was one.
    fn spaces(&mut self) -> bool {
        let from = self.at;
        self.skip(|byte| byte == b' ');
        self.at > from
    }

    fn skip(&mut self, skipped: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&skipped) {
            self.at += 1;
        }
    }
}

fn once_each<T>(pairs: &[(String, T)]) -> Result<(), Reason> {
    let mut seen = HashSet::new();
    match pairs.iter().find(|(key, _)| !seen.insert(key.as_str())) {
        Some((key, _)) => Err(("DUPLICATE_KEY", format!("{:?} occurs twice", truncate_name(key)))),
        None => Ok(()),
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, Reason> {
    String::from_utf8(bytes).map_err(|_| ("INVALID_UTF8", "the line is no UTF-8".to_owned()))
}

fn syntax(detail: impl Into<String>) -> Reason {
    ("MALFORMED_LINE", detail.into())
}
