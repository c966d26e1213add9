//! The worklist as a page.

use std::sync::Arc;

use askama::Template;
use jiff::SignedDuration;
use url::form_urlencoded::Serializer;

use super::list::{List, Row};
use super::{Choice, Withheld};
use crate::fleet::CompanyState;
use crate::http::landing::{Names, grouped};
use crate::status::{Category, Kind};

/// Nobody works through more at a time, and each takes over a kilobyte.
const MAX_ROWS: usize = 200;

#[derive(Template)]
#[template(path = "worklist.html")]
struct Page<'a> {
    has_overview: bool,
    is_demo: bool,
    /// Why there are no rows.
    empty: Option<&'static str>,
    /// None where nothing can be chosen, because nothing is shown whatever is chosen.
    form: Option<Form<'a>>,
    rows: Vec<Row<'a>>,
    all: usize,
    read: Option<String>,
    notice: Option<Notice<'a>>,
}

/// That some companies are not shown as they are now.
struct Notice<'a> {
    /// How many are missing.
    without_data: usize,
    /// How many are shown as they were earlier.
    outdated: usize,
    /// When the oldest of these was read.
    outdated_read: Option<String>,
    /// Which they are, unless the same is true of all.
    companies: Names<NotCurrent<'a>>,
}

struct NotCurrent<'a> {
    name: &'a str,
    /// When what is shown was read; none if nothing is shown.
    read: Option<String>,
}

struct Form<'a> {
    is_filtered: bool,
    companies: Vec<Selectable<'a>>,
    statuses: Vec<Selectable<'a>>,
    csv: String,
}

/// Something to choose in the form.
struct Selectable<'a> {
    value: &'a str,
    words: String,
    is_chosen: bool,
}

/// The page of `list`, or of the reason why there is none.
///
/// # Errors
/// When the template cannot be written, which no list causes.
pub fn page(
    list: &Result<List, Withheld>,
    choice: &Choice,
    has_overview: bool,
    is_demo: bool,
) -> askama::Result<String> {
    let list = match list {
        Ok(list) => list,
        Err(reason) => {
            let (empty, rows) = (Some(reason.words()), Vec::new());
            return Page { has_overview, is_demo, empty, form: None, rows, all: 0, read: None, notice: None }
                .render();
        }
    };
    let page = Page {
        has_overview,
        is_demo,
        empty: (list.len() == 0).then(|| why_empty(list, choice)),
        form: Some(form(list, choice)),
        rows: list.rows(0).take(MAX_ROWS).collect(),
        all: list.len(),
        read: read_ago(list, list.read.iter()),
        notice: notice(list),
    };
    page.render()
}

fn notice(list: &List) -> Option<Notice<'_>> {
    let (without_data, outdated) = (list.without_data.len(), list.outdated().count());
    let all = without_data + list.read.len();
    let not_current = list.without_data.iter().chain(list.outdated());
    let named = not_current.filter(|_| without_data != all && outdated != all);
    let companies =
        Names::of(named.map(|state| NotCurrent {
            name: &state.company.name,
            read: read_ago(list, std::iter::once(state)),
        }));
    (without_data + outdated > 0).then(|| Notice {
        // Where nothing was read, that is why there are no rows, and need not be said twice.
        without_data: if list.read.is_empty() { 0 } else { without_data },
        outdated,
        outdated_read: read_ago(list, list.outdated()),
        companies,
    })
}

fn why_empty(list: &List, choice: &Choice) -> &'static str {
    let was_read = list.without_data.iter().any(|state| state.stored.is_some());
    match (list.read.is_empty(), list.without_data.is_empty()) {
        _ if list.has_no_company() => {
            "Nectar lists no company for this exporter, so no login can be shown. If there should be some, please tell \
             whoever runs it."
        }
        (true, false) if was_read => {
            "There is no current data: the last reading is too old to be shown, so it is not known who has to act."
        }
        (true, false) => "There is no data yet: nothing could be read so far.",
        _ if choice.is_filtered() => "No login that somebody must act on fits what you chose.",
        (_, true) if list.outdated().next().is_none() => "Nobody has to act.",
        _ => "Nobody has to act, as far as is known.",
    }
}

