//! Webhook events: which ones a look at the fleet leads to, and their bodies.
//!
//! Nothing tells of a change when it happens: each look compares the fleet with what was announced last.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::fleet::{Company, Connection, Fleet, Word};
use super::random::Random;
use super::timestamp_format::TimestampFormat;
use super::wire::ConnectionRecord;

/// A look announces so many changes at most, and the next one the rest: a company that is switched off changes thousands at once.
const CHANGES_AT_ONCE: usize = 100;

/// Which fields an event has. Nectar has changed that several times, and its pages show all of these.
#[derive(Debug)]
struct Shape {
    /// Of the connection; without any named, all that the API has.
    fields: &'static str,
    /// Of each account; without any named, all that the API has.
    account_fields: &'static str,
    /// Whether `isDuplicated` is still a boolean.
    has_booleans: bool,
}

static SHAPES: [Shape; 4] = [
    Shape {
        fields: "accounts company country created datasource emails id status updated url",
        account_fields: "accountNumber id isDuplicated isTracked meters",
        has_booleans: true,
    },
    Shape {
        fields: "accounts country created dataCollectionStartDate id initialSites multiplyByOccupancy status \
                 updated url username workflowOwnerEmail",
        account_fields: "accountNumber datasourceTypes id isDuplicated isTracked meters",
        has_booleans: true,
    },
    Shape {
        fields: "accounts country created dataCollectionStartDate id initialDatasourceTypes initialSites \
                 multiplyByOccupancy status updated url username workflowOwnerEmail",
        account_fields: "accountNumber datasourceTypes id isDuplicated isTracked lastServiceDate meters",
        has_booleans: false,
    },
    Shape { fields: "", account_fields: "", has_booleans: false },
];

/// The status of each connection as it was announced last, by serial.
#[derive(Debug)]
pub struct Announced(HashMap<u64, Word>);

fn rows(fleet: &Fleet) -> impl Iterator<Item = (&Company, &Connection)> {
    fleet.companies.iter().flat_map(|company| company.connections.iter().map(move |row| (company, row)))
}

impl Announced {
    /// All of the fleet as it is.
    pub fn all(fleet: &Fleet) -> Self {
        Self(rows(fleet).map(|(_, row)| (row.serial, row.status_record.status.clone())).collect())
    }

    /// The events of what is new, and now and then one of a document.
    pub fn look(&mut self, fleet: &Fleet, now: Timestamp, documents: f64, rng: &mut Random) -> Vec<Value> {
        let (mut events, mut changes) = (Vec::new(), 0);
        // Written anew, so that connections that are gone are forgotten.
        let mut announced = HashMap::with_capacity(self.0.len());
        for (company, row) in rows(fleet) {
            let status = &row.status_record.status;
            let last = self.0.remove(&row.serial);
            if last.as_ref() == Some(status) || changes == CHANGES_AT_ONCE {
                announced.extend(last.map(|last| (row.serial, last)));
                continue;
            }
            changes += 1;
            events.extend(change(company, row, last, now, rng));
            if rng.chance(documents) {
                let date = TimestampFormat::of_event(row.serial, now).date(row.updated());
                events
                    .push(json!({ "eventType": "document.created.v2", "id": rng.uuid(), "billDate": date }));
            }
            announced.insert(row.serial, status.clone());
        }
        self.0 = announced;
        events
    }
}

/// The events of a new connection, or of one that had another status, in any order.
fn change(
    company: &Company,
    connection: &Connection,
    last: Option<Word>,
    now: Timestamp,
    rng: &mut Random,
) -> Vec<Value> {
    let mut fields = || {
        let record = ConnectionRecord::new(company, connection, now, TimestampFormat::of_event);
        let shape = rng.pick(&SHAPES);
        shape.map(|shape| shape.of(json!(record))).unwrap_or_default()
    };
    let Some(last) = last else { return vec![named("connection.created.v2", fields())] };
    let mut updated = fields();
    let mut old = Map::from_iter([("status".to_owned(), json!(last))]);
    old.extend(updated.get_key_value("username").map(|(name, value)| (name.clone(), value.clone())));
    updated.insert("old".to_owned(), old.into());
    updated.insert("protectedChanges".to_owned(), json!(["status"]));
    let mut events =
        vec![named("connection.updated.v2", updated), named("connection.validated.v2", fields())];
    rng.shuffle(&mut events);
    events
}

fn named(event: &str, mut fields: Map<String, Value>) -> Value {
    fields.insert("eventType".to_owned(), event.into());
    fields.into()
}

impl Shape {
    /// What is left of a connection's `record` in this shape.
    fn of(&self, record: Value) -> Map<String, Value> {
        let Value::Object(mut fields) = record else { return Map::new() };
        fields.insert("emails".to_owned(), json!([fields.get("workflowOwnerEmail")]));
        let accounts = fields.get_mut("accounts").and_then(Value::as_array_mut);
        for account in accounts.into_iter().flatten().filter_map(Value::as_object_mut) {
            if let Some(value) = account.get_mut("isDuplicated").filter(|_| self.has_booleans) {
                *value = (value == "true").into();
            }
            keep(account, self.account_fields);
        }
        keep(&mut fields, self.fields);
        fields
    }
}

/// Drops all fields that are not among these, if any are named.
fn keep(fields: &mut Map<String, Value>, named: &str) {
    fields.retain(|name, _| named.is_empty() || named.split(' ').any(|kept| kept == name));
}
