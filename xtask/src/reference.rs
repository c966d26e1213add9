//! The reference pages, rendered from the tables in the code: `docs/metrics.md`, `docs/flags.md`, `docs/statuses.md`; and the
//! words about statuses in the message template and in the runbooks.

use std::collections::BTreeSet;
use std::fmt::Write;

use clap::{Arg, ArgAction, Command};
use nectar_exporter::config::flags::{env_var, is_setting};
use nectar_exporter::metrics::metric::{Desc, Group};
use nectar_exporter::metrics::{catalogue, served_without_data};
use nectar_exporter::status::{Documented, Kind};

const NOTE: &str =
    "<!-- Rendered from the code. Do not edit: change the table in the code, then run `make docs`. -->\n";

/// `docs/metrics.md`
pub fn metrics_page() -> String {
    let mut page = format!("{NOTE}\n# Metrics\n\n");
    page.push_str(
        "Values are as of the last good poll of the company that they speak of; with webhooks, an event leads to a poll of one company. No sample carries a time of its own.\n",
    );
    let labels: BTreeSet<&str> = catalogue::all().flat_map(|entry| entry.labels).copied().collect();
    let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
    let _ = write!(
        page,
        "\nA scrape configuration must not set these labels on a target, for Prometheus would rename those of the metrics to \
         `exported_…`: {}.\n",
        labels.join(", ")
    );
    let kept: Vec<String> = served_without_data().iter().map(|name| format!("`{name}`")).collect();
    let of_the_fleet = format!(
        "Absent until the first good poll of this exporter, or of an earlier run with `--storage.path`. Absent for a company whose data is withdrawn, but for {}, the counters and the histogram.",
        kept.join(", ")
    );
    let groups = [
        (Group::Fleet, "The fleet", of_the_fleet.as_str()),
        (
            Group::Connection,
            "Per connection",
            "With `--metrics.detail` `connections` or `accounts`, up to `--metrics.detail-limit` series.",
        ),
        (
            Group::Account,
            "Per account",
            "With `--metrics.detail=accounts`, up to `--metrics.detail-limit` series.",
        ),
        (
            Group::Exporter,
            "The exporter",
            "Present from the first scrape. The `process_*` metrics of Prometheus' client libraries are there too.",
        ),
        (Group::Storage, "What is stored", "Present from the first scrape, with `--storage.path`."),
        (Group::Webhook, "Webhooks", "Present from the first scrape, with `--webhook.listen-address`."),
    ];
    for (group, title, when) in groups {
        let _ = write!(
            page,
            "\n## {title}\n\n{when}\n\n| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n"
        );
        for entry in catalogue::all().filter(|entry| entry.group == group) {
            metric_row(&mut page, entry);
        }
    }
    page
}

fn metric_row(page: &mut String, entry: &Desc) {
    let labels: Vec<String> = entry.labels.iter().map(|label| format!("`{label}`")).collect();
    let Desc { name, kind, unit, help, .. } = entry;
    let (kind, unit, labels) = (kind.word(), unit.word(), labels.join(", "));
    let help = cell(help);
    let _ = writeln!(page, "| `{name}` | {kind} | {unit} | {labels} | {help} |");
}

