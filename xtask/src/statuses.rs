//! The statuses that boards name, taken from the exporter's table of statuses, and how they are displayed.
//!
//! A status that is not in the table is a bug in a board: it panics.

use nectar_exporter::status::{Category, Documented, Kind};
use serde_json::{Map, Value, json};

use crate::style;

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

/// Value mappings that show a status in plain words, in its category's colour.
pub fn mappings(kind: Kind) -> Value {
    let options: Map<String, Value> = kind
        .documented()
        .iter()
        .enumerate()
        .map(|(index, row)| {
            let look = json!({"text": row.headline(), "color": style::colour(row.category), "index": index});
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
