//! From a change at Nectar to a message: who is told what, how often, and whether its end is told.
//!
//! Messages are counted after things have settled, because a second message would come later than the first.

use jiff::{SignedDuration, Timestamp};
use nectar_exporter::status::Kind;
use nectar_simulator::{Fault, Plan, Scope};

use crate::fleet::{Login, a_login_elsewhere, a_quiet_login, a_quiet_utility, two_quiet_logins};
use crate::world::World;

/// How many alerts on customers fire.
const WAITING: &str =
    r#"count(ALERTS{alertstate="firing", alertname=~"NectarIntervention(Needed|Overdue)"})"#;
/// The other alerts on the fleet that people are told about.
const OTHERS: &str = r#"ALERTS{alertstate="firing", nectar_scope="fleet", severity!="none", alertname!~"NectarIntervention(Needed|Overdue|Ended)"}"#;

/// A customer's password goes wrong: somebody is told, about the right customer, once; and told once again when it is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_and_its_end_too() {
    is_told_once_and_its_end_once("connections", "PASSWORD_INCORRECT").await;
}

/// The same without series per connection: the counts are enough.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_without_detail() {
    is_told_once_and_its_end_once("none", "MFA_TOKEN_EXPIRED").await;
}

async fn is_told_once_and_its_end_once(detail: &str, status: &str) {
    let world = World::start(detail).await;
    let victim = a_quiet_login(&world.fleet().await);
    let row = Kind::Connection.documented().iter().find(|row| row.value == status);
    let words = row.expect("a documented status").plain;
    // Without series per connection, nothing says which login it is.
    let what = if detail == "none" { "1 login:" } else { &victim.utility };
    let link = if detail == "none" { "/connections|" } else { &victim.standing.id };

    assert!(world.simulator.set_connection_status(&victim.standing.id, status));
    let told = world.receiver.wait_for(0, &[&victim.company]).await;
    let about = [victim.company.as_str(), words, what, link];
    assert!(told.has(&about), "who, what, where, and a link: {told:?}");
    assert!(
        told.has(&["1 login needs the customer", "New:", "To forward to the customer", "Reconnect"]),
        "{told:?}"
    );
    assert_eq!(told.receiver, "#nectar-customers");
    let known = world.settled().await;
    let all = world.receiver.after(0, &[&victim.company]);
    assert_eq!(all.len(), 1, "told once, and nothing else of this company: {all:#?}");

    assert!(world.simulator.set_connection_status(&victim.standing.id, "CONNECTED"));
    let over = world.receiver.wait_for(known, &["Over:", &victim.company]).await;
    let end = if detail == "none" { "no login waits for this any more" } else { "works again" };
    assert!(over.has(&[&victim.company, words, end]), "who, what and how it ended: {over:?}");
    assert!(!over.has(&["New:"]), "{over:?}");
    assert_eq!(over.receiver, "#nectar-customers");
    world.settled().await;
    let all = world.receiver.after(known, &[&victim.company]);
    assert_eq!(all.len(), 1, "its end is told once, and nothing else of this company: {all:#?}");
}

/// A second login comes to need its customer beside one that waits already, and then the first needs something else: each is told, and
/// each once as new.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_beside_a_standing_one_is_told_and_so_is_another_status() {
    let world = World::start("connections").await;
    let [first, second] = two_quiet_logins(&world.fleet().await);
    assert!(world.simulator.set_connection_status(&first.standing.id, "PASSWORD_INCORRECT"));
    world.receiver.wait_for(0, &["New:", &first.standing.id]).await;
    let known = world.settled().await;

    assert!(world.simulator.set_connection_status(&second.standing.id, "PASSWORD_INCORRECT"));
    let told = world.receiver.wait_for(known, &["New:", &second.standing.id]).await;
    assert!(told.has(&["1 login needs the customer"]) && !told.has(&[&first.standing.id]), "{told:?}");
    let known = world.settled().await;

    assert!(world.simulator.set_connection_status(&first.standing.id, "MFA_TOKEN_EXPIRED"));
    let told =
        world.receiver.wait_for(known, &["New:", "Over:", "something else now", &first.standing.id]).await;
    assert!(!told.has(&[&second.standing.id]), "{told:?}");
    world.settled().await;
    let new = world.receiver.after(0, &["New:", &first.company]);
    assert_eq!(new.len(), 3, "{new:#?}");
}

