//! The simulated Nectar, through its API.

// Tests may stop at the first surprise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    unreachable_pub
)]

mod api;
mod endpoints;
mod events;
mod faults;
mod fleet;
mod receiver;
mod scheduler;
