//! Any bytes as the file that `--web.config.file` names, in a folder with a certificate, its key and an authority.
//!
//! Reads it as the program does. What is said of a bad file is one line of plain length, names a line that the file has, and
//! holds no planted secret. Nothing is hashed: no request shows a password.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use hyper::HeaderMap;
use libfuzzer_sys::fuzz_target;
use nectar_exporter::http::web_config::{ConfigReloader, WebConfig, WebConfigError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Stands in the seeds and the dictionary as, or within, a hash or a key.
const PLANTED: &[&str] = &["$2y$04$simsecret", "SIM/SECRET+KEY"];

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().max_blocking_threads(1).build().unwrap());

thread_local! {
    // Of the thread, and not of the process, so that the folder goes at the end.
    static PLACE: Place = Place::new();
}

struct Place {
    _folder: TempDir,
    file: PathBuf,
}

fuzz_target!(|content: &[u8]| {
    let file = PLACE.with(|place| place.file.clone());
    std::fs::write(&file, content).unwrap();
    RUNTIME.block_on(async {
        match ConfigReloader::load(file.clone()).await {
            Ok(reloader) => check(&reloader.now()).await,
            Err(error) => check_error(&error, &file, content),
        }
    });
});

impl Place {
    fn new() -> Self {
        // Written for every input: memory does for that.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let folder = folder.unwrap();
        let mut authority = CertificateParams::new(vec![]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &authority).unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        std::fs::write(folder.path().join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        let file = folder.path().join("web.yml");
        Self { _folder: folder, file }
    }
}

/// A file in force sends only headers that HTTP can, and lets nobody in who shows no password where it names users.
async fn check(config: &WebConfig) {
    assert!(config.headers.len() <= 5, "{:?}", config.headers);
    assert!(config.headers.values().all(|value| value.to_str().is_ok()), "{:?}", config.headers);
    let is_open = format!("{config:?}").contains("users: None");
    assert_eq!(config.admits(&HeaderMap::new()).await, is_open);
}

fn check_error(error: &WebConfigError, file: &Path, content: &[u8]) {
    // What it shows to those who develop must not hold a secret either.
    let texts = [error.to_string(), format!("{error:?}")];
    for text in &texts {
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(text.len() <= 5_000, "{} bytes: {text:?}", text.len());
        for planted in PLANTED {
            assert!(!text.contains(planted) || names_a_path(text), "{text:?}");
        }
    }
    match error {
        WebConfigError::Issue(path, wrong) => {
            assert_eq!(path, file);
            let text = wrong.to_string();
            let (line, _) = text.strip_prefix("line ").unwrap().split_once([':', ',']).unwrap();
            let lines = content.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
            assert!((1..=lines + 1).contains(&line.parse().unwrap()), "{text:?} of {lines} lines");
        }
        WebConfigError::Unreadable(..) => assert!(std::str::from_utf8(content).is_err()),
        WebConfigError::Blank(_) => {}
        WebConfigError::TlsSwitched(_) | WebConfigError::Broke(_) => panic!("{error}"),
    }
}

/// What is given as a path is shown as one: no secret has a place there.
fn names_a_path(text: &str) -> bool {
    let names_it = text.contains("_file: cannot read ") || text.contains("what: \"cannot read ");
    names_it && !text.contains("-----BEGIN")
}
