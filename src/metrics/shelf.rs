//! What was rendered earlier, kept as long as what it was rendered from.
//!
//! A poll that changes little costs little, and a scrape writes nothing but what changes with the clock. All is kept by block of
//! companies: those families that every poll changes apart from those that change with the records, and those about single
//! objects, of which each company has many lines, in smaller blocks.
//! Must not know which families there are.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use super::bundle::{Bundle, Bundles, Runs, add_families, are_same};
use super::kept::Kept;
use super::objects::Objects;
use super::piece::{Piece, Run};
use super::press::{Press, Pressed};
use super::rows::views;
use super::source::{Block, Counted, Listed, ObjectsSource, Worded};
use super::{Detail, RenderError, Settings, companies, objects};
use crate::fleet::unknown::GrantedWords;
use crate::fleet::{CompanyState, Fleet};
use crate::gzip::Deflater;
use crate::store::Store;

/// Companies in a block: enough for segments that compress well; few enough that one change is soon rendered, and that no
/// buffer is so large that the allocator is left with large holes.
const COMPANIES_PER_BLOCK: usize = 32;

/// The same for single objects. A change in one company renders all of its block. With a hundred connections each, a family
/// of three has some 50 KB, and the system hands on 64 KiB at a time: by four, a plain scrape took up to a quarter longer.
const COMPANIES_PER_OBJECTS: usize = 3;

/// Blocks of objects that are rendered anew before the shelf is replaced, and what it had of them is freed. All at once, a poll
/// that changes each company would leave the allocator with a hole for each: with texts on the heap, memory at rest was 297 MiB,
/// and 275 MiB so.
const OBJECTS_PER_STEP: usize = 21;

/// Companies in a bundle, or as many as whole blocks have. A change sums up its whole bundle anew; smaller ones are more to sum up
/// at each scrape.
const COMPANIES_PER_BUNDLE: usize = 64;

/// Everything that was rendered and does not change with the clock alone.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    listing: Blocks<Vec<Listed>>,
    counts: Blocks<Worded<Counted>>,
    objects: Blocks<Worded<ObjectsSource>>,
    /// As the fleet has them.
    granted: Arc<GrantedWords>,
    /// Whether the single objects are withheld for their number.
    pub(super) is_limited: bool,
    bundled: Bundled,
    /// Between two that follow each other stands a family of ages.
    runs: OnceLock<Vec<Runs>>,
}

/// All that is kept, in bundles.
#[derive(Debug, Default)]
struct Bundled {
    listing: Bundles,
    counts: Bundles,
    objects: Bundles,
}

/// Companies block by block, in their order.
type Blocks<S> = Vec<Arc<Kept<S>>>;

/// What a shelf is filled from.
struct Now<'a> {
    /// In their order, and whether their snapshots may be shown.
    states: Vec<(&'a Arc<CompanyState>, bool)>,
    granted: &'a Arc<GrantedWords>,
    now: Timestamp,
    settings: &'a Settings,
}

