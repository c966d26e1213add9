//! The file and its folder: what is in it, what is not used, what cannot be written, and who is killed.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use nectar_exporter::storage::Folder;
use nectar_simulator::SECRET as PLANTED;

use super::*;
use test_support::assert_same_as_file;
use test_support::exporter_process::{Running, nectar_exporter};
use test_support::log::Log;

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
            .args(["storage::files::writes_until_it_is_killed", "--exact", "--ignored", "--test-threads=1"])
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
