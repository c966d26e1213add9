//! Files that change under a running exporter.

use super::place::{Authority, PASSWORD, Place, TLS, get, poll_files, poll_files_twice, users};
use test_support::exporter::Exporter;

/// Whether a client that trusts `authority` alone gets an answer.
async fn serves_as(program: &Exporter, authority: &Authority) -> bool {
    get(authority.client(), program, "/-/healthy").await.is_ok()
}

/// The status that `user` gets.
async fn status(program: &Exporter, user: &str) -> u16 {
    let request = reqwest::Client::new().get(format!("{}/metrics", program.url));
    request.basic_auth(user, Some(PASSWORD)).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate() {
    let place = Place::new(TLS);
    let program = place.serve().await;
    let new = Authority::new();
    assert!(serves_as(&program, &place.authority).await && !serves_as(&program, &new).await);

    // One without the other does not fit: the old pair stays.
    let (certificate, key) = new.issue();
    place.write("cert.pem", certificate);
    poll_files_twice(&program).await;
    assert!(serves_as(&program, &place.authority).await);

    place.write("key.pem", key);
    poll_files_twice(&program).await;
    assert!(serves_as(&program, &new).await && !serves_as(&program, &place.authority).await);

    // Gone: the last good one stays.
    std::fs::remove_file(place.path("key.pem")).unwrap();
    poll_files_twice(&program).await;
    assert!(serves_as(&program, &new).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_way_to_treat_clients() {
    let place = Place::new(TLS);
    let program = place.serve().await;
    assert!(serves_as(&program, &place.authority).await);
    let keys = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n";
    place.write("web.yml", format!("{TLS}{keys}"));
    poll_files_twice(&program).await;
    assert!(!serves_as(&program, &place.authority).await);
    let known = place.authority.client().identity(place.authority.identity());
    assert!(get(known, &program, "/-/healthy").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_users_and_a_file_that_breaks() {
    let place = Place::new(&users(&[("alice", 4)]));
    let program = place.serve().await;
    assert_eq!((status(&program, "alice").await, status(&program, "bob").await), (200, 401));

    let broken = ["", "basic_auth_users:\n", "basic_auth_users: [", "\u{0}", "nonsense: 1\n", TLS];
    for text in broken {
        place.write("web.yml", text);
        poll_files_twice(&program).await;
        assert_eq!((status(&program, "alice").await, status(&program, "bob").await), (200, 401), "{text}");
    }
    std::fs::remove_file(place.path("web.yml")).unwrap();
    poll_files_twice(&program).await;
    assert_eq!((status(&program, "alice").await, status(&program, "bob").await), (200, 401));

    // Polling went on all the while.
    place.write("web.yml", users(&[("bob", 4)]));
    poll_files_twice(&program).await;
    assert_eq!((status(&program, "alice").await, status(&program, "bob").await), (401, 200));
}

/// As Kubernetes swaps a mounted secret: a link to a folder is turned round.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_turned_round() {
    let place = Place::new("");
    let link = |to: &str| {
        let _ = std::fs::remove_file(place.path("link"));
        std::os::unix::fs::symlink(to, place.path("link")).unwrap();
    };
    for (folder, user) in [("one", "alice"), ("two", "bob")] {
        std::fs::create_dir(place.path(folder)).unwrap();
        place.write(&format!("{folder}/web.yml"), users(&[(user, 4)]));
    }
    link("one");
    std::fs::remove_file(place.path("web.yml")).unwrap();
    std::os::unix::fs::symlink("link/web.yml", place.path("web.yml")).unwrap();
    let program = place.serve().await;
    assert_eq!(status(&program, "alice").await, 200);
    link("two");
    poll_files_twice(&program).await;
    assert_eq!(status(&program, "bob").await, 200);
}

/// What only one poll finds may be half of a change.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_counts_when_two_polls_find_it() {
    let place = Place::new(&users(&[("alice", 4)]));
    let program = place.serve().await;
    for user in ["bob", "carol", "dave"] {
        place.write("web.yml", users(&[(user, 4)]));
        poll_files(&program).await;
        assert_eq!((status(&program, "alice").await, status(&program, user).await), (200, 401), "{user}");
    }
    poll_files(&program).await;
    assert_eq!(status(&program, "dave").await, 200);
}
