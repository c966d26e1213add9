//! What was rendered earlier, kept as long as what it was rendered from.
//!
//! A poll that changes little costs little, and a scrape writes nothing but what changes with the clock. The families about
//! single objects are kept by company, as each company has many; the others by block of companies, as each company has few
//! lines of them: those that every poll changes apart from those that change with the records.
//! Must not know which families there are.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use super::bundle::{Bundle, Bundles, Runs, add_families};
use super::kept::{Kept, Same};
use super::objects::Objects;
use super::piece::{Piece, Run};
use super::press::{Press, Pressed};
use super::rows::views;
use super::{Detail, RenderError, Settings, companies, objects};
use crate::fleet::changes::Changes;
use crate::fleet::tally::Tallies;
use crate::fleet::unknown::GrantedWords;
use crate::fleet::{CompanyState, Fleet, PollOutcome};
use crate::gzip::Deflater;
use crate::model::{Company, CompanyId, Connection, RecordFaults};

/// Companies in a block: enough for segments that compress well; few enough that one change is soon rendered, and that no
/// buffer is so large that the allocator is left with large holes.
const COMPANIES_PER_BLOCK: usize = 16;

/// Companies whose objects are rendered anew before the shelf is replaced, and what it had of them is freed. All at once, a poll
/// that changes each company would leave the allocator with a hole for each: memory at rest was 297 MiB, and is 275 MiB so.
const OBJECTS_PER_STEP: usize = 64;

/// Companies in a bundle. A change sums up its whole bundle anew; smaller ones are more to sum up at each scrape.
const COMPANIES_PER_BUNDLE: usize = 64;
const BLOCKS_PER_BUNDLE: usize = COMPANIES_PER_BUNDLE / COMPANIES_PER_BLOCK;

/// Everything that was rendered and does not change with the clock alone.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    listing: Blocks<Listed>,
    counts: Blocks<Counted>,
    objects: ByCompany,
    granted: GrantedWords,
    /// Whether the single objects are withheld for their number.
    pub(super) is_limited: bool,
    bundled: Bundled,
    /// Between two that follow each other stands a family of ages.
    runs: OnceLock<Vec<Runs>>,
}

/// All that is kept, in bundles.
#[derive(Debug, Default)]
struct Bundled {
    listing: Bundles<Vec<Listed>>,
    counts: Bundles<Vec<Counted>>,
    objects: Bundles<ObjectsSource>,
}

/// What is rendered for each company by itself.
type ByCompany = BTreeMap<CompanyId, Arc<Kept<ObjectsSource>>>;

/// Companies block by block, in their order.
type Blocks<S> = Vec<Arc<Kept<Vec<S>>>>;

/// What is shown of a company whatever is held of it.
#[derive(Debug, PartialEq)]
struct Listed {
    company: Company,
    last_poll: Option<PollOutcome>,
    begun: Option<Timestamp>,
}

/// What the counts of a company are shown from.
#[derive(Debug, PartialEq)]
struct Counted {
    company: Company,
    /// None while nothing may be shown.
    served: Option<(Same<Tallies>, RecordFaults)>,
    changes: Option<Same<Changes>>,
}

#[derive(Debug, PartialEq)]
struct ObjectsSource(Same<Vec<Connection>>, Company);

/// What a shelf is filled from.
struct Now<'a> {
    fleet: &'a Fleet,
    /// In their order, and whether their snapshots may be shown.
    states: Vec<(&'a Arc<CompanyState>, bool)>,
    same_words: bool,
    now: Timestamp,
    settings: &'a Settings,
}

/// What became of a shelf.
pub(super) enum Renewed {
    /// It was up to date.
    Same,
    /// Some objects are up to date, and nothing else: not to be shown, but to be renewed again.
    InPart(Shelf),
    /// All is up to date.
    Whole(Shelf),
}

