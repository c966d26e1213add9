//! Listen addresses: how they are written, resolved and bound.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Connections that the kernel keeps waiting for us to accept them.
const BACKLOG: i32 = 1024;

/// Where to listen: `HOST:PORT`, or `:PORT` for every address of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    host: Option<String>,
    port: u16,
}

impl ListenAddress {
    /// The port; 0 for a free one.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A port on the IPv4 loopback address.
    pub fn loopback(port: u16) -> Self {
        Self { host: Some(Ipv4Addr::LOCALHOST.to_string()), port }
    }

    /// The address to ask a server that listens here, on this machine; none if only the system knows its port.
    pub fn to_ask(&self) -> Option<Self> {
        let host = self.host.as_deref().unwrap_or("0.0.0.0");
        let host = match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => Ipv4Addr::LOCALHOST.to_string(),
            Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => Ipv6Addr::LOCALHOST.to_string(),
            _ => host.to_owned(),
        };
        (self.port != 0).then_some(Self { host: Some(host), port: self.port })
    }

    fn is_every_ipv6(&self) -> bool {
        self.host.as_deref().is_some_and(|host| host.parse() == Ok(Ipv6Addr::UNSPECIFIED))
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = || "takes HOST:PORT, [IPV6]:PORT or :PORT, with a port from 0 to 65535".to_owned();
        let (host, port) = text.rsplit_once(':').ok_or_else(fault)?;
        let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        let port = port.parse().ok().filter(|_| digits).ok_or_else(fault)?;
        let host = match host.strip_prefix('[') {
            Some(rest) => {
                let inside = rest.strip_suffix(']').ok_or_else(fault)?;
                // The zone, such as eth0, follows a percent sign.
                let (address, zone) = inside.split_once('%').unwrap_or((inside, "0"));
                let is_zone = zone.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
                address.parse::<Ipv6Addr>().ok().filter(|_| is_zone).ok_or_else(fault)?;
                inside
            }
            None if host.contains([':', '/', ' ', '[', ']']) => return Err(fault()),
            None => host,
        };
        Ok(Self { host: (!host.is_empty()).then(|| host.to_owned()), port })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
            None => write!(f, ":{}", self.port),
        }
    }
}

/// Why an address could not be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The name means nothing here.
    #[error("cannot listen on {0}: the name does not resolve; give an IP address or check DNS ({1})")]
    Resolve(ListenAddress, io::Error),
    /// The system refused, most often because the port is taken.
    #[error("cannot listen on {0}: {1}")]
    Bind(ListenAddress, io::Error),
}

/// Binds all of them.
///
/// # Errors
/// [`BindError`], as [`bind`].
pub async fn bind_all(addresses: &[ListenAddress]) -> Result<Vec<TcpListener>, BindError> {
    let mut listeners = Vec::new();
    // Those of both families last: where one of ours is for IPv4 alone, they are for IPv6.
    let (last, first): (Vec<_>, Vec<_>) = addresses.iter().partition(|address| address.is_every_ipv6());
    for address in first.into_iter().chain(last) {
        let bound = bind_beside(address, &listeners).await?;
        listeners.extend(bound);
    }
    Ok(listeners)
}

/// Binds every address that `address` stands for. Call inside a tokio runtime.
///
/// `:PORT` becomes one socket for IPv6 and IPv4 together, or one for IPv4 alone where IPv6 is off. So does `[::]:PORT`, as it does for
/// others.
///
/// # Errors
/// [`BindError`], when no socket could be bound, or one of a name's addresses is taken.
pub async fn bind(address: &ListenAddress) -> Result<Vec<TcpListener>, BindError> {
    bind_beside(address, &[]).await
}

async fn bind_beside(address: &ListenAddress, ours: &[TcpListener]) -> Result<Vec<TcpListener>, BindError> {
    let refused = |error| BindError::Bind(address.clone(), error);
    let Some(host) = &address.host else {
        return bind_everywhere(address.port).map(|listener| vec![listener]).map_err(refused);
    };
    let resolved = tokio::net::lookup_host((host.as_str(), address.port)).await;
    let mut targets: Vec<SocketAddr> =
        resolved.map_err(|error| BindError::Resolve(address.clone(), error))?.map(canonical).collect();
    targets.sort_unstable_by_key(|target| (target.is_ipv6(), *target));
    targets.dedup();
    let mut listeners = Vec::new();
    let mut absent = None;
    for target in targets {
        let is_every = target.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let mut ours = ours.iter().filter_map(|listener| listener.local_addr().ok());
        let has_ipv4 = ours.any(|address| address.is_ipv4() && address.port() == target.port());
        match bind_one(target, is_every && !has_ipv4) {
            Ok(listener) => listeners.push(listener),
            // `localhost` often names ::1 on machines where IPv6 is off: the other address serves.
            Err(error) if is_absent(&error) => absent = Some(error),
            Err(error) => return Err(refused(error)),
        }
    }
    match (listeners.is_empty(), absent) {
        (false, _) => Ok(listeners),
        (true, Some(error)) => Err(refused(error)),
        (true, None) => Err(BindError::Resolve(address.clone(), io::Error::from(io::ErrorKind::NotFound))),
    }
}

/// An IPv4 address in the form of IPv6 is the IPv4 one: no socket for IPv6 alone can have it.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

fn bind_everywhere(port: u16) -> io::Result<TcpListener> {
    match bind_one((Ipv6Addr::UNSPECIFIED, port).into(), true) {
        Err(error) if is_absent(&error) => bind_one((Ipv4Addr::UNSPECIFIED, port).into(), false),
        outcome => outcome,
    }
}

fn bind_one(address: SocketAddr, both_families: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // Set either way, because the system's default differs from machine to machine.
        socket.set_only_v6(!both_families)?;
    }
    // A restart must not wait for the last scrape's connection to leave TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Whether the address family, or the address, does not exist on this machine.
fn is_absent(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(EAFNOSUPPORT)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn addresses_as_they_are_written() {
        for text in [":0", "localhost:80", "127.0.0.1:10942", "[::]:1", "[::1]:65535", "[fe80::1%eth0]:1"] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "80",
            ":",
            ":65536",
            ":+1",
            ":-1",
            "::1:80",
            "[::1]",
            "[::1:80",
            "[x]:1",
            "[::1%]x]:1",
            "a b:1",
            "http://x:1",
        ] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_ipv4_address_in_the_form_of_ipv6() {
        for (given, canonical_form) in [
            ("[::ffff:192.0.2.1]:1", "192.0.2.1:1"),
            ("[::1]:1", "[::1]:1"),
            ("[fe80::1%7]:1", "[fe80::1%7]:1"),
            ("192.0.2.1:1", "192.0.2.1:1"),
        ] {
            assert_eq!(canonical(given.parse().unwrap()), canonical_form.parse().unwrap(), "{given}");
        }
    }
}
