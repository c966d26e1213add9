//! A simulated Nectar: its API, over a made-up fleet, on a real socket.
//!
//! This file knows the handle that the program and the tests hold. Nothing outside this folder may depend on how the simulator
//! works inside.

mod course;
mod dice;
pub mod faults;
mod fleet;
mod flight;
mod life;
mod names;
mod page;
mod past;
mod prepared;
mod query;
mod record;
mod reply;
mod routes;
mod showcase;
mod spelling;
mod world;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::header::HeaderValue;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::life::Life;
use self::world::{Company, World};
use crate::clock::SharedClock;
use crate::http::{self, Limits};

pub use self::faults::{Fault, Faults, Scope};
pub use self::record::SECRET;

/// What fleet to make, and how fast it lives.
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
    /// How many times as fast as in life; at 0 the fleet stands still.
    pub speed: f64,
}

impl Default for Plan {
    fn default() -> Self {
        Self { companies: 12, connections: 25, accounts: 3, seed: 1, speed: 0.0 }
    }
}

/// A handle on a simulated Nectar; copies share the one.
#[derive(Clone)]
pub struct Simulator(Arc<Shared>);

struct Shared {
    clock: SharedClock,
    key: Mutex<String>,
    state: Mutex<State>,
    faults: Faults,
    flight: Arc<flight::Flight>,
    prepared: prepared::Prepared,
}

struct State {
    world: World,
    /// None in a fleet that stands still.
    life: Option<Life>,
}

impl Simulator {
    /// Makes the fleet of `plan`, starting now.
    pub fn new(plan: &Plan, api_key: impl Into<String>, clock: SharedClock) -> Self {
        let mut world = fleet::build(plan, clock.now());
        showcase::complete(&mut world);
        let lives = plan.speed.is_finite() && plan.speed > 0.0;
        let life = lives.then(|| Life::begin(&mut world, plan.speed));
        Self(Arc::new(Shared {
            clock,
            key: Mutex::new(api_key.into()),
            state: Mutex::new(State { world, life }),
            faults: Faults::default(),
            flight: Arc::default(),
            prepared: prepared::Prepared::default(),
        }))
    }

    /// The faults to come.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Serves the API on `listeners` until `stop`.
    pub async fn serve(self, listeners: Vec<TcpListener>, stop: CancellationToken) {
        let (shared, stopped) = (self.0, stop.clone());
        let routes = move |request| {
            let pass = shared.flight.enter();
            let (shared, stop) = (Arc::clone(&shared), stopped.clone());
            async move { pass.carried_by(routes::answer(&shared, &stop, &request).await) }
        };
        http::serve(listeners, Limits::default(), routes, stop).await;
    }

    /// Renders and packs, now, every answer that a walk through the whole fleet asks for, `limit` connections a page. So
    /// long as nobody changes the fleet, who takes gzip gets those bytes; after a change, ask for this again: what did
    /// not change is still ready. A fleet that lives changes by itself: for it, this does nothing.
    pub fn prepare(&self, limit: u16) {
        self.0.enter(|state, now| {
            if state.life.is_none() {
                let (limit, ready) = (u64::from(limit.max(1)), &self.0.prepared);
                ready.add(routes::packed_ahead_of_a_walk(&state.world, limit, now, ready));
            }
        });
    }

    /// Requests taken so far.
    pub fn requests(&self) -> u64 {
        self.0.flight.taken()
    }

    /// The most requests that were under way at once.
    pub fn peak_in_flight(&self) -> usize {
        self.0.flight.peak()
    }

    /// The ids of all companies, in the order in which the API lists them.
    pub fn companies(&self) -> Vec<String> {
        self.0.look(|world, _| world.companies.iter().map(|company| company.id.to_string()).collect())
    }

    /// The ids of a company's connections, in the order in which the API lists them; none when there is no such company.
    pub fn connections(&self, company_id: &str) -> Vec<String> {
        self.0.look(|world, _| {
            let company = Uuid::try_parse(company_id).ok().and_then(|id| world.company(id));
            let connections = company.into_iter().flat_map(|company| &company.connections);
            connections.map(|connection| connection.id.to_string()).collect()
        })
    }

    /// Gives a connection a status, as if a check had just found it. False when there is no such connection.
    pub fn set_connection_status(&self, connection_id: &str, status: &str) -> bool {
        self.0.change(|state, now| {
            let Ok(id) = Uuid::try_parse(connection_id) else { return false };
            let Some((company, connection)) = state.world.find_connection(id) else { return false };
            state.set_status(company, connection, status, now);
            true
        })
    }

    /// Puts the checks of a connection at other times: its status was first seen, and last recorded, then. So a test
    /// need not wait a day for a second check, or a week for one that is late. False when there is no such connection.
    pub fn set_connection_times(
        &self,
        connection_id: &str,
        first_seen: Timestamp,
        last_update: Timestamp,
    ) -> bool {
        self.0.change(|state, _| {
            let Ok(id) = Uuid::try_parse(connection_id) else { return false };
            let Some((company, connection)) = state.world.find_connection(id) else { return false };
            state.set_times(company, connection, first_seen, last_update)
        })
    }

    /// Takes a connection away. False when there is none with this id.
    pub fn remove_connection(&self, connection_id: &str) -> bool {
        self.0.change(|state, _| {
            let Ok(id) = Uuid::try_parse(connection_id) else { return false };
            let Some((company, connection)) = state.world.find_connection(id) else { return false };
            state.remove(company, connection)
        })
    }

