//! The grammar of executable documents (GraphQL specification, appendix B).
//!
//! The parser of apollo-compiler continues after an error, accepts some invalid documents (`{a(b: {c})}`), rejects a
//! comma between an alias and its colon, and does not support descriptions of operations. So the text is checked here
//! first; the first error is reported with the expected token. Descriptions, commas and comments are replaced by spaces
//! for the parser; offsets are unchanged.

use std::{borrow::Cow, ops::Range};

use super::{
    SyntaxError,
    lexer::{Lexer, Token, TokenKind},
};

/// Keywords of type system definitions: valid in a document, but not in an executable one (§5.1.1).
const TYPE_SYSTEM_KEYWORDS: [&str; 9] =
    ["schema", "scalar", "type", "interface", "union", "enum", "input", "directive", "extend"];

/// Checks a text that is within the [limits](crate::graphql::execute::limits). Returns it without descriptions, commas
/// and comments.
///
/// # Errors
/// The first error.
pub(super) fn check(text: &str) -> Result<Cow<'_, str>, SyntaxError> {
    let mut lexer = Lexer::new(text);
    let next = lexer.next_token()?;
    let mut grammar = SyntaxChecker { lexer, next, descriptions: Vec::new() };
    grammar.definition()?;
    while grammar.next.kind != TokenKind::EndOfFile {
        grammar.definition()?;
    }
    let mut blanks = grammar.descriptions;
    blanks.append(&mut grammar.lexer.ignored);
    blanks.sort_unstable_by_key(|range| range.start);
    Ok(blank_out(text, &blanks))
}

/// The text with these ranges replaced by spaces.
fn blank_out<'a>(text: &'a str, places: &[Range<usize>]) -> Cow<'a, str> {
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut blanked = String::with_capacity(text.len());
    let mut copied = 0;
    for place in places {
        blanked.push_str(&text[copied..place.start]);
        blanked.extend(text[place.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        copied = place.end;
    }
    blanked.push_str(&text[copied..]);
    Cow::Owned(blanked)
}

/// Recursive-descent parser. Recursion is bounded by the nesting of brackets, which is checked before.
struct SyntaxChecker<'a> {
    lexer: Lexer<'a>,
    next: Token<'a>,
    descriptions: Vec<Range<usize>>,
}

type SyntaxResult = Result<(), SyntaxError>;

impl<'a> SyntaxChecker<'a> {
    fn advance(&mut self) -> Result<Token<'a>, SyntaxError> {
        let next = self.lexer.next_token()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    fn expected(&self, what: &str) -> SyntaxError {
        let found = match self.next.kind {
            TokenKind::EndOfFile => "the end of the document".to_owned(),
            _ => format!("`{}`", self.next.text.chars().take(40).collect::<String>()),
        };
        SyntaxError::new(self.next.start, format!("expected {what}, found {found}"))
    }

    fn next_is(&self, kind: TokenKind, text: &str) -> bool {
        self.next.kind == kind && self.next.text == text
    }

    fn next_is_punctuator(&self, punctuator: &str) -> bool {
        self.next_is(TokenKind::Punctuator, punctuator)
    }

    /// Consumes a punctuator if it is next.
    fn eat(&mut self, punctuator: &str) -> Result<bool, SyntaxError> {
        let stands = self.next_is_punctuator(punctuator);
        if stands {
            self.advance()?;
        }
        Ok(stands)
    }

    fn punctuator(&mut self, punctuator: &str) -> SyntaxResult {
        if self.eat(punctuator)? { Ok(()) } else { Err(self.expected(&format!("`{punctuator}`"))) }
    }

