//! Each rule finds what it is for: a board is damaged in one place, and the rule that covers it must report that.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use xtask::link::To;

use crate::rules::RULES;

/// A damage: the rule that must find it, what its finding must contain, the board, and which text is replaced by which.
type Damage = (&'static str, &'static str, To, &'static str, &'static str);

use To::{Company, Exporter, Overview, Provider, Worklist};

const SCOPE: &str = r#"job=~\"$job\", instance=~\"$instance\""#;

#[rustfmt::skip]
const DAMAGES: &[Damage] = &[
    ("file", "editable", Overview, r#""editable":false"#, r#""editable":true"#),
    ("file", "schema version", Overview, r#""schemaVersion":42"#, r#""schemaVersion":39"#),
    ("file", "no uid", Overview, r#""uid":"nectar-overview""#, r#""uid":"""#),
    ("file", "has an id", Overview, r#""editable":false"#, r#""editable":false,"id":7"#),
    ("file", "__inputs", Overview, r#""editable":false"#, r#""editable":false,"__inputs":[]"#),
    ("panels say what they show", "no unit", Overview, r#""unit":"percentunit""#, r#""unit":"""#),
    ("panels say what they show", "no text for no data", Provider, r#""noValue":"No data, or series per connection are not served""#, r#""noValue":"""#),
    ("panels say what they show", "no title", Overview, r#""title":"Connections""#, r#""title":" ""#),
    ("panels say what they show", "no description", Company, r#""description":"What to ask can be forwarded to the customer as it is. From Nectar's pages on statuses and on reconnecting.""#, r#""description":"""#),
    ("panels say what they show", "two queries of one name", Overview, r#""refId":"B""#, r#""refId":"A""#),
    ("panels say what they show", "chosen data source", Exporter, r#"},"description":"Resident memory of"#, r#","x":1},"description":"Resident memory of"#),
    ("ids are unique", "occurs twice", Overview, r#""id":3,"#, r#""id":4,"#),
    ("no panels overlap", "overlaps", Overview, r#""x":12,"y":1}"#, r#""x":11,"y":1}"#),
    ("no panels overlap", "over the edge", Overview, r#""gridPos":{"h":12,"w":24,"x":0"#, r#""gridPos":{"h":12,"w":24,"x":1"#),
    ("variables are complete", "no variable instance", Overview, r#""name":"instance""#, r#""name":"host""#),
    ("variables are complete", "not called Job", Overview, r#""label":"Job""#, r#""label":"Jobs""#),
    ("variables are complete", "not of the kind query", Overview, r#""type":"query""#, r#""type":"textbox""#),
    ("variables are complete", "time range", Worklist, r#""refresh":2"#, r#""refresh":1"#),
    ("variables are complete", "another word for all", Worklist, r#""allValue":".+""#, r#""allValue":".*""#),
    ("variables are complete", "not well-formed", Worklist, "(?<value>", "(?<id>"),
    ("variables are complete", "not well-formed", Worklist, "}, datasource)\",\"refId", "} datasource)\",\"refId"),
    ("every query parses", "Connections A", Overview, "\"expr\":\"sum(max by (company_id, status) (nectar_connections{job=~", "\"expr\":\"sum(max by (company_id, status) nectar_connections{job=~"),
    ("every query parses", "no variable provider", Provider, r#""name":"provider""#, r#""name":"utility""#),
    ("every selector keeps to job and instance", "chosen instance", Company, r#", instance=~\"$instance\", company_id="#, r#", company_id="#),
    ("every selector keeps to job and instance", "chosen job", Exporter, r#"process_open_fds{job=~\"$job\", "#, "process_open_fds{"),
    ("rates are over the rate interval", "range of its own", Exporter, "[$__rate_interval]", "[5m]"),
    ("counters are inside rate or increase", "nectar_api_request_retries_total", Exporter, "rate(nectar_api_request_retries_total{job=~\\\"$job\\\", instance=~\\\"$instance\\\"}[$__rate_interval])", "nectar_api_request_retries_total{job=~\\\"$job\\\", instance=~\\\"$instance\\\"}"),
    ("counters are inside rate or increase", "nectar_exporter_poll_interval_seconds", Exporter, "max(nectar_exporter_poll_interval_seconds{job=~\\\"$job\\\", instance=~\\\"$instance\\\"})", "max(rate(nectar_exporter_poll_interval_seconds{job=~\\\"$job\\\", instance=~\\\"$instance\\\"}[$__rate_interval]))"),
    ("no zero out of nothing", "out of nothing", Overview, "or 0 * max(nectar_connections{job=~\\\"$job\\\", instance=~\\\"$instance\\\"})", "or vector(0)"),
    ("metrics are known", "nectar_connection is no metric", Overview, "(nectar_connections{", "(nectar_connection{"),
    ("metrics are known", "is no metric", Exporter, "nectar_api_request_duration_seconds_bucket", "nectar_api_request_duration_bucket"),
    ("labels of matchers are known", "has no label state", Overview, r#"status=\"CONNECTED\""#, r#"state=\"CONNECTED\""#),
    ("literals are known", "CONECTED", Overview, r#"status=\"CONNECTED\""#, r#"status=\"CONECTED\""#),
    ("literals are known", "WEBSITE_GONE", Overview, "WEBSITE_DOWN|URL_INACCESSIBLE", "WEBSITE_GONE|URL_INACCESSIBLE"),
    ("literals are known", "needs_intervention", Overview, r#"category=\"intervention_needed\""#, r#"category=\"needs_intervention\""#),
    ("literals are known", "website_issue", Overview, r#"category=\"error\""#, r#"category=\"website_issue\""#),
    ("literals are known", "bad_sign", Exporter, "bad_signature", "bad_sign"),
    ("labels add up", "grouped by provider", Overview, "count by (datasource)", "count by (provider)"),
    ("labels add up", "joined on connection_id", Overview, "* on (company_id) group_left (company)", "* on (company_id, connection_id) group_left (company)"),
    ("labels add up", "what can be several", Overview, "(group by (company_id, company) (topk by (company_id) (1, ", "(group by (company_id, company) (topk by (company_id) (2, "),
    ("labels add up", "what can be several", Company, "topk by (company_id, connection_id) (1, ", "topk by (company_id) (1, "),
    ("labels add up", "can never match", Exporter, "sum by (job, instance) (rate(nectar_exporter_poll_duration_seconds_count", "sum by (job) (rate(nectar_exporter_poll_duration_seconds_count"),
    ("legends have their labels", "no label kategory", Overview, "{{category}}", "{{kategory}}"),
    ("legends have their labels", "no label jobs", Overview, "nectar_exporter_build_info, job)\",\"refId", "nectar_exporter_build_info, jobs)\",\"refId"),
    ("replicas do not double", "double nectar_connections", Overview, "sum(max by (company_id, status) (nectar_connections{", "sum(sum by (company_id, status) (nectar_connections{"),
    ("replicas do not double", "double nectar_connections", Overview, "sum by (category) (max by (company_id, status, category) (nectar_connections{", "sum by (category) (max by (status, category) (nectar_connections{"),
    ("replicas do not double", "not aggregated", Overview, "max by (company_id) (nectar_company_last_success_timestamp_seconds{job=~\\\"$job\\\", instance=~\\\"$instance\\\"})", "nectar_company_last_success_timestamp_seconds{job=~\\\"$job\\\", instance=~\\\"$instance\\\"}"),
    ("columns exist", "not arranged", Overview, r#""company":1,"#, r#""firm":1,"#),
    ("columns exist", "dressed and not there", Overview, r#"{"id":"byName","options":"company"}"#, r#"{"id":"byName","options":"firm"}"#),
    ("columns exist", "a link needs the column id", Worklist, "${__data.fields.company_id:", "${__data.fields.id:"),
    ("columns exist", "to sort by", Overview, r#""sortBy":[{"desc":true,"displayName":"Waiting for"}]"#, r#""sortBy":[{"desc":true,"displayName":"Age"}]"#),
    ("empty cells are empty", "Firing alerts by name", Overview, r#"{"id":"byRegexp","options":"/.*/"}"#, r#"{"id":"byName","options":"company"}"#),
    ("no data is red", "Data age", Overview, r##""color":"#C4162A","index":0,"text":"No data""##, r#""color":"transparent","index":0,"text":"No data""#),
    ("no data is red", "Up", Exporter, "null+nan", "nan"),
    ("no data is admitted", "Utilities by share down", Overview, "Nothing was checked lately, or there is no data: see the data age", "Nothing was checked lately, or series per connection are not served"),
    ("numbers are whole", "Companies unread", Overview, r#""unit":"locale""#, r#""unit":"short""#),
    ("severity is a rank", "the text of status", Company, r#""sortBy":[{"desc":true,"displayName":"Who acts"}"#, r#""sortBy":[{"desc":true,"displayName":"Status"}"#),
    ("nothing is picked over time", "at each moment", Provider, "\"sum by (category) (", "\"topk by (category) (9, "),
    ("no zeros on top", "Polls that failed", Exporter, "[$__rate_interval])) > 0\"", "[$__rate_interval]))\""),
    ("headings fit", "Severity is cut", Overview, r#"{"id":"custom.width","value":110}"#, r#"{"id":"custom.width","value":90}"#),
    ("headings fit", "wide, and has", Company, r#"{"id":"custom.width","value":310}"#, r#"{"id":"custom.width","value":510}"#),
    ("titles fit", "is cut", Overview, r#""title":"Suspected outages""#, r#""title":"Utilities that are suspected down""#),
    ("rates span a poll", "Poll duration", Exporter, r#""interval":"30m""#, r#""interval":"5m""#),
    ("links lead somewhere", "leads nowhere", Overview, "/d/nectar-company?", "/d/nectar-customer?"),
    ("links lead somewhere", "leads nowhere", Overview, r#""url":"/d/nectar-worklist""#, r#""url":"/d/nectar-todo""#),
    ("links lead somewhere", "loses the time", Overview, "&${__url_time_range}", ""),
    ("links lead somewhere", "loses the data source", Overview, "${job:queryparam}&", ""),
    ("links lead somewhere", "sets firm", Overview, "&var-company=", "&var-firm="),
    ("links lead somewhere", "keeps utility", Worklist, "${provider:queryparam}", "${utility:queryparam}"),
];

fn board(which: To) -> Value {
    xtask::boards::all().into_iter().find(|(board, _)| *board == which).unwrap().1
}

#[test]
fn every_damage_is_found_by_its_rule() {
    let mut missed = Vec::new();
    for (name, says, which, from, to) in DAMAGES {
        let whole = board(*which).to_string();
        let damaged = whole.replacen(from, to, 1);
        if whole == damaged {
            missed.push(format!("{name}: {from} is not there to be damaged"));
            continue;
        }
        let Ok(damaged) = serde_json::from_str(&damaged) else {
            missed.push(format!("{name}: {to} is no JSON"));
            continue;
        };
        let (_, rule) = RULES.iter().find(|(rule, _)| rule == name).unwrap();
        let findings = rule(&damaged);
        if !findings.iter().any(|finding| finding.contains(says)) {
            missed.push(format!("{name}: {from} -> {to}: {findings:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_rule_is_tried() {
    let tried: BTreeSet<_> = DAMAGES.iter().map(|(name, ..)| *name).collect();
    let rules: BTreeSet<_> = RULES.iter().map(|(name, _)| *name).collect();
    assert_eq!(tried, rules);
}

/// Removes something from every panel in turn: the rules skip no kind of panel.
#[test]
fn no_panel_is_skipped() {
    for which in To::ALL {
        let whole = board(which);
        for index in 0..whole["panels"].as_array().unwrap().len() {
            for pointer in [
                "title",
                "description",
                "datasource",
                "fieldConfig/defaults/unit",
                "fieldConfig/defaults/noValue",
                "targets/0/expr",
            ] {
                let mut damaged = whole.clone();
                let Some(place) = damaged.pointer_mut(&format!("/panels/{index}/{pointer}")) else {
                    continue;
                };
                *place = json!("");
                let says = format!("panel {} ", whole["panels"][index]["id"]);
                let found =
                    crate::structure::panels(&damaged).iter().any(|finding| finding.starts_with(&says));
                assert!(found, "{}: {says}without {pointer} goes unnoticed", which.uid());
            }
        }
    }
}

/// Removes the scope from every selector of every query in turn: the rules skip no query.
#[test]
fn no_query_is_skipped() {
    for which in To::ALL {
        let whole = board(which).to_string();
        let written = xtask::queries::written(&board(which));
        let places: Vec<usize> = whole.match_indices(SCOPE).map(|(place, _)| place).collect();
        assert!(places.len() > 5);
        for place in places {
            let damaged =
                format!("{}{}", &whole[..place], whole[place..].replacen(SCOPE, r#"job=~\"$job\""#, 1));
            let damaged = serde_json::from_str(&damaged).unwrap();
            // The displayed definition of a variable is a copy of its query.
            let same = xtask::queries::written(&damaged) == written;
            let findings = crate::language::scoped(&damaged);
            assert!(same || !findings.is_empty(), "{}: at {place}", which.uid());
        }
    }
}
