//! The simulated Nectar, through its front api.

// Tests may stop at the first surprise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    unreachable_pub
)]

#[path = "simulator/api.rs"]
mod api;
#[path = "simulator/endpoints.rs"]
mod endpoints;
#[path = "simulator/faults.rs"]
mod faults;
#[path = "simulator/fleet.rs"]
mod fleet;
#[path = "simulator/life.rs"]
mod life;
#[path = "simulator/prepared.rs"]
mod prepared;
