//! The simulated Nectar in a process of its own, which serves prepared bytes. Both ends of that process are here.

use std::io::BufRead;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use nectar_exporter::http::{self, ListenAddress};
use nectar_simulator::{Fault, Plan, Scope, Simulator};
use tokio_util::sync::CancellationToken;

use super::child::Servant;
use super::fleet::PAGE;
use super::process::Process;

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
    /// Starts it; when this returns, every response is ready.
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
    /// company is followed by the first. Returns how many connections changed; their responses are ready again.
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
    let simulator = Simulator::new(&plan, KEY, Timestamp::now);
    simulator.prepare(PAGE);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let listeners = runtime.block_on(http::bind(&ListenAddress::loopback(0))).unwrap();
    println!("http://{}/v2.2", listeners[0].local_addr().unwrap());
    runtime.spawn(simulator.clone().serve(listeners, CancellationToken::new()));
    let mut tide = Tide { turned: 0, down: true };
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (word, number) = line.split_once(' ').unwrap();
        println!("{}", obey(&simulator, &mut tide, word, number.parse().unwrap()));
    }
    runtime.shutdown_background();
    ExitCode::SUCCESS
}

/// How far the last change got.
struct Tide {
    turned: usize,
    down: bool,
}

impl Tide {
    fn go_on(&mut self, simulator: &Simulator, companies: usize) -> usize {
        let all = simulator.companies();
        let end = (self.turned + companies).min(all.len());
        let changed = simulator.set_utility_down(UTILITY, &all[self.turned..end], self.down);
        let is_over = end == all.len();
        *self = Self { turned: if is_over { 0 } else { end }, down: self.down != is_over };
        changed
    }
}

fn obey(simulator: &Simulator, tide: &mut Tide, word: &str, number: u64) -> String {
    match word {
        "delay" => {
            simulator.faults().clear();
            if number > 0 {
                simulator.faults().set(Scope::Everything, Fault::Delay(Duration::from_millis(number)));
            }
            "done".to_owned()
        }
        "change" => {
            let changed = tide.go_on(simulator, number as usize);
            simulator.prepare(PAGE);
            changed.to_string()
        }
        "all" => {
            let all = simulator.companies();
            let change = |utility| simulator.set_utility_down(utility, &all, number == 1);
            let changed = Simulator::utilities().map(change).sum::<usize>();
            simulator.prepare(PAGE);
            changed.to_string()
        }
        other => panic!("{other} is nothing to ask for"),
    }
}
