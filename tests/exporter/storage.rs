//! A restart that forgets nothing: `--storage.path`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use nectar_exporter::storage::Folder;
use nectar_simulator::{Fault, Plan, SECRET as PLANTED, Scope, Simulator};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use test_support::assert_same_as_file;
use test_support::canned_nectar::{Bodies, page};
use test_support::clock::{TestClock, wall};
use test_support::exporter::{Exporter, KEY};
use test_support::exporter_process::{Running, nectar_exporter};
use test_support::log::Log;
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
        ("the clock was set back meanwhile", -HOUR, HOUR, true),
        ("the clock was set back meanwhile, and more", -HOUR, HOUR + 1, false),
        ("to before 1970", -60 * 365 * 24 * HOUR, 0, true),
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
async fn a_clock_set_back_meanwhile_keeps_nothing_too_old() {
    let mut world = World::with(&SMALL).await;
    let program = world.start(&[]).await;
    program.after_polls(1).await;
    world.simulator.faults().set(Scope::Everything, Fault::Status(403));
    for _ in 0..11 {
        program.next_poll().await;
    }
    written(&program).await;
    program.stop().await;
    world.seconds = -365 * 24 * HOUR;
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

/// How somebody spoils a file.
type Spoil = fn(&mut Vec<u8>);

#[tokio::test]
async fn a_file_that_cannot_be_used_is_one_warning() {
    let cases: [(&str, Spoil, &str); 7] = [
        ("another version", |file| file[16] += 1, "another version of this program wrote it"),
        ("truncated", |file| file.truncate(file.len() / 2), "truncated, corrupt"),
        ("empty", Vec::clear, "truncated, corrupt"),
        ("a byte too many", |file| file.push(0), "truncated, corrupt"),
        ("one bit", |file| file[100] ^= 1, "truncated, corrupt"),
        ("of the fingerprint", |file| file[20] ^= 1, "truncated, corrupt"),
        ("something else", |file| *file = b"[Desktop Entry]\n".repeat(9), "truncated, corrupt"),
    ];
    let world = World::with(&SMALL).await;
    for (name, spoil, cause) in cases {
        let program = world.start(&[]).await;
        program.after_polls(1).await;
        written(&program).await;
        program.stop().await;
        let mut file = fs::read(world.state()).unwrap();
        spoil(&mut file);
        fs::write(world.state(), file).unwrap();
        starts_empty(&world, &[], cause, name).await;
    }
    let only = format!("--nectar.company={}", world.simulator.companies()[0]);
    let others = [
        &[&*only][..],
        &["--nectar.exclude-company=x"],
        &["--shard=0", "--total-shards=2"],
        &["--shard=1", "--total-shards=2"],
    ];
    for flags in others {
        starts_empty(&world, flags, "another --nectar.base-url, other companies or another shard", "flags")
            .await;
    }
    let elsewhere = World { folder: world.folder, ..World::with(&SMALL).await };
    starts_empty(&elsewhere, &[], "another --nectar.base-url", "another Nectar").await;
}

/// It starts as if there were no file, says so once, and then stores its own state.
async fn starts_empty(world: &World, flags: &[&str], cause: &str, context: &str) {
    let log = Log::begin();
    world.hold_up(Scope::CompanyList);
    let program = world.start(flags).await;
    let scrape = program.scrape().await;
    assert_eq!((restored(&scrape), scrape.value(LAST_WRITE, &[])), (0.0, Some(0.0)), "{context}");
    assert_eq!(program.get("/-/ready").await.status(), 503, "{context}");
    go_on(&program).await;
    program.after_polls(1).await;
    written(&program).await;
    program.stop().await;
    let lines = log.lines();
    let warnings: Vec<_> = lines.iter().filter(|line| line.contains("stored")).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("level=warn"), "{context}: {warnings:?}");
    assert!(warnings[0].contains(cause), "{context}: {warnings:?}");
}

#[tokio::test]
async fn neither_a_rotated_key_nor_the_order_of_ids_changes_whose_state_it_is() {
    let world = World::with(&SMALL).await;
    let key = world.folder.path().join("key");
    let key_flag = format!("--nectar.api-key-file={}", key.display());
    let [first, second, _] = &world.simulator.companies()[..] else { panic!("three companies") };
    let one_way = format!("--nectar.company={first},{second}");
    let other_way = format!("--nectar.company={}, {first}", second.to_ascii_uppercase());
    fs::write(&key, KEY).unwrap();
    let program = world.start(&[&key_flag, &one_way]).await;
    program.after_polls(1).await;
    written(&program).await;
    program.stop().await;
    fs::write(&key, "sim-secret-second-key").unwrap();
    let program = world.start(&[&key_flag, &other_way, "--metrics.detail=none"]).await;
    let scrape = program.scrape().await;
    assert_eq!((restored(&scrape), scrape.family("nectar_company_info").count()), (1.0, 2));
}

