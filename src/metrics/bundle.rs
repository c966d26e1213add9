//! Kept texts in a row, their pieces put together family by family.
//!
//! To sum up all pieces of a large fleet takes a scrape beside a poll long: it is done anew only where something was replaced.
//! Must not know which families there are.

use std::sync::{Arc, OnceLock};

use super::RenderError;
use super::kept::Kept;
use super::piece::{Piece, Run};
use super::press::{Families, Pressed};
use crate::gzip::Deflater;

/// Some kept texts that follow each other.
#[derive(Debug)]
pub(super) struct Bundle {
    /// Those of each of them; at least one.
    families: Vec<Arc<Families>>,
    /// One for each family; of one that ages, an empty one.
    runs: OnceLock<Vec<Arc<Run>>>,
}

/// Whole families, each with its head.
pub(super) type Runs = Vec<Arc<Run>>;

/// All kept texts of one kind, in their order.
pub(super) type Bundles = Vec<Arc<Bundle>>;

impl Bundle {
    /// All of `kept`, so many in a bundle. Where all have the same families as in the bundle `before`, that one is used again.
    pub(super) fn all<S>(kept: &[Arc<Kept<S>>], size: usize, before: &[Arc<Self>]) -> Bundles {
        let mut before = before.iter();
        let bundles = kept.chunks(size.max(1)).map(|kept| {
            let families = || kept.iter().map(|kept| &kept.families);
            let same = before.next().filter(|before| are_same(&before.families, families()));
            let new = || Arc::new(Self { families: families().cloned().collect(), runs: OnceLock::new() });
            same.map_or_else(new, Arc::clone)
        });
        bundles.collect()
    }

    /// The families of the first of them: all have the same.
    pub(super) fn families(&self) -> &Families {
        const NONE: &Families = &Families::new();
        self.families.first().map_or(NONE, |first| first)
    }

    /// What all of them have of the family with this `number`. Put together when it is first wanted.
    pub(super) fn run(&self, number: usize) -> Option<&Arc<Run>> {
        let runs =
            self.runs.get_or_init(|| (0..self.families().len()).map(|number| self.gather(number)).collect());
        runs.get(number)
    }

    fn gather(&self, number: usize) -> Arc<Run> {
        let mut run = Run::default();
        let pieces = self.families.iter().filter_map(|families| families.get(number)?.1.piece());
        pieces.for_each(|piece| run.push(piece.clone()));
        Arc::new(run)
    }
}

/// Whether these are the very same.
pub(super) fn are_same<'a, T: 'a>(
    these: impl IntoIterator<Item = &'a Arc<T>>,
    those: impl IntoIterator<Item = &'a Arc<T>>,
) -> bool {
    these.into_iter().map(Arc::as_ptr).eq(those.into_iter().map(Arc::as_ptr))
}

/// Adds what `bundles` have of each family, in the order of the families; all of them have the same.
pub(super) fn add_families(
    all: &mut Vec<Runs>,
    bundles: &[Arc<Bundle>],
    deflater: &mut Deflater,
) -> Result<(), RenderError> {
    let Some(first) = bundles.first() else { return Ok(()) };
    for (number, (head, pressed)) in first.families().iter().enumerate() {
        if matches!(pressed, Pressed::Aging(_)) {
            all.push(Runs::new());
            continue;
        }
        let Some(runs) = all.last_mut() else { return Ok(()) };
        let family = bundles.iter().filter_map(|bundle| bundle.run(number));
        let mut shown = family.filter(|run| !run.is_empty()).peekable();
        if shown.peek().is_some() {
            let head = Piece::new(head.lines(), Some(deflater))?;
            runs.push(Arc::new(head.into()));
            runs.extend(shown.cloned());
        }
    }
    Ok(())
}
