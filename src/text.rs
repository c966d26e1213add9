//! What text from outside may look like once it is ours: short, and without control characters.
//!
//! Source of the rules: the section "Label values" of the README. Must not know which field the text came from.

/// A value is cut at this many characters.
pub const MAX_CHARS: usize = 200;

/// `text` cut at [`MAX_CHARS`], with control characters other than the newline replaced by U+FFFD.
pub fn clean(text: &str) -> String {
    let visible = |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().take(MAX_CHARS).map(visible).collect()
}

/// `text` cleaned, or `fallback` where there is none or what is left of it is blank.
pub fn clean_or(text: Option<&str>, fallback: &str) -> String {
    match text {
        Some(text) if !text.chars().take(MAX_CHARS).all(char::is_whitespace) => clean(text),
        _ => fallback.to_owned(),
    }
}

/// Whether `text` can serve as an id: cleaning must not change it, or two ids could become one.
pub fn is_readable_id(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MAX_CHARS && !text.chars().any(char::is_control)
}