    fn name(&mut self, what: &str) -> Result<&'a str, SyntaxError> {
        if self.next.kind == TokenKind::Name { Ok(self.advance()?.text) } else { Err(self.expected(what)) }
    }

    fn keyword(&mut self, word: &str) -> SyntaxResult {
        if self.next_is(TokenKind::Name, word) {
            self.advance().map(drop)
        } else {
            Err(self.expected(&format!("`{word}`")))
        }
    }

    /// One or more items, up to and including the closing bracket.
    fn one_or_more_until(&mut self, closing: &str, each: impl Fn(&mut Self) -> SyntaxResult) -> SyntaxResult {
        each(self)?;
        while !self.eat(closing)? {
            each(self)?;
        }
        Ok(())
    }

    fn description(&mut self) -> Result<bool, SyntaxError> {
        if self.next.kind != TokenKind::String {
            return Ok(false);
        }
        let token = self.advance()?;
        self.descriptions.push(token.start..token.start + token.text.len());
        Ok(true)
    }

    fn definition(&mut self) -> SyntaxResult {
        let is_described = self.description()?;
        if !is_described && self.next_is_punctuator("{") {
            return self.selection_set();
        }
        match self.next {
            Token { kind: TokenKind::Name, text: "query" | "mutation" | "subscription", .. } => self.operation(),
            Token { kind: TokenKind::Name, text: "fragment", .. } => self.fragment(),
            Token { kind: TokenKind::Name, text, start } if TYPE_SYSTEM_KEYWORDS.contains(&text) => {
                Err(SyntaxError::not_executable(start))
            }
            _ => Err(self.expected("an operation or a fragment")),
        }
    }

    fn operation(&mut self) -> SyntaxResult {
        self.advance()?;
        if self.next.kind == TokenKind::Name {
            self.advance()?;
        }
        if self.eat("(")? {
            self.one_or_more_until(")", Self::variable_definition)?;
        }
        self.directives(true)?;
        self.selection_set()
    }

    fn variable_definition(&mut self) -> SyntaxResult {
        self.description()?;
        if !self.eat("$")? {
            return Err(self.expected("a variable, such as `$name: Type`"));
        }
        self.name("the name of a variable")?;
        self.punctuator(":")?;
        self.type_reference()?;
        if self.eat("=")? {
            self.value(true)?;
        }
        self.directives(true)
    }

    fn type_reference(&mut self) -> SyntaxResult {
        if self.eat("[")? {
            self.type_reference()?;
            self.punctuator("]")?;
        } else {
            self.name("a type")?;
        }
        self.eat("!").map(drop)
    }

    fn fragment(&mut self) -> SyntaxResult {
        self.advance()?;
        if self.next_is(TokenKind::Name, "on") {
            return Err(self.expected("the name of a fragment"));
        }
        self.name("the name of a fragment")?;
        self.keyword("on")?;
        self.name("a type")?;
        self.directives(false)?;
        self.selection_set()
    }

    fn selection_set(&mut self) -> SyntaxResult {
        self.punctuator("{")?;
        self.one_or_more_until("}", Self::selection)
    }

    fn selection(&mut self) -> SyntaxResult {
        if !self.eat("...")? {
            return self.field();
        }
        if self.next_is(TokenKind::Name, "on") {
            self.advance()?;
            self.name("a type")?;
        } else if self.next.kind == TokenKind::Name {
            self.advance()?;
            return self.directives(false);
        }
        self.directives(false)?;
        self.selection_set()
    }

    fn field(&mut self) -> SyntaxResult {
        self.name("a field")?;
        if self.eat(":")? {
            self.name("a field")?;
        }
        self.arguments(false)?;
        self.directives(false)?;
        if self.next_is_punctuator("{") { self.selection_set() } else { Ok(()) }
    }

    fn arguments(&mut self, is_constant: bool) -> SyntaxResult {
        if self.eat("(")? {
            self.one_or_more_until(")", |grammar| grammar.pair("an argument", is_constant))
        } else {
            Ok(())
        }
    }

    fn pair(&mut self, what: &str, is_constant: bool) -> SyntaxResult {
        self.name(what)?;
        self.punctuator(":")?;
        self.value(is_constant)
    }

    fn directives(&mut self, is_constant: bool) -> SyntaxResult {
        while self.eat("@")? {
            self.name("the name of a directive")?;
            self.arguments(is_constant)?;
        }
        Ok(())
    }

    fn value(&mut self, is_constant: bool) -> SyntaxResult {
        match (self.next.kind, self.next.text) {
            (TokenKind::Number | TokenKind::String | TokenKind::Name, _) => self.advance().map(drop),
            (TokenKind::Punctuator, "$") if is_constant => Err(self.expected("a value without variables")),
            (TokenKind::Punctuator, "$") => {
                self.advance()?;
                self.name("the name of a variable").map(drop)
            }
            (TokenKind::Punctuator, "[") => {
                self.advance()?;
                while !self.eat("]")? {
                    self.value(is_constant)?;
                }
                Ok(())
            }
            (TokenKind::Punctuator, "{") => {
                self.advance()?;
                while !self.eat("}")? {
                    self.pair("a field of the input object", is_constant)?;
                }
                Ok(())
            }
            _ => Err(self.expected("a value")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executable_documents_are_accepted() {
        for text in [
            "{a}",
            "query{a} query Q{a}",
            "query Q($a: [ Int\n ! ] ! = [1] @d(a: 1), $b: B = {c: D}) @d(x: \"y\") { a: b(c: $a) @e ... on # x\n T {a} ...F ...{b} ...@d{c} }",
            "fragment F on T @d(a: $v) { query fragment on true }",
            "{a(b: {}, c: [], d: null, e: -1.5e3, f: true, g: {h: $i})}",
            "subscription S { on }",
        ] {
            let blanked = check(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            let words = |text: &str| text.replace(',', " ").replace("# x", "").split_whitespace().collect::<String>();
            assert_eq!((blanked.len(), words(&blanked)), (text.len(), words(text)));
        }
    }

    #[test]
    fn descriptions_are_blanked_and_offsets_preserved() {
        let text = "\"d\u{e9}\" query Q(\"\"\"x\ny\"\"\" $a: S = \"s\" \"z\" $b: S) {a} \"f\" fragment F on T {a}";
        let blanked = check(text).expect("valid");
        assert_eq!(blanked.len(), text.len());
        assert_eq!(blanked.find("$b"), text.find("$b"));
        assert_eq!(blanked.split_whitespace().collect::<String>(), "queryQ($a:S=\"s\"$b:S){a}fragmentFonT{a}");
    }

    #[test]
    fn first_syntax_error_names_the_expected_token() {
        for (text, offset, message) in [
            ("", 0, "expected an operation or a fragment, found the end of the document"),
            ("{", 1, "expected a field, found the end of the document"),
            ("{}", 1, "expected a field, found `}`"),
            ("query(){a}", 6, "expected a variable, such as `$name: Type`, found `)`"),
            ("queryA{a}", 0, "expected an operation or a fragment, found `queryA`"),
            ("{...on}", 6, "expected a type, found `}`"),
            ("{...}", 4, "expected `{`, found `}`"),
            ("{a(b: {c})}", 8, "expected `:`, found `}`"),
            ("{a()}", 3, "expected an argument, found `)`"),
            ("{a(b: 01)}", 6, "invalid number"),
            ("query($a: Int = $b){a}", 16, "expected a value without variables, found `$`"),
            ("{a} }", 4, "expected an operation or a fragment, found `}`"),
            ("\"d\" {a}", 4, "expected an operation or a fragment, found `{`"),
            ("fragment on on T {a}", 9, "expected the name of a fragment, found `on`"),
            ("{a:}", 3, "expected a field, found `}`"),
            ("{a @}", 4, "expected the name of a directive, found `}`"),
        ] {
            assert_eq!(check(text), Err(SyntaxError::new(offset, message)), "{text}");
        }
        assert_eq!(check("type A { a: B }"), Err(SyntaxError::not_executable(0)));
    }
}
