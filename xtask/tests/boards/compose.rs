//! What `deploy/compose` starts has what is shipped, and its files fit together. `make try` runs it without containers, and
//! `make lint-compose` holds compose.yaml against the Compose specification.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::chart::{read, yaml};
use crate::mixin::root;

fn compose() -> Value {
    yaml("deploy/compose/compose.yaml")
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap())
}

/// Without `..`, which the file system would follow only where all folders exist.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => assert!(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
        plain
    })
}

/// Where a service's volumes are in the checkout, by where they are in its container.
fn volumes(service: &Value) -> BTreeMap<PathBuf, PathBuf> {
    let volume = |text: &str| {
        let [source, target, "ro"] = text.split(':').collect::<Vec<_>>()[..] else {
            panic!("{text} is not SOURCE:TARGET:ro");
        };
        (target.into(), plain(&root().canonicalize().unwrap().join("deploy/compose").join(source)))
    };
    texts(&service["volumes"]).map(volume).collect()
}

/// The file or folder of the checkout that a service finds at `path`.
fn in_checkout(volumes: &BTreeMap<PathBuf, PathBuf>, path: &Path) -> PathBuf {
    let (target, source) =
        volumes.iter().rfind(|(target, _)| path.starts_with(target)).unwrap_or_else(|| panic!("{path:?}"));
    match path.strip_prefix(target).unwrap() {
        within if within.as_os_str().is_empty() => source.clone(),
        within => source.join(within),
    }
}

/// Docker would create an empty folder in place of what is missing.
#[test]
fn containers_find_each_file() {
    let compose = compose();
    for (name, service) in compose["services"].as_object().unwrap() {
        let volumes = volumes(service);
        for source in volumes.values() {
            assert!(source.exists(), "{name}: {source:?}");
        }
        let flag = texts(&service["command"]).find_map(|flag| flag.strip_prefix("--config.file="));
        let Some(config) = flag.map(Path::new) else { continue };
        let text = yaml(in_checkout(&volumes, config).to_str().unwrap());
        for file in texts(&text["rule_files"]).chain(texts(&text["templates"])) {
            let file = in_checkout(&volumes, &plain(&config.parent().unwrap().join(file)));
            assert!(file.is_file(), "{name}: {file:?}");
        }
    }
    let grafana = &compose["services"]["grafana"];
    let home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].as_str().unwrap();
    assert!(in_checkout(&volumes(grafana), Path::new(home)).is_file());
    let boards = yaml("dashboards/provisioning/dashboards.yml")["providers"][0]["options"]["path"].take();
    assert_eq!(
        in_checkout(&volumes(grafana), Path::new(boards.as_str().unwrap())),
        plain(&root().canonicalize().unwrap().join("dashboards"))
    );
}

