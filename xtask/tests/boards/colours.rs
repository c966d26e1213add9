//! Colours mean the same on every board. Red is only for outages and for missing or outdated data.

use std::collections::{BTreeMap, BTreeSet};

use nectar_exporter::status::{Category, Kind};
use serde_json::Value;
use xtask::style::{ALARM, ATTENTION, NEUTRAL, behind, colour};

/// The panels that may be red: on an outage of a utility, and on missing or outdated data.
const MAY_BE_RED: [&str; 10] = [
    "Companies unread",
    "Data age",
    "Firing alerts",
    "Firing alerts by name",
    "Last poll",
    "Last reading",
    "Suspected outages",
    "Up",
    "Utilities",
    "Utilities by share down",
];

#[test]
fn red_is_for_outages_and_blindness() {
    let mut red = BTreeSet::new();
    for (_, board) in xtask::boards::all() {
        for mut panel in board["panels"].as_array().unwrap().iter().cloned() {
            // A stat without data is red: that is a rule of its own.
            if let Some(mappings) =
                panel.pointer_mut("/fieldConfig/defaults/mappings").and_then(Value::as_array_mut)
            {
                mappings.retain(|mapping| mapping["options"]["match"] != "null+nan");
            }
            if panel.to_string().contains(&format!("\"{ALARM}\"")) {
                red.insert(panel["title"].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(red.iter().map(String::as_str).collect::<Vec<_>>(), MAY_BE_RED);
}

/// The colours behind text are dark enough for the white that Grafana writes on them, on every theme.
#[test]
fn text_has_contrast() {
    let categories =
        Kind::ALL.iter().flat_map(|kind| kind.categories().iter().map(|category| behind(*category)));
    for colour in categories.chain([ATTENTION, ALARM]).filter(|colour| *colour != NEUTRAL) {
        let contrast = (luminance("#F7F8FA") + 0.05) / (luminance(colour) + 0.05);
        assert!(contrast >= 4.5, "{colour}: {contrast}");
    }
}

/// The relative luminance of `#RRGGBB`, as WCAG defines it.
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

/// A cell or a stat has no colour of Grafana's behind its text: those are too light for white, and as text too light for a light theme.
#[test]
fn no_text_has_a_colour_of_the_palette() {
    for (_, board) in xtask::boards::all() {
        for panel in board["panels"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|panel| panel["type"] == "stat" || panel["type"] == "table")
        {
            for hue in ["red", "orange", "yellow", "green", "blue", "purple"] {
                assert!(!panel.to_string().contains(&format!("{hue}\"")), "{}: {hue}", panel["title"]);
            }
            assert!(!panel.to_string().contains("color-text"), "{}", panel["title"]);
        }
    }
}

#[test]
fn no_category_is_red_and_no_two_of_a_kind_look_alike() {
    for kind in Kind::ALL {
        let colours: BTreeSet<_> = kind.categories().iter().map(|category| colour(*category)).collect();
        assert_eq!(colours.len(), kind.categories().len());
        assert!(!colours.iter().any(|colour| colour.contains(ALARM)));
    }
}

#[test]
fn a_category_has_one_colour_on_all_boards() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (_, board) in xtask::boards::all() {
        for panel in board["panels"].as_array().unwrap() {
            for each in panel["fieldConfig"]["overrides"].as_array().into_iter().flatten() {
                let Some((name, colour)) = category_colour(each) else { continue };
                let first = seen.entry(name.clone()).or_insert(colour.clone());
                assert_eq!(*first, colour, "{name}");
            }
        }
    }
    assert!(seen.len() >= 7, "all categories are shown somewhere: {seen:?}");
}

fn category_colour(each: &Value) -> Option<(String, String)> {
    let name = each["matcher"]["options"].as_str()?;
    let categories = Kind::ALL.iter().flat_map(|kind| kind.categories().iter().map(|c: &Category| c.label()));
    categories.into_iter().find(|label| *label == name)?;
    let properties = each["properties"].as_array()?;
    let colour = properties.iter().find(|property| property["id"] == "color")?;
    Some((name.to_owned(), colour["value"]["fixedColor"].as_str()?.to_owned()))
}
