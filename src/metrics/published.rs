//! The fleet as rendered text: published as a whole, and rendered again only where companies changed.

use std::sync::Arc;

use jiff::Timestamp;

use super::gzip::{Checksum, Deflater};
use super::objects::Objects;
use super::rows::views;
use super::segment::Segment;
use super::text::{self, Aging, Format, Head, Text};
use super::{Detail, RenderError, Settings, companies, objects};
use crate::fleet::changes::Changes;
use crate::fleet::tally::Tallies;
use crate::fleet::undocumented::ShownUndocumented;
use crate::fleet::{CompanyState, Fleet};
use crate::model::{Company, Connection, RecordFaults};

/// Companies that are rendered together: enough for segments that compress well, few enough that a change costs little.
const COMPANIES_PER_CHUNK: usize = 16;
/// A chunk with this many connections takes no further company.
const CONNECTIONS_PER_CHUNK: u64 = 3_200;
/// A segment with this much text takes no further line. For a client that takes no gzip, one segment is unpacked at a time.
const SEGMENT_LEN: usize = 256 * 1024;

/// Everything about the fleet that does not change with the clock alone.
#[derive(Debug)]
pub(super) struct Published {
    /// The fleet that was rendered.
    pub(super) fleet: Arc<Fleet>,
    /// Whether series per object are withheld because there are too many.
    pub(super) is_limited: bool,
    /// All families about the fleet: first those about the companies themselves.
    pub(super) blocks: Arc<[Block]>,
    /// When it was rendered.
    rendered: Timestamp,
    /// The last moment at which everything in it may be shown.
    expires: Option<Timestamp>,
    /// Whether data was withdrawn because it was too old.
    has_withdrawn: bool,
    chunks: Vec<Arc<Chunk>>,
}

/// Text that is ready to be sent, and the ages behind it, which are written at the scrape.
#[derive(Debug, Default)]
pub(super) struct Block {
    text: Written,
    /// The same in OpenMetrics. It shares nearly all segments.
    openmetrics: Written,
    /// The ages of one family, without its head.
    pub(super) ages: Vec<Arc<Aging>>,
}

/// Heads and samples of a block, in one format.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) segments: Vec<Segment>,
    /// The checksum of all segments together. Combining theirs would take too long for a scrape.
    pub(super) checksum: Checksum,
}

impl Block {
    /// The text in a format.
    pub(super) fn written(&self, format: Format) -> &Written {
        match format {
            Format::Text => &self.text,
            Format::OpenMetrics => &self.openmetrics,
        }
    }

    fn push(&mut self, [text, openmetrics]: [&[Segment]; 2]) {
        self.text.segments.extend_from_slice(text);
        self.openmetrics.segments.extend_from_slice(openmetrics);
    }
}

/// Some companies, rendered. All chunks have the same families, in the same order.
#[derive(Debug)]
struct Chunk {
    keys: Vec<CacheKey>,
    /// Those of its undocumented statuses that are shown under their own name.
    undocumented: ShownUndocumented,
    families: Vec<(Head, KeptSamples)>,
}

/// [`text::Samples`] of one chunk, as they are kept: compressed, but for ages.
#[derive(Debug, Clone)]
enum KeptSamples {
    /// In the text format, and in OpenMetrics where that differs.
    Written(Vec<Segment>, Option<Vec<Segment>>),
    Aging(Arc<Aging>),
}

/// Everything that the text of a company is rendered from, but for the clock and which undocumented statuses are shown. What did not
/// change from poll to poll has the same address.
#[derive(Debug)]
struct CacheKey {
    company: Company,
    /// None if nothing may be shown.
    shown: Option<(Arc<Vec<Connection>>, Arc<Tallies>, RecordFaults)>,
    changes: Option<Arc<Changes>>,
}

impl CacheKey {
    fn of(state: &CompanyState, is_served: bool) -> Self {
        let stored = state.stored.as_deref();
        let shown = stored.filter(|_| is_served).map(|stored| {
            (
                Arc::clone(&stored.snapshot.connections),
                Arc::clone(&stored.tallies),
                stored.snapshot.faults.clone(),
            )
        });
        let changes = stored.map(|_| Arc::clone(&state.changes));
        Self { company: state.company.clone(), shown, changes }
    }

