//! What the body of an event says: its type, and which connection changed. Everything else is skipped without being kept.

use crate::nectar::json::Fields;
use crate::observe::EventType;

/// The ids that are read from a body: longer ones are none of Nectar's.
const MAX_ID_BYTES: usize = 256;

/// An event, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What it is about.
    pub event_type: EventType,
    /// The id of the company; many versions of the events lack it.
    pub company: Option<String>,
    /// The id of the connection.
    pub connection: Option<String>,
}

impl Event {
    /// Reads a body. One that is not a JSON object is an event of another type.
    pub fn read(body: &[u8]) -> Self {
        let fields = std::str::from_utf8(body).ok().and_then(Fields::read);
        let id = |fields: &Fields<'_>| fields.get::<String>("id").present().filter(|id| is_id(id));
        let name = fields.as_ref().and_then(|fields| fields.get::<String>("eventType").present());
        let company = fields.as_ref().and_then(|fields| fields.get::<Fields<'_>>("company").present());
        Self {
            event_type: name.map_or(EventType::Other, |name| type_named(&name)),
            company: company.as_ref().and_then(id),
            connection: fields.as_ref().and_then(id),
        }
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_ID_BYTES
}

/// The type of this name, in any version.
fn type_named(name: &str) -> EventType {
    let mut words = name.split('.');
    match (words.next(), words.next()) {
        (Some("connection"), Some("created")) => EventType::ConnectionCreated,
        (Some("connection"), Some("updated")) => EventType::ConnectionUpdated,
        (Some("connection"), Some("validated")) => EventType::ConnectionValidated,
        (Some("connection"), Some(_)) => EventType::ConnectionOther,
        (Some("document"), Some(_)) => EventType::Document,
        _ => EventType::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_as_they_come() {
        for (body, event_type, connection, company) in [
            // As in nearly all copies of the catalogue, and as in those that name the company.
            (
                r#"{"eventType":"connection.updated.v2","id":"k","status":"CONNECTED","old":{"id":"x"}}"#,
                EventType::ConnectionUpdated,
                Some("k"),
                None,
            ),
            (
                r#"{"eventType":"connection.created.v2","id":"k","company":{"id":"c","name":"N","externalId":null}}"#,
                EventType::ConnectionCreated,
                Some("k"),
                Some("c"),
            ),
            (
                r#"{"eventType":"connection.validated","id":"k"}"#,
                EventType::ConnectionValidated,
                Some("k"),
                None,
            ),
            (r#"{"eventType":"connection.deleted.v3"}"#, EventType::ConnectionOther, None, None),
            (r#"{"eventType":"document.created.v2","id":"d"}"#, EventType::Document, Some("d"), None),
            (r#"{"eventType":"connection","id":"k"}"#, EventType::Other, Some("k"), None),
            (r#"{"eventType":7,"id":8,"company":"c"}"#, EventType::Other, None, None),
            (
                r#"{"eventType":"connection.created","id":"","company":{"id":""}}"#,
                EventType::ConnectionCreated,
                None,
                None,
            ),
            (
                r#"{"eventType":"connection.created","company":{"id":7}}"#,
                EventType::ConnectionCreated,
                None,
                None,
            ),
            (
                r#"{"event\u0054ype":"connection.created","id":"\u006b"}"#,
                EventType::ConnectionCreated,
                Some("k"),
                None,
            ),
            ("null", EventType::Other, None, None),
            ("[]", EventType::Other, None, None),
            ("", EventType::Other, None, None),
            ("{", EventType::Other, None, None),
            ("\u{feff}{}", EventType::Other, None, None),
        ] {
            let expected = Event {
                event_type,
                company: company.map(str::to_owned),
                connection: connection.map(str::to_owned),
            };
            assert_eq!(Event::read(body.as_bytes()), expected, "{body}");
        }
    }

    /// What is read of an object that has this in it, and is an event as well.
    fn beside(odd: &str) -> Event {
        Event::read(format!(r#"{{"eventType":"connection.created",{odd},"id":"k"}}"#).as_bytes())
    }

    #[test]
    fn what_is_odd_costs_only_itself() {
        let whole = Event {
            event_type: EventType::ConnectionCreated,
            company: None,
            connection: Some("k".to_owned()),
        };
        let (deep, digits) = (100_000, "9".repeat(100_000));
        for odd in [
            format!(r#""a":{}{}"#, "[".repeat(deep), "]".repeat(deep)),
            format!(r#""company":{}1{}"#, r#"{"company":"#.repeat(deep), "}".repeat(deep)),
            format!(r#""id":{digits},"company":{{"id":{digits}}}"#),
            format!(r#""a":{digits}e{digits}"#),
            r#""id":"twice","id":["thrice"]"#.to_owned(),
            r#""\ud800":"\udfff","id":"\udead","company":{"id":"\ud800"}"#.to_owned(),
            format!(r#""company":{{"id":"{}"}}"#, "x".repeat(257)),
            vec![r#""k":0"#; 200_000].join(","),
            vec![r#""company":{}"#; 90_000].join(","),
        ] {
            assert_eq!(beside(&odd), whole, "{} bytes: {}", odd.len(), odd.get(..60).unwrap_or(&odd));
        }
    }

    #[test]
    fn bodies_that_are_attacks() {
        let open = "[".repeat(1024 * 1024);
        let objects = r#"{"eventType":"#.repeat(80_000);
        for body in [open.as_bytes(), format!(r#"{{"a":{open}"#).as_bytes(), objects.as_bytes()] {
            assert_eq!(Event::read(body).event_type, EventType::Other);
        }
        for body in [&b"\xff\xfe"[..], b"{\"eventType\":\"connection.created\",\"a\":\"\xff\"}"] {
            assert_eq!(Event::read(body).event_type, EventType::Other, "not UTF-8");
        }
        let long = format!(r#"{{"eventType":"connection.created{}"}}"#, ".v".repeat(500_000));
        assert_eq!(Event::read(long.as_bytes()).event_type, EventType::ConnectionCreated);
    }
}
