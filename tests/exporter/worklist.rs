//! The worklist: which logins somebody must act on, as a page and as CSV.

use std::collections::BTreeMap;
use std::time::Duration;

use nectar_simulator::{Fault, Plan, Scope, Simulator};
use reqwest::header::ACCEPT;

use test_support::assert_same_as_file;
use test_support::canned_nectar::{Bodies, page};
use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::scrape::Scrape;

const SMALL: Plan = Plan { companies: 3, connections: 30, accounts: 1, seed: 3, speed: 0.0 };

/// Names that HTML or a spreadsheet could take for something else.
const COMPANIES: &str = r#"[
    {"id":"alder","name":"Alder, \"Foods\" & <b>Sons</b>","externalId":"A-1"},
    {"id":"birch","name":"=HYPERLINK(\"https://evil.example\")","externalId":"+49"},
    {"id":"cedar","name":"Cédar Møbler","externalId":null},
    {"id":"gone","name":"Gone Ltd","externalId":"G-7"}
]"#;

fn login(id: &str, status: &str, times: [&str; 3], utility: &str) -> String {
    let [first_seen, last_update, created] = times;
    format!(
        r#"{{"id":"{id}","status":"{status}","statusFirstSeenTime":{first_seen},"statusLastUpdateTime":{last_update},
        "created":{created},"datasource":{{"name":"{utility}"}},"country":"US","accounts":[]}}"#
    )
}

/// One login of each kind, with times that are missing or odd. One company is never read.
fn fleet() -> Bodies {
    let null = "null";
    let [today, may, march] = ["2026-06-15T08:00:00Z", "2026-05-15T12:00:00Z", "2026-03-01T12:00:00Z"]
        .map(|time| format!("\"{time}\""));
    let alder = [
        login("con-1", "CONNECTED", [&may, &may, &march], "Elm Gas"),
        login("con-2", "PASSWORD_INCORRECT", [&may, &today, &march], "Elm Gas"),
        login("con-3", "MFA_TOKEN_EXPIRED", [&today, &today, &march], "Oak & Power"),
        login("con-4", "WEBSITE_DOWN", [&march, &today, &march], "Oak & Power"),
        login("con-5", "COMPANY_INACTIVE", [&march, &today, &march], "Oak & Power"),
    ];
    let birch = [
        login("con 6/7", "NEW_PASSWORD_NEEDED", [null, &may, &march], "-Fir Water"),
        login("con-8", "ADDITIONAL_CREDENTIALS_NEEDED", [null, null, &march], "Elm Gas"),
        login("con-9", "PASSWORD_INCORRECT", [null, null, null], "Elm Gas"),
        login("con-a", "PASSWORD_INCORRECT", ["\"2026-06-16T12:00:00Z\"", &may, &march], ""),
    ];
    let cedar = [
        login("con-b", "INCORRECT_PASSWORD", [&may, &today, &march], "Elm Gas"),
        login("con-c", "not a status", [&may, &today, &march], "Elm Gas"),
    ];
    let body =
        |rows: &[String]| page(rows.len() as u64, 1, &rows.iter().map(|row| &**row).collect::<Vec<_>>());
    Bodies::default()
        .with("company", COMPANIES)
        .with("alder.1", body(&alder))
        .with("birch.1", body(&birch))
        .with("cedar.1", body(&cedar))
}

