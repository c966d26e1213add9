//! Which shard this exporter is, from the flags and the name of the host.

use super::flags::ExporterFlags;
use crate::shard::Shard;

/// Which of several exporters this is. A StatefulSet numbers its hosts.
pub(super) fn of(flags: &ExporterFlags, host: &str) -> Result<Shard, String> {
    let total = flags.total_shards;
    if total > flags.max_concurrent_requests {
        return Err(format!(
            "--total-shards takes at most --nectar.max-concurrent-requests, which is {} for all shards together",
            flags.max_concurrent_requests
        ));
    }
    // Not any digits at the end: the name of a container has some, too.
    let ordinal = host.rsplit_once('-').map(|(_, digits)| digits);
    let ordinal = ordinal.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()) && digits.len() == 1);
    let ordinal = ordinal.and_then(|digit| digit.parse().ok());
    let number = flags.shard.or(if total == 1 { Some(0) } else { ordinal });
    let number = number.ok_or_else(|| {
        "--shard is needed with --total-shards, for this host's name does not end in a hyphen and a digit"
            .to_owned()
    })?;
    Shard::new(number, total).ok_or_else(|| {
        format!("--shard is counted from 0 and takes less than --total-shards: they are {number} and {total}")
    })
}

/// The name of this host; empty where it is not known.
pub(super) fn host_name() -> String {
    #[cfg(target_os = "linux")]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(target_os = "linux"))]
    let name = String::new();
    name
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::FromArgMatches;

    use super::super::{Cli, command};
    use super::*;

    #[test]
    fn the_number_of_a_shard_is_that_of_its_host() {
        let flags = |arguments: &[&str]| {
            let arguments = [&["nectar-exporter"], arguments].concat();
            let matches = command("test".to_owned()).try_get_matches_from(arguments).unwrap();
            Cli::from_arg_matches(&matches).unwrap().exporter
        };
        for (arguments, host, expected) in [
            (&[][..], "nectar-exporter-2", Some("shard 0 of 1")),
            (&["--total-shards=3"], "nectar-exporter-2", Some("shard 2 of 3")),
            (&["--total-shards=3"], "n-12", None),
            (&["--total-shards=3"], "n2", None),
            (&["--total-shards=3"], "n-7f9c8d5b6-xkzf2", None),
            (&["--total-shards=3"], "3f2a9b1c4d02", None),
            (&["--total-shards=3"], "n-", None),
            (&["--total-shards=3"], "n", None),
            (&["--total-shards=3"], "", None),
            (&["--total-shards=3", "--shard=1"], "n-2", Some("shard 1 of 3")),
        ] {
            let shard = of(&flags(arguments), host).ok().map(|shard| shard.to_string());
            assert_eq!(shard.as_deref(), expected, "{arguments:?} on {host}");
        }
    }
}
