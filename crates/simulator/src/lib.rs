//! A simulated Nectar: its API, over a made-up fleet, on a real socket.
//!
//! The demo, the tests and the benchmarks use it through [`Simulator`]. A request goes through `routes`; it reads a `fleet`, which
//! `generator` makes and `scheduler` changes as time passes. `events` tells what has changed, and `delivery` sends it to a webhook.

mod delivery;
mod events;
mod every_status;
mod faults;
mod fleet;
mod generator;
mod history;
mod in_flight;
mod page;
mod query;
mod random;
mod response;
mod routes;
mod scheduler;
mod seed_data;
mod timestamp_format;
mod transitions;
mod wire;

use std::borrow::Cow;
use std::fmt;
use std::future::IntoFuture;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::serve::ListenerExt;
use futures::future::join_all;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::events::Announced;
use self::fleet::{Company, Fleet};
use self::in_flight::InFlight;
use self::scheduler::Scheduler;

pub use self::delivery::{Endpoint, EndpointError, WEBHOOK_SECRET};
pub use self::faults::{Fault, Faults, Scope};
pub use self::wire::SECRET;

/// How long requests may take to end after the stop signal.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Which fleet to make, and how fast it changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// How many companies.
    pub companies: u32,
    /// Mean number of connections of a company.
    pub connections: u32,
    /// Mean number of accounts of a connection.
    pub accounts: u32,
    /// The same seed makes the same fleet.
    pub seed: u64,
    /// How many times as fast as in reality; at 0 the fleet does not change.
    pub speed: f64,
}

impl Default for Plan {
    fn default() -> Self {
        Self { companies: 12, connections: 25, accounts: 3, seed: 1, speed: 0.0 }
    }
}

/// A handle on a simulated Nectar; clones share it.
#[derive(Clone)]
pub struct Simulator(Arc<Shared>);

struct Shared {
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    key: Mutex<String>,
    state: Mutex<State>,
    faults: Faults,
    in_flight: Arc<InFlight>,
}

struct State {
    fleet: Fleet,
    /// None if the fleet does not change by itself.
    scheduler: Option<Scheduler>,
}

impl Simulator {
    /// Makes the fleet of `plan`, starting now. `now` is its clock, which may step backwards.
    pub fn new(
        plan: &Plan,
        api_key: impl Into<String>,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        let mut fleet = generator::build(plan, now());
        every_status::complete(&mut fleet);
        let is_alive = plan.speed.is_finite() && plan.speed > 0.0;
        let scheduler = is_alive.then(|| Scheduler::new(&mut fleet, plan.speed));
        Self(Arc::new(Shared {
            now: Box::new(now),
            key: Mutex::new(api_key.into()),
            state: Mutex::new(State { fleet, scheduler }),
            faults: Faults::default(),
            in_flight: Arc::default(),
        }))
    }

    /// The faults that are set.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Serves the API on `listeners` until `stop`. Requests that have not ended some seconds later are cut off.
    pub async fn serve(self, listeners: Vec<TcpListener>, stop: CancellationToken) {
        let (shared, stopped) = (self.0, stop.clone());
        let handler = move |request: Request| {
            let guard = shared.in_flight.enter();
            let (shared, stop) = (Arc::clone(&shared), stopped.clone());
            let (head, _) = request.into_parts();
            async move { guard.until_sent(routes::respond(&shared, &stop, &head).await) }
        };
        let app = Router::new().fallback(handler);
        let servers = listeners.into_iter().map(|listener| {
            // A body that follows its head must not wait for the client's acknowledgement.
            let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
            let server = axum::serve(listener, app.clone());
            server.with_graceful_shutdown(stop.clone().cancelled_owned()).into_future()
        });
        let cut_off = async {
            stop.cancelled().await;
            tokio::time::sleep(DRAIN_TIME).await;
        };
        tokio::select! {
            _ = join_all(servers) => {}
            () = cut_off => {}
        }
    }

