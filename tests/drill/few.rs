//! A drill with a few episodes of each kind, which waits for each of them and never for time to pass: it works on every machine,
//! however slow.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::nectar::{CONNECTED, Login, Nectar, WAITING};
use crate::script::{Event, Part};
use crate::tally::Row;
use crate::told::{Saying, told};
use crate::truth::{Episode, episodes, rises, spells};
use crate::world::{World, now};

const SCALE: u32 = 90;
/// If no message comes for this many minutes of the drill, none is to come any more.
const SETTLING: f64 = 15.0;
/// How many episodes begin here.
const EPISODES: usize = 16;

struct Few {
    nectar: Nectar,
    has_detail: bool,
    /// Companies by their role: first one in which logins wait from the start, then those with the most logins.
    parts: Vec<usize>,
    world: World,
    started: f64,
}

/// Returns what was wrong.
pub async fn run(detail: &str) -> Vec<String> {
    let nectar = Nectar::open(12, 1, i64::from(86_400 / SCALE)).await;
    let world = World::start(tempfile::tempdir().unwrap(), &nectar, detail, SCALE, false).await;
    let mut few = Few { nectar, has_detail: detail != "none", parts: Vec::new(), world, started: now() };
    few.parts = few.cast();
    few.in_quiet_times().await;
    few.while_messages_cannot_be_sent().await;
    few.while_nothing_is_read().await;
    few.with_a_second_exporter().await;
    few.settled(SETTLING).await;
    let tally = crate::close(&few.nectar, &few.world, few.started, detail).await;
    println!("detail {detail}\n{}", tally.table());
    let (episodes, told) = (tally.number(Row::Episodes), tally.number(Row::Told));
    let is_short = (episodes, told) != (EPISODES, EPISODES);
    let short = is_short.then(|| format!("{told} of {episodes} told, and {EPISODES} ought to be"));
    tally.faults().into_iter().chain(short).collect()
}

