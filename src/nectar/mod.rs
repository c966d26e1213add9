//! Nectar's API, from request to snapshot: client, retries, paging, decoding.

mod attempt_error;
pub mod body;
pub mod client;
pub mod decode;
mod dedup;
pub mod json;
pub mod key;
pub mod pacing;
pub mod pagination;
pub mod proxy;
pub mod retry;
mod settings;

pub use client::{Client, ClientError};
pub use key::{Key, KeyError};
pub use settings::{Certificates, Settings};