async fn text(program: &Exporter, path: &str) -> String {
    let answer = program.get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

/// The lines of the CSV under the header, as another program reads them.
async fn lines(program: &Exporter, query: &str) -> Vec<BTreeMap<String, String>> {
    let text = text(program, &format!("/worklist?format=csv{query}")).await;
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(|line| line.unwrap()).collect()
}

fn column(lines: &[BTreeMap<String, String>], name: &str) -> Vec<String> {
    lines.iter().map(|line| line[name].clone()).collect()
}

fn to_do(scrape: &Scrape) -> f64 {
    let of = |category| scrape.sum("nectar_connections", &[("category", category)]);
    of("intervention_needed") + of("unknown")
}

/// The CSV has a line for each login that somebody must act on, and no cell that a spreadsheet takes for a formula; the page has as many.
pub async fn agrees_with(scrape: &Scrape, program: &Exporter) {
    let lines = lines(program, "").await;
    let logins = lines.iter().filter(|line| !line["Open in Nectar"].is_empty()).count();
    assert_eq!(logins as f64, to_do(scrape), "{lines:?}");
    for (name, cell) in lines.iter().flatten() {
        assert!(!cell.trim().starts_with(['=', '+', '-', '@']), "{name}: {cell:?}");
    }
    let page = text(program, "/worklist").await;
    assert_eq!(page.matches("<th scope=\"row\">").count(), logins.min(200));
}

#[tokio::test]
async fn page_and_csv() {
    let program = Exporter::scripted(fleet(), &[]).await;
    let scrape = program.after_polls(1).await;
    program.clock.advance(Duration::from_secs(60));
    let page = text(&program, "/worklist").await;
    assert_same_as_file("tests/worklist/expected.html", &page);
    let csv = text(&program, "/worklist?format=csv").await;
    // No cell here has a line break. The file has ends of lines that Git leaves alone.
    assert!(csv.lines().count() == csv.matches("\r\n").count() && csv.ends_with("\r\n"));
    assert_same_as_file("tests/worklist/expected.csv", &csv.replace("\r\n", "\n"));

    agrees_with(&scrape, &program).await;
    let lines = lines(&program, "").await;
    assert_eq!(lines.len(), 8 + 1, "and one for the company without data");
    let days = ["106", "31", "31", "31", "31", "0", "0", "", ""];
    assert_eq!(column(&lines, "Waiting for (days)"), days, "the longest wait first");
    for (address, expected) in [("con-2", true), ("con-1", false), ("con%206%2F7", true)] {
        let link = format!("https://dash.nectarclimate.com/data-input/connections/{address}");
        assert_eq!(csv.contains(&format!("\"{link}\"")), expected, "{address}");
        assert_eq!(page.contains(&format!("\"{link}\"")), expected, "{address}");
    }
}

/// Who asks for what, and how, and what the answer says of itself.
#[tokio::test]
async fn html_or_csv() {
    const HTML: &str = "text/html; charset=utf-8";
    const CSV: &str = "text/csv; charset=utf-8; header=present";
    let program = Exporter::scripted(fleet(), &[]).await;
    program.after_polls(1).await;
    let client = reqwest::Client::new();
    // Every form of the header stands beside the rule, in src/http/accept.rs.
    for (path, accepted, expected) in [
        ("/worklist", None, HTML),
        ("/worklist", Some("text/csv"), CSV),
        ("/worklist", Some("text/html, text/csv;q=0.5"), HTML),
        ("/worklist", Some("text/csv;q=0.5, */*;q=0.1"), CSV),
        ("/worklist?format=csv", Some("text/html"), CSV),
        ("/worklist?format=CSV", None, CSV),
        ("/worklist?format=html", Some("text/csv"), HTML),
        ("/worklist?format=Html", Some("text/csv"), HTML),
        ("/worklist?format=", Some("text/csv"), CSV),
    ] {
        for method in ["GET", "HEAD"] {
            let mut request = client.request(method.parse().unwrap(), format!("{}{path}", program.url));
            if let Some(accepted) = accepted {
                request = request.header(ACCEPT, accepted);
            }
            let answer = request.send().await.unwrap();
            let context = format!("{method} {path} {accepted:?}");
            let header =
                |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(answer.status(), 200, "{context}");
            assert_eq!(header("content-type").as_deref(), Some(expected), "{context}");
            assert_eq!(header("vary").as_deref(), Some("Accept"), "{context}");
            assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{context}");
            let file = (expected == CSV).then_some("attachment; filename=\"worklist-2026-06-15.csv\"");
            assert_eq!(header("content-disposition").as_deref(), file, "{context}");
            let policy =
                header("content-security-policy").is_some_and(|policy| policy.contains("form-action 'self'"));
            assert_eq!(policy, expected == HTML, "{context}");
            assert_eq!(answer.bytes().await.unwrap().is_empty(), method == "HEAD", "{context}");
        }
    }
}

#[tokio::test]
async fn by_company_and_status() {
    let program = Exporter::scripted(fleet(), &[]).await;
    program.after_polls(1).await;
    // How many lines the CSV has, and how many of the fields are chosen in the form.
    for (query, logins, chosen) in [
        ("", 9, 0),
        ("&company=&status=", 9, 0),
        ("&company=alder", 2, 1),
        ("&company=ALDER", 2, 1),
        ("&status=PASSWORD_INCORRECT", 3 + 1, 1),
        ("&company=birch&status=PASSWORD_INCORRECT", 2, 2),
        ("&company=alder&status=NEW_PASSWORD_NEEDED", 0, 2),
        ("&company=cedar&status=INCORRECT_PASSWORD", 1, 2),
        ("&company=cedar&status=INVALID", 1, 2),
        ("&status=CONNECTED", 1, 1),
        ("&company=alder&status=CONNECTED", 0, 2),
        ("&company=gone", 1, 1),
    ] {
        let page = text(&program, &format!("/worklist?format=html{query}")).await;
        let lines = lines(&program, query).await;
        assert_eq!(lines.len(), logins, "{query}");
        let unknown = lines.iter().filter(|line| line["What is the matter"].starts_with("Unknown: ")).count();
        let rows = page.matches("<th scope=\"row\">").count();
        assert_eq!(rows, logins - unknown, "{query}");
        assert_eq!(page.matches(" selected>").count(), chosen, "{query}");
        let is_said = |words: &str| page.contains(words);
        assert_eq!(is_said("fits what you chose"), rows == 0 && query != "&company=gone", "{query}");
        assert_eq!(is_said("Show all logins"), chosen > 0, "{query}");
        assert!(!is_said("Nobody has to act"), "{query}");
    }
    let page = text(&program, "/worklist?company=gone").await;
    assert!(page.contains("There is no data yet: nothing could be read so far."), "{page}");
    // The link to the CSV keeps the choice, and nothing in a query is taken for markup.
    let page = text(&program, "/worklist?company=alder&status=%22%3E%3Cb%3E").await;
    assert!(page.contains("./worklist?format=csv&#38;company=alder&#38;status=%22%3E%3Cb%3E\""), "{page}");
    assert!(!page.contains("\"><b>"));
}

/// An empty file would say that nobody has to act.
#[tokio::test]
async fn what_is_not_known() {
    let program = Exporter::scripted(fleet(), &[]).await;
    program.after_polls(1).await;
    for (query, status, words) in [
        ("format=csv&company=COMPANY_ID", 404, "The company \"COMPANY_ID\" is not known. "),
        ("format=csv&status=password_incorrect", 404, "The status \"password_incorrect\" is not known. "),
        ("format=csv&company=alder&status=a%0A%C2%9Fb", 404, "The status \"a\\n\u{fffd}b\" is not known. "),
        ("format=pdf", 400, "The format \"pdf\" is not known. "),
    ] {
        let answer = program.get(&format!("/worklist?{query}")).await;
        assert_eq!(answer.status(), status, "{query}");
        assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8", "{query}");
        let text = answer.text().await.unwrap();
        assert!(text.starts_with(words) && text.lines().count() == 1, "{query}: {text}");
        if status == 404 {
            let page = self::text(&program, &format!("/worklist?{}", query.replace("csv", "html"))).await;
            assert!(page.contains("fits what you chose"), "{query}");
        }
    }
}

/// A link to the overview would lead to the metrics where these are served in its place.
#[tokio::test]
async fn links_to_the_overview() {
    // With this prefix, `/metrics` leads to `/metrics/`.
    let at_slash = ["--web.route-prefix=/metrics", "--web.telemetry-path=/"];
    for (flags, path, links) in [(&[][..], "/worklist", 2), (&at_slash, "/metrics/worklist", 0)] {
        let program = Exporter::scripted(fleet(), flags).await;
        program.after_polls(1).await;
        let page = text(&program, path).await;
        assert!(page.contains("This list is not complete"), "{page}");
        assert_eq!(page.matches("href=\"./\"").count(), links, "{page}");
    }
}

/// Where the metrics say nothing of single connections, neither does the worklist.
#[tokio::test]
async fn not_where_logins_are_withheld() {
    let program = Exporter::scripted(fleet(), &["--metrics.detail=none"]).await;
    program.after_polls(1).await;
    assert_eq!(program.get("/worklist").await.status(), 404);
    assert!(!text(&program, "/").await.contains("worklist"));

    // The fleet has 11 logins, with four or five series each.
    for (limit, is_limited) in [("48", true), ("1000", false)] {
        let program = Exporter::scripted(fleet(), &[&format!("--metrics.detail-limit={limit}")]).await;
        let scrape = program.after_polls(1).await;
        assert_eq!(scrape.has("nectar_connection_info"), !is_limited, "{limit}");
        let page = text(&program, "/worklist").await;
        assert_eq!(page.contains("The logins are not listed"), is_limited, "{limit}");
        assert_eq!(page.contains("Alder"), !is_limited, "{limit}");
        let csv = program.get("/worklist?format=csv").await;
        assert_eq!(
            csv.status(),
            if is_limited { 503 } else { 200 },
            "an empty file would say that nobody has to act"
        );
        assert_eq!(csv.text().await.unwrap().contains("Alder"), !is_limited, "{limit}");
    }
}

#[tokio::test]
async fn nothing_before_the_first_good_poll() {
    let program = Exporter::start("http://127.0.0.1:1/v2.2", &[], TestClock::new()).await;
    let page = text(&program, "/worklist").await;
    assert!(page.contains("There is no data yet") && !page.contains("<form"), "{page}");
    let csv = program.get("/worklist?format=csv").await;
    assert_eq!(csv.status(), 503);
    assert!(csv.text().await.unwrap().contains("There is no data yet"));
}

/// First one company's data grows too old, then all.
#[tokio::test]
async fn data_that_is_too_old_is_withdrawn() {
    let clock = TestClock::skipping(Duration::from_secs(60));
    let simulator = Simulator::new(&SMALL, KEY, wall(&clock));
    let program = Exporter::against(&simulator, &["--nectar.max-data-age=12m"], clock).await;
    let first = program.after_polls(1).await;
    let all = lines(&program, "").await.len();
    assert!(all as f64 == to_do(&first) && all > 0);
    let id = simulator.companies()[0].clone();
    let of_first = lines(&program, &format!("&company={id}")).await.len();
    assert!(of_first > 0 && of_first < all);

    simulator.faults().set(Scope::Company(id.clone()), Fault::Status(500));
    for _ in 0..3 {
        program.next_poll().await;
    }
    let left = lines(&program, "").await;
    assert_eq!(left.len(), all - of_first + 1, "and one line that says whose logins are not known");
    assert!(left.last().unwrap()["What is the matter"].starts_with("Unknown: "));
    let page = text(&program, "/worklist").await;
    let (_, notice) = page.split_once("This list is not complete: ").expect("a notice");
    let (sentence, rest) = notice.split_once("Please tell whoever runs this exporter").expect("what to do");
    assert!(!sentence.contains("<li>") && rest.contains(": no current data</li>"), "{page}");
    assert_eq!(page.matches("<th scope=\"row\">").count(), all - of_first);
    let page = text(&program, &format!("/worklist?company={id}")).await;
    assert!(page.contains("There is no current data") && !page.contains("<table"), "{page}");

    simulator.faults().set(Scope::Everything, Fault::Status(500));
    for _ in 0..3 {
        program.next_poll().await;
    }
    let page = text(&program, "/worklist").await;
    assert!(page.contains("There is no current data: the last reading is too old"), "{page}");
    assert!(!page.contains("<table"));
    assert_eq!(lines(&program, "").await.len(), 3);

    simulator.faults().clear();
    program.next_poll().await;
    assert_eq!(lines(&program, "").await.len(), all);
}

/// What could not be read again is listed as it was, and the list says so, before it names companies.
#[tokio::test]
async fn data_that_may_be_out_of_date() {
    let clock = TestClock::skipping(Duration::from_secs(60));
    let simulator = Simulator::new(&SMALL, KEY, wall(&clock));
    let program = Exporter::against(&simulator, &[], clock).await;
    let all = to_do(&program.after_polls(1).await);
    let ids = simulator.companies();
    // The last poll fails for these. How many companies are said to be out of date, and how many by name.
    let [one, other] = [&ids[0], &ids[1]].map(|id| (Scope::Company(id.clone()), format!("&company={id}")));
    for (scopes, query, words, named) in [
        (vec![], "", None, 0),
        (vec![&one.0], "", Some("one company could"), 1),
        (vec![&one.0], &*one.1, Some("one company could"), 0),
        (vec![&one.0], &*other.1, None, 0),
        (vec![&one.0, &other.0], "", Some("2 companies could"), 2),
        (vec![&Scope::CompanyList], "", Some("3 companies could"), 0),
    ] {
        simulator.faults().clear();
        program.next_poll().await;
        let failing = format!("{scopes:?} {query}");
        scopes.into_iter().for_each(|scope| simulator.faults().set(scope.clone(), Fault::Status(401)));
        program.next_poll().await;
        let page = text(&program, &format!("/worklist?format=html{query}")).await;
        let notice = page.split_once("This list may be out of date: ");
        assert_eq!(notice.is_some(), words.is_some(), "{failing}: {page}");
        assert_eq!(page.matches("<li>").count(), named, "{failing}: {page}");
        let lines = lines(&program, query).await;
        let outdated =
            lines.iter().filter(|line| line["What is the matter"].starts_with("May be out of date"));
        let outdated = outdated.count();
        assert_eq!(page.matches("<th scope=\"row\">").count(), lines.len() - outdated, "{failing}");
        assert!(
            !query.is_empty() || (lines.len() - outdated) as f64 == all,
            "{failing}: no login is withheld"
        );
        let number = words.map_or("0", |words| words.split(' ').next().unwrap());
        assert_eq!(outdated.to_string(), number.replace("one", "1"), "{failing}");
        let (Some((_, notice)), Some(words)) = (notice, words) else { continue };
        assert!(notice.starts_with(words), "{failing}: {notice}");
        let (sentences, rest) = notice.split_once("Please tell whoever runs this exporter").unwrap();
        assert!(
            sentences.contains("was read 5 minutes ago") && !sentences.contains("<li>"),
            "{failing}: {notice}"
        );
        assert_eq!(rest.matches(": read 5 minutes ago</li>").count(), named, "{failing}: {notice}");
    }
}

/// An empty list says why it is empty.
#[tokio::test]
async fn nobody_has_to_act() {
    let connected = page(1, 1, &[&login("con-1", "CONNECTED", ["null"; 3], "Elm Gas")]);
    let one_of_four = Bodies::default().with("company", COMPANIES).with("cedar.1", &*connected);
    for (bodies, words, unknown) in [
        (Bodies::one_company(&[connected]), "Nobody has to act.", 0),
        (one_of_four, "Nobody has to act, as far as is known.", 3),
        (
            Bodies::default().with("company", "[]"),
            "Nectar lists no company for this exporter, so no login can be shown. If there should be some, please tell whoever runs it.",
            0,
        ),
    ] {
        let program = Exporter::scripted(bodies, &[]).await;
        program.after_polls(1).await;
        let page = text(&program, "/worklist").await;
        assert!(page.contains(&format!("<strong>{words}</strong>")), "{page}");
        assert_eq!(page.contains("This list is not complete"), unknown > 0, "{page}");
        assert_eq!(lines(&program, "").await.len(), unknown);
    }
}

/// The page shows the first of many, and says so; the CSV has all, each once.
#[tokio::test]
async fn many_logins() {
    let rows: Vec<String> = (0..450)
        .map(|n| login(&format!("con-{n:03}"), "PASSWORD_INCORRECT", ["null"; 3], "Elm Gas"))
        .collect();
    let rows: Vec<&str> = rows.iter().map(|row| &**row).collect();
    let program = Exporter::scripted(Bodies::one_company(&[page(450, 1, &rows)]), &[]).await;
    program.after_polls(1).await;
    let page = text(&program, "/worklist").await;
    assert_eq!(page.matches("<th scope=\"row\">").count(), 200);
    assert!(page.contains("450 logins") && page.contains("Only the 200 that have waited longest"), "{page}");
    let links = column(&lines(&program, "").await, "Open in Nectar");
    assert_eq!(links.len(), 450);
    assert!(links.is_sorted() && links.windows(2).all(|two| two[0] != two[1]), "in order, each once");
}
