//! The copy of base data: nothing is decided before it has been read, nor when it is too far behind.

use std::time::Duration;

use proto_voucher::v1::GetKindRequest;
use testkit::{
    PrivateBroker,
    bank::{DAY, HEAD_OFFICE},
    harness::Refused,
};
use tonic::Code;

use crate::support::{
    CHECKER, CHEQUE, HEAD_KEEPER, MAKER, OPERATORS, change_kinds, kind, range, receive, start_on,
};

/// Longer than `base_data.behind_max_s`.
const TOO_LONG: Duration = Duration::from_mins(6);

fn is_behind(refused: &Refused) -> bool {
    (refused.code, refused.reason.as_str()) == (Code::Unavailable, "BASE_DATA_BEHIND")
}

#[tokio::test]
async fn nothing_is_decided_by_a_copy_that_is_not_there_or_too_far_behind() {
    let broker = PrivateBroker::start().await;
    let kafka = broker.kafka();
    let harness = start_on(kafka.clone()).await;
    let request = change_kinds(DAY, vec![kind(CHEQUE, "GB", "1")]);
    let refused = harness.call_once(MAKER, request.clone()).await.unwrap_err();
    assert!(is_behind(&refused), "{refused:?}");

    kafka.publish_bank(OPERATORS).await;
    harness.approved(MAKER, CHECKER, request).await;

    broker.kill().await;
    let numbers = |first, last| receive(HEAD_OFFICE, range(CHEQUE, first, last));
    harness
        .call_once(HEAD_KEEPER, numbers("GB00000001", "GB00000100"))
        .await
        .expect("the copy is new enough");
    harness.clock.advance(TOO_LONG);
    let late = numbers("GB00000101", "GB00000200");
    let refused = harness.call_once(HEAD_KEEPER, late.clone()).await.unwrap_err();
    assert!(is_behind(&refused), "{refused:?}");
    let enquiry = GetKindRequest { name: format!("kinds/{CHEQUE}"), effective_on: DAY.to_owned() };
    harness.call_once(MAKER, enquiry).await.expect("an enquiry that names its date needs no copy");

    broker.start_again().await;
    harness.done(HEAD_KEEPER, late).await;
}
