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

/// Reads the stamp of requests that have the fields of one; `validate_only` is their field, or `false` where they have none.
macro_rules! stamped {
    ($($request:ident,)+ => $self:ident, $validate_only:expr) => {
        $(impl Stamped for pb::$request {
            fn stamp(&$self) -> Stamp<'_> {
                Stamp { request_id: &$self.request_id, branch: &$self.branch, validate_only: $validate_only }
            }
        })+
    };
}

stamped! {
    ChangeBaseDataRequest, OpenBusinessDayRequest,
    OpenAccountRequest, ChangeAccountRequest, UnfreezeAccountRequest,
    PostTransactionRequest, PostBusinessRequest, PostBatchRequest, CaptureHoldRequest,
    ImportAccountsRequest, ImportPostingsRequest,
    => self, self.validate_only
}

stamped! {
    ActivateAccountRequest, MarkAccountDormantRequest, FreezeAccountRequest, CloseAccountRequest,
    PlaceHoldRequest, ReleaseHoldRequest,
    => self, false
}
