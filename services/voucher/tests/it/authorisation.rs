//! Every rpc, called by nobody, by each role, and for another branch.

use testkit::{
    bank::{OTHER_SUB_BRANCH, SUB_BRANCH},
    harness::issuer,
    matrix::{Matrix, Row},
};

use crate::support::start;

const ROLES: &[&str] = &["voucher_keeper", "base_data_maker", "base_data_checker", "operations"];
const KEEPERS: &[&str] = &["voucher_keeper"];
const SEE_STOCK: &[&str] = &["voucher_keeper", "operations"];
const DECIDE: &[&str] = &["voucher_keeper", "base_data_checker"];

const ROWS: &[Row<'static>] = &[
    Row { rpc: "KindService/ChangeKinds", roles: &["base_data_maker"] },
    Row { rpc: "KindService/GetKind", roles: ROLES },
    Row { rpc: "KindService/ListKinds", roles: ROLES },
    Row { rpc: "KindService/ListKindVersions", roles: ROLES },
    Row { rpc: "StockService/ReceivePrintBatch", roles: KEEPERS },
    Row { rpc: "StockService/MoveRange", roles: KEEPERS },
    Row { rpc: "StockService/GetPrintBatch", roles: SEE_STOCK },
    Row { rpc: "StockService/ListHoldings", roles: SEE_STOCK },
    Row { rpc: "ApprovalService/GetApproval", roles: ROLES },
    Row { rpc: "ApprovalService/ListApprovals", roles: ROLES },
    Row { rpc: "ApprovalService/ApproveRequest", roles: DECIDE },
    Row { rpc: "ApprovalService/RejectRequest", roles: DECIDE },
];

#[tokio::test]
async fn each_rpc_lets_in_whom_it_should_and_nobody_else() {
    let harness = start().await;
    let matrix = Matrix {
        packages: &["countinghouse.voucher.v1", "countinghouse.approval.v1"],
        rows: ROWS,
        roles: ROLES,
        branch: SUB_BRANCH,
        other_branch: OTHER_SUB_BRANCH,
    };
    let faults = matrix.faults(harness.channel(), issuer()).await;
    assert!(faults.is_empty(), "{faults:#?}");
}
