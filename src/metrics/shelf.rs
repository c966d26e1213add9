//! What was rendered earlier, kept as long as what it was rendered from.
//!
//! A poll that changes little costs little: text is written anew, but what says the same is not compressed again.
//! And a scrape writes nothing but what changes with the clock. The families about single objects are kept by
//! company, as each company has many; the others by block of companies, as each company has few lines of them.
//! Must not know which families there are.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};

use jiff::Timestamp;

use super::objects::Objects;
use super::piece::{Piece, Run};
use super::rows::views;
use super::text::{Aging, Head, Samples, Text};
use super::{Detail, RenderError, Settings, companies, objects};
use crate::fleet::unknown::GrantedWords;
use crate::fleet::{CompanyState, Fleet};
use crate::gzip::Deflater;
use crate::model::{Company, CompanyId, Connection};

/// Companies in a block: enough for segments that compress well, few enough that one change is soon rendered.
const COMPANIES_PER_BLOCK: usize = 64;

/// Everything that was rendered and does not change with the clock alone.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    blocks: Vec<Arc<Kept<BlockSource>>>,
    objects: BTreeMap<CompanyId, Arc<Kept<ObjectsSource>>>,
    granted: GrantedWords,
    /// Whether the single objects are withheld for their number.
    pub(super) is_limited: bool,
    runs: OnceLock<Vec<Run>>,
}

/// Some families, rendered, and from what.
#[derive(Debug)]
struct Kept<S> {
    source: S,
    /// In the order of writing.
    families: Vec<(Head, Shelved)>,
}

/// Samples of a family.
#[derive(Debug)]
enum Shelved {
    /// Ready to be sent.
    Piece(Piece),
    /// Written at the scrape.
    Aging(Aging),
}

impl Shelved {
    fn piece(&self) -> Option<&Piece> {
        match self {
            Self::Piece(piece) => Some(piece),
            Self::Aging(_) => None,
        }
    }
}

/// A value known by its place in memory. It keeps the place, and not the value.
#[derive(Debug)]
struct Same<T>(Weak<T>);

impl<T> Same<T> {
    fn as_this(value: &Arc<T>) -> Self {
        Self(Arc::downgrade(value))
    }
}

impl<T> PartialEq for Same<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

/// Companies, and whether their snapshots may be shown.
#[derive(Debug, PartialEq)]
struct BlockSource(Vec<(Same<CompanyState>, bool)>);

#[derive(Debug, PartialEq)]
struct ObjectsSource(Same<Vec<Connection>>, Company);

impl<S: PartialEq> Kept<S> {
    /// `before`, if that was rendered from the same; else rendered by `write`, with the pieces of `before` that say
    /// the same.
    fn or_new(
        before: Option<&Arc<Self>>,
        source: S,
        same_words: bool,
        write: impl FnOnce() -> Text,
        deflater: &mut Deflater,
    ) -> Result<Arc<Self>, RenderError> {
        if let Some(before) = before
            && same_words
            && before.source == source
        {
            return Ok(Arc::clone(before));
        }
        let mut earlier = before.into_iter().flat_map(|before| before.families.iter());
        let mut families = Vec::new();
        for part in write().into_parts() {
            let earlier = earlier.next().and_then(|(_, shelved)| shelved.piece());
            let shelved = match (part.samples, earlier) {
                (Samples::Aging(aging), _) => Shelved::Aging(aging),
                (Samples::Written(text), Some(piece)) if piece.says(&text) => Shelved::Piece(piece.clone()),
                (Samples::Written(text), _) => Shelved::Piece(Piece::new(text, deflater)?),
            };
            families.push((part.head, shelved));
        }
        Ok(Arc::new(Self { source, families }))
    }
}

