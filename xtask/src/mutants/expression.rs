//! What can be broken in one PromQL expression: comparisons, operands, numbers, ranges, labels, aggregations, matchers, arithmetic.
//!
//! Edits text, since a name should say what to look for in the file. It understands as much of PromQL as the rules use.

/// Aggregations, and what each is replaced by.
const SWAPS: [(&str, &str); 6] = [
    ("max", "min"),
    ("min", "max"),
    ("sum", "max"),
    ("count", "sum"),
    ("topk", "bottomk"),
    ("group", "count"),
];

/// Comparison and arithmetic operators, and what each is replaced by.
const OPERATORS: [(&str, &str); 10] = [
    (">", "<="),
    ("<", ">="),
    (">=", "<"),
    ("<=", ">"),
    ("==", "!="),
    ("!=", "=="),
    ("-", "+"),
    ("+", "-"),
    ("/", "*"),
    ("*", "/"),
];

/// How much of a dropped operand is in the name of the mutant.
const NAME_LENGTH: usize = 60;

/// A word, number, operator or parenthesis; a whole `"string"`, `{selector}` or `[range]`.
#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    start: usize,
    /// How many parentheses are open around it.
    depth: usize,
}

impl Token<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    fn is_set_operator(&self) -> bool {
        matches!(self.text, "and" | "or" | "unless")
    }
}

fn tokens(expression: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let until =
            |last: char| rest.get(1..).and_then(|rest| rest.find(last)).map_or(rest.len(), |at| at + 2);
        let while_all = |is: fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
        let length = match first {
            '"' => until('"'),
            '{' => until('}'),
            '[' => until(']'),
            '<' | '>' | '=' | '!' => while_all(|c| matches!(c, '<' | '>' | '=' | '!')),
            _ if is_of_word(first) => while_all(is_of_word),
            _ => first.len_utf8(),
        };
        let (text, after) = rest.split_at(length);
        depth = depth.saturating_sub(usize::from(text == ")"));
        if !first.is_whitespace() {
            tokens.push(Token { text, start, depth });
        }
        depth += usize::from(text == "(");
        start += length;
        rest = after;
    }
    tokens
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.')
}

/// Every mutant of `expression`: what was done, and the outcome. Two mutants can have the same name here.
pub fn mutants(expression: &str) -> Vec<(String, String)> {
    let tokens = tokens(expression);
    let mut mutants = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let rest = tokens.get(index + 1..).unwrap_or_default();
        for (name, end, replacement) in edits(expression, token, rest) {
            let mut mutant = expression.to_owned();
            mutant.replace_range(token.start..end, &replacement);
            mutants.push((name, mutant));
        }
    }
    mutants
}

/// What can be done from `token` on, before `rest`: a name, where the replaced text ends, and the replacement.
fn edits(expression: &str, token: &Token<'_>, rest: &[Token<'_>]) -> Vec<(String, usize, String)> {
    let text = token.text;
    let next = rest.first().map_or("", |next| next.text);
    let one = |name: String, replacement: &str| vec![(name, token.end(), replacement.to_owned())];
    if token.is_set_operator() {
        let end = operand_end(token, rest).unwrap_or(expression.len());
        let dropped = expression.get(token.start..end).unwrap_or_default();
        let dropped = dropped.split_whitespace().collect::<Vec<_>>().join(" ");
        let dropped: String = dropped.chars().take(NAME_LENGTH).collect();
        return vec![(format!("drop `{dropped}`"), end, " ".to_owned())];
    }
    if text == "offset" {
        let end = rest.first().map_or(token.end(), Token::end);
        return vec![(format!("drop offset {next}"), end, String::new())];
    }
    if text == "by" && next == "(" {
        let inner = rest.iter().skip(1).take_while(|token| token.text != ")");
        let labels: Vec<&str> = inner.map(|token| token.text).filter(|text| *text != ",").collect();
        let end = rest.iter().find(|token| token.text == ")").map_or(token.end(), Token::end);
        let name = |label: &str| format!("by ({}) without {label}", labels.join(", "));
        let without = |label: &&str| (name(label), end, format!("by ({})", all_but(&labels, label)));
        return labels.iter().map(without).collect();
    }
    if let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        let selectors = selectors(&inner.split(", ").collect::<Vec<_>>());
        return selectors.into_iter().map(|(name, selector)| (name, token.end(), selector)).collect();
    }
    if text.starts_with('[') && !text.contains(':') {
        return one(format!("range {text} shorter"), "[6m]");
    }
    if let Some((_, other)) = OPERATORS.iter().find(|(operator, _)| *operator == text) {
        let comparison = text.contains(['<', '>', '=']);
        return match (comparison, joins_name(rest)) {
            (true, _) => one(format!("flip {text}"), other),
            (false, false) => one(format!("{text} to {other}"), other),
            (false, true) => Vec::new(),
        };
    }
    if let (Some((_, other)), "by" | "(") = (SWAPS.iter().find(|(name, _)| *name == text), next) {
        return one(format!("{text} to {other}"), other);
    }
    match text.parse::<f64>() {
        Ok(number) if text.starts_with(|c: char| c.is_ascii_digit()) && number != 0.0 => [10.0, 0.1]
            .map(|factor| (format!("{text} times {factor}"), token.end(), (number * factor).to_string()))
            .to_vec(),
        _ => Vec::new(),
    }
}

