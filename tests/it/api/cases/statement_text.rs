//! SQL statements as readable text.

/// Words that begin a line of a query.
const CLAUSES: [&str; 13] = [
    "select", "from", "where", "group", "having", "order", "limit", "union", "left", "full", "cross", "offset", "join",
];
/// Length of a line after which columns and conditions continue on the next one.
const LONG_LINE: usize = 100;

/// The statement with one clause a line, indented by its depth, so that snapshots differ line by line.
pub fn statement_text(statement: &str) -> String {
    let mut text = String::new();
    let mut line = String::new();
    // Whether each open parenthesis contains a query.
    let mut open = Vec::new();
    let mut words = statement.split_whitespace().peekable();
    let (mut previous, mut is_between) = ("", false);
    while let Some(word) = words.next() {
        let in_query = open.iter().all(|&is_query| is_query);
        let begins = CLAUSES.contains(&word)
            && !(word == "join" && ["left", "cross", "full"].contains(&previous))
            && !(word == "from" && previous == "distinct")
            && !(word == "group" && previous == "within");
        // The `and` of `between … and …` begins no condition.
        let begins_condition = word == "or" || (word == "and" && !is_between);
        is_between = word == "between" || (is_between && word != "and");
        let continues = line.len() > LONG_LINE && ((in_query && previous.ends_with(',')) || begins_condition);
        if !line.is_empty() && ((in_query && begins) || continues) {
            text.push_str(line.trim_end());
            text.push('\n');
            line = "    ".repeat(open.len() + usize::from(continues));
        }
        line.push_str(word);
        line.push(' ');
        for (at, character) in word.char_indices() {
            match character {
                '(' => {
                    let rest = &word[at + 1..];
                    let first = if rest.is_empty() { words.peek().copied().unwrap_or_default() } else { rest };
                    open.push(["select", "with"].contains(&first));
                }
                ')' => _ = open.pop(),
                _ => {}
            }
        }
        previous = word;
    }
    text.push_str(line.trim_end());
    text
}

#[test]
fn statement_has_a_line_for_each_clause() {
    let statement = "select a, max(extract(hour from b)) from (select * from t\n where (c is distinct from $1)) as m
                     left join lateral (select 1) as n on true limit $2";
    let expected = "select a, max(extract(hour from b))\nfrom (select *\n    from t\n    where (c is distinct from $1)) as m\nleft \
                    join lateral (select 1) as n on true\nlimit $2";
    assert_eq!(statement_text(statement), expected);
}
