//! Which proxy requests to Nectar take.

use nectar_exporter::nectar::proxy::proxy_for;
use secrecy::ExposeSecret;
use url::Url;

fn chosen(url: &str, variables: &[(&str, &str)]) -> Result<Option<String>, String> {
    let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
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
