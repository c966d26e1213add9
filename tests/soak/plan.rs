//! What happens in each round, and how often, drawn from a seed.

use std::time::Duration;

use jiff::SignedDuration;
use nectar_simulator::Fault;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::rude::Manner;
use crate::strike::{Hit, Place, Row, Strike, answers};
use test_support::fault_table::{bodies, silences, statuses};

/// One poll, and what happens around it.
#[derive(Debug)]
pub struct Round {
    /// The wall clock steps by this much before the poll.
    pub step: Option<SignedDuration>,
    pub strike: Option<Strike>,
    /// Which other clients come while it polls.
    pub visitors: Vec<Manner>,
}

/// Cards, all of which are drawn once before any is drawn again.
struct Deck {
    cards: Vec<(Row, Place)>,
    left: Vec<usize>,
}

impl Deck {
    fn of(rows: impl Iterator<Item = Row>) -> Self {
        let cards = rows.flat_map(|row| Place::ALL.map(|place| (row.clone(), place))).collect();
        Self { cards, left: Vec::new() }
    }

    fn draw(&mut self, chance: &mut Chance) -> (Row, Place) {
        if self.left.is_empty() {
            self.left = (0..self.cards.len()).collect();
        }
        let drawn = chance.below(self.left.len());
        self.cards[self.left.swap_remove(drawn)].clone()
    }
}

/// The rounds of one seed.
pub struct Plan {
    chance: Chance,
    companies: Vec<String>,
    quick: Deck,
    /// Faults that move 64 MiB each time.
    large: Deck,
    /// Faults that only real time ends.
    slow: Deck,
    /// A fault that goes on for some more rounds.
    spell: Option<(Strike, usize)>,
    /// How many seconds the wall clock is off.
    off: i64,
}

impl Plan {
    pub fn new(seed: u64, companies: Vec<String>) -> Self {
        let is_large = |row: &Row| row.reason == "too_large";
        let quick = answers([statuses(), bodies()].concat()).filter(|row| !is_large(row)).chain(milder());
        Self {
            chance: Chance(ChaCha8Rng::seed_from_u64(seed)),
            companies,
            quick: Deck::of(quick),
            large: Deck::of(answers(bodies()).filter(is_large)),
            slow: Deck::of(answers(silences())),
            spell: None,
            off: 0,
        }
    }

    /// The next round.
    pub fn next(&mut self) -> Round {
        Round { step: self.step(), strike: self.strike(), visitors: self.visitors() }
    }

    /// Every second step undoes the one before, so that the wall clock never strays far.
    fn step(&mut self) -> Option<SignedDuration> {
        if !self.chance.per_thousand(20) {
            return None;
        }
        let by = match self.off {
            0 => i64::try_from(self.chance.below(7201)).unwrap() - 3600,
            off => -off,
        };
        self.off += by;
        Some(SignedDuration::from_secs(by))
    }

    fn strike(&mut self) -> Option<Strike> {
        if let Some((strike, left)) = self.spell.take() {
            self.spell = (left > 1).then(|| (strike.clone(), left - 1));
            return Some(strike);
        }
        let kind = self.chance.below(1000);
        let (card, may_last) = match kind {
            0..2 => (self.slow.draw(&mut self.chance), false),
            2..13 => return Some(self.out_of_time()),
            13..18 => (self.large.draw(&mut self.chance), false),
            18..40 => return Some(self.lasting(Strike::Key)),
            40..260 => (self.quick.draw(&mut self.chance), true),
            _ => return None,
        };
        let times = self.chance.per_thousand(400).then(|| 1 + u32::try_from(self.chance.below(3)).unwrap());
        let (row, place) = card;
        let strike = Strike::Fault(Hit { row, place, victim: self.victim(), times, runs_out: false });
        Some(if may_last { self.lasting(strike) } else { strike })
    }

    /// Now and then a fault lasts for up to seven rounds: longer than the maximum age of data.
    fn lasting(&mut self, strike: Strike) -> Strike {
        if self.chance.per_thousand(150) {
            self.spell = Some((strike.clone(), 1 + self.chance.below(6)));
        }
        strike
    }

    fn out_of_time(&mut self) -> Strike {
        let rows: Vec<Row> = answers(silences()).collect();
        let row = rows[self.chance.below(rows.len())].clone();
        let place = Place::ALL[self.chance.below(Place::ALL.len())];
        Strike::Fault(Hit { row, place, victim: self.victim(), times: None, runs_out: true })
    }

    fn victim(&mut self) -> String {
        self.companies[self.chance.below(self.companies.len())].clone()
    }

    fn visitors(&mut self) -> Vec<Manner> {
        let number = if self.chance.per_thousand(300) { 1 + self.chance.below(3) } else { 0 };
        (0..number).map(|_| Manner::ALL[self.chance.below(Manner::ALL.len())]).collect()
    }
}

/// Faults that cost little time.
fn milder() -> impl Iterator<Item = Row> {
    let row = |fault, reason| Row { fault, reason };
    [
        row(Fault::Delay(Duration::from_millis(5)), "none"),
        row(Fault::Overlap, "incomplete"),
        row(Fault::RowsMove, "incomplete"),
    ]
    .into_iter()
}

/// A stream of random numbers that a seed reproduces.
struct Chance(ChaCha8Rng);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.0.next_u64()) * u128::try_from(end).unwrap();
        usize::try_from(wide >> 64).unwrap()
    }

    fn per_thousand(&mut self, share: usize) -> bool {
        self.below(1000) < share
    }
}
