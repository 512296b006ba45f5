//! The facts of voucher: cheques come from the printer and go to a branch.

use anyhow::Result;
use platform::facts::Fact;
use proto_common::common::v1::Money;
use proto_voucher::v1::{
    Kind, KindCategory, KindChanged, KindVersion, NumberRange, PrintBatch, PrintBatchReceived, RangeMove,
    RangeMoved,
};

use super::{Make, caused_by, time};

pub(super) const EXAMPLES: &[(&str, Make)] = &[
    ("countinghouse.voucher.v1.KindChanged", kind_changed),
    ("countinghouse.voucher.v1.PrintBatchReceived", print_batch_received),
    ("countinghouse.voucher.v1.RangeMoved", range_moved),
];

const HEAD_OFFICE: &str = "100000";
const BRANCH: &str = "110000";
const KEEPER: &str = "V100001";
const TAKER: &str = "V110001";
const BUSINESS_DATE: &str = "2026-11-24";

const KIND_TIME: &str = "2025-12-29T02:20:41.118203Z";
const BATCH_TIME: &str = "2026-11-24T01:02:11.930244Z";
const MOVE_TIME: &str = "2026-11-24T02:45:36.201877Z";

fn kind_changed() -> Result<(Fact, String)> {
    let version = KindVersion {
        name: "kinds/CHQ".to_owned(),
        effective_date: "2026-01-01".to_owned(),
        version: 1,
        kind: Some(Kind {
            code: "CHQ".to_owned(),
            title: "转账支票".to_owned(),
            category: KindCategory::Sold.into(),
            prefix: "GB".to_owned(),
            digits: 8,
            unit_value: Some(yuan("1")),
            closed: false,
        }),
    };
    let message = KindChanged { key: "CHQ".to_owned(), set: Some(version.clone()), versions: vec![version] };
    caused_by("B100003", KIND_TIME, &message)
}

fn print_batch_received() -> Result<(Fact, String)> {
    let batch = PrintBatch {
        name: "printBatches/37".to_owned(),
        number: 37,
        range: Some(range("GB00012001", "GB00013000", 1_000)),
        branch: HEAD_OFFICE.to_owned(),
        printer: "样本印制有限公司".to_owned(),
        receive_date: BUSINESS_DATE.to_owned(),
        value: Some(yuan("1000")),
        kind_code: "CHQ".to_owned(),
        operator: KEEPER.to_owned(),
        record_time: Some(time(BATCH_TIME)?),
    };
    let message = PrintBatchReceived { name: batch.name.clone(), batch: Some(batch) };
    caused_by(KEEPER, BATCH_TIME, &message)
}

fn range_moved() -> Result<(Fact, String)> {
    let moved = RangeMove {
        name: "rangeMoves/112".to_owned(),
        number: 112,
        range: Some(range("GB00012001", "GB00012200", 200)),
        from_branch: HEAD_OFFICE.to_owned(),
        to_branch: BRANCH.to_owned(),
        giver: KEEPER.to_owned(),
        taker: TAKER.to_owned(),
        move_date: BUSINESS_DATE.to_owned(),
        value: Some(yuan("200")),
        kind_code: "CHQ".to_owned(),
        record_time: Some(time(MOVE_TIME)?),
    };
    let message = RangeMoved { name: moved.name.clone(), r#move: Some(moved) };
    caused_by(KEEPER, MOVE_TIME, &message)
}

fn range(first: &str, last: &str, count: i64) -> NumberRange {
    NumberRange {
        kind: "kinds/CHQ".to_owned(),
        first_number: first.to_owned(),
        last_number: last.to_owned(),
        count,
    }
}

fn yuan(amount: &str) -> Money {
    Money { currency: "CNY".to_owned(), amount: amount.to_owned() }
}
