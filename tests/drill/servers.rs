//! Prometheus and Alertmanager as processes that are stopped and started again, with the same folder and port.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// How long a server may take to start or to stop, in real time, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time between two checks of it.
const GLANCE: Duration = Duration::from_millis(50);

/// A server, which ends with the drill.
#[derive(Debug)]
pub struct Server {
    program: &'static str,
    /// HOST:PORT.
    pub address: String,
    arguments: Vec<String>,
    /// Its output, over all runs.
    log: File,
    child: Option<Child>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Server {
    /// A server that does not run yet; its log goes into `folder`.
    pub fn new(program: &'static str, folder: &Path, arguments: Vec<String>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let log = File::create(folder.join(format!("{program}.log"))).unwrap();
        Self { program, address, arguments, log, child: None }
    }

    /// Starts it, and waits until it says that it is ready.
    pub async fn start(&mut self) {
        let mut command = Command::new(self.program);
        command.args(&self.arguments).arg(format!("--web.listen-address={}", self.address));
        command.stdout(Stdio::null()).stderr(self.log.try_clone().unwrap());
        let child = command.spawn().unwrap_or_else(|error| panic!("{} is needed: {error}", self.program));
        self.child = Some(child);
        let (url, began) = (format!("http://{}/-/ready", self.address), Instant::now());
        while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(began.elapsed() < PATIENCE, "{} is not ready", self.program);
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Stops it, as a service manager does, and waits until it has ended.
    pub async fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if began.elapsed() > PATIENCE {
                child.kill().unwrap();
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// The series that `query` returns now; none while the server does not respond.
    pub async fn ask(&self, query: &str) -> Vec<Value> {
        let url = format!("http://{}/api/v1/query", self.address);
        let url = reqwest::Url::parse_with_params(&url, [("query", query)]).unwrap();
        let Ok(answer) = reqwest::get(url).await else { return Vec::new() };
        let answer: Value =
            serde_json::from_str(&answer.text().await.unwrap_or_default()).unwrap_or_default();
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }
}
