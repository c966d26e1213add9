//! Families that were rendered, and what from: they are rendered again when that has changed.
//!
//! Must not know which families there are.

use std::sync::{Arc, Weak};

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

/// A value known by its place in memory. It keeps the place, and not the value.
#[derive(Debug)]
pub(super) struct Same<T>(Weak<T>);

impl<T> Same<T> {
    /// Equal to what is made from this very `value`, and to nothing else.
    pub(super) fn as_this(value: &Arc<T>) -> Self {
        Self(Arc::downgrade(value))
    }

    /// Whether it was made from this very `value`.
    pub(super) fn is(&self, value: &Arc<T>) -> bool {
        self.0.as_ptr() == Arc::as_ptr(value)
    }
}

impl<T> PartialEq for Same<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}
