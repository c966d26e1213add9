//! Which companies of the list are to be read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::model::{Company, CompanyId};
use crate::shard::Shard;

/// Which companies this exporter reads.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Only these company ids; all if empty.
    pub only: Vec<String>,
    /// Not these company ids.
    pub except: Vec<String>,
    /// Of these, those that fall to this shard.
    pub shard: Shard,
}

impl Selection {
    /// Whether a company of this id is to be read.
    pub fn has(&self, id: &str) -> bool {
        (self.only.is_empty() || among(&self.only, id)) && !among(&self.except, id) && self.shard.has(id)
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.only.len(), self.except.len()) {
            (0, 0) => f.write_str("all")?,
            (0, except) => write!(f, "all but {except}")?,
            (only, _) => write!(f, "{only} by id")?,
        }
        if self.shard == Shard::ALL { Ok(()) } else { write!(f, ", {}", self.shard) }
    }
}

/// Companies to read, and companies that were asked for but are missing.
#[derive(Debug)]
pub(crate) struct CompanySelection {
    /// Listed, and to be read.
    pub(crate) listed: BTreeMap<CompanyId, Company>,
    /// Asked for by id, but not in the list.
    pub(crate) absent: Vec<Company>,
    /// To be left out, but not in the list anyway.
    pub(crate) unmatched_exclusions: Vec<String>,
}

impl CompanySelection {
    /// Chooses from `companies`.
    pub(crate) fn from(companies: Vec<Company>, selection: &Selection) -> Self {
        let mut absent: BTreeMap<String, Company> = BTreeMap::new();
        for id in selection.only.iter().filter(|id| selection.shard.has(id)) {
            let id: CompanyId = id.as_str().into();
            let company = Company { name: Arc::clone(&id), external_id: "".into(), id };
            absent.insert(company.id.to_ascii_lowercase(), company);
        }
        let mut listed = BTreeMap::new();
        let mut unmatched_exclusions = selection.except.clone();
        for company in companies {
            unmatched_exclusions.retain(|id| !id.eq_ignore_ascii_case(&company.id));
            absent.remove(&company.id.to_ascii_lowercase());
            if selection.has(&company.id) {
                listed.insert(Arc::clone(&company.id), company);
            }
        }
        Self { listed, absent: absent.into_values().collect(), unmatched_exclusions }
    }

    /// How many companies are to be shown, read or not.
    pub(crate) fn len(&self) -> usize {
        self.listed.len() + self.absent.len()
    }

    /// Whether a company of this id is to be shown.
    pub(crate) fn contains(&self, id: &str) -> bool {
        self.listed.contains_key(id) || self.absent.iter().any(|company| &*company.id == id)
    }
}

/// Ids are UUIDs, so letter case does not matter.
fn among(ids: &[String], id: &str) -> bool {
    ids.iter().any(|known| known.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of companies a, b and c: which are to be read, which are missed, and which are left out in vain.
    #[test]
    fn only_some_companies() {
        let ids =
            |text: &str| text.split(' ').filter(|id| !id.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        for (only, except, listed, absent, in_vain) in [
            ("", "", "a b c", "", ""),
            ("B", "", "b", "", ""),
            ("b x", "", "b", "x", ""),
            ("x X", "", "", "X", ""),
            ("", "A c", "b", "", ""),
            ("", "b y", "a c", "", "y"),
            ("a b", "B", "a", "", ""),
        ] {
            let company =
                |id: &String| Company { id: id.as_str().into(), name: "N".into(), external_id: "".into() };
            let all = ids("a b c").iter().map(company).collect();
            let selection = Selection { only: ids(only), except: ids(except), shard: Shard::ALL };
            let filter = CompanySelection::from(all, &selection);
            let context = format!("only {only:?}, except {except:?}");
            assert_eq!(
                filter.listed.keys().map(|id| id.to_string()).collect::<Vec<_>>(),
                ids(listed),
                "{context}"
            );
            let missed: Vec<String> = filter.absent.iter().map(|company| company.id.to_string()).collect();
            assert_eq!(missed, ids(absent), "{context}");
            assert_eq!(filter.unmatched_exclusions, ids(in_vain), "{context}");
            assert_eq!(filter.len(), ids(listed).len() + ids(absent).len(), "{context}");
            assert!(ids(listed).iter().chain(&ids(absent)).all(|id| filter.contains(id)), "{context}");
        }
    }
}
