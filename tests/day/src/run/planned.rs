//! The requests of the plan as one type, so that any step is sent, repeated and compared in one way.

use anyhow::anyhow;
use proto_accounting::v1::{
    ActivateAccountRequest, CaptureHoldRequest, ChangeAccountRequest, ChangeBaseDataRequest,
    CloseAccountRequest, FreezeAccountRequest, MarkAccountDormantRequest, OpenAccountRequest,
    OpenBusinessDayRequest, PlaceHoldRequest, PostBatchRequest, PostBusinessRequest, PostTransactionRequest,
    ReleaseHoldRequest, UnfreezeAccountRequest,
};
use proto_common::Rpc;

use crate::client::{Client, Refusal, Token};

/// One variant for each request, and one for its answer.
macro_rules! requests {
    ($($variant:ident($request:ty)),* $(,)?) => {
        /// A request that changes something.
        #[derive(Debug, Clone, PartialEq)]
        pub(super) enum Request {
            $($variant($request)),*
        }

        /// What a request was answered.
        #[derive(Debug, Clone, PartialEq)]
        pub(super) enum Answer {
            $($variant(<$request as Rpc>::Response)),*
        }

        $(impl From<$request> for Request {
            fn from(request: $request) -> Self {
                Self::$variant(request)
            }
        })*

        impl Request {
            /// Sends it as [`Client::send`] does.
            pub(super) async fn send(&self, client: &Client, token: &Token) -> Result<Answer, Refusal> {
                match self {
                    $(Self::$variant(request) => client.send(token, request).await.map(Answer::$variant)),*
                }
            }
        }
    };
}

requests! {
    ChangeBaseData(ChangeBaseDataRequest),
    OpenBusinessDay(OpenBusinessDayRequest),
    OpenAccount(OpenAccountRequest),
    ChangeAccount(ChangeAccountRequest),
    ActivateAccount(ActivateAccountRequest),
    MarkAccountDormant(MarkAccountDormantRequest),
    FreezeAccount(FreezeAccountRequest),
    UnfreezeAccount(UnfreezeAccountRequest),
    CloseAccount(CloseAccountRequest),
    PostTransaction(PostTransactionRequest),
    PostBusiness(PostBusinessRequest),
    PostBatch(PostBatchRequest),
    PlaceHold(PlaceHoldRequest),
    CaptureHold(CaptureHoldRequest),
    ReleaseHold(ReleaseHoldRequest),
}

/// An answer of another kind than the request has.
pub(super) fn of_another_kind(answer: &Answer) -> anyhow::Error {
    anyhow!("another kind of answer: {answer:?}")
}
