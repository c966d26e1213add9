//! What the Helm chart starts: the program takes the flags and files of each pod in `tests/chart/`, which are renders of the chart.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use nectar_simulator::WEBHOOK_SECRET;
use serde_json::Value;
use test_support::authority::Authority;
use test_support::exporter_process::{nectar_exporter, run};
use test_support::in_checkout;

/// What is in a secret or a ConfigMap of the user's own.
fn of_the_user(file: &str) -> String {
    let authority = Authority::new();
    match file {
        "api-key" => "simulated".to_owned(),
        "webhook-secret" => WEBHOOK_SECRET.to_owned(),
        "web.yml" => {
            "tls_server_config:\n  cert_file: /etc/nectar-exporter/tls/tls.crt\n  key_file: /etc/nectar-exporter/tls/tls.key\n"
                .to_owned()
        }
        "ca.crt" => authority.pem(),
        other => panic!("what is {other}?"),
    }
}

/// The files of a volume, by name. `data` has what the chart itself brings, by the kind and name of the object.
fn files(volume: &Value, data: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let sources = volume["projected"]["sources"].as_array().cloned().unwrap_or_else(|| vec![volume.clone()]);
    for source in sources {
        let secret = &source["secret"];
        let name = secret["name"].as_str().or(secret["secretName"].as_str());
        if name.is_some_and(|name| name.ends_with("tls")) {
            let (certificate, key) = Authority::new().issue();
            files.extend([("tls.crt".to_owned(), certificate), ("tls.key".to_owned(), key)]);
        } else if let Some(name) = name {
            for item in secret["items"].as_array().unwrap() {
                let file = item["path"].as_str().unwrap().to_owned();
                let text = data.get(&format!("Secret {name}")).map(|data| {
                    let encoded = data[item["key"].as_str().unwrap()].as_str().unwrap();
                    String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap()).unwrap()
                });
                files.insert(file.clone(), text.unwrap_or_else(|| of_the_user(&file)));
            }
        } else if let Some(name) = source["configMap"]["name"].as_str() {
            match data.get(&format!("ConfigMap {name}")).and_then(Value::as_object) {
                Some(data) => files.extend(
                    data.iter().map(|(file, text)| (file.clone(), text.as_str().unwrap().to_owned())),
                ),
                None => drop(files.insert("ca.crt".to_owned(), of_the_user("ca.crt"))),
            }
        }
    }
    files
}

/// Puts what the container mounts into `root`, and runs `check --config-only` with its flags and variables there.
fn check(pod: &Value, data: &BTreeMap<String, Value>, root: &Path) -> (Option<i32>, String) {
    let here = |text: &str| {
        ["/etc/nectar-exporter", "/var/lib/nectar-exporter"]
            .iter()
            .fold(text.to_owned(), |text, path| text.replace(path, &format!("{}{path}", root.display())))
    };
    let container = &pod["containers"][0];
    for mount in container["volumeMounts"].as_array().unwrap() {
        let folder = here(mount["mountPath"].as_str().unwrap());
        fs::create_dir_all(&folder).unwrap();
        let mut volumes = pod["volumes"].as_array().unwrap().iter();
        // The state of a StatefulSet is not among them.
        let Some(volume) = volumes.find(|volume| volume["name"] == mount["name"]) else { continue };
        for (file, text) in files(volume, data) {
            fs::write(Path::new(&folder).join(file), here(&text)).unwrap();
        }
    }
    let flags = container["args"].as_array().unwrap().iter().map(|flag| here(flag.as_str().unwrap()));
    let flags: Vec<String> = flags.filter(|flag| flag != "check").collect();
    let mut command = nectar_exporter(&["check", "--config-only"]);
    command.args(&flags);
    for variable in container["env"].as_array().into_iter().flatten() {
        command.env(variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap());
    }
    if flags.iter().any(|flag| flag.starts_with("--total-shards="))
        && !flags.contains(&"--shard=0".to_owned())
    {
        // In a StatefulSet, the name of the pod says it.
        command.arg("--shard=3");
    }
    let (code, stdout, stderr) = run(&mut command);
    (code, stdout + &stderr)
}

#[test]
fn the_flags_and_files_of_the_chart_are_taken() {
    for name in ["defaults", "ha", "sharded", "tls", "no-operator", "everything"] {
        let text = fs::read_to_string(in_checkout(&format!("tests/chart/{name}.yaml"))).unwrap();
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        let data = objects.iter().map(|object| {
            let name = [&object["kind"], &object["metadata"]["name"]].map(|part| part.as_str().unwrap());
            (name.join(" "), object["data"].clone())
        });
        let data: BTreeMap<String, Value> = data.filter(|(_, data)| data.is_object()).collect();
        let pods: Vec<&Value> = objects
            .iter()
            .filter_map(|object| match object["kind"].as_str()? {
                "StatefulSet" | "Deployment" => Some(&object["spec"]["template"]["spec"]),
                "Pod" => Some(&object["spec"]),
                _ => None,
            })
            .collect();
        assert_eq!(pods.len(), 2, "{name}: the exporter and the test");
        for pod in pods {
            let root = tempfile::tempdir().unwrap();
            let (code, said) = check(pod, &data, root.path());
            assert!(code == Some(0) && said.contains("The API key is in"), "{name}: {said}");
            let has = |flag: &str| pod["containers"][0]["args"].to_string().contains(flag);
            for (flag, words) in [
                ("--storage.path", "The state can be stored"),
                ("--web.config.file", "The web configuration can be used"),
                ("--webhook.listen-address", "Webhook events can be received"),
            ] {
                assert_eq!(has(flag), said.contains(words), "{name}: {flag}: {said}");
            }
            assert!(has("--storage.path"), "{name}");
        }
    }
}