    /// Sends a webhook event to `endpoint` for each connection that is new or gets another status after this call, until `stop`. Times
    /// that change alone lead to none; nor does a status that is back at what it was within a quarter of a second.
    pub fn send_events(
        &self,
        endpoint: Endpoint,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.0);
        // Before the caller awaits it: what the caller changes next counts.
        let announced = shared.read(|fleet, _| Announced::all(fleet));
        async move { _ = stop.run_until_cancelled(endpoint.send(&shared, announced)).await }
    }

    /// How many requests came in so far.
    pub fn requests(&self) -> u64 {
        self.0.in_flight.requests()
    }

    /// How many requests are in flight now.
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.current()
    }

    /// The most requests that were in flight at once.
    pub fn peak_in_flight(&self) -> usize {
        self.0.in_flight.peak()
    }

    /// The ids of all companies, in the order in which the API lists them.
    pub fn companies(&self) -> Vec<String> {
        self.0.read(|fleet, _| fleet.companies.iter().map(|company| company.id.to_string()).collect())
    }

    /// The ids of a company's connections, in the order in which the API lists them; none if there is no such company.
    pub fn connections(&self, company_id: &str) -> Vec<String> {
        self.0.read(|fleet, _| {
            let company = Uuid::try_parse(company_id).ok().and_then(|id| fleet.company(id));
            let connections = company.into_iter().flat_map(|company| &company.connections);
            connections.map(|connection| connection.id.to_string()).collect()
        })
    }

    /// The statuses that a connection has had since the start, up to the last hundred and the present one, each with the time at which it
    /// was first seen.
    pub fn statuses(&self, connection_id: &str) -> Vec<(String, Option<Timestamp>)> {
        self.0.read(|fleet, _| {
            let at = fleet.find_connection(connection_id);
            let row = at.and_then(|(company, row)| fleet.companies.get(company)?.connections.get(row));
            let records = row.into_iter().flat_map(|row| row.past.iter().chain([&row.status_record]));
            records.map(|record| (record.status.to_string(), record.first_seen)).collect()
        })
    }

    /// Gives a connection a status, as if a check had just found it. False if there is no such connection.
    pub fn set_connection_status(&self, connection_id: &str, status: &str) -> bool {
        self.0.change(|state, now| {
            let at = state.fleet.find_connection(connection_id);
            at.map(|(company, connection)| state.set_status(company, connection, status, now)).is_some()
        })
    }

    /// Sets when the status of a connection was first seen, and last recorded. So a test need not wait a day for a second check, or a
    /// week for one that is late. False if there is no such connection.
    pub fn set_connection_times(
        &self,
        connection_id: &str,
        first_seen: Timestamp,
        last_update: Timestamp,
    ) -> bool {
        self.0.change(|state, _| {
            let at = state.fleet.find_connection(connection_id);
            at.is_some_and(|(company, connection)| {
                state.set_times(company, connection, first_seen, last_update)
            })
        })
    }

    /// Removes a connection. False if there is none with this id.
    pub fn remove_connection(&self, connection_id: &str) -> bool {
        self.0.change(|state, _| {
            let at = state.fleet.find_connection(connection_id);
            at.is_some_and(|(company, connection)| state.remove(company, connection))
        })
    }

    /// Switches a company off: all its connections and accounts become `COMPANY_INACTIVE`, and nobody checks them any more.
    /// False if there is none with this id.
    pub fn switch_company_off(&self, company_id: &str) -> bool {
        self.0.change(|state, now| {
            let Some(at) = state.companies_with(&[company_id]).first().copied() else { return false };
            state.switch_off(at, now)
        })
    }

    /// Removes a company. False if there is none with this id.
    pub fn remove_company(&self, company_id: &str) -> bool {
        self.0.change(|state, _| {
            let Some(at) = state.companies_with(&[company_id]).first().copied() else { return false };
            let company = state.fleet.companies.remove(at);
            if let Some(scheduler) = &mut state.scheduler {
                scheduler.forget(&company);
            }
            true
        })
    }

    /// The names of all utilities that connections can be with.
    pub fn utilities() -> impl Iterator<Item = &'static str> {
        seed_data::utility_names()
    }

    /// Takes a utility's website down for these companies, or brings it up again. Returns how many connections that changed. A
    /// deactivated company's connections stay as they are, because nobody checks them.
    pub fn set_utility_down(&self, utility: &str, company_ids: &[String], down: bool) -> usize {
        self.0.change(|state, now| {
            let companies = state.companies_with(company_ids);
            companies.into_iter().map(|at| state.set_down(at, utility, down, now)).sum()
        })
    }

    /// From now on, only this key is accepted.
    pub fn accept_key(&self, api_key: impl Into<String>) {
        *self.0.key.lock().unwrap_or_else(PoisonError::into_inner) = api_key.into();
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").finish_non_exhaustive()
    }
}