    fn is_same(&self, other: &Self) -> bool {
        let is_shown_the_same = match (&self.shown, &other.shown) {
            (Some((connections, tallies, faults)), Some(other)) => {
                Arc::ptr_eq(connections, &other.0) && Arc::ptr_eq(tallies, &other.1) && *faults == other.2
            }
            (None, None) => true,
            _ => false,
        };
        let has_same_changes = match (&self.changes, &other.changes) {
            (Some(changes), Some(other)) => Arc::ptr_eq(changes, other),
            (None, None) => true,
            _ => false,
        };
        is_shown_the_same && has_same_changes && self.company == other.company
    }
}

impl Default for Published {
    /// Nothing, which is shown before the first poll has ended.
    fn default() -> Self {
        let (blocks, chunks) = (Arc::default(), Vec::new());
        let (rendered, expires, has_withdrawn) = (Timestamp::MIN, None, false);
        Self { fleet: Arc::default(), is_limited: false, blocks, rendered, expires, has_withdrawn, chunks }
    }
}

impl Published {
    /// Renders `fleet` as it is to be shown from `now` on. What did not change is taken over from `previous`.
    pub(super) fn render(
        previous: &Self,
        fleet: Arc<Fleet>,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<Self, RenderError> {
        let states: Vec<&Arc<CompanyState>> = fleet.companies.values().collect();
        let served = || states.iter().filter_map(|state| state.served(now, settings.max_data_age));
        let is_limited = objects::are_too_many(served(), settings);
        let mut renderer =
            Renderer { fleet: &fleet, now, settings, is_limited, deflater: Deflater::default() };
        // Chunks with series per object and chunks without cannot replace each other.
        let earlier: &[_] = if previous.is_limited == is_limited { &previous.chunks } else { &[] };
        let mut earlier = earlier.iter();
        let chunks: Result<Vec<_>, _> =
            chunked(&states).map(|states| renderer.chunk(states, earlier.next())).collect();
        let chunks = chunks?;
        // Nothing about companies is shown before the first good poll.
        let blocks = if fleet.ready { renderer.blocks(&states, &chunks)? } else { Vec::new() };
        let expires = states.iter().filter_map(|state| state.expires(settings.max_data_age));
        let expires = expires.filter(|expires| *expires >= now).min();
        let has_withdrawn = served().count() < states.iter().filter(|state| state.stored.is_some()).count();
        Ok(Self { blocks: blocks.into(), rendered: now, expires, has_withdrawn, is_limited, chunks, fleet })
    }

    /// Whether it shows what may not be shown at `now`, or leaves out what may be: time passes, and clocks are set.
    pub(super) fn is_outdated(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires < now) || (self.has_withdrawn && now < self.rendered)
    }
}

