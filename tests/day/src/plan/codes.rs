//! The ledger codes of the sample bank that the day posts to.

/// 业务现金.
pub(super) const TELLERS_CASH: &str = "100101";
/// 金库现金: head office and branches have it.
pub(super) const VAULT_CASH: &str = "100102";
/// 个人活期存款.
pub(super) const PERSONAL_DEMAND: &str = "201101";
/// 个人定期存款.
pub(super) const PERSONAL_TERM: &str = "201102";
/// 单位活期存款.
pub(super) const CORPORATE_DEMAND: &str = "201104";
/// 单位定期存款.
pub(super) const CORPORATE_TERM: &str = "201105";
/// 单位协定存款: in yuan only.
pub(super) const AGREEMENT_DEPOSITS: &str = "201107";
/// 个人保证金.
pub(super) const PERSONAL_MARGIN: &str = "200201";
/// 单位保证金.
pub(super) const CORPORATE_MARGIN: &str = "200202";
/// 应付个人存款利息: only systems post to it.
pub(super) const INTEREST_PAYABLE: &str = "223101";
/// 待处理应付款项.
pub(super) const PAYABLES_IN_SUSPENSE: &str = "224101";
/// 结售汇.
pub(super) const CUSTOMER_EXCHANGE: &str = "300201";
/// 结算手续费收入.
pub(super) const SETTLEMENT_FEES: &str = "602101";
/// 外汇业务手续费收入.
pub(super) const EXCHANGE_FEES: &str = "602105";
/// 办公及通讯费.
pub(super) const OFFICE_EXPENSES: &str = "660104";
/// 银行承兑汇票.
pub(super) const BANK_ACCEPTANCES: &str = "7001";
/// 支票.
pub(super) const CHEQUE_FORMS: &str = "800101";
/// 存单存折.
pub(super) const PASSBOOK_FORMS: &str = "800104";
