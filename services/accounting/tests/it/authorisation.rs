//! Every rpc, called by nobody, by each role, and for another branch.

use testkit::matrix::{Matrix, Row};

use crate::support::{issuer, launch, people::SUB_BRANCH};

const ROLES: &[&str] = &[
    "teller",
    "supervisor",
    "book_keeper",
    "system",
    "base_data_maker",
    "base_data_checker",
    "migration_operator",
    "operations",
];

/// Those who stand at the books.
const DESKS: &[&str] = &["teller", "supervisor", "book_keeper", "system", "migration_operator", "operations"];
/// Those who look after what could not be booked.
const KEEPERS: &[&str] = &["teller", "supervisor", "book_keeper", "system", "operations"];
const TELLERS: &[&str] = &["teller", "book_keeper"];
const POSTERS: &[&str] = &["teller", "book_keeper", "system"];
const CHECKERS: &[&str] = &["supervisor", "base_data_checker"];

const ROWS: &[Row<'static>] = &[
    Row { rpc: "BaseDataService/ChangeBaseData", roles: &["base_data_maker"] },
    Row { rpc: "BaseDataService/GetBaseRecord", roles: ROLES },
    Row { rpc: "BaseDataService/ListBaseRecords", roles: ROLES },
    Row { rpc: "BaseDataService/ListBaseRecordVersions", roles: ROLES },
    Row { rpc: "LedgerService/GetBusinessDay", roles: DESKS },
    Row { rpc: "LedgerService/OpenBusinessDay", roles: &["book_keeper"] },
    Row { rpc: "LedgerService/GetTrialBalance", roles: DESKS },
    Row { rpc: "AccountService/OpenAccount", roles: POSTERS },
    Row { rpc: "AccountService/ChangeAccount", roles: TELLERS },
    Row { rpc: "AccountService/ActivateAccount", roles: TELLERS },
    Row { rpc: "AccountService/MarkAccountDormant", roles: TELLERS },
    Row { rpc: "AccountService/FreezeAccount", roles: TELLERS },
    Row { rpc: "AccountService/UnfreezeAccount", roles: TELLERS },
    Row { rpc: "AccountService/CloseAccount", roles: TELLERS },
    Row { rpc: "AccountService/GetAccount", roles: DESKS },
    Row { rpc: "AccountService/ListAccounts", roles: DESKS },
    Row { rpc: "AccountService/ListAccountVersions", roles: DESKS },
    Row { rpc: "AccountService/ListAccountEntries", roles: DESKS },
    Row { rpc: "PostingService/PostTransaction", roles: POSTERS },
    Row { rpc: "PostingService/PostBatch", roles: POSTERS },
    Row { rpc: "PostingService/PostBusiness", roles: POSTERS },
    Row { rpc: "PostingService/GetPosting", roles: DESKS },
    Row { rpc: "PostingService/ListPostings", roles: DESKS },
    Row { rpc: "HoldService/PlaceHold", roles: POSTERS },
    Row { rpc: "HoldService/CaptureHold", roles: POSTERS },
    Row { rpc: "HoldService/ReleaseHold", roles: POSTERS },
    Row { rpc: "HoldService/GetHold", roles: DESKS },
    Row { rpc: "HoldService/ListHolds", roles: DESKS },
    Row { rpc: "OnboardingService/ImportAccounts", roles: &["migration_operator"] },
    Row { rpc: "OnboardingService/ImportPostings", roles: &["migration_operator"] },
    Row { rpc: "OnboardingService/SearchFormerNumbers", roles: DESKS },
    Row { rpc: "SuspenseService/GetSuspenseItem", roles: KEEPERS },
    Row { rpc: "SuspenseService/ListSuspenseItems", roles: KEEPERS },
    Row { rpc: "ApprovalService/GetApproval", roles: ROLES },
    Row { rpc: "ApprovalService/ListApprovals", roles: ROLES },
    Row { rpc: "ApprovalService/ApproveRequest", roles: CHECKERS },
    Row { rpc: "ApprovalService/RejectRequest", roles: CHECKERS },
];

#[tokio::test]
async fn each_rpc_lets_in_whom_it_should_and_nobody_else() {
    let harness = launch().start().await;
    let matrix = Matrix {
        packages: &["countinghouse.accounting.v1", "countinghouse.approval.v1"],
        rows: ROWS,
        roles: ROLES,
        branch: SUB_BRANCH,
        other_branch: "310101",
    };
    let faults = matrix.faults(harness.channel(), issuer()).await;
    assert!(faults.is_empty(), "{faults:#?}");
}
