//! The grammar of executable documents (GraphQL specification, appendix B).
//!
//! The parser of apollo-compiler goes on behind a mistake, takes some documents that are none (`{a(b: {c})}`), refuses a comma
//! between an alias and its colon, and knows no descriptions of operations. So the text is checked here first: an error is the
//! first one, and says what was expected. Descriptions, commas and comments are blanked for the parser; offsets stay.

use std::{borrow::Cow, ops::Range};

use super::{
    SyntaxError,
    lexer::{Kind, Lexer, Token},
};

/// Words that begin a definition of a type system: valid in a document, but not in one that is executed (§5.1.1).
const TYPE_SYSTEM: [&str; 9] =
    ["schema", "scalar", "type", "interface", "union", "enum", "input", "directive", "extend"];

/// Checks a text that is within the [limits](crate::graphql::execute::limits). Gives it without descriptions, commas and comments.
///
/// # Errors
/// The first mistake.
pub(super) fn check(text: &str) -> Result<Cow<'_, str>, SyntaxError> {
    let mut lexer = Lexer::new(text);
    let next = lexer.token()?;
    let mut grammar = Grammar { lexer, next, descriptions: Vec::new() };
    grammar.definition()?;
    while grammar.next.kind != Kind::End {
        grammar.definition()?;
    }
    let mut blanks = grammar.descriptions;
    blanks.append(&mut grammar.lexer.ignored);
    blanks.sort_unstable_by_key(|range| range.start);
    Ok(blank(text, &blanks))
}

/// The text with spaces in these places.
fn blank<'a>(text: &'a str, places: &[Range<usize>]) -> Cow<'a, str> {
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

/// Reads a document. It calls itself no deeper than brackets are nested, which was checked before.
struct Grammar<'a> {
    lexer: Lexer<'a>,
    next: Token<'a>,
    descriptions: Vec<Range<usize>>,
}

type Checked = Result<(), SyntaxError>;

impl<'a> Grammar<'a> {
    fn advance(&mut self) -> Result<Token<'a>, SyntaxError> {
        let next = self.lexer.token()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    fn expected(&self, what: &str) -> SyntaxError {
        let found = match self.next.kind {
            Kind::End => "the end of the document".to_owned(),
            _ => format!("`{}`", self.next.text.chars().take(40).collect::<String>()),
        };
        SyntaxError::new(self.next.start, format!("expected {what}, found {found}"))
    }

    fn is(&self, kind: Kind, text: &str) -> bool {
        self.next.kind == kind && self.next.text == text
    }

    fn opens(&self, punctuator: &str) -> bool {
        self.is(Kind::Punctuator, punctuator)
    }

    /// Takes a punctuator where it stands.
    fn takes(&mut self, punctuator: &str) -> Result<bool, SyntaxError> {
        let stands = self.opens(punctuator);
        if stands {
            self.advance()?;
        }
        Ok(stands)
    }

    fn punctuator(&mut self, punctuator: &str) -> Checked {
        if self.takes(punctuator)? { Ok(()) } else { Err(self.expected(&format!("`{punctuator}`"))) }
    }