impl Shelf {
    /// The shelf for `fleet` at `now`, or a step towards it.
    pub(super) fn renewed(
        &self,
        fleet: &Fleet,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<Renewed, RenderError> {
        let mut press = Press::default();
        let served = |state: &Arc<CompanyState>| state.served(now, settings.max_data_age).is_some();
        let states: Vec<_> = fleet.companies.values().map(|state| (state, served(state))).collect();
        let shown = states.iter().filter(|(_, is_served)| *is_served);
        let is_limited =
            objects::are_too_many(shown.filter_map(|(state, _)| state.held.as_deref()), settings);
        let now = Now { fleet, states, same_words: self.granted == fleet.granted, now, settings };
        let (objects, is_whole) = if is_limited || settings.detail == Detail::None {
            (BTreeMap::new(), true)
        } else {
            self.objects(&now, &mut press)?
        };
        if !is_whole {
            return Ok(Renewed::InPart(self.with(objects)));
        }
        let (listing, counts) = (self.listing(&now, &mut press)?, self.counts(&now, &mut press)?);
        let bundled = self.bundled.renewed(&listing, &counts, &objects);
        let (granted, runs) = (fleet.granted.clone(), OnceLock::new());
        let renewed = Self { listing, counts, objects, granted, is_limited, bundled, runs };
        Ok(if renewed.is(self) { Renewed::Same } else { Renewed::Whole(renewed) })
    }

    fn with(&self, objects: ByCompany) -> Self {
        let Self { listing, counts, granted, is_limited, .. } = self;
        let (listing, counts, granted) = (listing.clone(), counts.clone(), granted.clone());
        // Bundled, too: what was replaced is freed only when no bundle has it.
        let bundled = self.bundled.renewed(&listing, &counts, &objects);
        Self { listing, counts, objects, granted, is_limited: *is_limited, bundled, runs: OnceLock::new() }
    }

    /// The objects of all companies, and whether all of them are up to date.
    fn objects(&self, now: &Now<'_>, press: &mut Press) -> Result<(ByCompany, bool), RenderError> {
        let (mut objects, mut anew) = (ByCompany::new(), 0);
        for (state, is_served) in &now.states {
            let (Some(held), true) = (&state.held, is_served) else { continue };
            let CompanyState { company, .. } = state.as_ref();
            let before = self.objects.get(&company.id);
            // A new word may change everything, and nothing would tell what it has changed already.
            if anew == OBJECTS_PER_STEP && now.same_words {
                objects.extend(before.map(|before| (Arc::clone(&company.id), Arc::clone(before))));
                continue;
            }
            let source = ObjectsSource(Same::as_this(&held.snapshot.connections), company.clone());
            let one = Objects { company, snapshot: &held.snapshot };
            let kept = Kept::or_new(before, source, now.same_words, press, |text| {
                objects::render(text, &now.fleet.granted, one, now.settings);
            })?;
            anew += usize::from(!before.is_some_and(|before| Arc::ptr_eq(before, &kept)));
            objects.insert(Arc::clone(&company.id), kept);
        }
        Ok((objects, anew < OBJECTS_PER_STEP || !now.same_words))
    }

    fn listing(&self, now: &Now<'_>, press: &mut Press) -> Result<Blocks<Listed>, RenderError> {
        let mut earlier = self.listing.iter();
        let blocks = now.states.chunks(COMPANIES_PER_BLOCK).map(|states| {
            let source = states.iter().map(|(state, _)| Listed::of(state)).collect();
            Kept::or_new(earlier.next(), source, true, press, |text| {
                let states: Vec<_> = states.iter().map(|(state, _)| state.as_ref()).collect();
                companies::listed(text, &states);
            })
        });
        blocks.collect()
    }

    fn counts(&self, now: &Now<'_>, press: &mut Press) -> Result<Blocks<Counted>, RenderError> {
        let mut earlier = self.counts.iter();
        let blocks = now.states.chunks(COMPANIES_PER_BLOCK).map(|states| {
            let source = states.iter().map(|(state, is_served)| Counted::of(state, *is_served)).collect();
            Kept::or_new(earlier.next(), source, now.same_words, press, |text| {
                let states = states.iter().map(|(state, _)| *state);
                let views = views(states, &now.fleet.granted, now.now, now.settings.max_data_age);
                companies::counted(text, &now.fleet.granted, &views);
            })
        });
        blocks.collect()
    }

    fn is(&self, other: &Self) -> bool {
        are_same(&self.listing, &other.listing)
            && are_same(&self.counts, &other.counts)
            && are_same(self.objects.values(), other.objects.values())
            && self.is_limited == other.is_limited
            && self.granted == other.granted
    }

    /// All families as they are at `now`, in their order, each with its head. Ages are compressed if there is a `deflater`.
    pub(super) fn runs_at(
        &self,
        now: Timestamp,
        deflater: Option<&mut Deflater>,
    ) -> Result<Vec<Arc<Run>>, RenderError> {
        self.gather()?;
        let mut ages = self.ages(now, deflater)?.into_iter().map(Arc::new);
        let mut all = Vec::new();
        for runs in self.runs.get().into_iter().flatten() {
            all.extend(runs.iter().cloned());
            all.extend(ages.next());
        }
        Ok(all)
    }

    fn ages(&self, now: Timestamp, mut deflater: Option<&mut Deflater>) -> Result<Vec<Run>, RenderError> {
        let Some(first) = self.counts.first() else { return Ok(Vec::new()) };
        let families = first.families.iter().enumerate();
        let aging = families.filter(|(_, (_, pressed))| matches!(pressed, Pressed::Aging(_)));
        let runs = aging.map(|(number, (head, _))| {
            let blocks = self.counts.iter().filter_map(|block| block.families.get(number)?.1.aging());
            let mut run = Run::default();
            for aging in blocks.filter(|aging| !aging.is_empty()) {
                let mut text = if run.is_empty() { head.lines() } else { String::new() };
                aging.write(now, &mut text);
                run.push(Piece::new(text, deflater.as_deref_mut())?);
            }
            Ok(run)
        });
        runs.collect()
    }

    /// Puts all other families together. Does nothing the second time.
    pub(super) fn gather(&self) -> Result<(), RenderError> {
        if self.runs.get().is_some() {
            return Ok(());
        }
        let mut deflater = Deflater::default();
        let mut runs = vec![Runs::new()];
        let Bundled { listing, counts, objects } = &self.bundled;
        add_families(&mut runs, listing, &mut deflater)?;
        add_families(&mut runs, counts, &mut deflater)?;
        add_families(&mut runs, objects, &mut deflater)?;
        // Set already by nobody else: all is put together on one thread.
        let _ = self.runs.set(runs);
        Ok(())
    }
}

impl Bundled {
    fn renewed(&self, listing: &Blocks<Listed>, counts: &Blocks<Counted>, objects: &ByCompany) -> Self {
        let objects: Vec<_> = objects.values().cloned().collect();
        Self {
            listing: Bundle::all(listing, BLOCKS_PER_BUNDLE, &self.listing),
            counts: Bundle::all(counts, BLOCKS_PER_BUNDLE, &self.counts),
            objects: Bundle::all(&objects, COMPANIES_PER_BUNDLE, &self.objects),
        }
    }
}

fn are_same<'a, S: 'a>(
    these: impl IntoIterator<Item = &'a Arc<Kept<S>>>,
    those: impl IntoIterator<Item = &'a Arc<Kept<S>>>,
) -> bool {
    these.into_iter().map(Arc::as_ptr).eq(those.into_iter().map(Arc::as_ptr))
}

impl Listed {
    fn of(state: &CompanyState) -> Self {
        let begun = state.held.as_ref().map(|held| held.snapshot.begun);
        Self { company: state.company.clone(), last_poll: state.last_poll, begun }
    }
}

impl Counted {
    fn of(state: &CompanyState, is_served: bool) -> Self {
        let held = state.held.as_deref();
        let served = held.filter(|_| is_served);
        Self {
            company: state.company.clone(),
            served: served.map(|held| (Same::as_this(&held.tallies), held.snapshot.faults.clone())),
            // Shown from the first snapshot on.
            changes: held.map(|_| Same::as_this(&state.changes)),
        }
    }
}
