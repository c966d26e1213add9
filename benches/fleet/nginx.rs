//! nginx, serving files: the best that the machine can do.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

/// The variable with the path of the program; without it, `nginx` from the search path. (`NGINX` is nginx's own.)
const PROGRAM: &str = "BENCH_NGINX";

/// A running nginx, which ends when this is dropped.
pub struct Nginx {
    master: Child,
    /// Where it listens.
    pub address: SocketAddr,
    _place: TempDir,
}

impl Nginx {
    /// Serves `plain` at `/metrics`, and `packed` at `/packed`, with `Content-Encoding: gzip`.
    pub fn serve(plain: &[u8], packed: &[u8]) -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("metrics"), plain).unwrap();
        fs::write(place.path().join("packed"), packed).unwrap();
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        fs::write(place.path().join("nginx.conf"), configuration(place.path(), address)).unwrap();
        let program = std::env::var(PROGRAM).unwrap_or_else(|_| "nginx".to_owned());
        let mut command = Command::new(program);
        command.arg("-p").arg(place.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
        let master = command.stdin(Stdio::null()).spawn().expect("nginx: see scripts/install-bench-tools");
        let nginx = Self { master, address, _place: place };
        nginx.wait();
        nginx
    }

    fn wait(&self) {
        for _ in 0..100 {
            if TcpStream::connect(self.address).is_ok() {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("nginx does not answer on {}", self.address)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // By a signal that it passes on: a master that is killed leaves its worker behind.
        let id = nix::unistd::Pid::from_raw(i32::try_from(self.master.id()).unwrap());
        let _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM);
        let _ = self.master.wait();
    }
}

fn configuration(place: &Path, address: SocketAddr) -> String {
    let place = place.display();
    format!(
        "daemon off; worker_processes 1; pid nginx.pid; user root;
events {{ worker_connections 64; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_timeout 1h; keepalive_requests 1000000;
    client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
    default_type \"text/plain; version=0.0.4; charset=utf-8\";
    server {{
        listen {address}; root {place};
        location = /packed {{ add_header Content-Encoding gzip; }}
    }}
}}
"
    )
}
