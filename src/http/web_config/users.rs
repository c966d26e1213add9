//! `basic_auth_users`: users' names, their bcrypt hashes, and the check of what a request shows.
//!
//! bcrypt is slow on purpose. So a right password is hashed once and then recognised by a keyed digest, a wrong one costs the same
//! for every name, and hashing leaves half of the processors to the scrapes.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_saphyr::Spanned;
use tokio::sync::Semaphore;
use tracing::trace;

use super::fault::ConfigIssue;
use super::yaml::{Entries, TWICE, Text};

const SECTION: &str = "basic_auth_users";

/// A higher cost takes a minute per password on a usual machine.
const MAX_COST: u32 = 18;

/// Users by name.
pub(super) struct Users {
    users: BTreeMap<String, User>,
    /// The cost of a wrong password, whatever the name.
    cost: u32,
    /// New with every reading of the file.
    digest_key: hmac::Key,
    hashing: Arc<Semaphore>,
}

struct User {
    hash: SecretString,
    cost: u32,
    /// Digest of the password that was right the last time.
    known: Mutex<Option<hmac::Tag>>,
}

/// What a client sent.
struct Credentials {
    name: String,
    password: SecretSlice<u8>,
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Users({})", self.users.len())
    }
}

impl Users {
    /// From the section.
    pub(super) fn new(section: Spanned<Entries>) -> Result<Self, ConfigIssue> {
        let wrong = |what| ConfigIssue::at(&section, &[SECTION], what);
        let digest_key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        let digest_key = digest_key.map_err(|_| wrong("the system gives no random numbers"))?;
        let mut users = BTreeMap::new();
        for (name, hash) in &section.value.0 {
            let user = User::new(name, hash).map_err(|what| ConfigIssue::at(hash, &[SECTION, name], what))?;
            // To the library, 1 and "1" are different keys.
            if users.insert(name.clone(), user).is_some() {
                return Err(ConfigIssue::at(hash, &[SECTION, name], TWICE));
            }
        }
        let cost = users.values().map(|user| user.cost).max();
        let cost = cost.ok_or_else(|| {
            wrong("no user is named, so nobody could get in; add a user, or take the key out")
        })?;
        let half = available_parallelism().map_or(1, NonZero::get).div_ceil(2);
        Ok(Self { users, cost, digest_key, hashing: Arc::new(Semaphore::new(half)) })
    }

    /// Whether the request shows a user's name and password.
    pub(super) async fn admit(self: &Arc<Self>, request: &HeaderMap) -> bool {
        let Some(credentials) = Credentials::of(request) else { return false };
        if self.recognises(&credentials) {
            return true;
        }
        let Ok(permit) = Arc::clone(&self.hashing).acquire_owned().await else { return false };
        // Another request may have shown the same password while this one waited.
        if self.recognises(&credentials) {
            return true;
        }
        let users = Arc::clone(self);
        let hashed = tokio::task::spawn_blocking(move || {
            // Held until the hash is done, even if the client leaves earlier.
            let _permit = permit;
            users.hash(&credentials)
        });
        hashed.await.unwrap_or(false)
    }

    fn recognises(&self, credentials: &Credentials) -> bool {
        let Some(user) = self.users.get(&credentials.name) else { return false };
        let known = user.known.lock().unwrap_or_else(PoisonError::into_inner);
        let password = credentials.password.expose_secret();
        known.as_ref().is_some_and(|tag| hmac::verify(&self.digest_key, password, tag.as_ref()).is_ok())
    }

    /// The slow way.
    fn hash(&self, credentials: &Credentials) -> bool {
        let Some(user) = self.users.get(&credentials.name) else {
            equalise_cost(self.cost, &credentials.password);
            return false;
        };
        if user.has(&credentials.password) {
            let tag = hmac::sign(&self.digest_key, credentials.password.expose_secret());
            *user.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(tag);
            return true;
        }
        // Each step of the cost doubles the effort. With these, it is as much as for an unknown user.
        for cost in user.cost..self.cost {
            equalise_cost(cost, &credentials.password);
        }
        false
    }
}

impl User {
    fn new(name: &str, hash: &Text) -> Result<Self, String> {
        const MAKE_ONE: &str = r#"make one with: htpasswd -nBC 10 "" | tr -d ':\n'"#;
        if name.contains(':') {
            return Err("a user's name has a colon, which HTTP cannot send; choose another name".to_owned());
        }
        let parts: Result<HashParts, _> = hash.value.expose_secret().parse();
        let parts = parts.map_err(|_| format!("this is not a bcrypt hash; {MAKE_ONE}"))?;
        let cost = parts.get_cost();
        if !(4..=MAX_COST).contains(&cost) {
            return Err(format!("the cost of the hash is not from 4 to {MAX_COST}; {MAKE_ONE}"));
        }
        Ok(Self { hash: hash.value.clone(), cost, known: Mutex::new(None) })
    }

    fn has(&self, password: &SecretSlice<u8>) -> bool {
        trace!(msg = "A password is hashed", cost = self.cost);
        bcrypt::verify(password.expose_secret(), self.hash.expose_secret()).unwrap_or(false)
    }
}

/// Takes as long as comparing with a hash of this cost.
fn equalise_cost(cost: u32, password: &SecretSlice<u8>) {
    trace!(msg = "A password is hashed", cost);
    let _ = std::hint::black_box(bcrypt::hash_with_salt(password.expose_secret(), cost, [0; 16]));
}

impl Credentials {
    fn of(request: &HeaderMap) -> Option<Self> {
        let header = request.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, encoded) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let (name, rest) = decoded.split_at_checked(colon)?;
        let name = String::from_utf8_lossy(name).into_owned();
        let password = rest.split_first()?.1.to_vec().into();
        Some(Self { name, password })
    }
}
