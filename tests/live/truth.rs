//! What boards must show, counted from what the simulated Nectar sends.

use std::collections::BTreeSet;

use nectar_exporter::status::Category;

use crate::fleet::{Login, Standing};
use crate::tally::{Truth, age, float, largest, number, rows, share, tally};
use crate::trend::Change;

/// A board as somebody sees it, with values chosen for its variables.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Connections of the chosen companies, or of all.
    pub of_companies: Vec<&'a Login>,
    /// Those of them at the chosen utilities, or at all utilities.
    pub logins: Vec<&'a Login>,
    /// The chosen connection.
    pub one: &'a Login,
    /// All changes of status since the start.
    pub changes: &'a [Change],
    /// Unix seconds.
    pub now: f64,
}

const DAY: f64 = 86_400.0;
const DOWN: [&str; 2] = ["WEBSITE_DOWN", "URL_INACCESSIBLE"];

fn only<'a>(logins: &[&'a Login], keep: impl Fn(&Login) -> bool) -> Vec<&'a Login> {
    logins.iter().copied().filter(|login| keep(login)).collect()
}

pub fn connections<'a>(seen: &Seen<'a>) -> Vec<&'a Standing> {
    seen.of_companies.iter().map(|login| &login.standing).collect()
}

pub fn accounts<'a>(seen: &Seen<'a>) -> Vec<&'a Standing> {
    seen.of_companies.iter().flat_map(|login| &login.accounts).collect()
}

fn needs_customer(login: &Login) -> bool {
    login.standing.is_in(Category::InterventionNeeded)
}

/// A deactivated company counts as no trouble.
fn is_active(login: &Login) -> bool {
    !login.standing.is(&["COMPANY_INACTIVE"])
}

pub fn waiting(seen: &Seen<'_>) -> Truth {
    number(only(&seen.of_companies, needs_customer).len())
}

pub fn waiting_logins<'a>(seen: &Seen<'a>) -> Vec<&'a Login> {
    only(&seen.logins, needs_customer)
}

pub fn website_issues(seen: &Seen<'_>) -> Truth {
    number(only(&seen.of_companies, |login| login.standing.is_in(Category::WebsiteIssue)).len())
}

pub fn accounts_in_error(seen: &Seen<'_>) -> Truth {
    number(accounts(seen).iter().filter(|account| account.is_in(Category::Error)).count())
}

pub fn share_connected(seen: &Seen<'_>) -> Truth {
    let connected = only(&seen.of_companies, |login| login.standing.is(&["CONNECTED"]));
    let all = only(&seen.of_companies, is_active);
    rows(&[], [(vec![], float(connected.len()) / float(all.len()))])
}

pub fn customers(seen: &Seen<'_>) -> Truth {
    let waiting = only(&seen.of_companies, needs_customer);
    number(waiting.iter().map(|login| &login.company_id).collect::<BTreeSet<_>>().len())
}

fn is_overdue(login: &Login, now: f64) -> bool {
    is_active(login) && login.due().is_some_and(|due| due < now)
}

pub fn overdue(seen: &Seen<'_>) -> Truth {
    number(only(&seen.of_companies, |login| is_overdue(login, seen.now)).len())
}

fn status(standing: &Standing) -> String {
    standing.status.word().to_owned()
}

pub fn waiting_by_company(seen: &Seen<'_>) -> Truth {
    let waiting = only(&seen.of_companies, needs_customer);
    let key = |login: &&Login| vec![login.company_id.clone(), login.company.clone(), status(&login.standing)];
    tally(&["company_id", "company", "status"], waiting.iter().map(key))
}

pub fn wait_by_company(seen: &Seen<'_>) -> Truth {
    let waiting = only(&seen.of_companies, needs_customer);
    let key = |login: &Login| vec![login.company_id.clone(), status(&login.standing)];
    let wait = |login: &&Login| login.standing.first_seen.map(|since| (key(login), seen.now - since));
    largest(&["company_id", "status"], waiting.iter().filter_map(wait)).of_days()
}

pub fn longest_wait(seen: &Seen<'_>) -> Truth {
    let longest = wait_by_company(seen).rows.into_values().fold(0.0, f64::max);
    age(longest * DAY).of_days()
}

