//! The fleet as rendered text: published as a whole, rebuilt only for companies that changed.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::objects::Objects;
use super::rows::views;
use super::segment::Segment;
use super::text::{self, Aging, Head, Text};
use super::{Detail, RenderError, Settings, companies, objects};
use crate::fleet::changes::Changes;
use crate::fleet::tally::Tallies;
use crate::fleet::{CompanyState, Fleet};
use crate::gzip::{Deflater, Sum};
use crate::model::{Company, Connection, RecordFaults};

/// Companies that are rendered together: enough for segments that compress well, few enough that a change is cheap.
const COMPANIES_PER_CHUNK: usize = 16;

/// Everything about the fleet that does not change with the clock alone.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) fleet: Arc<Fleet>,
    /// Whether series per object are withheld because there are too many.
    pub(super) is_limited: bool,
    /// When the first company is to be withdrawn for its age, if nothing is published before.
    pub(super) expires: Option<Timestamp>,
    chunks: Vec<Arc<Chunk>>,
    families: Vec<Family>,
}

/// A family of metrics.
#[derive(Debug)]
pub(super) enum Family {
    /// Ready to be sent, its head first, and what its segments add up to.
    Static { segments: Vec<Segment>, sum: Sum },
    /// Written at the scrape.
    Ages { head: Head, ages: Vec<Arc<Aging>> },
}

/// The samples that a chunk has of a family.
#[derive(Debug, Clone)]
enum Samples {
    None,
    Static(Segment),
    Ages(Arc<Aging>),
}

/// Some companies, rendered.
#[derive(Debug)]
struct Chunk {
    source: Vec<Source>,
    families: Vec<(Head, Samples)>,
}

/// What a company's text is rendered from. What did not change from poll to poll is shared, and so known by its place.
#[derive(Debug)]
struct Source {
    company: Company,
    shown: Option<(Arc<Vec<Connection>>, Arc<Tallies>, RecordFaults)>,
    changes: Option<Arc<Changes>>,
}

impl Source {
    fn of(state: &CompanyState, is_served: bool) -> Self {
        let held = state.held.as_deref();
        let shown = held.filter(|_| is_served).map(|held| {
            (Arc::clone(&held.snapshot.connections), Arc::clone(&held.tallies), held.snapshot.faults.clone())
        });
        let changes = held.map(|_| Arc::clone(&state.changes));
        Self { company: state.company.clone(), shown, changes }
    }

    fn is_same(&self, other: &Self) -> bool {
        let shown = match (&self.shown, &other.shown) {
            (Some(a), Some(b)) => Arc::ptr_eq(&a.0, &b.0) && Arc::ptr_eq(&a.1, &b.1) && a.2 == b.2,
            (a, b) => a.is_none() && b.is_none(),
        };
        let changes = match (&self.changes, &other.changes) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        shown && changes && self.company == other.company
    }
}

impl Published {
    /// `fleet` as it is to be shown from `now` on. What did not change since `self` is taken over from it.
    pub(super) fn next(
        &self,
        fleet: Arc<Fleet>,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<Self, RenderError> {
        let mut deflater = Deflater::default();
        let max_age = settings.max_data_age;
        let states: Vec<_> = fleet.companies.values().collect();
        let served = |state: &CompanyState| state.served(now, max_age).is_some();
        let shown = states.iter().filter_map(|state| state.served(now, max_age));
        let is_limited = objects::are_too_many(shown, settings);
        let with_objects = !is_limited && settings.detail != Detail::None;
        let reusable = self.fleet.granted == fleet.granted && self.is_limited == is_limited;
        let mut earlier = self.chunks.iter();
        let mut chunks = Vec::new();
        for states in states.chunks(COMPANIES_PER_CHUNK) {
            let source: Vec<_> = states.iter().map(|state| Source::of(state, served(state))).collect();
            let is_same = |chunk: &&Arc<Chunk>| {
                let pairs = || chunk.source.iter().zip(&source);
                reusable && chunk.source.len() == source.len() && pairs().all(|(a, b)| a.is_same(b))
            };
            if let Some(same) = earlier.next().filter(is_same) {
                chunks.push(Arc::clone(same));
                continue;
            }
            let mut text = Text::default();
            let views = views(states.iter().copied(), &fleet.granted, now, max_age);
            companies::counted(&mut text, &fleet.granted, &views);
            if with_objects {
                let shown = states.iter().filter(|state| served(state));
                let shown: Vec<_> = shown.filter_map(|state| Objects::of(state)).collect();
                objects::render(&mut text, &fleet.granted, &shown, settings);
            }
            let families = compressed(text, &mut deflater)?;
            chunks.push(Arc::new(Chunk { source, families }));
        }
        let mut listing = Text::default();
        companies::listed(&mut listing, &states.iter().map(|state| state.as_ref()).collect::<Vec<_>>());
        let mut families = Vec::new();
        for (head, samples) in compressed(listing, &mut deflater)? {
            families.extend(family(head, [samples].into_iter(), &mut deflater)?);
        }
        let heads = chunks.first().into_iter().flat_map(|first: &Arc<Chunk>| &first.families);
        for (number, (head, _)) in heads.enumerate() {
            let samples = chunks.iter().filter_map(|chunk| Some(chunk.families.get(number)?.1.clone()));
            families.extend(family(*head, samples, &mut deflater)?);
        }
        let expires = states.iter().filter(|state| served(state)).filter_map(|state| {
            let begun = state.held.as_ref()?.snapshot.begun;
            let age = SignedDuration::try_from(max_age).ok()?.saturating_sub(state.set_back);
            begun.checked_add(age).ok()
        });
        if !fleet.ready {
            // Nothing about companies is shown before the first good poll.
            families.clear();
        }
        Ok(Self { expires: expires.min(), is_limited, chunks, families, fleet: Arc::clone(&fleet) })
    }

    pub(super) fn families(&self) -> &[Family] {
        &self.families
    }
}

fn compressed(mut text: Text, deflater: &mut Deflater) -> Result<Vec<(Head, Samples)>, RenderError> {
    let families = text.families().map(|(head, samples)| match samples {
        text::Samples::Aging(aging) => Ok((head, Samples::Ages(Arc::new(aging)))),
        text::Samples::Written("") => Ok((head, Samples::None)),
        text::Samples::Written(lines) => Ok((head, Samples::Static(Segment::new(lines, deflater)?))),
    });
    families.collect()
}

/// A whole family; none if it has no samples.
fn family(
    head: Head,
    samples: impl Iterator<Item = Samples>,
    deflater: &mut Deflater,
) -> Result<Option<Family>, RenderError> {
    let (mut segments, mut ages) = (vec![Segment::new(&head.lines(), deflater)?], Vec::new());
    for samples in samples {
        match samples {
            Samples::Static(segment) => segments.push(segment),
            Samples::Ages(aging) if !aging.is_empty() => ages.push(aging),
            Samples::Ages(_) | Samples::None => {}
        }
    }
    let sum = segments.iter().fold(Sum::NOTHING, |sum, segment| sum.then(segment.sum()));
    Ok(match (segments.len() > 1, ages.is_empty()) {
        (true, _) => Some(Family::Static { segments, sum }),
        (false, false) => Some(Family::Ages { head, ages }),
        (false, true) => None,
    })
}
