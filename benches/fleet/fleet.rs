//! The fleets that are measured.

use nectar_simulator::Plan;

/// Connections per page: every company of these fleets fits on one.
pub const PAGE: u16 = 500;

/// A fleet, by its part in the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fleet {
    /// The one that the targets are for.
    Large,
    /// A tenth of it, for growth.
    Small,
}

impl Fleet {
    /// Its plan; `quick` has a tenth of everything.
    pub fn plan(self, quick: bool) -> Plan {
        let (companies, connections) = match (self, quick) {
            (Self::Large, false) => (1000, 100),
            (Self::Large, true) | (Self::Small, false) => (100, 100),
            (Self::Small, true) => (10, 100),
        };
        Plan { companies, connections, accounts: 2, seed: 1, speed: 0.0 }
    }
}