/// Companies by chunk, in their order.
fn chunked<'a, 's>(
    mut left: &'a [&'s Arc<CompanyState>],
) -> impl Iterator<Item = &'a [&'s Arc<CompanyState>]> {
    std::iter::from_fn(move || {
        let (mut companies, mut connections) = (0, 0);
        while companies < COMPANIES_PER_CHUNK && connections < CONNECTIONS_PER_CHUNK {
            let Some(state) = left.get(companies) else { break };
            connections += state.stored.as_ref().map_or(0, |stored| stored.tallies.connections.count());
            companies += 1;
        }
        let (chunk, rest) = left.split_at_checked(companies).unwrap_or((left, &[]));
        left = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// Renders one fleet.
struct Renderer<'a> {
    fleet: &'a Fleet,
    now: Timestamp,
    settings: &'a Settings,
    is_limited: bool,
    deflater: Deflater,
}

impl Renderer<'_> {
    /// Renders these companies, or takes the chunk from `earlier` if it was rendered from the same.
    fn chunk(
        &mut self,
        states: &[&Arc<CompanyState>],
        earlier: Option<&Arc<Chunk>>,
    ) -> Result<Arc<Chunk>, RenderError> {
        let max_age = self.settings.max_data_age;
        let is_served = |state: &CompanyState| state.served(self.now, max_age).is_some();
        let keys: Vec<_> = states.iter().map(|state| CacheKey::of(state, is_served(state))).collect();
        let statuses = states
            .iter()
            .filter_map(|state| state.stored.as_ref())
            .flat_map(|stored| stored.tallies.statuses());
        let shown_here = self.fleet.undocumented.among(statuses);
        if let Some(earlier) = earlier
            && earlier.undocumented == shown_here
            && earlier.keys.len() == keys.len()
            && earlier.keys.iter().zip(&keys).all(|(earlier, now)| earlier.is_same(now))
        {
            return Ok(Arc::clone(earlier));
        }
        let undocumented = &self.fleet.undocumented;
        let mut text = Text::default();
        companies::write_counts(
            &mut text,
            undocumented,
            &views(states.iter().copied(), undocumented, self.now, max_age),
        );
        if !self.is_limited && self.settings.detail != Detail::None {
            let served = states.iter().filter(|state| is_served(state));
            let objects: Vec<_> = served.filter_map(|state| Objects::of(state)).collect();
            objects::render(&mut text, undocumented, &objects, self.settings);
        }
        Ok(Arc::new(Chunk { keys, undocumented: shown_here, families: self.compressed(text)? }))
    }

    /// All families. Those about the companies themselves come first. Every poll changes them, so they are rendered for all companies
    /// together.
    fn blocks(
        &mut self,
        states: &[&Arc<CompanyState>],
        chunks: &[Arc<Chunk>],
    ) -> Result<Vec<Block>, RenderError> {
        let mut listing = Text::default();
        companies::write_listing(
            &mut listing,
            &states.iter().map(|state| state.as_ref()).collect::<Vec<_>>(),
        );
        let mut blocks = Vec::new();
        for (head, samples) in self.compressed(listing)? {
            self.add_family(&mut blocks, head, [&samples].into_iter())?;
        }
        let heads = chunks.first().into_iter().flat_map(|first| &first.families);
        for (number, (head, _)) in heads.enumerate() {
            let samples = chunks.iter().filter_map(|chunk| Some(&chunk.families.get(number)?.1));
            self.add_family(&mut blocks, *head, samples)?;
        }
        for Written { segments, checksum } in
            blocks.iter_mut().flat_map(|block| [&mut block.text, &mut block.openmetrics])
        {
            *checksum = segments.iter().map(Segment::checksum).fold(Checksum::EMPTY, Checksum::then);
        }
        Ok(blocks)
    }

    /// A family without samples leaves no trace.
    fn add_family<'s>(
        &mut self,
        blocks: &mut Vec<Block>,
        head: Head,
        samples: impl Iterator<Item = &'s KeptSamples>,
    ) -> Result<(), RenderError> {
        let mut family = Block::default();
        let mut has_samples = false;
        for samples in samples {
            match samples {
                KeptSamples::Written(text, openmetrics) => {
                    has_samples |= !text.is_empty();
                    family.push([text, openmetrics.as_ref().unwrap_or(text)]);
                }
                KeptSamples::Aging(aging) if !aging.is_empty() => {
                    has_samples = true;
                    family.ages.push(Arc::clone(aging));
                }
                KeptSamples::Aging(_) => {}
            }
        }
        if !has_samples {
            return Ok(());
        }
        // A block ends with its ages: behind them, another one begins.
        if blocks.last().is_none_or(|last| !last.ages.is_empty()) {
            blocks.push(Block::default());
        }
        let [text, openmetrics] = Format::ALL.map(|format| self.segment(&head.lines(format)));
        if let Some(last) = blocks.last_mut() {
            last.push([&[text?], &[openmetrics?]]);
            last.push(Format::ALL.map(|format| &*family.written(format).segments));
            last.ages = family.ages;
        }
        Ok(())
    }

    fn compressed(&mut self, mut text: Text) -> Result<Vec<(Head, KeptSamples)>, RenderError> {
        let families = text.families().map(|(head, samples)| match samples {
            text::Samples::Aging(aging) => Ok((head, KeptSamples::Aging(Arc::new(aging)))),
            text::Samples::Written(lines, openmetrics) => {
                let openmetrics = openmetrics.map(|lines| self.segments(&lines)).transpose()?;
                Ok((head, KeptSamples::Written(self.segments(lines)?, openmetrics)))
            }
        });
        families.collect()
    }

    fn segments(&mut self, mut lines: &str) -> Result<Vec<Segment>, RenderError> {
        let mut segments = Vec::new();
        while !lines.is_empty() {
            let end = lines.as_bytes().iter().skip(SEGMENT_LEN).position(|byte| *byte == b'\n');
            let end = end.map_or(lines.len(), |end| SEGMENT_LEN + end + 1);
            // The end of a line is always the end of a character.
            let (segment, rest) = lines.split_at_checked(end).unwrap_or((lines, ""));
            segments.push(self.segment(segment)?);
            lines = rest;
        }
        Ok(segments)
    }

    fn segment(&mut self, lines: &str) -> Result<Segment, RenderError> {
        Ok(Segment::new(lines, &mut self.deflater)?)
    }
}
