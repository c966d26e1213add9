//! `--web.config.file`: TLS, passwords and headers, with real certificates on real sockets.

mod changes;
mod door;
mod faults;
mod passwords;
mod place;
mod tls;
