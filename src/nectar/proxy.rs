//! Which proxy requests to Nectar use, by the variables that curl reads.
//!
//! Source of the rules: curl's manual, section "Environment". Beyond that, HTTP_PROXY is also read in capitals.

use std::ffi::OsString;
use std::net::IpAddr;

use ipnet::IpNet;
use secrecy::SecretString;
use url::{Host, Url};

/// A proxy that cannot be used. Never contains the value, in which there may be a password.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The value is not an address.
    #[error(
        "the variable {0} is not the address of a proxy, such as http://proxy.example.com:3128, without quotes, blanks or line ends"
    )]
    Unreadable(&'static str),
    /// An unescaped character ends the name of the host, and what follows may be a password.
    #[error(
        "the variable {0} has more than a host and a port in its address; in a user's name or password, write # as %23, / as %2F and ? as %3F"
    )]
    More(&'static str),
    /// For instance a SOCKS proxy.
    #[error(
        "the variable {0} names a proxy of another kind: this program takes http:// and https:// proxies only"
    )]
    Scheme(&'static str),
}

/// The proxy for requests to `url`; none if no variable names one, or `NO_PROXY` exempts it. `variable` looks one up.
///
/// # Errors
/// [`ProxyError`], if the variable that counts cannot be used: going without a proxy would be a guess.
pub fn proxy_for(
    url: &Url,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<SecretString>, ProxyError> {
    // An empty variable counts as not set.
    let variable = |name: &&'static str| {
        let value = variable(name)?;
        (!value.is_empty()).then(|| (*name, value.to_string_lossy().into_owned()))
    };
    let names: &[&'static str] = match url.scheme() {
        "https" => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        _ => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
    };
    let Some((name, value)) = names.iter().find_map(variable) else { return Ok(None) };
    let exempt = ["no_proxy", "NO_PROXY"].iter().find_map(variable);
    if exempt.is_some_and(|(_, list)| url.host().is_some_and(|host| is_exempt(&host, &list))) {
        return Ok(None);
    }
    let address = if value.contains("://") { value } else { format!("http://{value}") };
    // A backslash is from the name of a user of a Windows domain; left as it is, it would be read as a slash.
    let address = address.replace('\\', "%5C");
    let address_only = address.split_once("://").map_or("", |(_, behind)| behind);
    let before_host = address_only.rfind('@').and_then(|at| address_only.get(..at)).unwrap_or_default();
    if before_host.contains(['/', '?', '#']) {
        return Err(ProxyError::More(name));
    }
    let is_plain = !address.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\''));
    let parsed = Url::parse(&address).ok().filter(|url| is_plain && url.has_host());
    let proxy = parsed.ok_or(ProxyError::Unreadable(name))?;
    let has_more = proxy.query().is_some() || proxy.fragment().is_some() || !matches!(proxy.path(), "" | "/");
    match proxy.scheme() {
        "http" | "https" if has_more => Err(ProxyError::More(name)),
        "http" | "https" => Ok(Some(address.into())),
        _ => Err(ProxyError::Scheme(name)),
    }
}

/// Whether `host` is in a list of hosts, domains, addresses and networks. `*` is every host.
fn is_exempt(host: &Host<&str>, list: &str) -> bool {
    // Quotes come from env files.
    let is_between = |c: char| matches!(c, ',' | '"' | '\'') || c.is_whitespace();
    let mut entries = list.split(is_between).filter(|entry| !entry.is_empty());
    entries.any(|entry| {
        entry == "*"
            || match host {
                Host::Domain(name) => is_within(name, entry),
                Host::Ipv4(address) => has_address(entry, IpAddr::V4(*address)),
                Host::Ipv6(address) => has_address(entry, IpAddr::V6(*address)),
            }
    })
}

