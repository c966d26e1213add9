//! Queries on single connections and accounts. They are empty where no series per connection are served.

use nectar_exporter::metrics::catalogue::{exporter, objects};
use nectar_exporter::status::{Category, Kind};

use crate::promql::companies::{Of, age, read_at, who_acts};
use crate::promql::selector::{Selector, largest, once, series};

/// Which connections a query is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// All of the company in the variable.
    OfCompany,
    /// Those that wait for their customers, of the chosen companies and utilities.
    Waiting,
    /// The one in the variable.
    One,
}

impl Connections {
    fn companies(self) -> Of {
        match self {
            Self::OfCompany => Of::Company,
            Self::Waiting => Of::Companies,
            Self::One => Of::Fleet,
        }
    }

    fn only(self, selector: Selector) -> Selector {
        let selector = self.companies().only(selector);
        if self == Self::One { selector.the("connection_id", "connection") } else { selector }
    }

    /// One series per connection, with `company_id`, `connection_id`, `status`, `datasource` and `country`; while replicas disagree
    /// on a status, one per status.
    pub fn rows(self) -> String {
        let mut statuses = self.only(series(&objects::CONNECTION_STATUS));
        let mut infos = self.only(series(&objects::CONNECTION_INFO));
        if self == Self::Waiting {
            statuses = statuses.category(Category::InterventionNeeded);
            infos = infos.chosen("datasource", "provider");
        }
        format!(
            "{} * on (company_id, connection_id) group_left (datasource, country) \
             topk by (company_id, connection_id) (1, {})",
            once(&statuses, &["connection_id", "status"]),
            once(&infos, &["connection_id", "datasource", "country"])
        )
    }

    /// `expression`, for these connections only.
    fn among(self, expression: &str) -> String {
        match self {
            Self::Waiting => format!("({expression}) and on (company_id, connection_id) ({})", self.rows()),
            Self::OfCompany | Self::One => expression.to_owned(),
        }
    }

    /// How long each has been in its status.
    pub fn in_status_for(self) -> String {
        let times = once(&self.only(series(&objects::CONNECTION_FIRST_SEEN)), &["connection_id"]);
        self.among(&age(self.companies(), &times))
    }

    /// How long each had not been checked when its company was read.
    pub fn checked_ago(self) -> String {
        let times = once(&self.only(series(&objects::CONNECTION_LAST_UPDATE)), &["connection_id"]);
        self.among(&age(self.companies(), &times))
    }

    /// In how many days the next check of each was due when its company was read; negative where it was late.
    pub fn next_check_in(self) -> String {
        format!("-({} - on (company_id) group_right () {}) / 86400", read_at(self.companies()), self.due())
    }

    /// The rank of who has to act on each: see `statuses::ranks`.
    pub fn who_acts(self) -> String {
        let statuses = self.only(series(&objects::CONNECTION_STATUS));
        self.among(&who_acts(Kind::Connection, &statuses, &["connection_id", "status"]))
    }

    /// One interval after the last update. A connection that waits for its customer is not checked (the status page, "Check frequency").
    fn due(self) -> String {
        let updates = once(&self.only(series(&objects::CONNECTION_LAST_UPDATE)), &["connection_id"]);
        let waiting = self.only(series(&objects::CONNECTION_STATUS)).category(Category::InterventionNeeded);
        let interval = largest(&series(&exporter::CHECK_INTERVAL));
        format!(
            "(({updates} + on () group_left () {interval}) unless on (company_id, connection_id) {})",
            once(&waiting, &["connection_id"])
        )
    }

    /// The status of each, over time.
    pub fn states(self) -> String {
        once(&self.only(series(&objects::CONNECTION_STATUS)), &["connection_id", "status"])
    }
}

/// The accounts of the connection in the variable, by status.
pub fn accounts() -> String {
    once(&of_one(series(&objects::ACCOUNT_STATUS)), &["account_id", "status"])
}

/// The rank of who has to act on each of them.
pub fn accounts_who_acts() -> String {
    who_acts(Kind::Account, &of_one(series(&objects::ACCOUNT_STATUS)), &["account_id", "status"])
}

/// How long each of them has been in its status.
pub fn accounts_in_status_for() -> String {
    age(Of::Fleet, &once(&of_one(series(&objects::ACCOUNT_FIRST_SEEN)), &["account_id"]))
}

/// How long each of them had not been checked when the company was read.
pub fn accounts_checked_ago() -> String {
    age(Of::Fleet, &once(&of_one(series(&objects::ACCOUNT_LAST_UPDATE)), &["account_id"]))
}

fn of_one(selector: Selector) -> Selector {
    selector.the("connection_id", "connection")
}
