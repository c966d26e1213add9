//! An exporter before a Nectar that can go wrong in every way of the table, and be right again.

use std::sync::Arc;
use std::time::Duration;

use nectar_simulator::{Fault, Plan, Simulator};
use tempfile::NamedTempFile;
use tokio_rustls::rustls::ServerConfig;

use super::authority::Authority;
use super::clock::{TestClock, wall};
use super::exporter::{Exporter, KEY, SHORT_TIMEOUT_FLAG};
use super::faulty_proxy::FaultyProxy;
use super::scrape::Scrape;
use crate::fault_table::{At, BadCertificate, Row, Wrong};

/// Several pages of three for each company.
const PLAN: Plan = Plan { companies: 3, connections: 8, accounts: 1, seed: 7, speed: 0.0 };
/// Addresses of this machine on which nothing else listens: one that is left can be come back to.
const OPEN: &str = "127.0.0.2:0";
const HOST: &str = "127.0.0.2";

/// An exporter before a Nectar.
pub struct FaultScenario {
    pub program: Exporter,
    pub simulator: Simulator,
    front: Option<FaultyProxy>,
    tls: Option<Tls>,
    /// Requests hang, and tokio's clock stands still.
    is_slow: bool,
}

struct Tls {
    trusted: Authority,
    good: Arc<ServerConfig>,
    /// Holds what the exporter trusts; deleted with the scenario.
    file: NamedTempFile,
}

impl FaultScenario {
    /// As [`FaultScenario::for_fault`]. Where the fault is slow, tokio's clock must stand still.
    pub async fn for_row(row: &Row, flags: &[&str]) -> Self {
        let timeout: &[&str] = if row.is_slow { &[SHORT_TIMEOUT_FLAG] } else { &[] };
        Self { is_slow: row.is_slow, ..Self::for_fault(&row.wrong, &[timeout, flags].concat()).await }
    }

    /// Sets up what `wrong` needs, all well so far. The waits between attempts are skipped.
    pub async fn for_fault(wrong: &Wrong, flags: &[&str]) -> Self {
        let clock = TestClock::skipping(Duration::from_secs(5 * 60 - 1));
        let simulator = Simulator::new(&PLAN, KEY, wall(&clock));
        let mut flags = [&["--nectar.page-size=3"], flags].concat();
        if let Wrong::Answer(_) = wrong {
            let program = Exporter::against(&simulator, &flags, clock).await;
            return Self { program, simulator, front: None, tls: None, is_slow: false };
        }
        let tls = matches!(wrong, Wrong::Certificate(_)).then(Tls::new);
        let good = tls.as_ref().map(|tls| Arc::clone(&tls.good));
        let front = FaultyProxy::of(&simulator, OPEN, good).await;
        let (scheme, trust) = match &tls {
            Some(tls) => ("https", Some(format!("--nectar.ca-file={}", tls.file.path().display()))),
            None => ("http", None),
        };
        flags.extend(trust.as_deref());
        let program = Exporter::start(&format!("{scheme}://{}/v2.2", front.address), &flags, clock).await;
        Self { program, simulator, front: Some(front), tls, is_slow: false }
    }

    /// As [`FaultScenario::for_fault`], for a fault in a response.
    pub async fn plain(flags: &[&str]) -> Self {
        Self::for_fault(&Wrong::Answer(Fault::Status(500)), flags).await
    }

    /// Scrapes until `polls` polls have ended. What hangs is timed out.
    pub async fn after_polls(&self, polls: u32) -> Scrape {
        match self.is_slow {
            true => self.program.after_polls_timed_out(polls, &self.simulator).await,
            false => self.program.after_polls(polls).await,
        }
    }

    /// From now on it goes wrong.
    pub async fn spoil(&mut self, wrong: &Wrong, at: At, victim: &str) {
        match (wrong, &mut self.front, &self.tls) {
            (Wrong::Answer(fault), _, _) => self.simulator.faults().set(at.scope(victim), fault.clone()),
            (Wrong::Connection(cut), Some(front), _) => front.cut(Some((at.scope(victim), *cut))),
            (Wrong::Absence, Some(front), _) => front.go().await,
            (Wrong::Certificate(bad), Some(front), Some(tls)) => front.certify(tls.bad(*bad)),
            _ => unreachable!("the scenario was set up for another fault"),
        }
    }

    /// All is well again.
    pub async fn mend(&mut self) {
        self.simulator.faults().clear();
        if let Some(front) = &mut self.front {
            front.cut(None);
            front.go().await;
            if let Some(tls) = &self.tls {
                front.certify(Arc::clone(&tls.good));
            }
            front.come().await;
        }
    }

    /// A company of at least two pages.
    pub fn victim(&self, scrape: &Scrape) -> String {
        let size = |id: &String| scrape.sum("nectar_connections", &[("company_id", id)]);
        self.simulator.companies().into_iter().find(|id| size(id) > 3.0).expect("a company of two pages")
    }
}

impl Tls {
    fn new() -> Self {
        let trusted = Authority::new();
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), trusted.pem()).unwrap();
        Self { good: trusted.server(HOST), trusted, file }
    }

    fn bad(&self, how: BadCertificate) -> Arc<ServerConfig> {
        match how {
            BadCertificate::OtherName => self.trusted.server("elsewhere.example"),
            BadCertificate::OtherAuthority => Authority::new().server(HOST),
            BadCertificate::Expired => self.trusted.expired_server(HOST),
        }
    }
}