/// `docs/statuses.md`
pub fn statuses_page() -> String {
    let mut page = format!("{NOTE}\n# Statuses\n\n");
    page.push_str(
        "Every status of Nectar's page \"Connection and account statuses\". \
         A status that is not here is shown under its own name, with `category=\"unknown\"`, and counts as re-checked weekly.\n\n\
         Who acts is what Nectar says for the statuses that need the customer, and for `PENDING`, `UNDER_INVESTIGATION`, `CONNECTED` and \
         `WEBSITE_DOWN`. For the others it is what this project concludes from their meaning.\n",
    );
    for (kind, title) in [(Kind::Connection, "Connections"), (Kind::Account, "Accounts")] {
        let _ = write!(
            page,
            "\n## {title}\n\n| `status` | at Nectar | in plain words | who acts | re-checked | `category` | meaning |\n|---|---|---|---|---|---|---|\n"
        );
        for row in kind.documented() {
            let Documented { value, display, category, recheck, who_acts, plain, meaning, .. } = row;
            let (category, recheck, who_acts) = (category.label(), recheck.display(), who_acts.display());
            let _ = writeln!(
                page,
                "| `{value}` | {display} | {plain} | {who_acts} | {recheck} | `{category}` | {meaning} |"
            );
        }
    }
    page.push_str(
        "\nAn account is not re-checked either while its connection waits for the customer, whatever its own status.\n",
    );
    page.push_str(
        "\n## What the customer is asked to do\n\n\
         To be forwarded as it is. Nectar's own pages: \
         [troubleshooting](https://docs.nectarclimate.com/platform/data-input/troubleshooting), \
         [reconnecting](https://docs.nectarclimate.com/platform/data-input/reconnecting), \
         [multi-factor logins](https://docs.nectarclimate.com/platform/data-input/mfa), \
         [invitations](https://docs.nectarclimate.com/platform/data-input/invitations).\n\n",
    );
    page.push_str(&requests_list());
    page
}

/// What the customer is asked to do, by status, as a Markdown list.
pub fn requests_list() -> String {
    let mut list = String::new();
    for (row, request) in requests() {
        let _ = writeln!(list, "- {} (`{}`): \"{request}\"", row.headline(), row.value);
    }
    list
}

/// The words about connections for Alertmanager's templates: `nectar.status.plain` and `nectar.status.request`, each of a status.
pub fn message_words() -> String {
    let plain = Kind::Connection.documented().iter().map(|row| (row, row.plain));
    // Something to say of a status that is not in the table; but nothing of none.
    let other = "{{- else if . -}}\nNectar reports {{ . }}\n";
    let requests = requests();
    format!(
        "{}\n{}",
        choice("nectar.status.plain", plain, other),
        choice("nectar.status.request", requests, "")
    )
}

/// A template that is one of the texts, or `other`. No space or line's end around it is part of it.
fn choice(
    name: &str,
    texts: impl Iterator<Item = (&'static Documented, &'static str)>,
    other: &str,
) -> String {
    let mut template = format!("{{{{ define \"{name}\" -}}}}\n");
    let mut word = "if";
    for (Documented { value, .. }, text) in texts {
        let _ = write!(template, "{{{{- {word} eq . \"{value}\" -}}}}\n{text}\n");
        word = "else if";
    }
    template + other + "{{- end -}}\n{{- end }}\n"
}

fn requests() -> impl Iterator<Item = (&'static Documented, &'static str)> {
    Kind::Connection.documented().iter().filter_map(|row| Some((row, row.request?)))
}

/// `docs/flags.md`
pub fn flags_page(command: &Command) -> String {
    let mut page = format!("{NOTE}\n# Flags\n\n");
    page.push_str(
        "Every flag has a twin in the environment. A flag on the command line wins. \
         A repeatable flag's twin takes its values separated by commas.\n",
    );
    let _ = write!(page, "\n## `nectar-exporter`\n\n{}", flags_table(command));
    for subcommand in command.get_subcommands() {
        let about = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = write!(page, "\n## `nectar-exporter {}`\n\n{about}.\n\n", subcommand.get_name());
        page.push_str(&flags_table(subcommand));
    }
    page
}

/// The flags of one command, as a table.
pub fn flags_table(command: &Command) -> String {
    let mut table = String::from("| flag | default | variable | meaning |\n|---|---|---|---|\n");
    for arg in command.get_arguments() {
        let shown = arg.get_long().filter(|flag| is_setting(flag) && !arg.is_hide_set());
        let Some(flag) = shown else { continue };
        let default = default_of(arg);
        let meaning = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let meaning = cell(&(meaning + &choices_of(arg)));
        let _ = writeln!(table, "| `--{flag}` | {default} | `{}` | {meaning} |", env_var(flag));
    }
    table
}

fn default_of(arg: &Arg) -> String {
    let values: Vec<_> =
        arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    values.join(", ")
}

fn choices_of(arg: &Arg) -> String {
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return " (a switch: the variable takes `true` or `false`)".to_owned();
    }
    let values: Vec<_> =
        arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
