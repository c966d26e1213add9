//! Which undocumented statuses may be shown under their own name: only a few, so that a fault at Nectar cannot flood Prometheus.
//!
//! Source of the rule: the section "Label values" of the README.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::status::{INVALID, Kind, MISSING, Status};

/// Limit for each kind, over all companies.
pub const MAX_WORDS: usize = 32;

/// The label of those beyond the limit.
pub const OVERFLOW: &str = "OVERFLOW";

/// The undocumented statuses that are shown under their own name; the others share [`OVERFLOW`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShownUndocumented {
    connections: BTreeSet<Arc<str>>,
    accounts: BTreeSet<Arc<str>>,
}

impl ShownUndocumented {
    /// The value of the `status` label, for any status.
    pub fn label<'a>(&self, kind: Kind, status: &'a Status) -> &'a str {
        match status {
            Status::Undocumented(word) if !self.of(kind).contains(word) => OVERFLOW,
            _ => status.word(),
        }
    }

    /// Values by status, with the status replaced by its label; several statuses can have the same label.
    pub fn labelled<'a, T>(
        &self,
        kind: Kind,
        by_status: &'a BTreeMap<Status, T>,
    ) -> impl Iterator<Item = (&'a str, &'a T)> {
        by_status.iter().map(move |(status, value)| (self.label(kind, status), value))
    }

    /// Those that are among `statuses`: enough to label these the same.
    #[must_use]
    pub fn among<'a>(&self, statuses: impl IntoIterator<Item = (Kind, &'a Status)>) -> Self {
        let mut found = Self::default();
        for (kind, status) in statuses {
            if let Status::Undocumented(word) = status
                && self.of(kind).contains(word)
            {
                found.of_mut(kind).insert(Arc::clone(word));
            }
        }
        found
    }

    /// Those of one kind, in their order.
    pub fn words(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.of(kind).iter().map(AsRef::as_ref)
    }

    /// Gives labels of their own to the undocumented ones of `statuses`, in their order, up to the limit.
    pub fn grant<'a>(&mut self, kind: Kind, statuses: impl IntoIterator<Item = &'a Status>) {
        let words = self.of_mut(kind);
        for status in statuses {
            if let Status::Undocumented(word) = status
                && words.len() < MAX_WORDS
            {
                words.insert(Arc::clone(word));
            }
        }
    }

    /// Takes the labels back from statuses that are not `present`.
    pub fn keep_only(&mut self, kind: Kind, present: &BTreeSet<&Status>) {
        self.of_mut(kind).retain(|word| present.contains(&Status::Undocumented(Arc::clone(word))));
    }

    /// Whether `label` can still be the label of a status: false only for labels that were taken back.
    pub fn is_in_use(&self, kind: Kind, label: &str) -> bool {
        let is_shared = label == OVERFLOW || matches!(label, INVALID | MISSING);
        is_shared || self.of(kind).contains(label) || kind.documented().iter().any(|row| row.value == label)
    }

    fn of(&self, kind: Kind) -> &BTreeSet<Arc<str>> {
        match kind {
            Kind::Connection => &self.connections,
            Kind::Account => &self.accounts,
        }
    }

    fn of_mut(&mut self, kind: Kind) -> &mut BTreeSet<Arc<str>> {
        match kind {
            Kind::Connection => &mut self.connections,
            Kind::Account => &mut self.accounts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind::Connection;

    fn statuses(words: std::ops::Range<u32>) -> Vec<Status> {
        words.map(|number| Status::read(KIND, Some(&format!("NEW_{number:02}")))).collect()
    }

    /// 32 unknown statuses have a name; the others share one until a name is free.
    #[test]
    fn unknown_statuses_give_their_names_back() {
        let (all, mut undocumented) = (statuses(0..34), ShownUndocumented::default());
        undocumented.grant(KIND, &all);
        let shown = |undocumented: &ShownUndocumented| -> Vec<String> {
            all.iter().map(|status| undocumented.label(KIND, status).to_owned()).collect()
        };
        assert_eq!(shown(&undocumented).iter().filter(|label| *label == OVERFLOW).count(), 2);
        let elsewhere = all.first().map(|status| undocumented.label(Kind::Account, status));
        assert_eq!(elsewhere, Some(OVERFLOW), "of the other kind");

        let present: BTreeSet<&Status> = all.iter().skip(1).collect();
        undocumented.keep_only(KIND, &present);
        undocumented.grant(KIND, present);
        let labels = shown(&undocumented);
        assert_eq!(
            labels.iter().filter(|label| *label == OVERFLOW).count(),
            2,
            "NEW_00 has none, and one other"
        );
        assert_eq!(labels.iter().filter(|label| *label == "NEW_32").count(), 1);
    }

    #[test]
    fn which_labels_are_in_use() {
        let mut undocumented = ShownUndocumented::default();
        undocumented.grant(KIND, &statuses(0..1));
        for (label, expected) in [
            ("NEW_00", true),
            ("NEW_01", false),
            ("CONNECTED", true),
            (OVERFLOW, true),
            (INVALID, true),
            (MISSING, true),
        ] {
            assert_eq!(undocumented.is_in_use(KIND, label), expected, "{label}");
        }
    }
}
