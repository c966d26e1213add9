//! Nectar's API, from request to snapshot: client, retries, paging, decoding.
//!
//! Knows the API as its documentation describes it. Must not know our metrics' names, or our server.

pub mod answer;
pub mod client;
pub mod decode;
mod distinct;
pub mod json;
pub mod key;
pub mod manners;
pub mod proxy;
pub mod retry;
mod settings;
pub mod walk;

pub use client::{Client, ClientError};
pub use key::{Key, KeyError};
pub use settings::{Certificates, Settings};
