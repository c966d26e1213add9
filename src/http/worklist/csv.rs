//! The worklist for a spreadsheet, written as fast as its client takes it.
//!
//! Source of the form: RFC 4180.

use std::convert::Infallible;

use super::list::{List, Row};
use crate::model::Company;

/// Without it, Excel takes the text for some other encoding than UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The first line, in the order of [`write_login`].
const HEADER: [&str; 8] = [
    "Company",
    "Customer number",
    "Utility",
    "What is the matter",
    "Waiting since",
    "Waiting for (days)",
    "Open in Nectar",
    "Text to forward to the customer",
];

/// What stands in place of the logins of a company that cannot be shown.
const NO_DATA: &str = "Unknown: there is no current data of this company";

/// What stands after them for a company that is shown as it was earlier, and then when that was.
const OUTDATED: &str =
    "May be out of date: this company could not be read at the last attempt; its logins are as of";

/// A spreadsheet takes a cell that begins with one of these for a formula, some of them only in East Asian locales.
const FORMULA_SIGNS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// So many lines are written at a time: some 80 kB.
const LINES_PER_PIECE: usize = 100;

/// The lines, in pieces: the header, a line for each login, then one for each company without current data.
#[derive(Debug)]
pub struct Csv {
    list: List,
    /// How many logins were written.
    written: usize,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Header,
    Logins,
    NotCurrent,
    End,
}

impl Csv {
    /// `list` as CSV.
    pub fn new(list: List) -> Self {
        Self { list, written: 0, stage: Stage::Header }
    }
}

impl Iterator for Csv {
    type Item = Result<String, Infallible>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut piece = String::new();
        match self.stage {
            Stage::Header => {
                piece.push_str(BYTE_ORDER_MARK);
                write_line(&mut piece, HEADER);
                self.stage = Stage::Logins;
            }
            Stage::Logins => {
                for row in self.list.rows(self.written).take(LINES_PER_PIECE) {
                    write_login(&mut piece, &row);
                }
                self.written += LINES_PER_PIECE;
                if self.written >= self.list.len() {
                    self.stage = Stage::NotCurrent;
                }
            }
            Stage::NotCurrent => {
                for state in self.list.without_data.iter().chain(self.list.outdated()) {
                    let matter = self.list.served(state).map_or(NO_DATA.to_owned(), |stored| {
                        format!("{OUTDATED} {}", stored.snapshot.begun_wall.strftime("%Y-%m-%d %H:%M UTC"))
                    });
                    let Company { name, external_id, .. } = &state.company;
                    write_line(&mut piece, [name, external_id, "", &matter, "", "", "", ""]);
                }
                self.stage = Stage::End;
            }
            Stage::End => return None,
        }
        Some(Ok(piece))
    }
}

fn write_login(piece: &mut String, row: &Row<'_>) {
    let days = row.days.map(|days| days.to_string()).unwrap_or_default();
    let [since, text] = [&row.since, &row.text].map(|cell| cell.as_deref().unwrap_or_default());
    write_line(piece, [row.company, row.number, row.utility, &row.matter, since, &days, &row.link, text]);
}

fn write_line(piece: &mut String, cells: [&str; 8]) {
    for (number, cell) in cells.into_iter().enumerate() {
        if number > 0 {
            piece.push(',');
        }
        write_cell(piece, cell);
    }
    piece.push_str("\r\n");
}

/// In quotes, which is always allowed. What a spreadsheet would take for a formula begins with a quote of the other kind, which makes it
/// text.
fn write_cell(piece: &mut String, text: &str) {
    // Spreadsheets differ in which blanks they pass over, and some of them count as signs.
    let is_formula =
        [text.trim_start_matches(' '), text.trim_start()].iter().any(|text| text.starts_with(FORMULA_SIGNS));
    piece.push_str(if is_formula { "\"'" } else { "\"" });
    for (number, part) in text.split('"').enumerate() {
        if number > 0 {
            piece.push_str("\"\"");
        }
        piece.push_str(part);
    }
    piece.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        for (text, expected) in [
            ("", r#""""#),
            ("Elm Gas", r#""Elm Gas""#),
            ("a, b", r#""a, b""#),
            (r#"The "Elm" Ltd"#, r#""The ""Elm"" Ltd""#),
            ("two\nlines", "\"two\nlines\""),
            ("=HYPERLINK(1)", r#""'=HYPERLINK(1)""#),
            (r#"="a""#, r#""'=""a""""#),
            ("+1", r#""'+1""#),
            ("-1", r#""'-1""#),
            ("@SUM(1)", r#""'@SUM(1)""#),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("\n=1", "\"'\n=1\""),
            ("  =1", r#""'  =1""#),
            ("\u{2028}=1", "\"'\u{2028}=1\""),
            ("＝1", r#""'＝1""#),
            ("1+1=2", r#""1+1=2""#),
            ("Müller", r#""Müller""#),
        ] {
            let mut cell = String::new();
            write_cell(&mut cell, text);
            assert_eq!(cell, expected, "{text:?}");
        }
    }
}
