//! What is logged about failures: a line when one begins, changes its cause or ends, and none in between.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::{info, warn};

use crate::failure::{Failure, ReadError, Reason};
use crate::model::{Company, CompanyId};
use crate::nectar::decode::CompanyList;

/// What is failing at present.
#[derive(Debug, Default)]
pub(super) struct FailureLog {
    companies: BTreeMap<CompanyId, Failure>,
    list: Option<Failure>,
    had_companies: bool,
    dropped_records: usize,
    unmatched_exclusions: Vec<String>,
}

impl FailureLog {
    /// Logs how the company list was read; `key_hint` says what is odd about the key.
    pub(super) fn list(&mut self, list: &Result<CompanyList, ReadError>, key_hint: Option<&str>) {
        let failure = list.as_ref().err().map(|error| error.failure);
        match list.as_ref().err() {
            Some(error) if self.list != failure => {
                let ReadError { failure, host, cause } = error;
                warn!(
                    msg = "The company list cannot be read; what was read earlier stays until it is too old",
                    reason = failure.label(),
                    host = host.as_deref(),
                    cause = cause.as_deref(),
                    advice = failure.advice(),
                    hint = key_hint.filter(|_| *failure == Failure::Request(Reason::Auth)),
                );
            }
            None if self.list.is_some() => info!(msg = "The company list can be read again"),
            _ => {}
        }
        self.list = failure;
        let Ok(list) = list else { return };
        if list.companies.is_empty() && self.had_companies {
            warn!(
                msg = "The company list is empty; what was shown of its companies is gone",
                advice = "check what the API key may see",
            );
        }
        self.had_companies = !list.companies.is_empty();
        if list.dropped != self.dropped_records {
            warn!(
                msg = "Records of the company list have no readable id and are left out",
                records = list.dropped
            );
            self.dropped_records = list.dropped;
        }
    }

    /// Logs ids of `--nectar.exclude-company` that the list does not have, most likely mistyped: each of them once.
    pub(super) fn unmatched_exclusions(&mut self, ids: &[String]) {
        for id in ids {
            if !self.unmatched_exclusions.contains(id) {
                warn!(
                    msg = "A company that is to be left out is not in the list",
                    company_id = id.as_str(),
                    advice = "check the id given with --nectar.exclude-company",
                );
                self.unmatched_exclusions.push(id.clone());
            }
        }
    }

    /// Logs how a company was read.
    pub(super) fn company(&mut self, company: &Company, error: Option<&ReadError>) {
        match error {
            Some(ReadError { failure, host, cause }) => {
                if self.companies.insert(Arc::clone(&company.id), *failure) != Some(*failure) {
                    warn!(
                        msg = "A company cannot be read; what was read earlier stays until it is too old",
                        company_id = &*company.id,
                        company = &*company.name,
                        reason = failure.label(),
                        host = host.as_deref(),
                        cause = cause.as_deref(),
                        advice = failure.advice(),
                    );
                }
            }
            None => {
                if self.companies.remove(&company.id).is_some() {
                    info!(
                        msg = "A company can be read again",
                        company_id = &*company.id,
                        company = &*company.name,
                    );
                }
            }
        }
    }

    /// Forgets companies that are no longer asked for.
    pub(super) fn keep_only(&mut self, is_asked_for: impl Fn(&str) -> bool) {
        self.companies.retain(|id, _| is_asked_for(id));
    }
}