impl Shelf {
    /// The shelf for `fleet` at `now`; none if that is this one.
    pub(super) fn renewed(
        &self,
        fleet: &Fleet,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<Option<Self>, RenderError> {
        let mut deflater = Deflater::default();
        let served = |state: &Arc<CompanyState>| state.served(now, settings.max_data_age).is_some();
        let states: Vec<(&Arc<CompanyState>, bool)> =
            fleet.companies.values().map(|state| (state, served(state))).collect();
        let shown =
            states.iter().filter(|(_, is_served)| *is_served).filter_map(|(state, _)| state.held.as_deref());
        let is_limited = objects::are_too_many(shown, settings);
        let objects = if is_limited || settings.detail == Detail::None {
            BTreeMap::new()
        } else {
            self.objects(fleet, &states, settings, &mut deflater)?
        };
        let blocks = self.blocks(fleet, &states, now, settings, &mut deflater)?;
        let renewed =
            Self { blocks, objects, granted: fleet.granted.clone(), is_limited, runs: OnceLock::new() };
        Ok((!renewed.is(self)).then_some(renewed))
    }

    fn objects(
        &self,
        fleet: &Fleet,
        states: &[(&Arc<CompanyState>, bool)],
        settings: &Settings,
        deflater: &mut Deflater,
    ) -> Result<BTreeMap<CompanyId, Arc<Kept<ObjectsSource>>>, RenderError> {
        let same_words = self.granted == fleet.granted;
        let mut objects = BTreeMap::new();
        for (state, is_served) in states {
            let (Some(held), true) = (&state.held, is_served) else { continue };
            let CompanyState { company, .. } = state.as_ref();
            let before = self.objects.get(&company.id);
            let source = ObjectsSource(Same::as_this(&held.snapshot.connections), company.clone());
            let write = || {
                let mut text = Text::default();
                let one = Objects { company, snapshot: &held.snapshot };
                objects::render(&mut text, &fleet.granted, one, settings);
                text
            };
            let kept = Kept::or_new(before, source, same_words, write, deflater)?;
            objects.insert(Arc::clone(&company.id), kept);
        }
        Ok(objects)
    }

    fn blocks(
        &self,
        fleet: &Fleet,
        states: &[(&Arc<CompanyState>, bool)],
        now: Timestamp,
        settings: &Settings,
        deflater: &mut Deflater,
    ) -> Result<Vec<Arc<Kept<BlockSource>>>, RenderError> {
        let same_words = self.granted == fleet.granted;
        let mut earlier = self.blocks.iter();
        let blocks = states.chunks(COMPANIES_PER_BLOCK).map(|states| {
            let source = states.iter().map(|(state, is_served)| (Same::as_this(state), *is_served));
            let source = BlockSource(source.collect());
            let write = || {
                let mut text = Text::default();
                let states = states.iter().map(|(state, _)| *state);
                let views = views(states, &fleet.granted, now, settings.max_data_age);
                companies::render(&mut text, &fleet.granted, &views);
                text
            };
            Kept::or_new(earlier.next(), source, same_words, write, deflater)
        });
        blocks.collect()
    }

    fn is(&self, other: &Self) -> bool {
        let same_objects = self.objects.len() == other.objects.len()
            && self.objects.values().zip(other.objects.values()).all(|(a, b)| Arc::ptr_eq(a, b));
        let same_blocks = self.blocks.len() == other.blocks.len()
            && self.blocks.iter().zip(&other.blocks).all(|(a, b)| Arc::ptr_eq(a, b));
        same_objects && same_blocks && self.is_limited == other.is_limited && self.granted == other.granted
    }

    /// The families of ages as they are at `now`, in their order, each with its head.
    pub(super) fn ages(&self, now: Timestamp) -> Vec<String> {
        let Some(first) = self.blocks.first() else { return Vec::new() };
        let families = first.families.iter().enumerate();
        let aging = families.filter(|(_, (_, shelved))| matches!(shelved, Shelved::Aging(_)));
        let texts = aging.map(|(number, (head, _))| {
            let mut text = head.lines();
            let empty = text.len();
            for block in &self.blocks {
                if let Some((_, Shelved::Aging(aging))) = block.families.get(number) {
                    aging.write(now, &mut text);
                }
            }
            if text.len() == empty { String::new() } else { text }
        });
        texts.collect()
    }

    /// The runs, if they were put together.
    pub(super) fn gathered(&self) -> &[Run] {
        self.runs.get().map_or(&[], |runs| runs)
    }

    /// Puts all families together in their order, each with its head: one run up to the first family that is filled in at the
    /// scrape, one from there to the next, and so on.
    pub(super) fn gather(&self) -> Result<(), RenderError> {
        if self.runs.get().is_some() {
            return Ok(());
        }
        let mut deflater = Deflater::default();
        let mut runs = vec![Run::default()];
        add_families(&mut runs, &self.blocks, &mut deflater)?;
        let objects: Vec<_> = self.objects.values().cloned().collect();
        add_families(&mut runs, &objects, &mut deflater)?;
        // Of two at once, both are right.
        let _ = self.runs.set(runs);
        Ok(())
    }
}

/// Adds what `kept` have of each family, in the order of the families; all of them have the same.
fn add_families<S>(
    runs: &mut Vec<Run>,
    kept: &[Arc<Kept<S>>],
    deflater: &mut Deflater,
) -> Result<(), RenderError> {
    let Some(first) = kept.first() else { return Ok(()) };
    for (number, (head, shelved)) in first.families.iter().enumerate() {
        if matches!(shelved, Shelved::Aging(_)) {
            runs.push(Run::default());
            continue;
        }
        let Some(run) = runs.last_mut() else { return Ok(()) };
        let pieces = kept.iter().filter_map(|kept| kept.families.get(number)?.1.piece());
        let mut shown = pieces.filter(|piece| !piece.is_empty()).peekable();
        if shown.peek().is_some() {
            run.push(Piece::new(head.lines(), deflater)?);
            shown.for_each(|piece| run.push(piece.clone()));
        }
    }
    Ok(())
}