/// Whether `name` is `domain`, or below it. A dot at either end makes no difference.
fn is_within(name: &str, domain: &str) -> bool {
    let [name, domain] = [name, domain].map(|name| name.trim_matches('.').to_ascii_lowercase());
    name.strip_suffix(&domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn has_address(entry: &str, address: IpAddr) -> bool {
    let entry = entry.trim_start_matches('[').trim_end_matches(']');
    let is_it = entry.parse::<IpAddr>().is_ok_and(|known| known == address);
    is_it || entry.parse::<IpNet>().is_ok_and(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use secrecy::ExposeSecret;

    use super::*;

    /// The proxy for requests to `url` where these variables are set.
    fn chosen(url: &str, variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        let proxy = proxy_for(&Url::parse(url).unwrap(), find).map_err(|error| error.to_string())?;
        Ok(proxy.map(|proxy| proxy.expose_secret().to_owned()))
    }

    #[test]
    fn the_variable_that_counts() {
        let (http, https) = ("http://api.example", "https://api.example");
        for (url, variables, proxy) in [
            (https, &[("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:1")][..], Some("http://a:1")),
            (https, &[("https_proxy", ""), ("HTTPS_PROXY", "http://b:1")], Some("http://b:1")),
            (https, &[("http_proxy", "http://a:1")], None),
            (http, &[("HTTPS_PROXY", "http://a:1")], None),
            (http, &[("HTTP_PROXY", "a:3128")], Some("http://a:3128")),
            (https, &[("ALL_PROXY", "https://a:1"), ("http_proxy", "http://b:1")], Some("https://a:1")),
            (https, &[("all_proxy", "http://u:p@a:1"), ("https_proxy", "http://b:1")], Some("http://b:1")),
            (http, &[("https_proxy", "no address")], None),
            (http, &[("http_proxy", "no address"), ("no_proxy", "*")], None),
            (http, &[("http_proxy", "DOMAIN\\me:p%40ss@a:1/")], Some("http://DOMAIN%5Cme:p%40ss@a:1/")),
        ] {
            assert_eq!(chosen(url, variables), Ok(proxy.map(str::to_owned)), "{url} {variables:?}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named_without_its_value() {
        for (value, words) in [
            ("\"http://secret:1\"", "without quotes"),
            ("http://secret:1\n", "line ends"),
            (" http://secret:1", "blanks"),
            ("http://", "is not the address"),
            ("http://secret:99999", "is not the address"),
            // The name of a host would end at the sign, and what follows be looked up, or ignored.
            ("http://me:in@secret/x@proxy:3128", "write # as %23"),
            ("http://me:12/secret@proxy:3128", "write # as %23"),
            ("http://proxy:3128/secret", "more than a host and a port"),
            ("http://me:in@secret?x@proxy:3128", "write # as %23"),
            ("http://me:in@secret#x@proxy:3128", "write # as %23"),
            ("http://me:secret/x@proxy:3128", "write # as %23"),
            ("http://me:secret#x@proxy:3128", "write # as %23"),
            ("socks5://secret:1", "of another kind"),
            ("socks5h://secret:1", "of another kind"),
        ] {
            let fault = chosen("https://api.example", &[("HTTPS_PROXY", value)]).unwrap_err();
            assert!(fault.contains("HTTPS_PROXY") && fault.contains(words), "{value:?}: {fault}");
            assert!(!fault.contains("secret"), "{fault}");
        }
    }

    #[test]
    fn who_is_exempt() {
        for (url, list, exempt) in [
            ("https://api.example", "*", true),
            ("https://192.0.2.1", "*", true),
            ("https://192.0.2.1", "\"*\"", true),
            ("https://[2001:db8::1]", "*", true),
            ("https://api.example", "example", true),
            ("https://api.example", ".example", true),
            ("https://API.example.", "api.EXAMPLE", true),
            ("https://api.example", "pi.example", false),
            ("https://api.example", "other, api.example", true),
            ("https://api.example", "other api.example", true),
            ("https://api.example", "", false),
            ("https://192.0.2.1", "192.0.2.1", true),
            ("https://192.0.2.1", "192.0.2.0/24", true),
            ("https://192.0.3.1", "192.0.2.0/24", false),
            ("https://192.0.2.1", "2.1", false),
            ("https://[2001:db8::1]", "2001:db8::1", true),
            ("https://[2001:db8::1]", "[2001:db8::1]", true),
            ("https://[2001:db8::1]", "2001:db8::/32", true),
        ] {
            let proxy = chosen(url, &[("ALL_PROXY", "http://proxy:1"), ("NO_PROXY", list)]).unwrap();
            assert_eq!(proxy.is_none(), exempt, "{url} {list:?}");
        }
    }
}