pub fn forgotten(seen: &Seen<'_>) -> Truth {
    let is_long =
        |login: &Login| login.standing.first_seen.is_some_and(|since| seen.now - since > 14.0 * DAY);
    let logins = only(&seen.of_companies, |login| needs_customer(login) && is_long(login));
    number(logins.iter().map(|login| &login.company_id).collect::<BTreeSet<_>>().len())
}

pub fn by_status(standings: Vec<&Standing>) -> Truth {
    tally(&["status"], standings.into_iter().map(|standing| vec![status(standing)]))
}

pub fn longest(seen: &Seen<'_>, standings: &[&Standing]) -> Truth {
    let age =
        |standing: &&Standing| standing.first_seen.map(|since| (vec![status(standing)], seen.now - since));
    largest(&["status"], standings.iter().filter_map(age)).of_days()
}

/// Only headings under which something is wrong.
pub fn troubled_by_category(standings: &[&Standing]) -> Truth {
    let calm = [Category::Standard, Category::System, Category::Terminal];
    let troubled = standings.iter().filter(|standing| !calm.contains(&standing.status.category()));
    tally(&["category"], troubled.map(|standing| vec![category(standing.status.category())]))
}

fn category(category: Category) -> String {
    category.label().to_owned()
}

/// Which connections there are.
pub fn names(logins: &[&Login]) -> Truth {
    let key = |login: &&Login| {
        let Login { company_id, utility, country, standing, .. } = *login;
        vec![company_id.clone(), standing.id.clone(), status(standing), utility.clone(), country.clone()]
    };
    tally(&["company_id", "connection_id", "status", "datasource", "country"], logins.iter().map(key))
}

pub fn names_with_company(logins: &[&Login]) -> Truth {
    let key = |login: &&Login| {
        let Login { company, utility, country, standing, .. } = *login;
        vec![company.clone(), standing.id.clone(), status(standing), utility.clone(), country.clone()]
    };
    tally(&["company", "connection_id", "status", "datasource", "country"], logins.iter().map(key))
}

/// A number for each connection that has one.
fn each(logins: &[&Login], value: impl Fn(&Login) -> Option<f64>) -> Truth {
    let key = |login: &Login| vec![login.company_id.clone(), login.standing.id.clone()];
    let row = |login: &&Login| value(login).map(|value| (key(login), value));
    rows(&["company_id", "connection_id"], logins.iter().filter_map(row))
}

fn ages(logins: &[&Login], value: impl Fn(&Login) -> Option<f64>) -> Truth {
    each(logins, value).of_days()
}

pub fn in_status(seen: &Seen<'_>, logins: &[&Login]) -> Truth {
    ages(logins, |login| login.standing.first_seen.map(|since| seen.now - since))
}

pub fn checked_ago(seen: &Seen<'_>, logins: &[&Login]) -> Truth {
    ages(logins, |login| login.standing.last_update.map(|last| seen.now - last))
}

pub fn next_check_in(seen: &Seen<'_>, logins: &[&Login]) -> Truth {
    ages(logins, |login| login.due().map(|due| due - seen.now))
}

/// Who has to act: the larger, the more urgent.
fn rank(standing: &Standing) -> f64 {
    match standing.status.word() {
        "CONNECTED" | "COMPANY_INACTIVE" | "ONBOARDED" | "PULL_COMPLETED" => 0.0,
        "OLD_ACCOUNT" | "DUPLICATE" | "CUSTOMER_NOT_TRACKED" => 0.0,
        "PENDING" | "UNDER_INVESTIGATION" | "DETECTED" => 1.0,
        "NO_ACCOUNTS_FOUND"
        | "OTHER_ERROR"
        | "NO_DOCUMENTS_FOUND"
        | "PDF_DOWNLOAD_FAILED"
        | "ACCOUNT_NOT_FOUND" => 3.0,
        "WEBSITE_DOWN" | "URL_INACCESSIBLE" => 4.0,
        "WORKFLOW_NOT_ACCESSIBLE" => 5.0,
        "MFA_TOKEN_EXPIRED"
        | "PASSWORD_INCORRECT"
        | "NEW_PASSWORD_NEEDED"
        | "ADDITIONAL_CREDENTIALS_NEEDED" => 6.0,
        _ => 2.0,
    }
}

