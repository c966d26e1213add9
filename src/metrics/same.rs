//! A value known by its place in memory: the same place, the same value.
//!
//! Must not know what the value is.

use std::sync::{Arc, Weak};

/// Keeps the place of a value, and not the value: no other value is put there meanwhile.
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
