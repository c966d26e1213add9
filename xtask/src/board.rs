//! A board: the JSON around its panels.

use serde_json::{Value, json};

use crate::grid::Grid;
use crate::link::{self, To};

/// Grafana 11 to 13 read this version; later ones migrate from it.
const SCHEMA_VERSION: u8 = 42;

/// A board.
#[derive(Debug)]
pub struct Board {
    /// Which one.
    pub which: To,
    /// The question it answers.
    pub description: &'static str,
    /// The start of the time range when it is opened, as `now-7d`.
    pub from: &'static str,
    /// Its variables.
    pub variables: Vec<Value>,
    /// Annotations besides Grafana's own.
    pub annotations: Vec<Value>,
    /// Its panels.
    pub grid: Grid,
}

impl Board {
    /// The board's JSON.
    pub fn json(self) -> Value {
        let own = json!({
            "builtIn": 1, "name": "Annotations & Alerts", "type": "dashboard", "enable": true, "hide": true,
            "iconColor": "rgba(0, 211, 255, 1)", "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        });
        let annotations: Vec<Value> = std::iter::once(own).chain(self.annotations).collect();
        json!({
            "uid": self.which.uid(),
            "title": self.which.title(),
            "description": self.description,
            "tags": ["nectar"],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": false,
            "graphTooltip": 1,
            "refresh": "1m",
            "timezone": "browser",
            "time": {"from": self.from, "to": "now"},
            "timepicker": {},
            "links": link::top(self.which),
            "templating": {"list": self.variables},
            "annotations": {"list": annotations},
            "panels": self.grid.into_json(),
        })
    }
}
