//! The statuses that boards name, looked up in the exporter's own table, and what they look like.
//!
//! A status that the table does not have stops the generator.

use nectar_exporter::status::{Category, Documented, Kind};
use serde_json::{Map, Value, json};

use crate::look;

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

/// `COMPANY_INACTIVE`, the same word for connections and accounts.
pub fn inactive() -> &'static str {
    documented(Kind::Connection, "COMPANY_INACTIVE").value
}

/// The two statuses that say that a utility's website does not answer.
pub fn down() -> [&'static str; 2] {
    ["WEBSITE_DOWN", "URL_INACCESSIBLE"].map(|value| documented(Kind::Connection, value).value)
}

/// Value mappings: a status in plain words, in its category's colour.
pub fn mappings(kind: Kind) -> Value {
    let options: Map<String, Value> = kind
        .documented()
        .iter()
        .enumerate()
        .map(|(index, row)| {
            let look = json!({"text": row.headline(), "color": look::colour(row.category), "index": index});
            (row.value.to_owned(), look)
        })
        .collect();
    json!([{"type": "value", "options": options}])
}

/// Overrides for series that are named by their status: plain words, and a shade of its category's colour.
pub fn series_overrides(kind: Kind) -> Vec<Value> {
    let place = |row: &Documented| {
        let of_category = kind.documented().iter().filter(|other| other.category == row.category);
        of_category.take_while(|other| other.value != row.value).count()
    };
    kind.documented()
        .iter()
        .map(|row| look::series(row.value, &row.headline(), &look::shade(row.category, place(row))))
        .collect()
}

/// Overrides for series that are named by their category.
pub fn category_overrides(kind: Kind) -> Vec<Value> {
    let look =
        |category: &Category| look::series(category.label(), category.display(), look::colour(*category));
    kind.categories().iter().map(look).collect()
}

/// What to ask a customer, and what each status means, as a page for people.
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
