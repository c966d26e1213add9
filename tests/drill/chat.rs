//! Compares the text that people read with the labels of the same message: the same logins under the same headings. Only the marks of
//! the text (headings, points, links) count here, not its wording.

use std::collections::BTreeMap;

use crate::nectar::Nectar;
use crate::receiver::{Chat, Message};
use crate::told::{Saying, told};

/// The channel of customer care.
const CHANNEL: &str = "#nectar-customers";
const HEADINGS: [(&str, Saying); 3] =
    [("New:", Saying::New), ("Still waiting:", Saying::Standing), ("Over:", Saying::Over)];

/// A line under a heading: the utility, and the login that its link leads to.
type Point = (Saying, String, Option<usize>);

/// Messages whose text says something else than their labels.
pub fn differences(nectar: &Nectar, messages: &[Message], chats: &[Chat], has_detail: bool) -> Vec<String> {
    let mut labelled: BTreeMap<usize, Vec<Point>> = BTreeMap::new();
    let mut by_company: BTreeMap<usize, Vec<Vec<Point>>> = BTreeMap::new();
    let told = told(nectar, messages);
    for line in told.iter().filter(|line| line.is_for_them) {
        let utility = line.login.map(|login| nectar.logins[login].utility.clone()).unwrap_or_default();
        // A login that was removed has no link.
        let login = line.login.filter(|_| line.saying != Saying::Over || line.became.is_some());
        labelled.entry(line.message).or_default().push((line.saying, utility, login));
        by_company.entry(line.company).or_default();
    }
    for (message, mut points) in labelled {
        let company = told.iter().find(|line| line.message == message).map_or(0, |line| line.company);
        points.sort();
        by_company.entry(company).or_default().push(points);
    }
    let mut read: BTreeMap<usize, Vec<Vec<Point>>> = BTreeMap::new();
    for chat in chats.iter().filter(|chat| chat.channel == CHANNEL) {
        let company =
            nectar.companies.iter().position(|company| chat.text.starts_with(&format!("{}: ", company.name)));
        read.entry(company.unwrap_or(usize::MAX)).or_default().push(points(nectar, &chat.text, has_detail));
    }
    let mut different = Vec::new();
    for company in by_company.keys().chain(read.keys()) {
        let [mut one, mut other] =
            [&by_company, &read].map(|map| map.get(company).cloned().unwrap_or_default());
        // Messages about one company may arrive at the same moment, in any order.
        one.sort();
        other.sort();
        if one != other {
            different.push(format!("company {company}: as labels {one:?}, as text {other:?}"));
        }
    }
    different.dedup();
    different
}

fn points(nectar: &Nectar, text: &str, has_detail: bool) -> Vec<Point> {
    let mut saying = None;
    let mut points = Vec::new();
    for line in text.lines().map(|line| line.trim_matches(['*', ' '])) {
        if line.ends_with(':') && !line.starts_with('•') {
            saying = HEADINGS.iter().find(|(heading, _)| *heading == line).map(|(_, saying)| *saying);
        }
        let Some((saying, point)) = saying.zip(line.strip_prefix("• ")) else { continue };
        let utility = point.split_once(": ").map_or(point, |(utility, _)| utility);
        let login =
            nectar.logins.iter().position(|login| point.contains(&format!("/connections/{}", login.id)));
        points.push((saying, if has_detail { utility.to_owned() } else { String::new() }, login));
    }
    points.sort();
    points
}
