//! From flags and environment to consistent settings.

pub mod duration;
pub mod flags;
mod settings;
mod shard;
mod webhook;

pub use flags::{
    Cli, Command, LogFlags, LogFormat, SimulateFlags, command, unknown_variables, variable_of, with_variables,
};
pub use settings::{Config, ConfigError, KeySource, Web};
pub use webhook::{Webhook, WebhookSecrets};
