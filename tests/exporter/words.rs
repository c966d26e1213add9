//! The words about statuses: fit for where they are shown, and in the message template as in the table.

use std::collections::BTreeSet;
use std::process::Command;

use nectar_exporter::status::{Actor, Category, Kind, Recheck};

use test_support::in_checkout;

/// Markup of HTML, chat, Markdown or templates, and ends of lines.
const MARKUP: &[char] = &['&', '<', '>', '"', '*', '_', '~', '`', '|', '[', ']', '{', '}', '#', '\\', '\n'];

#[test]
fn words_need_no_escaping_anywhere() {
    for row in Kind::ALL.into_iter().flat_map(Kind::documented) {
        for text in [Some(row.plain), row.request].into_iter().flatten() {
            assert!(!text.contains(MARKUP), "{}: {text}", row.value);
            assert!(!text.contains("  ") && text.trim() == text, "{}: {text}", row.value);
        }
        assert!(!row.meaning.contains(['<', '|', '\n']), "{}", row.value);
    }
}

#[test]
fn plain_words_are_a_few_and_tell_statuses_apart() {
    for kind in Kind::ALL {
        let plain: BTreeSet<&str> = kind.documented().iter().map(|row| row.plain).collect();
        assert_eq!(plain.len(), kind.documented().len());
        for words in plain {
            assert!((10..=55).contains(&words.len()) && !words.ends_with('.'), "{words}");
            assert!(!words.starts_with(char::is_uppercase) || words.starts_with("Nectar"), "{words}");
        }
    }
}

#[test]
fn customers_are_asked_where_only_they_can_act() {
    for kind in Kind::ALL {
        for row in kind.documented() {
            let is_theirs = row.category == Category::InterventionNeeded;
            assert_eq!(row.recheck == Recheck::AfterCustomer, is_theirs, "{}", row.value);
            assert_eq!(row.who_acts == Actor::Customer, is_theirs, "{}", row.value);
            assert_eq!(row.request.is_some(), is_theirs, "{}", row.value);
            let Some(request) = row.request else { continue };
            assert!((2..=4).contains(&request.split_inclusive(". ").count()), "{request}");
            for needed in ["Please ", "Reconnect", "reconnect invitation"] {
                assert!(request.contains(needed), "{}: {needed}", row.value);
            }
        }
    }
}

/// As Alertmanager has them, byte for byte: no line's end or space comes along.
#[test]
fn message_template_has_the_words() {
    let documented = Kind::Connection.documented().iter();
    let known = documented.map(|row| (row.value, row.plain.to_owned(), row.request.unwrap_or_default()));
    let others = [
        ("INCORRECT_PASSWORD", "Nectar reports INCORRECT_PASSWORD".to_owned(), ""),
        ("NO_DOCUMENTS_FOUND", "Nectar reports NO_DOCUMENTS_FOUND".to_owned(), ""),
        ("", String::new(), ""),
    ];
    let (mut asked, mut expected) = (String::new(), String::new());
    for (status, plain, request) in known.chain(others) {
        asked.push_str(&format!(
            r#"[{{{{ template "nectar.status.plain" "{status}" }}}}][{{{{ template "nectar.status.request" "{status}" }}}}]"#
        ));
        expected.push_str(&format!("[{plain}][{request}]"));
    }
    for kind in ["text", "html"] {
        let rendered = Command::new("amtool")
            .args(["template", "render", "--template.type", kind, "--template.text", &asked])
            .arg(format!("--template.glob={}", in_checkout("alerts/nectar.tmpl").display()))
            .output()
            .expect("amtool is needed: install Debian's package prometheus-alertmanager");
        assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
        let said = String::from_utf8(rendered.stdout).unwrap();
        assert_eq!(said.strip_suffix('\n').unwrap_or(&said), expected, "{kind}");
    }
}
