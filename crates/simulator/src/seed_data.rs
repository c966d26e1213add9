//! Invented names: utilities, companies, and statuses that are not on the status page.
//!
//! No real company is meant. Every address is under `.example`, which nobody can register.

/// A utility whose website customers log in to.
#[derive(Debug, PartialEq, Eq)]
pub struct Utility {
    /// Its name, as people know it.
    pub name: &'static str,
    /// Country, two letters.
    pub country: &'static str,
    /// Address of its website.
    pub url: &'static str,
    /// What it supplies.
    pub types: &'static [&'static str],
}

const fn utility(
    name: &'static str,
    country: &'static str,
    url: &'static str,
    types: &'static [&'static str],
) -> Utility {
    Utility { name, country, url, types }
}

const POWER: &[&str] = &["ELECTRICITY"];
const GAS: &[&str] = &["GAS"];
const WATER: &[&str] = &["WATER"];
const POWER_AND_GAS: &[&str] = &["ELECTRICITY", "GAS"];
const EVERYTHING: &[&str] = &["ELECTRICITY", "GAS", "WATER"];

/// The names contain what breaks careless escaping: ampersands, quotes, apostrophes, other alphabets.
#[rustfmt::skip]
static UTILITIES: [Utility; 21] = [
    utility("Northgate Power & Light", "US", "https://www.northgate-power.example", POWER),
    utility("Cedar Bluff Electric Cooperative", "US", "https://www.cedarbluff-coop.example", POWER),
    utility("Tidewater Mesa Gas", "US", "https://my.tidewater-mesa.example", GAS),
    utility("City of Alder Springs Utilities", "US", "https://utilities.alder-springs.example", EVERYTHING),
    utility("Great Basin Water District", "US", "https://pay.greatbasin-water.example", WATER),
    utility("Fernhollow Energy", "GB", "https://account.fernhollow.example", POWER_AND_GAS),
    utility("Kestrel & Wold Water", "GB", "https://www.kestrelwold.example", WATER),
    utility("O'Rourke's Grid", "IE", "https://online.orourkes-grid.example", POWER),
    utility("Stadtwerke Grünwalde", "DE", "https://portal.stadtwerke-gruenwalde.example", EVERYTHING),
    utility("Nordlicht Netz", "DE", "https://kunden.nordlicht-netz.example", POWER),
    utility("Énergie du Vallon", "FR", "https://espace-client.energie-vallon.example", POWER_AND_GAS),
    utility("Les Eaux d'Orvanne", "FR", "https://www.eaux-orvanne.example", WATER),
    utility("Compañía Eléctrica Sierra Clara", "ES", "https://clientes.sierra-clara.example", POWER),
    utility("Acqua Monteluna", "IT", "https://sportello.acqua-monteluna.example", WATER),
    utility("Fjordkraftverket Østvik", "NO", "https://minside.ostvik-kraft.example", POWER),
    utility("Zielona Dolina Gazownia", "PL", "https://ebok.zielona-dolina.example", GAS),
    utility("Ηλεκτρική Αιγίδας", "GR", "https://my.aigida-power.example", POWER),
    utility("みなと台電力", "JP", "https://mypage.minatodai-denryoku.example", POWER),
    utility("The \"Blue Flame\" Gas Company", "AU", "https://www.blue-flame-gas.example", GAS),
    utility("Coolabah Energy", "AU", "https://login.coolabah-energy.example", POWER_AND_GAS),
    utility("Maple Narrows Hydro", "CA", "https://myaccount.maple-narrows.example", POWER),
];

/// How many utilities there are.
pub const UTILITY_COUNT: usize = UTILITIES.len();

/// The utility at `place`, modulo their number.
pub fn utility_at(place: usize) -> &'static Utility {
    let [first, ..] = &UTILITIES;
    UTILITIES.get(place % UTILITY_COUNT).unwrap_or(first)
}

/// The names of all utilities.
pub fn utility_names() -> impl Iterator<Item = &'static str> {
    UTILITIES.iter().map(|utility| utility.name)
}

/// The utility with this name.
pub fn utility_named(name: &str) -> Option<&'static Utility> {
    UTILITIES.iter().find(|utility| utility.name == name)
}

/// Companies that even a small fleet has, because of the characters in their names.
const PARTICULAR_COMPANIES: &[&str] = &[
    "Harrow & Finch Hotels",
    "Pinecrest Cold Storage",
    "\"Sunny Side\" Bakeries",
    "Bäckerei Müllersdorf & Söhne",
    "Quillon Logistics",
    "青葉フーズ",
    "O'Dwyer's Fitness Clubs",
    "Крупинка Маркет",
];

#[rustfmt::skip]
const FIRST_WORDS: &[&str] = &[
    "Larkspur", "Ironbridge", "Bellweather", "Cobalt", "Driftwood", "Evermoor", "Foxglove", "Granary",
    "Hollins", "Juniper", "Kingsferry", "Lindenhall", "Mossgate", "Northolt", "Oakhaven", "Palisade", "Quarry",
    "Redfern", "Saltmarsh", "Thornbury", "Umberton", "Velmora", "Westering", "Yarrow",
];

#[rustfmt::skip]
const SECOND_WORDS: &[&str] = &[
    "Foods", "Properties", "Clinics", "Schools", "Retail", "Logistics", "Textiles", "Care Homes", "Brewing",
    "Data Centers", "Self Storage", "Outfitters", "Dairy", "Realty Trust", "Parking", "Plastics", "Farms",
];

/// The name of company `number` (from 0); no two numbers share a name.
pub fn company(number: usize) -> String {
    if let Some(name) = PARTICULAR_COMPANIES.get(number) {
        return (*name).to_owned();
    }
    let number = number - PARTICULAR_COMPANIES.len();
    let pairs = FIRST_WORDS.len() * SECOND_WORDS.len();
    let (first, second) = (number % FIRST_WORDS.len(), number / FIRST_WORDS.len() % SECOND_WORDS.len());
    // Shifted by the first word, so that neighbours in the list differ in their second word, too.
    let second = (second + first * 5) % SECOND_WORDS.len();
    let name = format!("{} {}", word(FIRST_WORDS, first), word(SECOND_WORDS, second));
    match number / pairs {
        0 => name,
        repeat => format!("{name} {}", repeat + 1),
    }
}

fn word(words: &[&'static str], at: usize) -> &'static str {
    words.get(at).copied().unwrap_or_default()
}

/// Connection statuses that are not on the status page but occur; the first is from the sandbox page.
pub const UNDOCUMENTED_CONNECTION: &[&str] = &["INCORRECT_PASSWORD", "CAPTCHA_REQUIRED"];

/// Account statuses that only the dashboard's pages name.
pub const UNDOCUMENTED_ACCOUNT: &[&str] = &["NEEDS_PULL", "ONBOARDING"];

/// Given names, for logins.
pub const PEOPLE: &[&str] = &[
    "amara", "bastian", "chiara", "dmitri", "elin", "farid", "greta", "hiro", "ines", "jonas", "keiko",
    "liam",
];
