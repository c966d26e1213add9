//! HTTPS to Nectar: trusted with `--nectar.ca-file`, refused without.

use nectar_exporter::simulator::{Plan, Simulator};

use crate::support::authority::Authority;
use crate::support::binary::{Running, nectar_exporter};
use crate::support::clock::TestClock;
use crate::support::front::Front;
use crate::support::program::KEY;

#[tokio::test(flavor = "multi_thread")]
async fn further_certificates_are_trusted() {
    let plan = Plan { companies: 2, connections: 3, accounts: 1, seed: 1, speed: 0.0 };
    let simulator = Simulator::new(&plan, KEY, TestClock::new());
    let authority = Authority::new();
    let front = Front::of(&simulator, "127.0.0.1:0", Some(authority.server("localhost"))).await;
    let url = format!("https://localhost:{}/v2.2", front.address.port());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();

    let trusting = format!("--nectar.ca-file={}", file.display());
    for (flag, outcome) in [(trusting.as_str(), "failures=0"), ("--log.level=info", "reason=connect")] {
        let flags = ["--nectar.base-url", &url, "--web.listen-address=127.0.0.1:0", flag];
        let mut command = nectar_exporter(&flags);
        command.env("NECTAR_API_KEY", KEY);
        let waited = tokio::task::spawn_blocking(move || Running::start(&mut command).wait_for(outcome));
        waited.await.unwrap();
    }
}