/// A utility is down for at least three companies: one message about the utility, and none about their logins there. Each of these
/// would be told if it were alone: a login at another utility, of one of these companies, is told at the same time.
///
/// As in reality, the outage comes first: the first failing checks show it, and the issue of a single login counts only when a check at
/// least a day later has found the same. So Alertmanager knows of the outage before there is anything to mute, and the order of arrival
/// cannot make this test pass or fail.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_told_once_and_its_logins_are_not() {
    let world = World::start("connections").await;
    let fleet = world.fleet().await;
    let (utility, companies) = a_quiet_utility(&fleet);
    let elsewhere = a_login_elsewhere(&fleet, &companies, &utility);

    let hit = world.simulator.set_utility_down(&utility, &companies, true);
    assert!(companies.len() >= 3 && hit >= companies.len());
    let outage = [utility.as_str(), "A utility's website is down for several companies."];
    let told = world.receiver.wait_for(0, &outage).await;
    assert_eq!(told.receiver, "#nectar-operators");

    assert!(world.simulator.set_connection_status(&elsewhere.standing.id, "WEBSITE_DOWN"));
    let is_hit = |login: &&Login| login.utility == utility && companies.contains(&login.company_id);
    for login in fleet.iter().filter(is_hit).chain([&elsewhere]) {
        let now = Timestamp::now();
        let first = now - SignedDuration::from_hours(48);
        assert!(world.simulator.set_connection_times(&login.standing.id, first, now));
    }
    let issues = [("alertname", "NectarConnectionWebsiteIssue"), ("datasource", &utility)];
    world.muted(&issues, hit).await;
    let single = format!("WEBSITE_DOWN at {} since", elsewhere.utility);
    let told = world.receiver.wait_for(0, &[&elsewhere.company, &single]).await;
    assert_eq!(told.receiver, "#nectar-operators");

    world.settled().await;
    world.muted(&issues, hit).await;
    let of_outage = world.receiver.after(0, &outage);
    assert_eq!(of_outage.len(), 1, "{of_outage:#?}");
    let of_logins = world.receiver.after(0, &[&format!("WEBSITE_DOWN at {utility} since")]);
    assert!(of_logins.is_empty(), "{of_logins:#?}");
}

/// The exporter is killed: one message says so, and there is none about the fleet. The alerts on customers hold; the others are muted,
/// while they are kept firing and when they end: a dead exporter heals nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_exporter_is_told_once_and_mutes_its_fleet() {
    let world = World::start("connections").await;
    world.receiver.wait_for(0, &["Still waiting:"]).await;
    let known = world.settled().await;
    let waiting = world.ask(WAITING).await[0].value;

    world.kill_exporter();
    world.muted(&[("alertname", "NectarConnectionWebsiteIssue")], 1).await;
    let told = world.receiver.wait_for(known, &["No Nectar exporter of this job answers"]).await;
    assert_eq!(told.receiver, "#nectar-operators");

    world.until(&format!("absent({OTHERS})")).await;
    world.settled().await;
    assert_eq!(world.ask(WAITING).await[0].value, waiting, "the alerts on customers hold");
    let mut all = world.receiver.after(known, &[]);
    // On a busy machine polls are slow, and that may be told, and its end.
    all.retain(|message| !message.has(&["polls took"]));
    assert_eq!(all.len(), 1, "{all:#?}");
}

/// Nectar cannot be read until the data is withdrawn and alerts end for lack of it; then it can be read again. Nobody is told that a
/// customer has acted, nor a second time that one must.
#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_data_ends_no_ticket_and_its_return_opens_none() {
    let plan = Plan { companies: 8, connections: 14, accounts: 2, seed: 1, speed: 0.0 };
    let flags = ["--nectar.max-data-age=25s"];
    let world = World::over(&plan, &flags, None, "count(nectar_company_up)").await;
    world.receiver.wait_for(0, &["Still waiting:"]).await;
    let known = world.settled().await;
    let waiting = world.ask(WAITING).await[0].value;

    world.simulator.faults().set(Scope::Everything, Fault::Status(403));
    world.until(&format!("absent({OTHERS})")).await;
    world.receiver.wait_for(known, &["older than four polls"]).await;
    world.settled().await;
    assert_eq!(world.ask(WAITING).await[0].value, waiting, "the alerts on customers hold");
    world.simulator.faults().clear();
    world.until(OTHERS).await;
    world.until(r#"absent(ALERTS{alertstate="firing", alertname="NectarDataMissing"})"#).await;
    world.settled().await;

    assert_eq!(world.ask(WAITING).await[0].value, waiting);
    let all = world.receiver.after(known, &[]);
    assert!(all.iter().all(|message| message.receiver == "#nectar-operators"), "{all:#?}");
}
