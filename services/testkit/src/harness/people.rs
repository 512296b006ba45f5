use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use proto_common::Rpc;
use tonic::{Request, transport::Channel};

use super::Refused;
use crate::{
    keys::{Claims, Issuer},
    private, sender,
};

/// A caller, with the claims of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// The operator's code.
    pub code: &'static str,
    pub roles: &'static [&'static str],
    /// `*` for all.
    pub branches: &'static [&'static str],
}

impl Person {
    /// A token of this person, valid from now.
    pub fn token(&self) -> String {
        issuer().sign(&Claims::of(self.code, self.roles).within(self.branches))
    }
}

/// A request with a person's token.
pub fn signed<M>(person: Person, request: M) -> Request<M> {
    let mut request = Request::new(request);
    let bearer = format!("Bearer {}", person.token()).parse().expect("invariant: a token is ASCII");
    request.metadata_mut().insert("authorization", bearer);
    request
}

/// Sends a person's request on a channel, once.
pub async fn call_on<M: Rpc>(channel: Channel, person: Person, request: M) -> Result<M::Response, Refused> {
    sender::send(channel, signed(person, request)).await.map_err(Refused::from)
}

/// The issuer that every service of a [`ServiceHarness`](super::ServiceHarness) trusts: one for this test process.
pub fn issuer() -> &'static Issuer {
    &KEYS.1
}

/// What the issuer publishes.
pub(super) fn jwks() -> PathBuf {
    keys().join("jwks.json")
}

fn keys() -> &'static Path {
    &KEYS.0
}

/// The folder goes with the folders of private servers, once this process has ended.
static KEYS: LazyLock<(PathBuf, Issuer)> = LazyLock::new(|| {
    let folder = private::new_folder();
    let issuer = Issuer::kept_in(&folder).expect("keys can be kept");
    (folder, issuer)
});
