//! Several exporters that share the companies: together they are as one, and nobody is told anything twice.

use crate::fleet::a_quiet_login;
use crate::world::{SMALL, World};

const CUSTOMERS: &str = "#nectar-customers";

#[tokio::test(flavor = "multi_thread")]
async fn from_three_shards_to_four_and_then_one_dies() {
    let (world, mut shards) = World::sharded(&SMALL, 3, &[]).await;
    let fleet = world.fleet().await;
    let whole = format!("sum(company_id:nectar_connections:sum) == {}", fleet.len());
    world.until(&whole).await;
    world.until("count(nectar_company_info) == 8 and count(nectar_exporter_shard_info) == 3").await;

    // A login that waits is told by its own shard.
    let victim = a_quiet_login(&fleet);
    assert!(world.simulator.set_connection_status(&victim.standing.id, "PASSWORD_INCORRECT"));
    world.receiver.wait_for(0, &["New:", &victim.standing.id]).await;
    let known = world.settled().await;

    // The new one first, then the others, as a StatefulSet does. Some companies move.
    for number in [3, 2, 1, 0] {
        world.restart(&mut shards[number], 4).await;
        let restarted = format!(
            "nectar_exporter_shard_info{{shard=\"{number}\", total_shards=\"4\"}} and on (instance) nectar_up == 1"
        );
        world.until(&restarted).await;
    }
    world.until("count(nectar_company_info) == 8 and count(nectar_exporter_shard_info) == 4").await;
    world.until(&whole).await;
    world.settled().await;
    let mut told = world.receiver.after(known, &[]);
    told.retain(|message| message.receiver == CUSTOMERS);
    assert!(told.is_empty(), "{told:#?}");

    // One of them dies: it is said, its companies are known to be missing, and the others' alerts go on.
    let owner = format!("nectar_company_info{{company_id=\"{}\"}}", victim.company_id);
    let instance = world.ask(&owner).await[0].labels["instance"].clone();
    let dead = shards.iter().find(|shard| shard.address != instance).unwrap();
    let of_dead = world.ask(&format!("count(nectar_company_info{{instance=\"{}\"}})", dead.address)).await;
    let known = world.settled().await;
    dead.stop.cancel();
    world.receiver.wait_for(known, &["One Nectar exporter does not answer", &dead.address]).await;
    let missing = r#"count(ALERTS{alertname="NectarDataMissing", alertstate="firing", company_id!=""})"#;
    world.until(&format!("{missing} == {}", of_dead[0].value)).await;
    assert!(world.simulator.set_connection_status(&victim.standing.id, "CONNECTED"));
    world.receiver.wait_for(known, &["Over:", &victim.company]).await;
    world.settled().await;
    let mut told = world.receiver.after(known, &[]);
    told.retain(|message| message.receiver == CUSTOMERS);
    assert_eq!(told.len(), 1, "{told:#?}");
    // It is down, and so not missing: nobody is told twice.
    assert!(world.ask(r#"ALERTS{alertname="NectarShardMissing"}"#).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_nobody_starts_is_missing() {
    let (world, mut shards) = World::sharded(&SMALL, 3, &[]).await;
    world.until("count(nectar_up == 1) == 3").await;
    let known = world.settled().await;
    for shard in &mut shards[..3] {
        world.restart(shard, 4).await;
    }
    world.receiver.wait_for(known, &["A shard is missing", "3 of 4 shards are known: 0, 1, 2."]).await;
    world.restart(&mut shards[3], 4).await;
    world
        .until(r#"count(nectar_up == 1) == 4 and on () absent(ALERTS{alertname="NectarShardMissing"})"#)
        .await;
}
