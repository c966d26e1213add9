//! `--web.config.file`: TLS, passwords and headers, with real certificates on real sockets.

mod changes;
mod faults;
mod handshakes;
mod passwords;
pub mod place;
mod tls;
