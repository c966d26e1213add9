//! Families that were rendered, and what from: they are rendered again when that has changed.
//!
//! Must not know which families there are.

use std::sync::Arc;

use super::RenderError;
use super::press::{Families, Press};
use super::source::{Block, Seen};
use super::text::Text;

/// Some families, rendered, and from what.
#[derive(Debug)]
pub(super) struct Kept<S> {
    /// Found to say this last. To look at what each company's state holds takes many times as long as to see that it is the same.
    seen: Seen,
    source: S,
    /// All that were kept from the same kind of source have the same, in the same order.
    pub(super) families: Arc<Families>,
}

impl<S: PartialEq> Kept<S> {
    /// `before`, if that was found to be right for `block`; else with its families, if they were rendered from the same `source`;
    /// else with those that are rendered by `write`.
    pub(super) fn or_new(
        before: Option<&Arc<Self>>,
        block: &Block<'_>,
        source: impl FnOnce() -> S,
        press: &mut Press<'_>,
        write: impl FnOnce(&mut Text),
    ) -> Result<Arc<Self>, RenderError> {
        if let Some(before) = before.filter(|before| before.seen.is(block)) {
            return Ok(Arc::clone(before));
        }
        let source = source();
        let families = match before {
            Some(before) if before.source == source => Arc::clone(&before.families),
            _ => press.families(before.map(|before| &before.families), write)?,
        };
        Ok(Arc::new(Self { seen: Seen::of(block), source, families }))
    }
}
