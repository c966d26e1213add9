//! The table: what, target, figure, verdict.

use super::lab::Lab;
use super::rows::{Row, Target};

/// A row, measured.
struct Line {
    cells: [String; 5],
    holds: bool,
}

/// All rows, measured.
pub struct Table(Vec<Line>);

const HEAD: [&str; 5] = ["what", "target", "figure", "verdict", "from"];

/// Measures `rows`, one after the other.
pub fn fill(lab: &Lab, rows: &[&Row]) -> Table {
    let lines = rows.iter().enumerate().map(|(done, row)| {
        eprintln!("[{}/{}] {}", done + 1, rows.len(), row.what);
        let (value, from) = (row.figure)(lab);
        let (target, holds) = match row.target {
            Target::AtMost(most) => (format!("at most {most} {}", row.unit), Some(value <= most)),
            Target::ToKnow => (String::new(), None),
        };
        let verdict = holds.map_or("", |holds| if holds { "holds" } else { "MISSED" });
        let figure = format!("{value:.*} {}", usize::from(value < 100.0) * 2, row.unit);
        eprintln!("    {figure} {verdict}: {from}");
        let cells = [row.what.to_owned(), target, figure, verdict.to_owned(), from];
        Line { cells, holds: holds.unwrap_or(true) }
    });
    Table(lines.collect())
}

impl Table {
    /// Whether every target is met.
    pub fn holds(&self) -> bool {
        self.0.iter().all(|line| line.holds)
    }

    /// Prints it in Markdown, to be pasted into a page as it is.
    pub fn print(&self) {
        let rows: Vec<[&str; 5]> = std::iter::once(HEAD)
            .chain(self.0.iter().map(|line| line.cells.each_ref().map(String::as_str)))
            .collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3, 4].map(width);
        for (number, row) in rows.iter().enumerate() {
            let cells: Vec<String> =
                row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            println!("| {} |", cells.join(" | "));
            if number == 0 {
                println!("|{}|", widths.map(|width| "-".repeat(width + 2)).join("|"));
            }
        }
    }
}
