//! Exporter: alive, fresh, polite to the API?

use serde_json::{Value, json};

use super::shared;
use crate::board::Board;
use crate::grid::Grid;
use crate::link::To;
use crate::panel::{NO_DATA, Panel, datasource};
use crate::promql::companies::Of;
use crate::promql::{exporter, webhooks};
use crate::style::{ALARM, ATTENTION, NEUTRAL, Unit};
use crate::table::{Column, table};
use crate::variable::{self, Shown};
use crate::view::View;

/// What a table or graph says when it has no data.
const SEE_UP: &str = "No data: see Up";
/// What a graph of the process says when it has no data.
const NO_PROCESS: &str = "No data: the exporter does not answer, or cannot read /proc";
/// What a graph of requests says when there was none.
const NO_REQUEST: &str = "No requests were made, or there is no data: see Up";
/// What a panel about failures says when there is none.
const NO_FAILURE: &str = "Nothing failed, or there is no data: see Up";
/// What a graph of webhook events says when there is none.
const NO_EVENT: &str = "No event came, webhooks are off, or there is no data: see Up";
/// What a graph of refused webhook requests says when there is none.
const NO_REFUSAL: &str = "Nothing was refused, webhooks are off, or there is no data: see Up";

/// The exporter board.
pub fn board() -> Board {
    let grid = Grid::default()
        .heading("Alive?")
        .uneven(
            4,
            [
                (4, up()),
                (4, shared::last_poll()),
                (4, shared::data_age(Of::Fleet)),
                (4, detail()),
                (8, builds()),
            ],
        )
        .heading("Fresh?")
        .row(8, [data_age(), poll_duration(), poll_failures()])
        .heading("Polite to the API?")
        .row(8, [requests(), request_failures()])
        .row(8, [latency(), retries()])
        .heading("Webhooks")
        .uneven(8, [(4, last_event()), (7, events()), (7, refused_events()), (6, reading_delay())])
        .heading("What does it cost?")
        .row(8, [samples(), memory(), cpu(), descriptors()]);
    Board {
        which: To::Exporter,
        description: "Alive, fresh, polite to the API?",
        from: "now-24h",
        variables: vec![variable::data_source(), variable::job(), variable::instance(Shown::Yes)],
        annotations: vec![starts()],
        grid,
    }
}

fn by_instance(title: &str, description: &str, words: Value, expression: String) -> Panel {
    Panel::new(View::Stat, title, description, Unit::Word, NO_DATA)
        .ask("{{instance}}", expression)
        .mapping(words)
}

/// Shows 0 and 1 as words.
fn words(zero: (&str, &str), one: (&str, &str)) -> Value {
    json!({"type": "value", "options": {
        "0": {"text": zero.0, "color": zero.1, "index": 0},
        "1": {"text": one.0, "color": one.1, "index": 1},
    }})
}

fn up() -> Panel {
    let description = "Whether each exporter answered the last scrape. One that served anything within a week is expected to.";
    by_instance("Up", description, words(("Down", ALARM), ("Up", NEUTRAL)), exporter::foreign("up"))
}

fn detail() -> Panel {
    let description = "Whether series per connection and account are withheld since there would be more than --metrics.detail-limit.";
    let words = words(("None withheld", NEUTRAL), ("Withheld", ATTENTION));
    by_instance("Series per object", description, words, exporter::detail_limited())
}

fn builds() -> Panel {
    table(
        "Version",
        "What each exporter was built from.",
        SEE_UP,
        ["Instance"],
        vec![
            Column::hidden("job"),
            Column::label("instance", "Instance"),
            Column::label("version", "Version").width(100),
            Column::label("revision", "Revision").width(130),
            Column::hidden("rustc"),
            Column::rows(exporter::builds()),
        ],
    )
}

fn lines(title: &str, description: &str, unit: Unit) -> Panel {
    Panel::new(View::Lines, title, description, unit, SEE_UP)
}

fn data_age() -> Panel {
    let description = "Time since the last good reading of the company that was not read for longest, against the interval between polls and the age at which \
                       data is withdrawn.";
    lines("Data age against the interval", description, Unit::Seconds)
        .ask("{{instance}}", exporter::data_age_by_instance())
        .ask("poll interval", exporter::poll_interval())
        .ask("withdrawn from", exporter::max_data_age())
}

fn poll_duration() -> Panel {
    let description = "How long polls took, on average, against the interval between their starts.";
    lines("Poll duration", description, Unit::Seconds)
        .ask("{{instance}}", exporter::mean_poll_seconds())
        .ask("poll interval", exporter::poll_interval())
}