/// Nectar changes the letter case of ids while the exporter is down: they stay what they were.
#[tokio::test]
async fn ids_keep_their_letter_case() {
    let row = |id: &str| test_support::canned_nectar::connection(id, "CONNECTED");
    let list = |id: &str| format!(r#"[{{"id":"{id}","name":"C","externalId":null}}]"#);
    let bodies = Bodies::default().with("company", list("Aa")).with("company", list("aA"));
    let bodies = bodies.with("Aa.1", page(1, 1, &[&row("xX")])).with("Aa.1", page(1, 1, &[&row("Xx")]));
    let base_url = bodies.serve(CancellationToken::new()).await;
    let folder = tempfile::tempdir().unwrap();
    for run in 0..2 {
        let program = start_at(&base_url, folder.path(), run * 5 * MINUTE, &[]).await;
        let scrape = program.after_polls(1).await;
        assert_eq!(scrape.value("nectar_up", &[]), Some(1.0), "run {run}");
        let labels = [("company_id", "Aa"), ("connection_id", "xX")];
        assert_eq!(scrape.value("nectar_connection_info", &labels), Some(1.0), "run {run}");
        written(&program).await;
        program.stop().await;
    }
}

/// It polls and serves as ever, with one line when storing fails and one when it does not fail any more.
#[tokio::test]
async fn a_folder_that_cannot_be_used_costs_one_line() {
    let world = World::with(&SMALL).await;
    fs::write(world.folder.path().join("file"), "").unwrap();
    let first = start_at(&world.base_url, &world.folder.path().join("taken"), 0, &[]).await;
    written(&first).await;
    for (name, folder, cause) in [
        ("a file", world.folder.path().join("file"), "File exists"),
        ("below a file", world.folder.path().join("file/folder"), "Not a directory"),
        // Where nobody can create anything, whoever they are.
        ("read-only", PathBuf::from("/proc/self"), "No such file or directory"),
        ("taken", world.folder.path().join("taken"), "another process stores its state there"),
    ] {
        let log = Log::begin();
        let program = start_at(&world.base_url, &folder, 0, &[]).await;
        program.after_polls(1).await;
        program.next_poll().await;
        let scrape = program.next_poll().await;
        assert_eq!(scrape.value("nectar_up", &[]), Some(1.0), "{name}");
        program.stop().await;
        let lines = log.lines();
        let warnings: Vec<_> = lines.iter().filter(|line| line.contains("level=warn")).collect();
        assert!(warnings.len() == 1 && warnings[0].contains(cause), "{name}: {warnings:?}");
    }
    assert!(world.folder.path().join("taken/state").exists(), "the first one's is left as it was");

    let log = Log::begin();
    let second = start_at(&world.base_url, &world.folder.path().join("taken"), MINUTE, &[]).await;
    let scrape = second.after_polls(1).await;
    assert_eq!(scrape.value("nectar_up", &[]), Some(1.0));
    let begins = format!(" {}", second.clock.wall_seconds());
    assert!(
        created(&second).await.iter().all(|line| line.ends_with(&begins)),
        "the first one goes on counting"
    );
    first.stop().await;
    second.next_poll().await;
    written(&second).await;
    second.stop().await;
    let lines = log.lines();
    let about_it: Vec<_> = lines.iter().filter(|line| line.contains("be stored")).collect();
    assert_eq!(about_it.len(), 2, "{about_it:?}");
    assert!(about_it[1].contains("can be stored again"), "{about_it:?}");
}

/// A limit for the size of files is as good as a full disk, and can be had everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_one_line() {
    let world = World::with(&SMALL).await;
    let folder = world.folder.path().join("stored");
    let program = nectar_exporter(&[]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 0 && exec \"$@\"", "sh"]).arg(program.get_program());
    limited.args(["--nectar.poll-interval=100ms", "--web.listen-address=127.0.0.1:0"]);
    limited.arg(format!("--nectar.base-url={}", world.base_url)).env("NECTAR_API_KEY", KEY);
    limited.arg(format!("--storage.path={}", folder.display()));
    tokio::task::spawn_blocking(move || {
        let mut running = Running::start(&mut limited);
        running.wait_for("cannot be stored");
        for _ in 0..3 {
            assert!(running.wait_for("Poll finished").contains("failures=0"));
        }
        running.signal("TERM");
        assert_eq!(running.end(), Some(0));
        let warnings: Vec<_> = running.log.iter().filter(|line| line.contains("level=warn")).collect();
        assert!(warnings.len() == 1 && warnings[0].contains("File too large"), "{warnings:?}");
        let left: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["lock"], "nothing is left that takes room");
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn nothing_secret_is_in_the_file() {
    let plan = Plan { companies: 12, connections: 20, accounts: 3, seed: 5, speed: 0.0 };
    let world = World::with(&plan).await;
    world
        .simulator
        .faults()
        .set(Scope::Company(world.simulator.companies()[0].clone()), Fault::TruncatedJson);
    let program = world.start(&[]).await;
    program.after_polls(1).await;
    written(&program).await;
    program.stop().await;
    let file = fs::read(world.state()).unwrap();
    let has = |text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has(&world.simulator.companies()[1]), "there is nothing to find");
    for text in [PLANTED, KEY, "http", "127.0.0.1"] {
        assert!(!has(text), "{text} is in the file");
    }
    assert_eq!(fs::metadata(world.state()).unwrap().permissions().mode() & 0o777, 0o600);
}

