//! The simulated Nectar in a process of its own, which serves recorded responses. Both ends of that process are here.

use std::io::BufRead;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use nectar_simulator::{Plan, Simulator};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::child::Servant;
use super::process::Process;
use super::recording::Recording;

/// The argument that starts this role.
pub const ROLE: &str = "simulated-nectar";
/// The key that it accepts.
pub const KEY: &str = "bench";

/// A utility with which every company of some size has logins.
const UTILITY: &str = "Northgate Power & Light";

/// The process, as seen by the benchmark.
pub struct Api {
    servant: Servant,
    /// Whether all utilities are down.
    is_down: bool,
    /// Its base URL.
    pub base: String,
}

impl Api {
    /// Starts it; when this returns, every response is recorded.
    pub fn start(plan: &Plan) -> Self {
        let Plan { companies, connections, accounts, seed, .. } = plan;
        let numbers = [u64::from(*companies), u64::from(*connections), u64::from(*accounts), *seed];
        let mut arguments = vec![ROLE.to_owned()];
        arguments.extend(numbers.map(|number| number.to_string()));
        let mut servant = Servant::start(&arguments);
        let base = servant.hear();
        Self { servant, is_down: false, base }
    }

    /// From now on, it waits this long before each response.
    pub fn delay(&mut self, wait: Duration) {
        self.servant.ask(&format!("delay {}", wait.as_millis()));
    }

    /// For this many companies, the next ones in the list, the utility goes down if it is up, and comes up if it is down; the last
    /// company is followed by the first. Returns how many connections changed; their responses are recorded again.
    pub fn change(&mut self, companies: usize) -> usize {
        self.servant.ask(&format!("change {companies}")).parse().unwrap()
    }

    /// All utilities go down for all companies, or come up again. Returns how many connections changed.
    pub fn change_all(&mut self) -> usize {
        self.is_down = !self.is_down;
        self.servant.ask(&format!("all {}", u8::from(self.is_down))).parse().unwrap()
    }

    /// Its CPU and memory.
    pub fn process(&self) -> Process {
        self.servant.process()
    }
}

/// Runs the role.
pub fn run(words: impl Iterator<Item = String>) -> ExitCode {
    let numbers: Vec<u64> = words.map(|word| word.parse().unwrap()).collect();
    let [companies, connections, accounts, seed] = numbers[..] else { panic!("four numbers make a plan") };
    let [companies, connections, accounts] = [companies, connections, accounts].map(|n| n as u32);
    let plan = Plan { companies, connections, accounts, seed, speed: 0.0 };
    let mut server = Server {
        runtime: Runtime::new().unwrap(),
        simulator: Simulator::new(&plan, KEY, Timestamp::now),
        recording: Recording::default(),
        changed: 0,
        down: true,
    };
    server.record(&server.simulator.companies());
    let listener = server.runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    println!("http://{}/v2.2", listener.local_addr().unwrap());
    server.runtime.spawn(server.recording.clone().serve(listener));
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (word, number) = line.split_once(' ').unwrap();
        println!("{}", server.obey(word, number.parse().unwrap()));
    }
    server.runtime.shutdown_background();
    ExitCode::SUCCESS
}

struct Server {
    runtime: Runtime,
    simulator: Simulator,
    recording: Recording,
    /// How many companies the last change got to, and whether it takes their utility down.
    changed: usize,
    down: bool,
}

impl Server {
    fn obey(&mut self, word: &str, number: u64) -> String {
        match word {
            "delay" => {
                self.recording.delay(Duration::from_millis(number));
                "done".to_owned()
            }
            "change" => self.change(number as usize).to_string(),
            "all" => {
                let all = self.simulator.companies();
                let change = |utility| self.simulator.set_utility_down(utility, &all, number == 1);
                let changed = Simulator::utilities().map(change).sum::<usize>();
                self.record(&all);
                changed.to_string()
            }
            other => panic!("{other} is nothing to ask for"),
        }
    }

    fn change(&mut self, companies: usize) -> usize {
        let all = self.simulator.companies();
        let end = (self.changed + companies).min(all.len());
        let next = &all[self.changed..end];
        let changed = self.simulator.set_utility_down(UTILITY, next, self.down);
        self.record(next);
        let is_over = end == all.len();
        self.changed = if is_over { 0 } else { end };
        self.down = self.down != is_over;
        changed
    }

    fn record(&self, companies: &[String]) {
        self.runtime.block_on(self.recording.record(&self.simulator, KEY, companies));
    }
}
