//! Limits for text from outside: short, and without control characters.
//!
//! Source of the rules: the section "Label values" of the README.

use std::cmp::Ordering;

/// A value is cut at this many bytes of UTF-8, as Prometheus' `label_value_length_limit` counts them.
pub const MAX_BYTES: usize = 200;

/// `text` with control characters other than the newline replaced by U+FFFD, and cut before the character that would make it
/// longer than [`MAX_BYTES`].
pub fn clean(text: &str) -> String {
    let mut cleaned = String::new();
    for c in text.chars() {
        let visible = if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
        if cleaned.len() + visible.len_utf8() > MAX_BYTES {
            break;
        }
        cleaned.push(visible);
    }
    cleaned
}

/// `text` cleaned, or `fallback` if there is no text or only blanks are left of it.
pub fn clean_or(text: Option<&str>, fallback: &str) -> String {
    let cleaned = text.map(clean).filter(|cleaned| !cleaned.trim().is_empty());
    cleaned.unwrap_or_else(|| fallback.to_owned())
}

/// Whether `text` can serve as an id: cleaning must not change it, or two ids could become one.
pub fn is_readable_id(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_BYTES && !text.chars().any(char::is_control)
}

/// The order of ids. They are UUIDs, so letter case does not matter.
pub fn by_id(one: &str, other: &str) -> Ordering {
    let [one, other] = [one, other].map(|id| id.bytes().map(|byte| byte.to_ascii_lowercase()));
    one.cmp(other)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn text_from_outside_is_short_and_visible() {
        for (given, cleaned) in [
            ("plain", "plain"),
            ("two\nlines", "two\nlines"),
            ("a\0b\tc\u{9f}", "a\u{fffd}b\u{fffd}c\u{fffd}"),
        ] {
            assert_eq!(clean(given), cleaned, "{given:?}");
        }
        // Cut before the character that would exceed the limit, and not within it.
        assert_eq!(clean(&"é".repeat(150)), "é".repeat(100));
        assert_eq!(clean(&format!("{}é", "x".repeat(199))), "x".repeat(199));
        for (given, expected) in [(None, "-"), (Some(""), "-"), (Some(" \n "), "-"), (Some("a"), "a")] {
            assert_eq!(clean_or(given, "-"), expected, "{given:?}");
        }
    }

    #[test]
    fn ids() {
        for (id, is_readable) in [("a", true), ("a b", true), ("", false), (" ", false), ("a\n", false)] {
            assert_eq!(is_readable_id(id), is_readable, "{id:?}");
        }
        assert!(is_readable_id(&"x".repeat(200)) && !is_readable_id(&"x".repeat(201)));
        assert!(by_id("Ab", "aB").is_eq() && by_id("a", "B").is_lt() && by_id("a", "aa").is_lt());
    }
}
