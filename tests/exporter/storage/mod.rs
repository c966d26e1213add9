//! A restart that forgets nothing: `--storage.path`.

mod files;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use nectar_simulator::{Fault, Plan, Scope, Simulator};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use test_support::canned_nectar::{Bodies, page};
use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::scrape::Scrape;

const SMALL: Plan = Plan { companies: 3, connections: 4, accounts: 1, seed: 7, speed: 0.0 };
const LAST_WRITE: &str = "nectar_exporter_storage_last_write_timestamp_seconds";
const HISTOGRAM: &str = "nectar_connection_status_duration_seconds";
/// How long a request is held up.
const HELD_UP: Duration = Duration::from_secs(200);
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// A Nectar that stays where it is, and a folder, while exporters come and go.
struct World {
    simulator: Simulator,
    base_url: String,
    folder: TempDir,
    /// Of the machine.
    seconds: i64,
}

impl World {
    async fn with(plan: &Plan) -> Self {
        let simulator = Simulator::new(plan, KEY, wall(&TestClock::new()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v2.2", listener.local_addr().unwrap());
        tokio::spawn(simulator.clone().serve(vec![listener], CancellationToken::new()));
        Self { simulator, base_url, folder: tempfile::tempdir().unwrap(), seconds: 0 }
    }

    /// An exporter with a monotonic clock of its own, as after a restart of the machine.
    async fn start(&self, flags: &[&str]) -> Exporter {
        start_at(&self.base_url, self.folder.path(), self.seconds, flags).await
    }

    /// The next request for this waits: an exporter that is started now has no poll that ends.
    fn hold_up(&self, scope: Scope) {
        let wait = Fault::StatusRetryAfter(503, HELD_UP.as_secs().to_string());
        self.simulator.faults().set_times(scope, wait, 1);
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }
}

async fn start_at(base_url: &str, folder: &Path, seconds: i64, flags: &[&str]) -> Exporter {
    let clock = TestClock::new();
    clock.step(SignedDuration::from_secs(seconds));
    start_with(base_url, folder, clock, flags).await
}

async fn start_with(base_url: &str, folder: &Path, clock: Arc<TestClock>, flags: &[&str]) -> Exporter {
    let storage = format!("--storage.path={}", folder.display());
    Exporter::start(base_url, &[&[&*storage], flags].concat(), clock).await
}

/// Waits until the state of this moment is in the folder.
async fn written(program: &Exporter) -> Scrape {
    let now = program.clock.wall_seconds() as f64;
    program.until("the state to be written", |scrape| scrape.value(LAST_WRITE, &[]) == Some(now)).await
}

fn restored(scrape: &Scrape) -> f64 {
    scrape.value("nectar_exporter_restored", &[]).unwrap()
}

/// Lets the time pass for which a request was held up.
async fn go_on(program: &Exporter) {
    program.until("the wait", |_| program.clock.is_awaited(HELD_UP)).await;
    program.clock.advance(HELD_UP);
}

/// Everything about the fleet.
fn of_the_fleet(scrape: &Scrape) -> BTreeMap<String, f64> {
    let families = ["nectar_co", "nectar_acc", "nectar_data"];
    let samples = scrape.samples.iter();
    let of_it = samples.filter(|(name, ..)| families.iter().any(|family| name.starts_with(family)));
    of_it.map(|(name, labels, value)| (format!("{name}{labels:?}"), *value)).collect()
}

async fn created(program: &Exporter) -> Vec<String> {
    let request = reqwest::Client::new().get(format!("{}/metrics", program.url));
    let response =
        request.header("accept", "application/openmetrics-text;version=1.0.0").send().await.unwrap();
    let text = response.text().await.unwrap();
    let lines = text.lines().filter(|line| line.starts_with("nectar_co") && line.contains("_created{"));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn what_was_known_is_there_at_once_with_its_true_age() {
    let mut world = World::with(&SMALL).await;
    let flags = ["--metrics.detail=accounts"];
    let refused = world.simulator.companies()[2].clone();
    world.simulator.faults().set(Scope::Company(refused), Fault::Status(403));
    let program = world.start(&flags).await;
    program.after_polls(1).await;
    let before = written(&program).await;
    let created_before = created(&program).await;
    assert_eq!(restored(&before), 0.0);
    program.stop().await;

    world.seconds += 10 * MINUTE;
    world.hold_up(Scope::CompanyList);
    let program = world.start(&flags).await;
    assert_eq!(program.get("/-/ready").await.status(), 200);
    let after = program.scrape().await;
    assert_eq!((restored(&after), after.value("nectar_up", &[])), (1.0, Some(0.0)));
    assert_eq!(after.value("nectar_exporter_polls_total", &[]), Some(0.0));
    assert_eq!(after.value(LAST_WRITE, &[]), before.value(LAST_WRITE, &[]));
    let (mut expected, actual) = (of_the_fleet(&before), of_the_fleet(&after));
    let ages = expected.iter_mut().filter(|(name, _)| name.contains("max_staleness"));
    ages.for_each(|(_, age)| *age += 10.0 * MINUTE as f64);
    assert!(expected.len() > 300, "only {} samples", expected.len());
    assert_eq!(actual, expected);
    assert!(created_before.len() > 30, "{created_before:?}");
    assert_eq!(created(&program).await, created_before, "counters count since they began");
    let page = program.get("/").await.text().await.unwrap();
    assert!(page.contains("was read before this exporter was started"), "{page}");

    go_on(&program).await;
    let polled = program.after_polls(1).await;
    assert_eq!(restored(&polled), 0.0, "two of three companies were read");
    assert_eq!(polled.sum("nectar_company_up", &[]), 2.0);
}

/// The only connection of company `c`, in a status since then.
fn bodies(statuses: &[(&str, &str)]) -> Bodies {
    let mut bodies = Bodies::default().with("company", r#"[{"id":"c","name":"C","externalId":null}]"#);
    for (status, since) in statuses {
        let row = format!(
            r#"{{"id":"x","status":"{status}","statusLastUpdateTime":"{since}","statusFirstSeenTime":"{since}",
            "created":"2026-06-01T12:00:00Z","datasource":{{"name":"Utility"}},"country":"US","accounts":[]}}"#
        );
        bodies = bodies.with("c.1", page(1, 1, &[&row]));
    }
    bodies
}

/// How often connections came into a status that is documented, and what the histogram has.
fn counted(scrape: &Scrape) -> [f64; 4] {
    let labels = [("status", "PASSWORD_INCORRECT")];
    [
        scrape.sum("nectar_connection_status_changes_total", &[]),
        scrape.sum("nectar_company_status_durations_total", &[]),
        scrape.value(&format!("{HISTOGRAM}_sum"), &labels).unwrap(),
        scrape.value(&format!("{HISTOGRAM}_bucket"), &[labels[0], ("le", "21600")]).unwrap(),
    ]
}

#[tokio::test]
async fn a_change_that_happened_meanwhile_counts_once() {
    let statuses = [
        ("PASSWORD_INCORRECT", "2026-06-15T09:30:00Z"),
        ("CONNECTED", "2026-06-15T12:01:00.5Z"),
        ("CONNECTED", "2026-06-15T12:01:00.5Z"),
        ("PASSWORD_INCORRECT", "2026-06-15T12:04:00Z"),
    ];
    let nectar = CancellationToken::new();
    let base_url = bodies(&statuses).serve(nectar.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let mended = [1.0, 1.0, 9060.5, 1.0];
    let broken_again = [2.0, 1.0, 9060.5, 1.0];
    for (run, expected) in [[0.0; 4], mended, mended, broken_again].into_iter().enumerate() {
        let program = start_at(&base_url, folder.path(), run as i64 * 5 * MINUTE, &[]).await;
        assert_eq!(counted(&program.after_polls(1).await), expected, "run {run}");
        written(&program).await;
        program.stop().await;
    }
    nectar.cancel();
    until_nobody_listens(&base_url).await;
    let program = start_at(&base_url, folder.path(), 30 * MINUTE, &[]).await;
    assert_eq!(counted(&program.scrape().await), broken_again, "before any poll");
}

async fn until_nobody_listens(base_url: &str) {
    let address = base_url.trim_start_matches("http://").trim_end_matches("/v2.2");
    while TcpStream::connect(address).await.is_ok() {}
}

/// The folder as it is at this moment, as a process that is killed leaves it.
fn as_if_killed(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

/// After a kill, a counter that were behind what a scrape has shown would look as if it had begun at 0, and had counted everything once
/// more: so it does begin at 0, unless nothing newer was shown.
#[tokio::test]
async fn after_a_kill_no_counter_falls_but_to_zero() {
    let statuses = [
        ("PASSWORD_INCORRECT", "2026-06-15T09:30:00Z"),
        ("CONNECTED", "2026-06-15T12:01:00.5Z"),
        ("PASSWORD_INCORRECT", "2026-06-15T12:04:00Z"),
    ];
    let nectar = CancellationToken::new();
    let base_url = bodies(&statuses).serve(nectar.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let program = start_at(&base_url, folder.path(), 0, &[]).await;
    program.after_polls(1).await;
    program.next_poll().await;
    written(&program).await;
    let between_polls = as_if_killed(folder.path());
    // As after the first change of a third poll, and in the midst of a write.
    let later = as_if_killed(folder.path());
    fs::rename(later.path().join("state"), later.path().join("state.behind")).unwrap();
    fs::write(later.path().join("state.new"), "half").unwrap();
    nectar.cancel();
    until_nobody_listens(&base_url).await;
    for (folder, expected) in [(between_polls, [1.0, 1.0, 9060.5, 1.0]), (later, [0.0; 4])] {
        let program = start_at(&base_url, folder.path(), 30 * MINUTE, &[]).await;
        let scrape = program.scrape().await;
        assert_eq!((restored(&scrape), counted(&scrape)), (1.0, expected));
        assert_eq!(scrape.value("nectar_connections", &[("status", "CONNECTED")]), Some(1.0));
    }
}

/// How the first snapshot differs from what was stored before a kill may have been counted by the run that was killed.
#[tokio::test]
async fn after_a_kill_nothing_is_counted_twice() {
    let statuses = [
        ("PASSWORD_INCORRECT", "2026-06-15T09:30:00Z"),
        ("CONNECTED", "2026-06-15T12:01:00.5Z"),
        ("PASSWORD_INCORRECT", "2026-06-15T12:04:00Z"),
    ];
    let base_url = bodies(&statuses).serve(CancellationToken::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let program = start_at(&base_url, folder.path(), 0, &[]).await;
    program.after_polls(1).await;
    written(&program).await;
    let killed = as_if_killed(folder.path());
    fs::rename(killed.path().join("state"), killed.path().join("state.behind")).unwrap();
    let program = start_at(&base_url, killed.path(), 30 * MINUTE, &[]).await;
    let scrape = program.after_polls(1).await;
    assert_eq!(scrape.value("nectar_connections", &[("status", "CONNECTED")]), Some(1.0));
    assert_eq!(counted(&scrape), [0.0; 4]);
    let next = program.next_poll().await;
    assert_ne!(counted(&next), [0.0; 4], "later changes count");
}

#[tokio::test]
async fn a_poll_that_was_killed_is_no_whole_state() {
    let world = World::with(&SMALL).await;
    let program = world.start(&[]).await;
    program.after_polls(1).await;
    written(&program).await;
    assert!(world.state().exists());
    world.hold_up(Scope::Company(world.simulator.companies()[0].clone()));
    program.clock.advance(Duration::from_secs(300));
    program.until("the first reading", |_| !world.state().exists()).await;
    let killed = as_if_killed(world.folder.path());
    // It ends in the middle of the poll, and what is new is written.
    let newest = program.until("two readings", |scrape| newest(scrape).1 == 2).await;
    program.stop().await;
    assert!(world.state().exists());

    for (folder, goes_on) in [(killed.path(), false), (world.folder.path(), true)] {
        world.hold_up(Scope::CompanyList);
        let program = start_at(&world.base_url, folder, 10 * MINUTE, &[]).await;
        let scrape = program.scrape().await;
        assert_eq!(restored(&scrape), 1.0);
        assert_eq!(scrape.family("nectar_company_info").count(), 3);
        assert_eq!(self::newest(&scrape) == self::newest(&newest), goes_on, "the last state");
        let began = format!(" {}", program.clock.wall_seconds());
        let begins = created(&program).await.iter().filter(|line| line.ends_with(&began)).count();
        assert_eq!(begins == 0, goes_on, "{begins} counters begin again");
    }
}

/// When the newest of all companies was read, and how many were read then.
fn newest(scrape: &Scrape) -> (f64, usize) {
    let times = || scrape.family("nectar_company_last_success_timestamp_seconds").map(|(_, time)| time);
    let newest = times().fold(0.0, f64::max);
    (newest, times().filter(|time| *time == newest).count())
}

#[tokio::test]
async fn what_is_too_old_is_withdrawn_as_ever() {
    for (name, away, after, is_shown) in [
        ("an hour", HOUR, 0, true),
        ("more than an hour", HOUR + 1, 0, false),
        ("half an hour, and half an hour more", HOUR / 2, HOUR / 2, true),
        ("half an hour, and more", HOUR / 2, HOUR / 2 + 1, false),
        ("a moment of drift", -1, 0, true),
        ("the clock was set back meanwhile, so nobody knows", -HOUR, 0, false),
        ("to before 1970", -60 * 365 * 24 * HOUR, 0, false),
    ] {
        let mut world = World::with(&SMALL).await;
        let program = world.start(&[]).await;
        program.after_polls(1).await;
        written(&program).await;
        program.stop().await;
        world.seconds += away;
        world.simulator.faults().set(Scope::Everything, Fault::Status(403));
        let program = world.start(&[]).await;
        let scrape = program.after_polls(1).await;
        assert_eq!(scrape.value("nectar_last_failure", &[("reason", "forbidden")]), Some(1.0), "{name}");
        program.clock.advance(Duration::from_secs(after.unsigned_abs()));
        let scrape = program.scrape().await;
        assert_eq!(scrape.has("nectar_connections"), is_shown, "{name}");
        assert_eq!(restored(&scrape), 1.0, "{name}: no good poll");
        assert_eq!(scrape.family("nectar_company_info").count(), 3, "{name}");
        assert!(scrape.has("nectar_connection_status_changes_total"), "{name}");
        assert_eq!(program.get("/-/ready").await.status(), 200, "{name}");
    }
}

/// The age goes on from what it was, also before the first poll has ended.
#[tokio::test]
async fn what_was_old_when_it_was_stored_is_older_now() {
    let mut world = World::with(&SMALL).await;
    let program = world.start(&[]).await;
    program.after_polls(1).await;
    world.simulator.faults().set(Scope::Everything, Fault::Status(403));
    for _ in 0..11 {
        program.next_poll().await;
    }
    written(&program).await;
    program.stop().await;
    // So long did it run.
    world.seconds = 55 * MINUTE;
    world.simulator.faults().clear();
    world.hold_up(Scope::CompanyList);
    let program = world.start(&["--nectar.max-data-age=57m"]).await;
    for (seconds, is_shown) in [(0, true), (120, true), (1, false)] {
        program.clock.advance(Duration::from_secs(seconds));
        let scrape = program.scrape().await;
        assert_eq!(scrape.value("nectar_exporter_polls_total", &[]), Some(0.0));
        assert_eq!(scrape.has("nectar_connections"), is_shown, "{seconds} s later");
    }
}
