//! Colours mean the same on every board. Red is only for outages and for missing or outdated data.

use std::collections::{BTreeMap, BTreeSet};

use nectar_exporter::status::{Category, Kind};
use serde_json::Value;
use xtask::style::{ALARM, colour};

/// The panels that may be red: on an outage of a utility, and on missing or outdated data.
const MAY_BE_RED: [&str; 9] = [
    "Companies unreadable",
    "Data age",
    "Firing alerts",
    "Last poll",
    "Last reading",
    "Up",
    "Utilities",
    "Utilities by share down",
    "Utilities suspected down",
];

#[test]
fn red_is_for_outages_and_blindness() {
    let mut red = BTreeSet::new();
    for (_, board) in xtask::boards::all() {
        for panel in board["panels"].as_array().unwrap() {
            if panel.to_string().contains(&format!("\"{ALARM}\"")) {
                red.insert(panel["title"].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(red.iter().map(String::as_str).collect::<Vec<_>>(), MAY_BE_RED);
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
