//! What a board shows nothing of while all is well, and that it shows it once it happens. Every exemption from "nothing is empty" has
//! such an event; only webhooks are off here, and what boards say of them is tested in `xtask/tests/boards/webhooks.rs`.

use nectar_simulator::{Fault, Scope};
use xtask::queries::Query;

use crate::boards::queries_of;
use crate::fleet::{Login, a_quiet_utility};
use crate::world::World;

/// What can happen at Nectar.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// One company cannot be read any more.
    CompanyFails,
    /// Nothing can be read any more.
    NectarStops,
    /// A utility's website is down for everyone.
    UtilityDown,
}

use Happening::{CompanyFails, NectarStops, UtilityDown};

/// What may be empty while all is well: board, panel, letter, and until what happens.
const MAY_BE_EMPTY: &[(&str, &str, &str, Happening)] = &[
    ("nectar-company", "Last reading", "B", CompanyFails),
    ("nectar-provider", "Share down of all connections", "A", UtilityDown),
    ("nectar-overview", "Last poll", "B", CompanyFails),
    ("nectar-exporter", "Last poll", "B", CompanyFails),
    ("nectar-overview", "Companies that cannot be read", "A", CompanyFails),
    ("nectar-overview", "Companies that cannot be read", "B", CompanyFails),
    ("nectar-exporter", "Polls that failed", "A", CompanyFails),
    ("nectar-exporter", "Requests that failed", "A", CompanyFails),
    ("nectar-overview", "Data age", "B", NectarStops),
    ("nectar-company", "Data age", "B", NectarStops),
    ("nectar-exporter", "Data age", "B", NectarStops),
];

/// What is empty while webhooks are off: panel and letter.
const ON_WEBHOOKS: &[(&str, &str)] = &[
    ("Events", "A"),
    ("Refused requests", "A"),
    ("From event to reading", "A"),
    ("From event to reading", "B"),
];

/// Whether a query is exempt while all is well.
pub fn may_be_empty(query: &Query) -> bool {
    is_rise(query)
        || MAY_BE_EMPTY.iter().any(|(board, panel, letter, _)| query.is(board, panel, letter))
        || ON_WEBHOOKS.iter().any(|(panel, letter)| query.is("nectar-exporter", panel, letter))
}

/// Whether it is a rise since a week ago. The same without a rise is compared with the truth.
fn is_rise(query: &Query) -> bool {
    let Some(change) = query.expression.strip_suffix("> 0").filter(|_| query.reference == "B") else {
        return false;
    };
    let same = queries_of(&query.board, &[("company", "any")]);
    let beside = same.iter().find(|other| other.is(&query.board, &query.panel, "C"));
    beside.is_some_and(|beside| {
        beside.expression.contains(" offset 7d") && beside.expression == format!("{change}<= 0")
    })
}

impl Happening {
    fn happens(self, world: &World, fleet: &[Login], company: &str) {
        world.simulator.faults().clear();
        let scope = match self {
            CompanyFails => Scope::Company(company.to_owned()),
            NectarStops => Scope::Everything,
            UtilityDown => {
                let (utility, companies) = a_quiet_utility(fleet);
                world.simulator.set_utility_down(&utility, &companies, true);
                return;
            }
        };
        world.simulator.faults().set(scope, Fault::Status(403));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_empty_is_shown_when_it_happens() {
    let world = World::start("connections").await;
    let fleet = world.fleet().await;
    let company = &fleet[0].company_id;
    for (board, panel, letter, happening) in MAY_BE_EMPTY {
        let queries = queries_of(board, &[("company", company)]);
        let query = queries.iter().find(|query| query.is(board, panel, letter)).unwrap();
        happening.happens(&world, &fleet, company);
        world.until(&query.expression).await;
        let found = world.ask(&query.expression).await;
        let missing = query.labels.iter().find(|label| !found[0].labels.contains_key(*label));
        assert!(missing.is_none(), "{board}, {panel} has no label {missing:?}: {found:?}");
    }
    // What was read before stays: the page says how old it is, and not that there is nothing.
    let queries = queries_of("nectar-overview", &[]);
    let connections = queries.iter().find(|query| query.panel == "Connections").unwrap();
    let count = f64::from(u32::try_from(fleet.len()).unwrap());
    assert_eq!(world.ask_as_board(connections).await[0].value, count);
}