/// Where the right operand of a set operator ends; none where that is the end of the expression.
fn operand_end(operator: &Token<'_>, rest: &[Token<'_>]) -> Option<usize> {
    let ends_it = |after: &&Token<'_>| {
        let is_beside = after.depth == operator.depth;
        after.depth < operator.depth || is_beside && (after.is_set_operator() || after.text == ",")
    };
    rest.iter().find(ends_it).map(|after| after.start)
}

/// A selector without each of its matchers, and without each status of a matcher that has several.
fn selectors(matchers: &[&str]) -> Vec<(String, String)> {
    let mut selectors = Vec::new();
    for matcher in matchers {
        let rest = all_but(matchers, matcher);
        let rest = if rest.is_empty() { rest } else { format!("{{{rest}}}") };
        // A selector by `__name__` has no other name, and nothing is no selector.
        if !matcher.starts_with("__name__") {
            selectors.push((format!("without {{{matcher}}}"), rest));
        }
        let Some((label, values)) = matcher.trim_end_matches('"').split_once('"') else { continue };
        let values: Vec<&str> = values.split('|').collect();
        let is_status = |value: &&&str| value.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        for value in values.iter().filter(is_status).filter(|_| values.len() > 1) {
            let fewer: Vec<&str> = values.iter().copied().filter(|other| other != value).collect();
            let fewer = format!("{label}\"{}\"", fewer.join("|"));
            let selector = matchers.join(", ").replacen(matcher, &fewer, 1);
            selectors.push((format!("{{{matcher}}} without {value}"), format!("{{{selector}}}")));
        }
    }
    selectors
}

fn all_but(list: &[&str], left_out: &str) -> String {
    list.iter().copied().filter(|item| *item != left_out).collect::<Vec<_>>().join(", ")
}

/// Whether an operator only joins the name of the company, whose value is 1: `* on (company_id) group_left (company)`.
fn joins_name(rest: &[Token<'_>]) -> bool {
    let texts: Vec<&str> = rest.iter().take(8).map(|token| token.text).collect();
    matches!(texts[..], ["on", "(", _, ")", "group_left", "(", "company", ")"])
}

#[cfg(test)]
mod tests {
    use super::mutants;

    #[test]
    fn every_kind_of_mutant() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("a", &[]),
            ("a > b", &[("flip >", "a <= b")]),
            ("a != b", &[("flip !=", "a == b")]),
            ("a - b", &[("- to +", "a + b")]),
            ("a * on (company_id) group_left (company) b", &[]),
            ("a * on (company_id) group_left () b", &[("* to /", "a / on (company_id) group_left () b")]),
            ("a > 0", &[("flip >", "a <= 0")]),
            (
                "a\n+ 0.5",
                &[("+ to -", "a\n- 0.5"), ("0.5 times 10", "a\n+ 5"), ("0.5 times 0.1", "a\n+ 0.05")],
            ),
            ("a[5h] offset 1d", &[("range [5h] shorter", "a[6m] offset 1d"), ("drop offset 1d", "a[5h] ")]),
            (
                "max by (x, y) (a)",
                &[
                    ("max to min", "min by (x, y) (a)"),
                    ("by (x, y) without x", "max by (y) (a)"),
                    ("by (x, y) without y", "max by (x) (a)"),
                ],
            ),
            ("max_over_time(a)", &[]),
            ("sum(a)", &[("sum to max", "max(a)")]),
            // A set operator takes its right operand with it: up to the next one beside it, a comma, or a closing parenthesis.
            (
                "a and b unless (c or d)",
                &[
                    ("drop `and b`", "a  unless (c or d)"),
                    ("drop `unless (c or d)`", "a and b  "),
                    ("drop `or d`", "a and b unless (c  )"),
                ],
            ),
            (r#"a{b="c"}"#, &[(r#"without {b="c"}"#, "a")]),
            (
                r#"a{b="> 1 and", c!="d"}"#,
                &[(r#"without {b="> 1 and"}"#, r#"a{c!="d"}"#), (r#"without {c!="d"}"#, r#"a{b="> 1 and"}"#)],
            ),
            (
                r#"a{status=~"UP|UP_TOO"}"#,
                &[
                    (r#"without {status=~"UP|UP_TOO"}"#, "a"),
                    (r#"{status=~"UP|UP_TOO"} without UP"#, r#"a{status=~"UP_TOO"}"#),
                    (r#"{status=~"UP|UP_TOO"} without UP_TOO"#, r#"a{status=~"UP"}"#),
                ],
            ),
            (r#"{__name__=~"a|b"}"#, &[]),
            (r#"f(a or b, "max (1 or 2)")"#, &[("drop `or b`", r#"f(a  , "max (1 or 2)")"#)]),
        ];
        for (expression, expected) in cases {
            let made = mutants(expression);
            let made: Vec<(&str, &str)> =
                made.iter().map(|(name, mutant)| (name.as_str(), mutant.as_str())).collect();
            assert_eq!(made, *expected, "{expression}");
        }
    }
}
