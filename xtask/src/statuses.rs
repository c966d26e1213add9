//! The statuses that boards name, taken from the exporter's table of statuses, and how they are displayed.
//!
//! A status that is not in the table is a bug in a board: it panics.

use nectar_exporter::status::{Actor, Category, Documented, Kind};
use serde_json::{Map, Value, json};

use crate::style::{self, NEUTRAL};

/// The row of a documented status.
pub fn documented(kind: Kind, value: &str) -> &'static Documented {
    let mut rows = kind.documented().iter();
    rows.find(|row| row.value == value)
        .unwrap_or_else(|| unreachable!("no {} has the status {value}", kind.label()))
}

/// `CONNECTED`
pub fn connected() -> &'static str {
    documented(Kind::Connection, "CONNECTED").value
}

/// `COMPANY_INACTIVE`, the status of both connections and accounts of a deactivated company.
pub fn inactive() -> &'static str {
    documented(Kind::Connection, "COMPANY_INACTIVE").value
}

/// The two statuses of connections whose utility's website does not respond.
pub fn down() -> [&'static str; 2] {
    ["WEBSITE_DOWN", "URL_INACCESSIBLE"].map(|value| documented(Kind::Connection, value).value)
}

fn is_calm(category: Category) -> bool {
    matches!(category, Category::Standard | Category::System | Category::Terminal)
}

/// The categories in which nothing is wrong: their large numbers would hide those of the others in a graph.
pub fn calm(kind: Kind) -> Vec<&'static str> {
    kind.categories().iter().filter(|category| is_calm(**category)).map(|category| category.label()).collect()
}

/// Who has to act, and whether something is wrong; the most urgent last, so that the place is the rank. Without an actor, a status that is
/// not documented.
const ACTORS: [(Option<Actor>, bool, &str); 7] = [
    (Some(Actor::Nobody), false, "Nobody"),
    (Some(Actor::Nectar), false, "Nectar"),
    (None, true, "Not known"),
    (Some(Actor::Nectar), true, "Nectar"),
    (Some(Actor::Utility), true, "The utility"),
    (Some(Actor::AsForConnection), true, "See its login"),
    (Some(Actor::Customer), true, "The customer"),
];

/// The statuses of each rank: who has to act. Empty for those that are not documented.
pub fn ranks(kind: Kind) -> impl Iterator<Item = (usize, Vec<&'static str>)> {
    ACTORS.iter().enumerate().filter_map(move |(rank, (actor, is_wrong, _))| {
        let rows = kind.documented().iter();
        let rows = rows.filter(|row| Some(row.who_acts) == *actor && is_calm(row.category) != *is_wrong);
        let statuses: Vec<_> = rows.map(|row| row.value).collect();
        (actor.is_none() || !statuses.is_empty()).then_some((rank, statuses))
    })
}

/// A value mapping that shows a rank as who has to act.
pub fn actors() -> Value {
    let words = ACTORS.iter().enumerate();
    let words: Map<String, Value> = words
        .map(|(rank, (.., text))| (rank.to_string(), json!({"text": text, "color": NEUTRAL, "index": rank})))
        .collect();
    json!([{"type": "value", "options": words}])
}

/// Value mappings that show a status in plain words, with its category's colour behind them.
pub fn mappings(kinds: &[Kind]) -> Value {
    let rows = kinds.iter().flat_map(|kind| kind.documented()).enumerate();
    let options: Map<String, Value> = rows
        .map(|(index, row)| {
            let look = json!({"text": row.headline(), "color": style::behind(row.category), "index": index});
            (row.value.to_owned(), look)
        })
        .collect();
    json!([{"type": "value", "options": options}])
}

/// Overrides for series named after their status: plain words, and a shade of the category's colour.
pub fn series_overrides(kind: Kind) -> Vec<Value> {
    let place = |row: &Documented| {
        let of_category = kind.documented().iter().filter(|other| other.category == row.category);
        of_category.take_while(|other| other.value != row.value).count()
    };
    kind.documented()
        .iter()
        .map(|row| style::series(row.value, &row.headline(), &style::shade(row.category, place(row))))
        .collect()
}

/// Overrides for series named after their category.
pub fn category_overrides(kind: Kind) -> Vec<Value> {
    let look =
        |category: &Category| style::series(category.label(), category.display(), style::colour(*category));
    kind.categories().iter().map(look).collect()
}

/// A page in Markdown: what to ask a customer, and what each status means.
pub fn page() -> String {
    let mut page = String::from("### What to ask the customer\n\n");
    for row in Kind::Connection.documented() {
        if let Some(request) = row.request {
            page.push_str(&format!("**{}**\n\n{request}\n\n", row.headline()));
        }
    }
    for (kind, title) in [(Kind::Connection, "Connections"), (Kind::Account, "Accounts")] {
        page.push_str(&format!(
            "### {title}\n\n| Status | In Nectar's dashboard | Who acts | Meaning | Checked again |\n|---|---|---|---|---|\n"
        ));
        for row in kind.documented() {
            let Documented { display, recheck, who_acts, meaning, .. } = row;
            let (headline, recheck, who_acts) = (row.headline(), recheck.display(), who_acts.display());
            page.push_str(&format!("| {headline} | {display} | {who_acts} | {meaning} | {recheck} |\n"));
        }
        page.push('\n');
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A status without a rank would be missing in every table with this column.
    #[test]
    fn every_status_has_one_rank() {
        for kind in Kind::ALL {
            let ranked: Vec<&str> = ranks(kind).flat_map(|(_, statuses)| statuses).collect();
            for row in kind.documented() {
                assert_eq!(ranked.iter().filter(|status| **status == row.value).count(), 1, "{}", row.value);
            }
        }
    }
}
