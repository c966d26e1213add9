//! The simulated Nectar of the drill: its fleet, what happens to it, and the truth about it: which login was in which status since
//! when.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use test_support::clock::wall;

use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use nectar_exporter::clock::Clock;
use nectar_simulator::{Plan, Simulator};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::script::Event;
use crate::world::now;

/// The key that the simulated Nectar accepts.
pub const KEY: &str = "simulated";
/// The status of a login that works.
pub const CONNECTED: &str = "CONNECTED";
/// The status of all logins of a company that is switched off.
pub const SWITCHED_OFF: &str = "COMPANY_INACTIVE";
/// Statuses that need the customer.
pub const WAITING: [&str; 4] =
    ["MFA_TOKEN_EXPIRED", "PASSWORD_INCORRECT", "NEW_PASSWORD_NEEDED", "ADDITIONAL_CREDENTIALS_NEEDED"];
/// One in this many companies has logins that wait from the start.
const STANDING_EVERY: usize = 6;

/// A login. No two of a company are at the same utility.
#[derive(Debug, Clone)]
pub struct Login {
    pub id: String,
    pub company: usize,
    pub utility: String,
    /// Everything that it was, in order.
    pub past: Vec<Stand>,
}

/// What a login was from some moment on.
#[derive(Debug, Clone)]
pub struct Stand {
    /// When Nectar began to say so, in Unix seconds.
    pub at: f64,
    /// The first-seen time that Nectar gives, in Unix seconds.
    pub since: i64,
    /// None if the login is gone.
    pub status: Option<&'static str>,
}

/// A customer.
#[derive(Debug, Clone)]
pub struct Company {
    pub id: String,
    pub name: String,
}

/// The simulated Nectar, and what has happened to it.
#[derive(Debug)]
pub struct Nectar {
    pub simulator: Simulator,
    /// Where its API is.
    pub base_url: String,
    pub companies: Vec<Company>,
    pub logins: Vec<Login>,
    clock: Arc<HandClock>,
}

/// A clock that only the drill moves: so what Nectar says is known to the second.
#[derive(Debug)]
struct HandClock(Mutex<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

impl Nectar {
    /// Starts it with a fleet that works, but for some logins that wait already. `day` is the length of a day, in seconds.
    pub async fn open(companies: u32, seed: u64, day: i64) -> Self {
        let clock =
            Arc::new(HandClock(Mutex::new(Timestamp::from_second(Timestamp::now().as_second()).unwrap())));
        let plan = Plan { companies, connections: 8, accounts: 0, seed, speed: 0.0 };
        let simulator = Simulator::new(&plan, KEY, wall(&clock));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v2.2", listener.local_addr().unwrap());
        tokio::spawn(simulator.clone().serve(vec![listener], CancellationToken::new()));
        let mut nectar = Self { simulator, base_url, companies: Vec::new(), logins: Vec::new(), clock };
        for id in nectar.simulator.companies() {
            nectar.take_in(&id).await;
        }
        nectar.prepare(day);
        nectar
    }

    /// Takes a company into the drill, unless it is switched off. If it has several logins at a utility, all but one are removed.
    async fn take_in(&mut self, company_id: &str) {
        let url = format!("{}/connection/company/{company_id}?limit=500", self.base_url);
        let answer = reqwest::Client::new().get(url).header("X-API-Key", KEY).send().await.unwrap();
        let page: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let rows = page["connections"].as_array().unwrap();
        if rows.iter().any(|row| row["status"] == SWITCHED_OFF) {
            return;
        }
        let company = Company { id: company_id.to_owned(), name: text(&rows[0]["company"]["name"]) };
        let mut utilities = BTreeSet::new();
        for row in rows {
            let (id, utility) = (text(&row["id"]), text(&row["datasource"]["name"]));
            if utilities.insert(utility.clone()) {
                self.logins.push(Login { id, company: self.companies.len(), utility, past: Vec::new() });
            } else {
                assert!(self.simulator.remove_connection(&id));
            }
        }
        self.companies.push(company);
    }

    fn prepare(&mut self, day: i64) {
        let mut last = None;
        for login in 0..self.logins.len() {
            let company = self.logins[login].company;
            let is_first = last.replace(company) != Some(company);
            self.set(login, CONNECTED);
            // Some for two days, some for three weeks: those have an alert of their own.
            let number = company / STANDING_EVERY;
            if company.is_multiple_of(STANDING_EVERY)
                && (is_first || number.is_multiple_of(3))
                && login % 4 != 3
            {
                self.stands(login, if is_first && number % 2 == 1 { 21 * day } else { 2 * day });
            }
        }
    }

    /// The login has been waiting for this many seconds.
    fn stands(&mut self, login: usize, seconds: i64) {
        let since = self.clock.now().as_second() - seconds;
        self.set(login, WAITING[login % WAITING.len()]);
        let time = Timestamp::from_second(since).unwrap();
        assert!(self.simulator.set_connection_times(&self.logins[login].id, time, time));
        self.logins[login].past.last_mut().unwrap().since = since;
    }

    fn set(&mut self, login: usize, status: &'static str) {
        let id = self.logins[login].id.clone();
        self.changed(login, Some(status), |simulator| simulator.set_connection_status(&id, status));
    }

    fn changed(
        &mut self,
        login: usize,
        status: Option<&'static str>,
        change: impl FnOnce(&Simulator) -> bool,
    ) {
        let since = self.turn_clock(&[login]);
        assert!(change(&self.simulator), "{status:?} of {:?}", self.logins[login]);
        self.logins[login].past.push(Stand { at: now(), since, status });
    }

    /// Sets the clock to this second, or to a later one if one of these logins changed in it: no two episodes of a login have the same
    /// time.
    fn turn_clock(&self, logins: &[usize]) -> i64 {
        let changes = logins.iter().filter_map(|login| self.logins[*login].past.last());
        let taken = changes.map(|stand| stand.since + 1).max().unwrap_or(0);
        let mut clock = self.clock.0.lock().unwrap();
        let second = Timestamp::now().as_second().max(taken).max(clock.as_second());
        *clock = Timestamp::from_second(second).unwrap();
        second
    }

    /// Makes an event happen now.
    pub fn happen(&mut self, event: &Event) {
        match *event {
            Event::Becomes { login, status } => self.set(login, status),
            Event::Removed { login } => {
                let id = self.logins[login].id.clone();
                self.changed(login, None, |simulator| simulator.remove_connection(&id));
            }
            Event::SwitchedOff { company } => {
                self.all_changed(company, Some(SWITCHED_OFF), Simulator::switch_company_off);
            }
            Event::CompanyRemoved { company } => self.all_changed(company, None, Simulator::remove_company),
        }
    }

    fn all_changed(
        &mut self,
        company: usize,
        status: Option<&'static str>,
        change: impl FnOnce(&Simulator, &str) -> bool,
    ) {
        let logins: Vec<usize> = (0..self.logins.len())
            .filter(|login| self.logins[*login].company == company)
            .filter(|login| self.logins[*login].status_at(f64::MAX).is_some())
            .collect();
        let since = self.turn_clock(&logins);
        assert!(change(&self.simulator, &self.companies[company].id));
        for login in logins {
            self.logins[login].past.push(Stand { at: now(), since, status });
        }
    }
}

impl Login {
    /// Its status at this moment; none if it is gone.
    pub fn status_at(&self, at: f64) -> Option<&'static str> {
        self.past.iter().rev().find(|stand| stand.at <= at).and_then(|stand| stand.status)
    }
}