fn form<'a>(list: &'a List, choice: &'a Choice) -> Form<'a> {
    let companies = list.companies.iter().map(|(id, name)| (&**id, name.to_string()));
    let mut companies = selectable(companies, choice.company.as_deref(), |id| {
        list.name(id).unwrap_or("A company that is not listed").to_owned()
    });
    companies.sort_by_cached_key(|company| company.words.to_lowercase());
    let documented = Kind::Connection.documented().iter();
    let documented = documented.filter(|row| row.category == Category::InterventionNeeded);
    let statuses = documented.map(|row| (row.value, row.headline()));
    let unknown = list.statuses.iter().filter(|(label, _)| !is_documented(label));
    let statuses = statuses.chain(unknown.map(|(label, words)| (&**label, words.clone())));
    let statuses =
        selectable(statuses, choice.status.as_deref(), |_| "Something that is not listed".to_owned());
    Form { is_filtered: choice.is_filtered(), companies, statuses, csv: csv_link(choice) }
}

fn is_documented(label: &str) -> bool {
    Kind::Connection.documented().iter().any(|row| row.value == label)
}

/// What is offered, and the chosen one in any case, so that the form says what is shown.
fn selectable<'a>(
    offered: impl Iterator<Item = (&'a str, String)>,
    chosen: Option<&'a str>,
    words: impl Fn(&str) -> String,
) -> Vec<Selectable<'a>> {
    let offered = offered.map(|(value, words)| Selectable { value, words, is_chosen: chosen == Some(value) });
    let mut offered: Vec<_> = offered.collect();
    if let Some(value) = chosen
        && !offered.iter().any(|one| one.is_chosen)
    {
        offered.push(Selectable { value, words: words(value), is_chosen: true });
    }
    offered
}

fn csv_link(choice: &Choice) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("format", "csv");
    for (name, chosen) in [("company", &choice.company), ("status", &choice.status)] {
        if let Some(chosen) = chosen {
            query.append_pair(name, chosen);
        }
    }
    format!("./worklist?{}", query.finish())
}

/// How long ago what is shown of these companies was read; of several, the oldest. None where nothing is shown.
fn read_ago<'a>(list: &List, companies: impl Iterator<Item = &'a Arc<CompanyState>>) -> Option<String> {
    let begun = companies.filter_map(|state| Some(list.served(state)?.snapshot.begun_wall));
    Some(ago(list.now.duration_since(begun.min()?)))
}

/// "3 minutes ago", in the largest unit.
fn ago(age: SignedDuration) -> String {
    let minutes = age.as_secs().max(0) / 60;
    match minutes {
        0 => "less than a minute ago".to_owned(),
        1..60 => format!("{} ago", counted(minutes, "minute")),
        60..1440 => format!("{} ago", counted(minutes / 60, "hour")),
        _ => format!("{} ago", counted(minutes / 1440, "day")),
    }
}

/// "12 days"
fn waited(days: Option<i64>) -> String {
    match days {
        None => "not known".to_owned(),
        Some(0) => "less than a day".to_owned(),
        Some(days) => counted(days, "day"),
    }
}

/// "1 day", "2 days"
fn counted(number: i64, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_in_days() {
        for (days, words) in [
            (None, "not known"),
            (Some(0), "less than a day"),
            (Some(1), "1 day"),
            (Some(2), "2 days"),
            (Some(400), "400 days"),
        ] {
            assert_eq!(waited(days), words, "{days:?}");
        }
    }

    #[test]
    fn ages_in_words() {
        for (seconds, words) in [
            (-5, "less than a minute ago"),
            (59, "less than a minute ago"),
            (60, "1 minute ago"),
            (3_599, "59 minutes ago"),
            (3_600, "1 hour ago"),
            (86_399, "23 hours ago"),
            (86_400, "1 day ago"),
            (200_000, "2 days ago"),
        ] {
            assert_eq!(ago(SignedDuration::from_secs(seconds)), words, "{seconds}");
        }
    }
}
