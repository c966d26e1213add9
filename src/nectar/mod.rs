//! Nectar's API, from request to snapshot: client, retries, paging, decoding.
//!
//! Knows the API as its documentation describes it.

pub mod client;
pub mod decode;
mod dedup;
pub mod json;
pub mod key;
pub mod pacing;
pub mod pagination;
pub mod proxy;
pub mod response;
pub mod retry;
mod settings;

pub use client::{Client, ClientError};
pub use key::{Key, KeyError};
pub use settings::{Certificates, Settings};