#[test]
fn only_this_machine_reaches_the_ports_and_programs_reach_each_other() {
    let compose = compose();
    let services = compose["services"].as_object().unwrap();
    let ports: BTreeMap<&str, Vec<&str>> =
        services.iter().map(|(name, service)| (name.as_str(), texts(&service["ports"]).collect())).collect();
    let expected = [
        ("alertmanager", "127.0.0.1:9093:9093"),
        ("exporter", "127.0.0.1:10942:10942"),
        ("grafana", "127.0.0.1:3000:3000"),
        ("mailpit", "127.0.0.1:8025:8025"),
        ("prometheus", "127.0.0.1:9090:9090"),
    ];
    assert_eq!(ports, expected.map(|(name, port)| (name, vec![port])).into());

    let prometheus = yaml("deploy/compose/prometheus.yml");
    let alertmanager = yaml("deploy/compose/alertmanager.yml");
    let grafana = yaml("deploy/compose/datasources.yml");
    for (address, expected) in [
        (&prometheus["scrape_configs"][0]["static_configs"][0]["targets"][0], "exporter:10942"),
        (&prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"][0], "alertmanager:9093"),
        // Where it takes mails, unless it is told otherwise.
        (&alertmanager["global"]["smtp_smarthost"], "mailpit:1025"),
        (&grafana["datasources"][0]["url"], "http://prometheus:9090"),
    ] {
        assert_eq!(address, expected);
    }
    // Links in messages lead to where a browser finds it.
    for name in ["prometheus", "alertmanager"] {
        let port = ports[name][0].rsplit(':').next().unwrap();
        let flag = format!("--web.external-url=http://localhost:{port}");
        assert!(texts(&services[name]["command"]).any(|each| each == flag), "{name}: no {flag}");
    }
}

/// No registry is named; Prometheus and Alertmanager are those of `make test-prometheus3`.
#[test]
fn images_are_those_that_are_tested() {
    let compose = compose();
    for (name, service) in compose["services"].as_object().unwrap() {
        let image = service["image"].as_str().unwrap();
        let first = image.split_once('/').map_or("", |(first, _)| first);
        assert!(!first.contains(['.', ':']), "{name}: {image} names a registry");
        assert!(!image.ends_with(":latest"));
    }
    for (name, script) in
        [("prometheus", "scripts/install-prometheus3"), ("alertmanager", "scripts/install-alertmanager")]
    {
        let script = read(script);
        let release = script.lines().find_map(|line| line.strip_prefix("release=")).unwrap();
        assert_eq!(compose["services"][name]["image"], format!("prom/{name}:v{release}"));
    }
}

/// A route without how long it waits for the first message, also in the routes within.
fn without_wait(mut route: Value) -> Value {
    route.as_object_mut().unwrap().remove("group_wait");
    if let Some(routes) = route["routes"].as_array_mut() {
        routes.iter_mut().for_each(|route| *route = without_wait(route.take()));
    }
    route
}

#[test]
fn routes_and_mails_are_the_shipped_ones() {
    let [mut shipped, mut here] = ["alerts/alertmanager.yml", "deploy/compose/alertmanager.yml"].map(yaml);
    assert_eq!(here["inhibit_rules"], shipped["inhibit_rules"]);
    assert_eq!(without_wait(here["route"].take()), without_wait(shipped["route"].take()));
    let named = |config: &Value| -> BTreeMap<String, Value> {
        let receivers = config["receivers"].as_array().unwrap().iter();
        receivers.map(|each| (each["name"].as_str().unwrap().to_owned(), each.clone())).collect()
    };
    let (mut shipped, mut here) = (named(&shipped), named(&here));
    assert!(here.keys().eq(shipped.keys()));
    let customers = [&mut shipped, &mut here]
        .map(|all| all.remove("nectar-customer-care").unwrap()["email_configs"].take());
    let [in_shipped, in_here] = customers.map(|mut mails| {
        mails[0]["to"] = Value::Null;
        mails
    });
    assert_eq!(in_here, in_shipped);
    // Chat is a mail here, with the same words.
    for (name, receiver) in here {
        let (mail, chat) = (&receiver["email_configs"][0], &shipped[&name]["slack_configs"][0]);
        assert_eq!(mail["headers"]["Subject"], chat["title"], "{name}");
        assert_eq!(mail["text"], chat["text"], "{name}");
        assert_eq!(mail["send_resolved"], chat["send_resolved"], "{name}");
    }
}

#[test]
fn links_lead_to_the_boards_as_the_shipped_ones_would() {
    let (shipped, here) = (read("alerts/nectar.tmpl"), read("deploy/compose/links.tmpl"));
    let base = r#"{{ define "nectar.link.board" }}{{ with "#;
    let rest = |text: &str| {
        let (_, definition) = text.split_once(base).unwrap();
        let (url, rest) = definition.split_once(" }}").unwrap();
        (url.to_owned(), rest.split("\n\n").next().unwrap().to_owned())
    };
    assert_eq!(rest(&here), (r#""http://localhost:3000""#.to_owned(), rest(&shipped).1));
}

#[test]
fn the_data_source_is_the_shipped_one_but_for_its_address_and_interval() {
    let [shipped, mut here] =
        ["dashboards/provisioning/datasources.yml", "deploy/compose/datasources.yml"].map(yaml);
    let prometheus = yaml("deploy/compose/prometheus.yml");
    let source = &mut here["datasources"][0];
    assert_eq!(source["jsonData"]["timeInterval"], prometheus["global"]["scrape_interval"]);
    source["jsonData"]["timeInterval"] = json!("1m");
    source["url"] = json!("http://localhost:9090");
    assert_eq!(here, shipped);
}

#[test]
fn prometheus_and_alertmanager_accept_their_files() {
    for arguments in [
        ["promtool", "check", "config", "prometheus.yml"],
        ["amtool", "check-config", "alertmanager.yml", ""],
    ] {
        let [program, arguments @ ..] = arguments;
        let output = Command::new(program)
            .args(arguments.iter().filter(|argument| !argument.is_empty()))
            .current_dir(root().join("deploy/compose"))
            .output()
            .unwrap_or_else(|error| panic!("{program} is needed: {error}"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
