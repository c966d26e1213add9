//! Families that were rendered, and what from: they are rendered again when that has changed.
//!
//! Must not know which families there are.

use std::sync::{Arc, Weak};

use super::RenderError;
use super::press::{Families, Press};
use super::text::Text;

/// Some families, rendered, and from what.
#[derive(Debug)]
pub(super) struct Kept<S> {
    source: S,
    /// All that were kept from the same kind of source have the same, in the same order.
    pub(super) families: Arc<Families>,
}

impl<S: PartialEq> Kept<S> {
    /// `before`, if that was rendered from the same; else rendered by `write`.
    pub(super) fn or_new(
        before: Option<&Arc<Self>>,
        source: S,
        press: &mut Press<'_>,
        write: impl FnOnce(&mut Text),
    ) -> Result<Arc<Self>, RenderError> {
        if let Some(before) = before
            && before.source == source
        {
            return Ok(Arc::clone(before));
        }
        let families = press.families(before.map(|before| &before.families), write)?;
        Ok(Arc::new(Self { source, families }))
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
}

impl<T> PartialEq for Same<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}
