//! Version, commit and compiler of this build, filled in by `build.rs` at the top of the checkout.

/// What this program was built from and with.
#[derive(Debug, Clone, Copy)]
pub struct Build {
    /// Its version.
    pub version: &'static str,
    /// The commit, `unknown` outside a checkout.
    pub revision: &'static str,
    /// The compiler.
    pub rustc: &'static str,
}

impl Build {
    /// This very binary.
    pub const THIS: Self = Self {
        version: env!("CARGO_PKG_VERSION"),
        revision: env!("BUILD_REVISION"),
        rustc: env!("BUILD_RUSTC"),
    };
}