/// The bytes of a file, without what depends on where Nectar is. Whoever changes them must raise the version in src/storage/format.rs.
#[tokio::test]
async fn the_form_of_the_file() {
    let statuses = [("PASSWORD_INCORRECT", "2026-06-15T09:30:00Z"), ("NEW_WORD", "2026-06-15T12:01:00.5Z")];
    let base_url = bodies(&statuses).serve(CancellationToken::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let program = start_at(&base_url, folder.path(), 0, &[]).await;
    program.after_polls(1).await;
    program.next_poll().await;
    written(&program).await;
    program.stop().await;
    let file = fs::read(folder.path().join("state")).unwrap();
    let (head, body) = (&file[..17], &file[49..file.len() - 4]);
    let rows = [head, body].concat();
    let rows: Vec<String> = rows.chunks(16).map(|row| row.escape_ascii().to_string()).collect();
    assert_same_as_file("tests/storage/state-file.txt", &(rows.join("\n") + "\n"));
}

const FOLDER: &str = "TEST_FOLDER";
const LIMIT: &str = "TEST_LIMIT";

/// The kernel kills whoever writes more to a file than it may: here after each byte in turn. What is read then is the state before, or
/// the new one once it is whole.
#[tokio::test]
async fn killed_at_every_byte_of_a_write() {
    let (before, after) = (b"the state before".repeat(3), b"what is written now".repeat(5));
    let folder = tempfile::tempdir().unwrap();
    for limit in 0..=after.len() {
        fs::write(folder.path().join("state"), &before).unwrap();
        let killed = Command::new(std::env::current_exe().unwrap())
            .args(["storage::writes_until_it_is_killed", "--exact", "--ignored", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .env(LIMIT, limit.to_string())
            .output()
            .unwrap();
        let is_whole = limit == after.len();
        assert_eq!(killed.status.success(), is_whole, "{limit}: {killed:?}");
        let left = fs::metadata(folder.path().join("state.new")).map(|file| file.len());
        assert_eq!(left.ok(), (!is_whole).then_some(limit as u64), "{limit}: where it was killed");
        let found = Folder::new(folder.path().to_owned()).read().unwrap().unwrap();
        assert_eq!(found.file, if is_whole { &after[..] } else { &before[..] }, "{limit}");
        // Something newer than the state before was about to be stored.
        assert_eq!(found.is_whole, is_whole, "{limit}");
        let _ = fs::remove_file(folder.path().join("state.behind"));
    }
}

#[test]
#[ignore = "run by killed_at_every_byte_of_a_write, which kills it"]
fn writes_until_it_is_killed() {
    let limit = std::env::var(LIMIT).unwrap().parse().unwrap();
    rlimit::setrlimit(rlimit::Resource::CORE, 0, 0).unwrap();
    rlimit::setrlimit(rlimit::Resource::FSIZE, limit, limit).unwrap();
    let mut folder = Folder::new(std::env::var_os(FOLDER).unwrap().into());
    folder.write(|out| out.write_all(&b"what is written now".repeat(5)), || true).unwrap();
}