    fn name(&mut self, what: &str) -> Result<&'a str, SyntaxError> {
        if self.next.kind == Kind::Name { Ok(self.advance()?.text) } else { Err(self.expected(what)) }
    }

    fn keyword(&mut self, word: &str) -> Checked {
        if self.is(Kind::Name, word) { self.advance().map(drop) } else { Err(self.expected(&format!("`{word}`"))) }
    }

    /// One or more until the closing bracket, which is taken too.
    fn until(&mut self, closing: &str, each: impl Fn(&mut Self) -> Checked) -> Checked {
        each(self)?;
        while !self.takes(closing)? {
            each(self)?;
        }
        Ok(())
    }

    fn description(&mut self) -> Result<bool, SyntaxError> {
        if self.next.kind != Kind::String {
            return Ok(false);
        }
        let token = self.advance()?;
        self.descriptions.push(token.start..token.start + token.text.len());
        Ok(true)
    }

    fn definition(&mut self) -> Checked {
        let is_described = self.description()?;
        if !is_described && self.opens("{") {
            return self.selection_set();
        }
        match self.next {
            Token { kind: Kind::Name, text: "query" | "mutation" | "subscription", .. } => self.operation(),
            Token { kind: Kind::Name, text: "fragment", .. } => self.fragment(),
            Token { kind: Kind::Name, text, start } if TYPE_SYSTEM.contains(&text) => {
                Err(SyntaxError::not_executable(start))
            }
            _ => Err(self.expected("an operation or a fragment")),
        }
    }

    fn operation(&mut self) -> Checked {
        self.advance()?;
        if self.next.kind == Kind::Name {
            self.advance()?;
        }
        if self.takes("(")? {
            self.until(")", Self::variable_definition)?;
        }
        self.directives(true)?;
        self.selection_set()
    }

    fn variable_definition(&mut self) -> Checked {
        self.description()?;
        if !self.takes("$")? {
            return Err(self.expected("a variable, such as `$name: Type`"));
        }
        self.name("the name of a variable")?;
        self.punctuator(":")?;
        self.type_reference()?;
        if self.takes("=")? {
            self.value(true)?;
        }
        self.directives(true)
    }

    fn type_reference(&mut self) -> Checked {
        if self.takes("[")? {
            self.type_reference()?;
            self.punctuator("]")?;
        } else {
            self.name("a type")?;
        }
        self.takes("!").map(drop)
    }

    fn fragment(&mut self) -> Checked {
        self.advance()?;
        if self.is(Kind::Name, "on") {
            return Err(self.expected("the name of a fragment"));
        }
        self.name("the name of a fragment")?;
        self.keyword("on")?;
        self.name("a type")?;
        self.directives(false)?;
        self.selection_set()
    }

    fn selection_set(&mut self) -> Checked {
        self.punctuator("{")?;
        self.until("}", Self::selection)
    }

    fn selection(&mut self) -> Checked {
        if !self.takes("...")? {
            return self.field();
        }
        if self.is(Kind::Name, "on") {
            self.advance()?;
            self.name("a type")?;
        } else if self.next.kind == Kind::Name {
            self.advance()?;
            return self.directives(false);
        }
        self.directives(false)?;
        self.selection_set()
    }

    fn field(&mut self) -> Checked {
        self.name("a field")?;
        if self.takes(":")? {
            self.name("a field")?;
        }
        self.arguments(false)?;
        self.directives(false)?;
        if self.opens("{") { self.selection_set() } else { Ok(()) }
    }

    fn arguments(&mut self, is_constant: bool) -> Checked {
        if self.takes("(")? { self.until(")", |grammar| grammar.pair("an argument", is_constant)) } else { Ok(()) }
    }

    fn pair(&mut self, what: &str, is_constant: bool) -> Checked {
        self.name(what)?;
        self.punctuator(":")?;
        self.value(is_constant)
    }

    fn directives(&mut self, is_constant: bool) -> Checked {
        while self.takes("@")? {
            self.name("the name of a directive")?;
            self.arguments(is_constant)?;
        }
        Ok(())
    }

    fn value(&mut self, is_constant: bool) -> Checked {
        match (self.next.kind, self.next.text) {
            (Kind::Number | Kind::String | Kind::Name, _) => self.advance().map(drop),
            (Kind::Punctuator, "$") if is_constant => Err(self.expected("a value without variables")),
            (Kind::Punctuator, "$") => {
                self.advance()?;
                self.name("the name of a variable").map(drop)
            }
            (Kind::Punctuator, "[") => {
                self.advance()?;
                while !self.takes("]")? {
                    self.value(is_constant)?;
                }
                Ok(())
            }
            (Kind::Punctuator, "{") => {
                self.advance()?;
                while !self.takes("}")? {
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
    fn executable_documents_are_taken() {
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
    fn descriptions_are_blanked_and_offsets_stay() {
        let text = "\"d\u{e9}\" query Q(\"\"\"x\ny\"\"\" $a: S = \"s\" \"z\" $b: S) {a} \"f\" fragment F on T {a}";
        let blanked = check(text).expect("valid");
        assert_eq!(blanked.len(), text.len());
        assert_eq!(blanked.find("$b"), text.find("$b"));
        assert_eq!(blanked.split_whitespace().collect::<String>(), "queryQ($a:S=\"s\"$b:S){a}fragmentFonT{a}");
    }

    #[test]
    fn the_first_mistake_says_what_was_expected() {
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
