//! The layout of a board in Grafana's grid: rows from top to bottom, filled from the left. Panels cannot overlap, and ids are unique.

use serde_json::{Value, json};

use crate::panel::Panel;

/// The width of Grafana's grid in columns.
const COLUMNS: usize = 24;

/// The panels of a board so far.
#[derive(Debug, Default)]
pub struct Grid {
    panels: Vec<Value>,
    bottom: usize,
}

impl Grid {
    /// Adds a heading above what follows.
    #[must_use]
    pub fn heading(mut self, title: &str) -> Self {
        let place = json!({"x": 0, "y": self.bottom, "w": COLUMNS, "h": 1});
        let id = self.panels.len() + 1;
        self.panels.push(json!({
            "id": id, "type": "row", "title": title, "collapsed": false, "panels": [], "gridPos": place,
        }));
        self.bottom += 1;
        self
    }

    /// Adds panels side by side, all `height` high and equally wide.
    #[must_use]
    pub fn row<const N: usize>(self, height: usize, panels: [Panel; N]) -> Self {
        let mut left = COLUMNS;
        let mut remaining = N;
        let shares = panels.map(|panel| {
            let width = left / remaining;
            (left, remaining) = (left - width, remaining - 1);
            (width, panel)
        });
        self.uneven(height, shares)
    }

    /// Adds panels side by side, all `height` high, each with its own width.
    #[must_use]
    pub fn uneven<const N: usize>(mut self, height: usize, panels: [(usize, Panel); N]) -> Self {
        let mut x = 0;
        for (width, panel) in panels {
            let place = json!({"x": x, "y": self.bottom, "w": width, "h": height});
            self.panels.push(panel.json(self.panels.len() + 1, &place));
            x += width;
        }
        assert!(x <= COLUMNS, "a row of panels is {x} wide");
        self.bottom += height;
        self
    }

    /// The JSON of all panels.
    pub fn into_json(self) -> Vec<Value> {
        self.panels
    }
}