fn poll_failures() -> Panel {
    let description = "Polls in each step that could not read every company, by the first cause.";
    Panel::new(View::Columns, "Polls that failed", description, Unit::Count, NO_FAILURE)
        .ask("{{reason}}", exporter::poll_failures())
}

fn requests() -> Panel {
    let description = "Requests to Nectar by the code of their answer; none where there was no answer.";
    let panel = Panel::new(View::Columns, "Requests", description, Unit::PerSecond, NO_REQUEST);
    panel.ask("{{code}}", exporter::requests_by_code())
}

fn request_failures() -> Panel {
    let description = "Requests in each step that gave nothing usable, by reason.";
    Panel::new(View::Columns, "Requests that failed", description, Unit::Count, NO_FAILURE)
        .ask("{{reason}}", exporter::request_failures())
}

fn latency() -> Panel {
    let description = "How long requests took: half of them were faster than the median, 90 % and 99 % than the percentiles.";
    Panel::new(View::Lines, "Latency", description, Unit::Seconds, NO_REQUEST)
        .ask("{{endpoint}}, median", exporter::request_quantile(0.5))
        .ask("{{endpoint}}, 90th percentile", exporter::request_quantile(0.9))
        .ask("{{endpoint}}, 99th percentile", exporter::request_quantile(0.99))
}

fn retries() -> Panel {
    let description = "Requests that were sent again since the first try failed in a way that may pass.";
    lines("Retries", description, Unit::PerSecond).ask("{{endpoint}}", exporter::retries())
}

fn last_event() -> Panel {
    let description = "Time since the last webhook event with a good signature, by exporter. None yet: since its start. Off: it receives no \
                       webhooks, which is no fault.";
    let words = json!({"type": "value", "options": {
        webhooks::NONE_YET.to_string(): {"text": "None yet", "color": NEUTRAL, "index": 0},
        webhooks::OFF.to_string(): {"text": "Off", "color": NEUTRAL, "index": 1},
    }});
    Panel::new(View::Stat, "Since the last event", description, Unit::Seconds, NO_DATA)
        .ask("{{instance}}", webhooks::since_last_event())
        .mapping(words)
}

fn events() -> Panel {
    let description = "Webhook events in each step, by what came of them: a reading of the company, a poll of all, or none.";
    Panel::new(View::Columns, "Events", description, Unit::Count, NO_EVENT)
        .ask("{{outcome}}", webhooks::events())
}

fn refused_events() -> Panel {
    let description = "Webhook requests in each step that were not taken for an event, by why. Anybody can send what is malformed.";
    Panel::new(View::Columns, "Refused requests", description, Unit::Count, NO_REFUSAL)
        .ask("{{outcome}}", webhooks::refused())
}

fn reading_delay() -> Panel {
    let description = "How long it took from an event to the end of the reading of its company that answered it: half of them were faster \
                       than the median, 99 % than the percentile.";
    Panel::new(View::Lines, "From event to reading", description, Unit::Seconds, NO_EVENT)
        .ask("median", webhooks::delay_quantile(0.5))
        .ask("99th percentile", webhooks::delay_quantile(0.99))
}

fn samples() -> Panel {
    let description = "How many series each exporter serves.";
    lines("Series served", description, Unit::Count)
        .ask("{{instance}}", exporter::foreign("scrape_samples_scraped"))
}

fn memory() -> Panel {
    let description = "Resident memory of each exporter.";
    Panel::new(View::Lines, "Memory", description, Unit::Bytes, NO_PROCESS)
        .ask("{{instance}}", exporter::foreign("process_resident_memory_bytes"))
}

fn cpu() -> Panel {
    let description = "Part of one processor core that each exporter uses.";
    Panel::new(View::Lines, "Processor", description, Unit::Share, NO_PROCESS)
        .ask("{{instance}}", exporter::foreign_rate("process_cpu_seconds_total"))
}

fn descriptors() -> Panel {
    let description = "File descriptors that each exporter has open, sockets among them.";
    Panel::new(View::Lines, "Open descriptors", description, Unit::Count, NO_PROCESS)
        .ask("{{instance}}", exporter::foreign("process_open_fds"))
}

/// An annotation for each start of an exporter.
fn starts() -> Value {
    json!({
        "name": "Starts", "datasource": datasource(), "enable": true, "hide": false, "iconColor": "blue",
        "expr": format!("{} * 1000", exporter::started()),
        "useValueForTime": true, "step": "60s", "titleFormat": "Exporter started", "textFormat": "{{instance}}",
        "tagKeys": "job,instance",
    })
}