impl Now<'_> {
    /// The companies, so many in a block.
    fn blocks(&self, size: usize) -> impl Iterator<Item = Block<'_>> {
        self.states.chunks(size).map(|states| Block { states, granted: self.granted })
    }
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
        store: &Store,
    ) -> Result<Renewed, RenderError> {
        let mut press = Press::new(store);
        let served = |state: &Arc<CompanyState>| state.served(now, settings.max_data_age).is_some();
        let states: Vec<_> = fleet.companies.values().map(|state| (state, served(state))).collect();
        let shown = states.iter().filter(|(_, is_served)| *is_served);
        let is_limited =
            objects::are_too_many(shown.filter_map(|(state, _)| state.held.as_deref()), settings);
        let is_granted = *self.granted == fleet.granted;
        let granted = if is_granted { Arc::clone(&self.granted) } else { Arc::new(fleet.granted.clone()) };
        let now = Now { states, granted: &granted, now, settings };
        let (objects, is_whole) = if is_limited || settings.detail == Detail::None {
            (Vec::new(), true)
        } else {
            self.objects(&now, &mut press)?
        };
        if !is_whole {
            return Ok(Renewed::InPart(self.with(objects)));
        }
        let (listing, counts) = (self.listing(&now, &mut press)?, self.counts(&now, &mut press)?);
        let bundled = self.bundled.renewed(&listing, &counts, &objects);
        let runs = OnceLock::new();
        let renewed = Self { listing, counts, objects, granted, is_limited, bundled, runs };
        Ok(if renewed.is(self) { Renewed::Same } else { Renewed::Whole(renewed) })
    }

    fn with(&self, objects: Blocks<Worded<ObjectsSource>>) -> Self {
        let Self { listing, counts, granted, is_limited, .. } = self;
        let (listing, counts, granted) = (listing.clone(), counts.clone(), granted.clone());
        // Bundled, too: what was replaced is freed only when no bundle has it.
        let bundled = self.bundled.renewed(&listing, &counts, &objects);
        Self { listing, counts, objects, granted, is_limited: *is_limited, bundled, runs: OnceLock::new() }
    }

    /// The objects of all companies, and whether all of them are up to date.
    fn objects(
        &self,
        now: &Now<'_>,
        press: &mut Press<'_>,
    ) -> Result<(Blocks<Worded<ObjectsSource>>, bool), RenderError> {
        let (mut blocks, mut anew) = (Vec::new(), 0);
        let mut earlier = self.objects.iter();
        for block in now.blocks(COMPANIES_PER_OBJECTS) {
            let before = earlier.next();
            if anew == OBJECTS_PER_STEP {
                blocks.extend(before.cloned());
                continue;
            }
            let served = || block.states.iter().filter(|(_, is_served)| *is_served);
            let shown = || served().filter_map(|(state, _)| Objects::of(state));
            let source = || Worded::of(&block, shown().map(|objects| ObjectsSource::of(&objects)));
            let kept = Kept::or_new(before, &block, source, press, |text| {
                objects::render(text, now.granted, &shown().collect::<Vec<_>>(), now.settings);
            })?;
            anew += usize::from(!before.is_some_and(|before| Arc::ptr_eq(&before.families, &kept.families)));
            blocks.push(kept);
        }
        Ok((blocks, anew < OBJECTS_PER_STEP))
    }

    fn listing(&self, now: &Now<'_>, press: &mut Press<'_>) -> Result<Blocks<Vec<Listed>>, RenderError> {
        let mut earlier = self.listing.iter();
        let blocks = now.blocks(COMPANIES_PER_BLOCK).map(|block| {
            let source = || block.states.iter().map(|(state, _)| Listed::of(state)).collect();
            Kept::or_new(earlier.next(), &block, source, press, |text| {
                let states: Vec<_> = block.states.iter().map(|(state, _)| state.as_ref()).collect();
                companies::listed(text, &states);
            })
        });
        blocks.collect()
    }

    fn counts(&self, now: &Now<'_>, press: &mut Press<'_>) -> Result<Blocks<Worded<Counted>>, RenderError> {
        let mut earlier = self.counts.iter();
        let blocks = now.blocks(COMPANIES_PER_BLOCK).map(|block| {
            let each = block.states.iter().map(|(state, is_served)| Counted::of(state, *is_served));
            let source = || Worded::of(&block, each);
            Kept::or_new(earlier.next(), &block, source, press, |text| {
                let states = block.states.iter().map(|(state, _)| *state);
                let views = views(states, now.granted, now.now, now.settings.max_data_age);
                companies::counted(text, now.granted, &views);
            })
        });
        blocks.collect()
    }

    /// Whether it shows the same.
    fn is(&self, other: &Self) -> bool {
        self.bundled.is(&other.bundled) && self.is_limited == other.is_limited
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
    fn renewed(
        &self,
        listing: &Blocks<Vec<Listed>>,
        counts: &Blocks<Worded<Counted>>,
        objects: &Blocks<Worded<ObjectsSource>>,
    ) -> Self {
        const BLOCKS: usize = COMPANIES_PER_BUNDLE / COMPANIES_PER_BLOCK;
        const OBJECTS: usize = COMPANIES_PER_BUNDLE / COMPANIES_PER_OBJECTS;
        Self {
            listing: Bundle::all(listing, BLOCKS, &self.listing),
            counts: Bundle::all(counts, BLOCKS, &self.counts),
            objects: Bundle::all(objects, OBJECTS, &self.objects),
        }
    }

    fn is(&self, other: &Self) -> bool {
        are_same(&self.listing, &other.listing)
            && are_same(&self.counts, &other.counts)
            && are_same(&self.objects, &other.objects)
    }
}