pub fn who_acts(logins: &[&Login]) -> Truth {
    each(logins, |login| Some(rank(&login.standing)))
}

pub fn who_acts_by_status(standings: &[&Standing]) -> Truth {
    largest(&["status"], standings.iter().map(|standing| (vec![status(standing)], rank(standing))))
}

pub fn who_acts_on_accounts(seen: &Seen<'_>) -> Truth {
    rows(&["account_id"], seen.one.accounts.iter().map(|account| (vec![account.id.clone()], rank(account))))
}

pub fn who_acts_where(seen: &Seen<'_>) -> Truth {
    let key = |login: &Login| vec![login.company_id.clone(), login.utility.clone(), status(&login.standing)];
    let labels = &["company_id", "datasource", "status"];
    largest(labels, seen.logins.iter().map(|login| (key(login), rank(&login.standing))))
}

pub fn accounts_of_one(seen: &Seen<'_>) -> Truth {
    let key = |account: &Standing| vec![account.id.clone(), status(account)];
    tally(&["account_id", "status"], seen.one.accounts.iter().map(key))
}

pub fn of_accounts(seen: &Seen<'_>, time: fn(&Standing) -> Option<f64>) -> Truth {
    let row = |account: &Standing| time(account).map(|time| (vec![account.id.clone()], seen.now - time));
    rows(&["account_id"], seen.one.accounts.iter().filter_map(row)).of_days()
}

pub fn per_utility(logins: &[&Login]) -> Truth {
    tally(&["datasource"], logins.iter().map(|login| vec![login.utility.clone()]))
}

pub fn companies_per_utility(seen: &Seen<'_>) -> Truth {
    let pairs: BTreeSet<_> = seen.logins.iter().map(|login| (&login.utility, &login.company_id)).collect();
    tally(&["datasource"], pairs.into_iter().map(|(utility, _)| vec![utility.clone()]))
}

fn recent<'a>(seen: &Seen<'a>) -> Vec<&'a Login> {
    let is_recent = |last: f64| seen.now - last < 3.0 * DAY;
    only(&seen.logins, |login| is_active(login) && login.standing.last_update.is_some_and(is_recent))
}

pub fn checked_lately(seen: &Seen<'_>) -> Truth {
    per_utility(&recent(seen))
}

pub fn share_down(seen: &Seen<'_>) -> Truth {
    let recent = recent(seen);
    share(&per_utility(&only(&recent, |login| login.standing.is(&DOWN))), per_utility(&recent))
}

pub fn share_waiting(seen: &Seen<'_>) -> Truth {
    share(&per_utility(&waiting_logins(seen)), per_utility(&seen.logins))
}

/// At least four fifths of at least three connections that were checked lately are down, at two companies or more.
pub fn suspected(seen: &Seen<'_>) -> usize {
    let checked = checked_lately(seen).rows;
    let is_suspect = |(utility, share): (Vec<String>, f64)| {
        let down =
            only(&recent(seen), |login| [login.utility.clone()] == *utility && login.standing.is(&DOWN));
        let companies: BTreeSet<_> = down.iter().map(|login| &login.company_id).collect();
        share >= 0.8 && checked[&utility] >= 3.0 && companies.len() >= 2
    };
    share_down(seen).rows.into_iter().filter(|row| is_suspect(row.clone())).count()
}

pub fn who_has_what(seen: &Seen<'_>) -> Truth {
    let key = |login: &&Login| vec![login.company.clone(), login.utility.clone(), status(&login.standing)];
    tally(&["company", "datasource", "status"], seen.logins.iter().map(key))
}

pub fn checked_between(seen: &Seen<'_>, from: f64, to: f64) -> usize {
    let is_between = |last: f64| (from..to).contains(&((seen.now - last) / DAY));
    only(&seen.logins, |login| login.standing.last_update.is_some_and(is_between)).len()
}

pub fn never_checked(seen: &Seen<'_>) -> Truth {
    number(only(&seen.logins, |login| login.standing.last_update.is_none()).len())
}

pub fn troubled_there(seen: &Seen<'_>) -> Truth {
    troubled_by_category(&seen.logins.iter().map(|login| &login.standing).collect::<Vec<_>>())
}