impl Few {
    /// One login, several at once, beside others that wait already; every way to end.
    async fn in_quiet_times(&mut self) {
        self.all_told().await;
        self.standing_are_one_message_each();
        for (part, number) in [(0, 1), (1, 3), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1)] {
            for login in self.free(part, number) {
                self.becomes(login, WAITING[part % WAITING.len()]);
            }
        }
        self.all_told().await;
        let (changes, again) = (self.waiting(1), self.waiting(6));
        self.becomes(changes, WAITING[3]);
        self.becomes(self.waiting(2), CONNECTED);
        self.nectar.happen(&Event::Removed { login: self.waiting(3) });
        self.nectar.happen(&Event::SwitchedOff { company: self.parts[4] });
        self.nectar.happen(&Event::CompanyRemoved { company: self.parts[5] });
        self.becomes(again, CONNECTED);
        self.becomes(again, WAITING[6 % WAITING.len()]);
        self.all_told().await;
    }

    /// What waits from the start is told in one message for each company.
    fn standing_are_one_message_each(&self) {
        let told = told(&self.nectar, &self.world.receiver.messages());
        let messages: BTreeSet<(usize, usize)> = told
            .iter()
            .filter(|line| line.saying == Saying::Standing)
            .map(|line| (line.company, line.message))
            .collect();
        let companies: BTreeSet<usize> = messages.iter().map(|(company, _)| *company).collect();
        assert_eq!(messages.len(), companies.len(), "a company was told twice what stands: {messages:?}");
    }

    async fn while_messages_cannot_be_sent(&mut self) {
        // Alertmanager records that it has sent only after sending: stopped in between, it would send again.
        self.settled(1.0).await;
        self.world.begin(Part::Alertmanager, &self.nectar).await;
        let broken = self.free(7, 1)[0];
        self.becomes(broken, WAITING[1]);
        self.becomes(self.waiting(1), CONNECTED);
        let id = &self.nectar.companies[self.nectar.logins[broken].company].id;
        self.world.until(&format!("ALERTS{{alertstate=\"firing\", told=\"new\", company_id={id:?}}}")).await;
        self.world.end(Part::Alertmanager, &self.nectar).await;
        self.all_told().await;

        self.world.begin(Part::Prometheus, &self.nectar).await;
        self.becomes(broken, CONNECTED);
        self.becomes(self.free(8, 1)[0], WAITING[1]);
        self.read_twice().await;
        self.world.end(Part::Prometheus, &self.nectar).await;
        self.all_told().await;
    }

    async fn while_nothing_is_read(&mut self) {
        for (part, mended, breaks, is_seen) in
            [(Part::Exporter, 8, 9, "up == 0"), (Part::Api, 9, 2, "nectar_up == 0")]
        {
            self.world.begin(part, &self.nectar).await;
            self.world.until(is_seen).await;
            self.becomes(self.waiting(mended), CONNECTED);
            self.becomes(self.free(breaks, 1)[0], WAITING[2]);
            self.world.end(part, &self.nectar).await;
            self.all_told().await;
        }
    }

    /// A second exporter comes, is alone for a while, and goes.
    async fn with_a_second_exporter(&mut self) {
        self.world.begin(Part::Replica, &self.nectar).await;
        self.world.until("count(group by (instance) (nectar_company_info)) == 2").await;
        self.world.begin(Part::Exporter, &self.nectar).await;
        self.world.until("up == 0").await;
        self.becomes(self.waiting(2), CONNECTED);
        self.becomes(self.free(7, 1)[0], WAITING[0]);
        self.all_told().await;
        self.world.end(Part::Exporter, &self.nectar).await;
        self.world.until("count(group by (instance) (nectar_company_info)) == 2").await;
        self.world.end(Part::Replica, &self.nectar).await;
        self.becomes(self.waiting(7), CONNECTED);
        self.all_told().await;
    }

    fn cast(&self) -> Vec<usize> {
        let works = |login: &Login| login.status_at(f64::MAX) == Some(CONNECTED);
        let of = |company: usize| self.nectar.logins.iter().filter(move |login| login.company == company);
        let mut parts: Vec<usize> = (0..self.nectar.companies.len()).collect();
        parts.sort_by_key(|company| Reverse(of(*company).filter(|login| works(login)).count()));
        let (standing, rest): (Vec<usize>, Vec<usize>) =
            parts.into_iter().partition(|company| !of(*company).all(works));
        [&standing[..1], &rest].concat()
    }

    fn becomes(&mut self, login: usize, status: &'static str) {
        self.nectar.happen(&Event::Becomes { login, status });
    }

    /// This many working logins of the company with this role.
    fn free(&self, part: usize, number: usize) -> Vec<usize> {
        let free: Vec<usize> = self.of(part, |status| status == CONNECTED).take(number).collect();
        assert_eq!(free.len(), number, "company {part} has too few logins");
        free
    }

    /// The last login of the company with this role that waits for its customer.
    fn waiting(&self, part: usize) -> usize {
        self.of(part, |status| WAITING.contains(&status)).last().expect("one that waits")
    }

    fn of(&self, part: usize, is_meant: impl Fn(&str) -> bool) -> impl Iterator<Item = usize> {
        let company = self.parts[part];
        let logins = self.nectar.logins.iter().enumerate().filter(move |(_, login)| login.company == company);
        logins.filter(move |(_, login)| login.status_at(f64::MAX).is_some_and(&is_meant)).map(|(at, _)| at)
    }

    /// Waits until everything that has happened was told.
    async fn all_told(&self) {
        crate::patiently("all told", async || {
            let told = told(&self.nectar, &self.world.receiver.messages());
            let is_told = |saying, episode: &Episode| told.iter().any(|line| line.says(saying, episode));
            let episodes = episodes(&self.nectar, self.started);
            let (begins, ends) = match self.has_detail {
                true => (episodes.clone(), episodes),
                false => (rises(&episodes), last_spells(&episodes)),
            };
            let ended = |episode: &&Episode| episode.end.is_finite();
            begins
                .iter()
                .all(|one| is_told(if one.is_standing { Saying::Standing } else { Saying::New }, one))
                && ends.iter().filter(ended).all(|one| is_told(Saying::Over, one))
        })
        .await;
    }

    /// Waits until Nectar was read twice more, so at least once from beginning to end.
    async fn read_twice(&self) {
        let reading = u64::try_from(self.nectar.simulator.companies().len()).unwrap() + 1;
        let enough = self.nectar.simulator.requests() + 2 * reading;
        crate::patiently("read", async || self.nectar.simulator.requests() >= enough).await;
    }

    /// Waits until Prometheus has evaluated for this many minutes of the drill without any message.
    async fn settled(&self, minutes: f64) {
        let mut known = usize::MAX;
        while known != self.world.receiver.messages().len() {
            known = self.world.receiver.messages().len();
            let then = now() + minutes * 60.0 / f64::from(SCALE);
            let evaluated = "timestamp(company_id:nectar_company_last_success_timestamp_seconds:max)";
            self.world.until(&format!("max({evaluated}) > {then}")).await;
        }
    }
}

/// The last of each company and status: what begins again before it was read has not ended, as far as could be read.
fn last_spells(episodes: &[Episode]) -> Vec<Episode> {
    let spells = spells(episodes);
    let is_last = |place: usize| !spells[place + 1..].iter().any(|later| later.is_like(&spells[place]));
    spells.iter().enumerate().filter(|(place, _)| is_last(*place)).map(|(_, spell)| spell.clone()).collect()
}
