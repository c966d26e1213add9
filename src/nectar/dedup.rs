//! Which of several records with the same id is kept.
//!
//! A row can occur twice while a list is paged.

use std::mem::swap;

use jiff::Timestamp;

use crate::sanitize::by_id;

/// A record that has an id.
pub trait Identified {
    /// Unique among those to be kept.
    fn id(&self) -> &str;

    /// `statusLastUpdateTime`
    fn last_update(&self) -> Option<Timestamp>;
}

/// Sorts `records` by id, and keeps one of each id: the one that was updated last or, of several, the last in the list. Returns how
/// many were removed.
pub fn dedup_by_id<T: Identified>(records: &mut Vec<T>) -> usize {
    let all = records.len();
    records.sort_by(|a, b| by_id(a.id(), b.id()).then(a.last_update().cmp(&b.last_update())));
    records.dedup_by(|later, kept| {
        let is_same = by_id(later.id(), kept.id()).is_eq();
        if is_same {
            swap(later, kept);
        }
        is_same
    });
    all - records.len()
}
