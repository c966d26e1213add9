//! From a change at Nectar to a message: who is told what, how often, and when it is over.

use std::time::Duration;

use crate::world::World;

/// A customer's password goes wrong: somebody is told, about the right customer, once; and told again when it is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_and_its_end_too() {
    let world = World::start("connections").await;
    let victim = world.a_quiet_connection().await;
    assert!(world.simulator.set_connection_status(&victim.connection, "PASSWORD_INCORRECT"));

    let told = world.receiver.wait_for(&[&victim.company, "PASSWORD_INCORRECT", "must act"]).await;
    assert!(told.text.contains(&victim.utility), "the utility is named: {told:?}");
    assert_eq!(told.receiver, "#nectar-customers");
    assert!(told.text.contains("docs/runbooks.md#nectarinterventionneeded"), "{told:?}");
    let again = world.receiver.count(&[&victim.company, "PASSWORD_INCORRECT", "must act"]);
    assert_eq!(again, 1, "once");

    assert!(world.simulator.set_connection_status(&victim.connection, "CONNECTED"));
    world.receiver.wait_for(&[&victim.company, "Over:", "PASSWORD_INCORRECT"]).await;
}

/// The same where no series per connection are served: the counts are enough.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_without_detail() {
    let world = World::start("none").await;
    let victim = world.a_quiet_connection().await;
    assert!(world.simulator.set_connection_status(&victim.connection, "MFA_TOKEN_EXPIRED"));
    let told = world.receiver.wait_for(&[&victim.company, "MFA_TOKEN_EXPIRED", "must act"]).await;
    assert_eq!(told.receiver, "#nectar-customers");
}

/// A utility is down for three companies: one message about the utility, and none for each login.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_told_once() {
    let world = World::start("connections").await;
    let (utility, companies) = world.a_utility_of_three_companies().await;
    let outage = [utility.as_str(), "A utility's website is down for several companies."];
    let single = [utility.as_str(), "Nectar has trouble with a utility's website"];
    world.rounds(5).await;
    let before = world.receiver.count(&single);
    assert!(world.simulator.set_utility_down(&utility, &companies, true) >= 3);
    let told = world.receiver.wait_for(&outage).await;
    assert_eq!(told.receiver, "#nectar-operators");
    world.rounds(5).await;
    assert_eq!(world.receiver.count(&outage), 1, "{:#?}", world.receiver.all());
    assert_eq!(world.receiver.count(&single), before, "{:#?}", world.receiver.all());
}

/// The exporter is killed: one message says so, and the fleet falls silent instead of looking healed.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_exporter_is_told_once_and_mutes_its_fleet() {
    let world = World::start("connections").await;
    let victim = world.a_quiet_connection().await;
    world.simulator.set_connection_status(&victim.connection, "NEW_PASSWORD_NEEDED");
    world.receiver.wait_for(&[&victim.company, "NEW_PASSWORD_NEEDED", "must act"]).await;

    world.kill_exporter();
    let told = world.receiver.wait_for(&["No Nectar exporter of this job answers"]).await;
    assert_eq!(told.receiver, "#nectar-operators");
    let fleet = world.muted_fleet_alerts(Duration::from_secs(60)).await;
    assert!(fleet > 0, "fleet alerts are muted");
    world.rounds(5).await;
    assert_eq!(world.receiver.count(&["No Nectar exporter of this job answers"]), 1);
    let over = world.receiver.count(&[&victim.company, "Over:"]);
    assert_eq!(over, 0, "a dead exporter heals nobody: {:?}", world.receiver.all());
}