impl Shared {
    fn is_key(&self, header: Option<&HeaderValue>) -> bool {
        let key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        header.is_some_and(|header| header.as_bytes() == key.as_bytes())
    }

    fn read<T>(&self, read: impl FnOnce(&Fleet, Timestamp) -> T) -> T {
        self.change(|state, now| read(&state.fleet, now))
    }

    /// Brings the fleet to the present time, and changes it.
    fn change<T>(&self, act: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that no request sees an earlier time than the one before it.
        let now = (self.now)();
        let State { fleet, scheduler } = &mut *state;
        if let Some(scheduler) = scheduler {
            scheduler.advance(fleet, now);
        }
        act(&mut state, now)
    }
}

impl State {
    fn companies_with(&self, ids: &[impl AsRef<str>]) -> Vec<usize> {
        let ids: Vec<Uuid> = ids.iter().filter_map(|id| Uuid::try_parse(id.as_ref()).ok()).collect();
        let wanted = |company: &Company| ids.contains(&company.id);
        let companies = self.fleet.companies.iter().enumerate();
        companies.filter(|(_, company)| wanted(company)).map(|(at, _)| at).collect()
    }

    fn set_status(&mut self, company: usize, connection: usize, status: &str, now: Timestamp) {
        let Fleet { companies, rng, accounts, .. } = &mut self.fleet;
        let row = companies.get_mut(company).and_then(|company| company.connections.get_mut(connection));
        let Some(row) = row else { return };
        transitions::apply_check(row, Cow::Owned(status.to_owned()), now, *accounts, rng);
        row.status_record.first_seen = row.status_record.last_update;
        if let Some(scheduler) = &mut self.scheduler {
            scheduler.replan(&mut self.fleet, company, connection, now);
        }
    }

    fn set_times(&mut self, company: usize, connection: usize, first: Timestamp, last: Timestamp) -> bool {
        let company = self.fleet.companies.get_mut(company);
        let row = company.and_then(|company| company.connections.get_mut(connection));
        let Some(row) = row else { return false };
        row.status_record.first_seen = Some(first);
        row.status_record.last_update = Some(last);
        // Nothing is checked before it is created.
        row.created = row.created.min(first);
        true
    }

    fn remove(&mut self, company: usize, connection: usize) -> bool {
        let company = self.fleet.companies.get_mut(company);
        let Some(company) = company.filter(|company| connection < company.connections.len()) else {
            return false;
        };
        let mut gone = company.connections.remove(connection);
        if let Some(scheduler) = &mut self.scheduler {
            scheduler.cancel(company.serial, &mut gone);
        }
        true
    }

    fn switch_off(&mut self, at: usize, now: Timestamp) -> bool {
        let Some(company) = self.fleet.companies.get_mut(at) else { return false };
        company.is_active = false;
        for connection in 0..company.connections.len() {
            self.set_status(at, connection, transitions::COMPANY_INACTIVE, now);
        }
        if let (Some(scheduler), Some(company)) = (&mut self.scheduler, self.fleet.companies.get(at)) {
            scheduler.forget(company);
        }
        true
    }

    fn set_down(&mut self, at: usize, utility: &str, down: bool, now: Timestamp) -> usize {
        // Nobody checks the logins of a company that is switched off.
        let company = self.fleet.companies.get_mut(at).filter(|company| company.is_active);
        let Some(company) = company else { return 0 };
        company.down.retain(|name| *name != utility);
        if let Some(known) = seed_data::utility_named(utility).filter(|_| down) {
            company.down.push(known.name);
        }
        let hit: Vec<usize> = (0..)
            .zip(&company.connections)
            .filter(|(_, row)| row.utility.name == utility)
            .filter(|(_, row)| down || row.status_record.status == transitions::WEBSITE_DOWN)
            .map(|(position, _)| position)
            .collect();
        let status = if down { transitions::WEBSITE_DOWN } else { transitions::CONNECTED };
        for position in &hit {
            self.set_status(at, *position, status, now);
        }
        hit.len()
    }
}
