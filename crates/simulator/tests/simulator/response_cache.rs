//! Prepared responses are the same as those made on demand, byte for byte, and never older than a change.

use nectar_simulator::{Fault, Plan, Scope, Simulator};

use crate::api::{Api, KEY, open};

/// Every response of one reading of the fleet with gzip, compressed as it came, with its headers but without the date.
async fn every_response(api: &Api) -> Vec<String> {
    let mut answers = Vec::new();
    let mut paths = vec!["/company".to_owned()];
    for company in api.simulator.companies() {
        // Beyond the last page, the last one is repeated.
        paths.extend((1..=4).map(|page| format!("/connection/company/{company}?page={page}&limit=20")));
    }
    for path in paths {
        let request = api.client.get(format!("{}{path}", api.base)).header("X-API-Key", KEY);
        let answer = request.header("Accept-Encoding", "gzip").send().await.unwrap();
        let mut headers = answer.headers().clone();
        headers.remove("date");
        assert_eq!(headers["content-encoding"], "gzip");
        let status = answer.status();
        answers.push(format!("{status} {headers:?} {:?}", answer.bytes().await.unwrap()));
    }
    answers
}

#[tokio::test]
async fn prepared_answers_are_the_ordinary_ones_byte_for_byte() {
    let api = open(&Plan::default()).await;
    let ordinary = every_response(&api).await;
    api.simulator.prepare(20);
    assert!(every_response(&api).await == ordinary);
    let refused = api.client.get(format!("{}/company", api.base)).header("Accept-Encoding", "gzip");
    assert_eq!(refused.send().await.unwrap().status(), 401, "prepared or not, the key comes first");
    api.simulator.faults().set_times(Scope::CompanyList, Fault::Status(503), 1);
    assert_eq!(api.send("/company").await.unwrap().status(), 503, "and faults come before answers");
}

#[tokio::test]
async fn a_change_shows_at_once_though_answers_were_prepared() {
    let switch_off: fn(&Simulator, String) -> bool =
        |simulator, company| simulator.set_utility_down("Northgate Power & Light", &[company], true) > 0;
    let remove: fn(&Simulator, String) -> bool = |simulator, company| simulator.remove_company(&company);
    for change in [switch_off, remove] {
        let api = open(&Plan { connections: 60, ..Plan::default() }).await;
        api.simulator.prepare(20);
        let before = every_response(&api).await;
        // The first company that has a login at this utility.
        assert!(api.simulator.companies().into_iter().any(|company| change(&api.simulator, company)));
        let after = every_response(&api).await;
        assert!(after != before);
        api.simulator.prepare(20);
        assert!(every_response(&api).await == after);
    }
}

#[tokio::test]
async fn a_fleet_that_lives_is_never_prepared() {
    let api = open(&Plan { speed: 1000.0, ..Plan::default() }).await;
    let before = every_response(&api).await;
    api.simulator.prepare(20);
    api.clock.pass(24 * 7);
    assert!(every_response(&api).await != before);
}