    /// Switches a company off: all its connections and accounts become `COMPANY_INACTIVE`, and nobody checks them any more.
    /// False when there is none with this id.
    pub fn switch_company_off(&self, company_id: &str) -> bool {
        self.0.change(|state, now| {
            let Some(at) = state.companies_with(&[company_id]).first().copied() else { return false };
            state.switch_off(at, now)
        })
    }

    /// Takes a company away. False when there is none with this id.
    pub fn remove_company(&self, company_id: &str) -> bool {
        self.0.change(|state, _| {
            let Some(at) = state.companies_with(&[company_id]).first().copied() else { return false };
            let company = state.world.companies.remove(at);
            if let Some(life) = &mut state.life {
                life.forget(&company);
            }
            true
        })
    }

    /// The names of all utilities that connections can be with.
    pub fn utilities() -> impl Iterator<Item = &'static str> {
        names::utility_names()
    }

    /// Takes a utility's website down for these companies, or up again; returns how many connections that changed.
    /// A deactivated company's connections are left as they are: nobody checks them.
    pub fn set_utility_down(&self, utility: &str, company_ids: &[String], down: bool) -> usize {
        self.0.enter(|state, now| {
            let companies = state.companies_with(company_ids);
            // Under the lock of the world, as at every other change.
            let changed = companies.iter().filter_map(|at| state.world.companies.get(*at));
            self.0.prepared.forget(&changed.map(|company| company.id).collect());
            companies.into_iter().map(|at| state.set_down(at, utility, down, now)).sum()
        })
    }

    /// Accepts this key alone from now on.
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

    /// Shows the world as it is now.
    fn look<T>(&self, see: impl FnOnce(&World, Timestamp) -> T) -> T {
        self.enter(|state, now| see(&state.world, now))
    }

    /// Changes the world as it is now.
    fn change<T>(&self, act: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        self.enter(|state, now| {
            // Under the lock of the world, so that nobody prepares what was before.
            self.prepared.clear();
            act(state, now)
        })
    }

    fn enter<T>(&self, act: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that no request sees an earlier time than the one before it.
        let now = self.clock.now();
        let State { world, life } = &mut *state;
        if let Some(life) = life {
            life.advance(world, now);
        }
        act(&mut state, now)
    }
}

impl State {
    fn companies_with(&self, ids: &[impl AsRef<str>]) -> Vec<usize> {
        let ids: Vec<Uuid> = ids.iter().filter_map(|id| Uuid::try_parse(id.as_ref()).ok()).collect();
        let wanted = |company: &Company| ids.contains(&company.id);
        let companies = self.world.companies.iter().enumerate();
        companies.filter(|(_, company)| wanted(company)).map(|(at, _)| at).collect()
    }

    fn set_status(&mut self, company: usize, connection: usize, status: &str, now: Timestamp) {
        let World { companies, dice, accounts, .. } = &mut self.world;
        let row = companies.get_mut(company).and_then(|company| company.connections.get_mut(connection));
        let Some(row) = row else { return };
        course::settle(row, Cow::Owned(status.to_owned()), now, *accounts, dice);
        row.standing.first_seen = row.standing.last_update;
        if let Some(life) = &mut self.life {
            life.replan(&mut self.world, company, connection, now);
        }
    }

    fn set_times(&mut self, company: usize, connection: usize, first: Timestamp, last: Timestamp) -> bool {
        let company = self.world.companies.get_mut(company);
        let row = company.and_then(|company| company.connections.get_mut(connection));
        let Some(row) = row else { return false };
        row.standing.first_seen = Some(first);
        row.standing.last_update = Some(last);
        // Nothing was checked before it was there.
        row.created = row.created.min(first);
        true
    }

    fn remove(&mut self, company: usize, connection: usize) -> bool {
        let Some(company) = self.world.companies.get_mut(company) else { return false };
        if connection >= company.connections.len() {
            return false;
        }
        let mut gone = company.connections.remove(connection);
        if let Some(life) = &mut self.life {
            life.cancel(company.serial, &mut gone);
        }
        true
    }

    fn switch_off(&mut self, at: usize, now: Timestamp) -> bool {
        let Some(company) = self.world.companies.get_mut(at) else { return false };
        company.is_active = false;
        for connection in 0..company.connections.len() {
            self.set_status(at, connection, course::COMPANY_INACTIVE, now);
        }
        if let (Some(life), Some(company)) = (&mut self.life, self.world.companies.get(at)) {
            life.forget(company);
        }
        true
    }

    fn set_down(&mut self, at: usize, utility: &str, down: bool, now: Timestamp) -> usize {
        // Nobody checks the logins of a company that is switched off.
        let company = self.world.companies.get_mut(at).filter(|company| company.is_active);
        let Some(company) = company else { return 0 };
        company.down.retain(|name| *name != utility);
        if let Some(known) = names::utility_named(utility).filter(|_| down) {
            company.down.push(known.name);
        }
        let hit: Vec<usize> = (0..)
            .zip(&company.connections)
            .filter(|(_, row)| row.utility.name == utility)
            .filter(|(_, row)| down || row.standing.status == course::WEBSITE_DOWN)
            .map(|(position, _)| position)
            .collect();
        let status = if down { course::WEBSITE_DOWN } else { course::CONNECTED };
        for position in &hit {
            self.set_status(at, *position, status, now);
        }
        hit.len()
    }
}
