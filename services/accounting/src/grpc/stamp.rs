//! What every request that changes something says of itself.

use countinghouse_proto::accounting::v1 as pb;

/// Which request it is, where it acts, and whether it only asks what would happen.
pub struct Stamp<'a> {
    pub request_id: &'a str,
    pub branch: &'a str,
    pub validate_only: bool,
}

/// A request that changes something.
pub trait Stamped {
    fn stamp(&self) -> Stamp<'_>;
}

impl Stamped for pb::OpenAccountRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: self.validate_only }
    }
}

impl Stamped for pb::ChangeAccountRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: self.validate_only }
    }
}

impl Stamped for pb::ActivateAccountRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: false }
    }
}

impl Stamped for pb::MarkAccountDormantRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: false }
    }
}

impl Stamped for pb::FreezeAccountRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: false }
    }
}

impl Stamped for pb::UnfreezeAccountRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: self.validate_only }
    }
}

impl Stamped for pb::CloseAccountRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: false }
    }
}

impl Stamped for pb::ChangeBaseDataRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: self.validate_only }
    }
}

impl Stamped for pb::PlaceHoldRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: false }
    }
}

impl Stamped for pb::CaptureHoldRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: self.validate_only }
    }
}

impl Stamped for pb::ReleaseHoldRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: false }
    }
}

impl Stamped for pb::OpenBusinessDayRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: self.validate_only }
    }
}

impl Stamped for pb::PostTransactionRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: self.validate_only }
    }
}

impl Stamped for pb::PostBusinessRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: self.validate_only }
    }
}

impl Stamped for pb::PostBatchRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: self.validate_only }
    }
}

impl Stamped for pb::ImportAccountsRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: self.validate_only }
    }
}

impl Stamped for pb::ImportPostingsRequest {
    fn stamp(&self) -> Stamp<'_> {
        Stamp { request_id: &self.request_id, branch: &self.branch, validate_only: self.validate_only }
    }
}
