//! Why the book refuses a command: each rule with its values, its message, and the reason by which callers know it.

use std::borrow::Cow;

use ::refusal::{Violation, reasons};
use basedata::refusal as shared;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::{
    base::TransactionKind,
    ids::{
        AccountNumber, BranchCode, CurrencyCode, FormerNumber, HoldNumber, LedgerCodeNumber, OperatorCode,
    },
    side::Side,
};

/// A refusal of the book: the rule that was broken, and where.
pub type Refusal = Violation<Rule>;

::refusal::rules! {
/// The rules of the book.
pub enum Rule {
    RequestIdReused = "this request id was used for another request" => reasons::REQUEST_ID_REUSED;
    FieldInvalid(String) = "{0}" => reasons::FIELD_INVALID;

    // Base data and the business day.
    BaseRecordUnknown { kind: Cow<'static, str>, code: String, on: NaiveDate } = "base data has no {kind} {code} on {on}" => {
        reason: BASE_RECORD_UNKNOWN, kind: FailedPrecondition,
        meaning: "Base data has no such record on the date it is needed for.",
        remedy: "Set the record with `ChangeBaseData`, or use a code that exists.",
    }
    EffectiveDatePast { effective_date: NaiveDate, business_date: NaiveDate } = "base data cannot change from {effective_date} on: business date {business_date} is not after it" => reasons::EFFECTIVE_DATE_PAST;
    BaseRecordInvalid(String) = "{0}" => {
        reason: BASE_RECORD_INVALID, kind: InvalidArgument,
        meaning: "A record of base data breaks a rule of its kind; the message says which.",
        remedy: "Mend the record and ask again.",
    }
    TemplateUnknown { code: String, on: NaiveDate } = "no posting template {code} is in force on {on}" => {
        reason: TEMPLATE_UNKNOWN, kind: FailedPrecondition,
        meaning: "No posting template of this business transaction code, or of this type of fact, is in force on the business date.",
        remedy: "Use a code that has a template, or set one with `ChangeBaseData`.",
    }
    FactUnknown { kind: String, on: NaiveDate } = "no posting template that is in force on {on} books {kind}" => TEMPLATE_UNKNOWN;
    TemplateClosed { code: String } = "posting template {code} is closed" => {
        reason: TEMPLATE_CLOSED, kind: FailedPrecondition,
        meaning: "The posting template of this business transaction code books nothing any more.",
        remedy: "Use the code that has taken its place.",
    }
    FieldMissing { name: String } = "field {name} is required" => {
        reason: FIELD_MISSING, kind: InvalidArgument,
        meaning: "A field that the posting template needs is not given.",
        remedy: "Give the field that the metadata names.",
    }
    FieldUnknown { name: String } = "the template declares no field {name}" => {
        reason: FIELD_UNKNOWN, kind: InvalidArgument,
        meaning: "The posting template declares no field of this name.",
        remedy: "Give the fields that the template declares; read it with `GetBaseRecord`.",
    }
    ExpressionFailed(String) = "the template's expression {0}" => {
        reason: EXPRESSION_FAILED, kind: FailedPrecondition,
        meaning: "An expression of the posting template has no value for these fields: it divides by zero, say. The field names the template's line.",
        remedy: "Check what the fields say; else have the template mended with `ChangeBaseData`.",
    }
    CalendarMissing { year: i32 } = "no calendar is loaded for {year}" => shared::CALENDAR_MISSING;
    NotBusinessDay { date: NaiveDate } = "{date} is no business day" => {
        reason: NOT_BUSINESS_DAY, kind: FailedPrecondition,
        meaning: "The books stay closed on this date, by the calendar.",
        remedy: "Open the next business day instead; the metadata names it when it is known.",
    }
    NoBusinessDay = "no business day is open" => shared::NO_BUSINESS_DAY;
    BusinessDayClosed { date: NaiveDate, open: NaiveDate } = "business day {date} is closed; {open} is open" => {
        reason: BUSINESS_DAY_CLOSED, kind: FailedPrecondition,
        meaning: "The business day is closed to postings.",
        remedy: "Leave `accounting_date` empty to book on the open day.",
    }
    BusinessDayNotOpen { date: NaiveDate, open: NaiveDate } = "business day {date} is not open yet; {open} is open" => {
        reason: BUSINESS_DAY_NOT_OPEN, kind: FailedPrecondition,
        meaning: "The business day is not open yet.",
        remedy: "Leave `accounting_date` empty to book on the open day, or wait.",
    }
    DateOutOfRange { date: NaiveDate, earliest: NaiveDate, latest: NaiveDate } = "{date} is outside the allowed range from {earliest} to {latest}" => {
        reason: DATE_OUT_OF_RANGE, kind: InvalidArgument,
        meaning: "A date is further back or ahead than the parameters allow.",
        remedy: "Give a date in the range that the metadata names.",
    }
    OpeningPeriodOver { until: NaiveDate, open: NaiveDate } = "the opening period ended with {until}; {open} is open" => {
        reason: OPENING_PERIOD_OVER, kind: FailedPrecondition,
        meaning: "Accounts and postings are moved in during the opening period only, and it is over.",
        remedy: "Open the account or post the transaction as any other; or have two persons set the parameter `OPENING_PERIOD_UNTIL`.",
    }

    // Who acts, and where.
    OperatorUnknown { operator: OperatorCode } = "operator {operator} is unknown" => shared::OPERATOR_UNKNOWN;
    OperatorSuspended { operator: OperatorCode } = "operator {operator} is suspended" => shared::OPERATOR_SUSPENDED;
    OperatorMayNotPost { operator: OperatorCode } = "operator {operator} authorises and does not post" => {
        reason: OPERATOR_MAY_NOT_POST, kind: PermissionDenied,
        meaning: "Supervisors authorise the postings of others and make none.",
        remedy: "Have a teller post it.",
    }
    ApprovalRequired { operator: OperatorCode, kind: TransactionKind, currency: CurrencyCode, amount: Decimal, limit: Decimal } = "{limit} is the limit of {operator} for {kind:?} in {currency}, and {amount} is above it: a second person must agree" => reasons::APPROVAL_REQUIRED;
    SecondPersonRequired { what: Cow<'static, str> } = "{what} needs a second person" => reasons::APPROVAL_REQUIRED;
    OperatorLimitExceeded { operator: OperatorCode, kind: TransactionKind, currency: CurrencyCode, amount: Decimal, limit: Decimal } = "{limit} is the limit of {operator} for {kind:?} in {currency}, and {amount} is above it" => {
        reason: OPERATOR_LIMIT_EXCEEDED, kind: PermissionDenied,
        meaning: "The amount is above the limit of the one who authorised it, or of the operator in a batch posted item by item.",
        remedy: "Have someone with a higher limit authorise it; post it by itself rather than in such a batch.",
    }
    BranchUnknown { branch: BranchCode } = "branch {branch} is unknown" => shared::BRANCH_UNKNOWN;
    BranchClosed { branch: BranchCode } = "branch {branch} is closed" => shared::BRANCH_CLOSED;
    AccountOfAnotherBranch { account: AccountNumber, branch: BranchCode, keeper: BranchCode } = "branch {branch} does not keep account {account}; branch {keeper} does" => {
        reason: ACCOUNT_OF_ANOTHER_BRANCH, kind: PermissionDenied,
        meaning: "Another branch keeps the account, and only that one changes it.",
        remedy: "Have the keeping branch do it; the metadata names it.",
    }
    HeadOfficeOnly { branch: BranchCode } = "only head office may do this, not branch {branch}" => {
        reason: HEAD_OFFICE_ONLY, kind: PermissionDenied,
        meaning: "Only head office may do this.",
        remedy: "Have head office do it.",
    }

    // Accounts.
    AccountUnknown { account: AccountNumber } = "account {account} is unknown" => {
        reason: ACCOUNT_UNKNOWN, kind: NotFound,
        meaning: "No account has this number.",
        remedy: "Check the number; its last digit is a check digit.",
    }
    FormerNumberUnknown { former_number: FormerNumber } = "no account has the former number {former_number}" => {
        reason: FORMER_NUMBER_UNKNOWN, kind: NotFound,
        meaning: "No account was moved in from this number.",
        remedy: "Check the number, or move the account in first.",
    }
    FormerNumberTaken { former_number: FormerNumber, account: AccountNumber } = "former number {former_number} is that of account {account} already" => {
        reason: FORMER_NUMBER_TAKEN, kind: AlreadyExists,
        meaning: "An account was moved in from this number already.",
        remedy: "Use that account, which the metadata names.",
    }
    LedgerAccountMissing { branch: BranchCode, ledger_code: LedgerCodeNumber, currency: CurrencyCode } = "branch {branch} has no account on {ledger_code} in {currency}" => {
        reason: LEDGER_ACCOUNT_MISSING, kind: FailedPrecondition,
        meaning: "The branch has no internal account on this ledger code in this currency.",
        remedy: "Open it with `OpenAccount`.",
    }
    LedgerAccountExists { branch: BranchCode, ledger_code: LedgerCodeNumber, currency: CurrencyCode, account: AccountNumber } = "branch {branch} has an account on {ledger_code} in {currency} already: {account}" => {
        reason: LEDGER_ACCOUNT_EXISTS, kind: AlreadyExists,
        meaning: "The branch has its one internal account on this ledger code in this currency already.",
        remedy: "Use the account that the metadata names.",
    }
    AccountPending { account: AccountNumber } = "account {account} is pending: activate it first" => {
        reason: ACCOUNT_PENDING, kind: FailedPrecondition,
        meaning: "The account is not active yet.",
        remedy: "Activate it with `ActivateAccount`.",
    }
    AccountDormant { account: AccountNumber } = "account {account} is dormant: activate it first" => {
        reason: ACCOUNT_DORMANT, kind: FailedPrecondition,
        meaning: "The account is dormant.",
        remedy: "Activate it with `ActivateAccount`.",
    }
    AccountFrozen { account: AccountNumber } = "account {account} is frozen against this" => {
        reason: ACCOUNT_FROZEN, kind: FailedPrecondition,
        meaning: "The account is frozen against this.",
        remedy: "Wait for `UnfreezeAccount`.",
    }
    AccountClosed { account: AccountNumber } = "account {account} is closed" => {
        reason: ACCOUNT_CLOSED, kind: FailedPrecondition,
        meaning: "The account is closed, for ever.",
        remedy: "Use another account.",
    }
    TransitionNotAllowed { from: Cow<'static, str>, to: Cow<'static, str> } = "an account that is {from} cannot be made {to}" => {
        reason: TRANSITION_NOT_ALLOWED, kind: FailedPrecondition,
        meaning: "An account in this status cannot be moved to that one.",
        remedy: "Read the account; move it by an allowed step.",
    }
    AccountNotEmpty { account: AccountNumber, balance: Decimal } = "account {account} still has a balance of {balance}" => {
        reason: ACCOUNT_NOT_EMPTY, kind: FailedPrecondition,
        meaning: "The account still has a balance.",
        remedy: "Move the balance first.",
    }
    AccountHeld { account: AccountNumber, holds: usize } = "account {account} still has {holds} open holds" => {
        reason: ACCOUNT_HELD, kind: FailedPrecondition,
        meaning: "The account still has open holds.",
        remedy: "Capture or release them first.",
    }
    AccountChanged { account: AccountNumber, version: i32, expected: i32 } = "account {account} has version {version}, not {expected}" => {
        reason: ACCOUNT_CHANGED, kind: Aborted,
        meaning: "The account has changed since the caller read it.",
        remedy: "Read it again and decide again.",
    }
    LedgerCodeNotAllowed { ledger_code: LedgerCodeNumber } = "ledger code {ledger_code} has no accounts of this kind" => {
        reason: LEDGER_CODE_NOT_ALLOWED, kind: InvalidArgument,
        meaning: "The ledger code has no accounts of this kind.",
        remedy: "Choose a code of the right class that has accounts.",
    }
    LedgerCodeUnknown { ledger_code: LedgerCodeNumber } = "ledger code {ledger_code} is unknown" => {
        reason: LEDGER_CODE_UNKNOWN, kind: InvalidArgument,
        meaning: "The chart has no such ledger code on the business date.",
        remedy: "Use a code of the chart.",
    }
    LedgerCodeClosed { ledger_code: LedgerCodeNumber } = "ledger code {ledger_code} is closed" => {
        reason: LEDGER_CODE_CLOSED, kind: FailedPrecondition,
        meaning: "The ledger code is closed.",
        remedy: "Use the code that replaces it.",
    }
    ManualPostingNotAllowed { ledger_code: LedgerCodeNumber } = "operators do not post by hand to ledger code {ledger_code}" => {
        reason: MANUAL_POSTING_NOT_ALLOWED, kind: PermissionDenied,
        meaning: "Only systems post to this ledger code.",
        remedy: "Use the business transaction that posts to it.",
    }
    CurrencyNotAllowed { ledger_code: LedgerCodeNumber, currency: CurrencyCode } = "ledger code {ledger_code} does not take {currency}" => {
        reason: CURRENCY_NOT_ALLOWED, kind: InvalidArgument,
        meaning: "The ledger code does not take this currency.",
        remedy: "Use a currency that the code allows.",
    }

    // Amounts.
    CurrencyUnknown { currency: CurrencyCode } = "currency {currency} is unknown" => {
        reason: CURRENCY_UNKNOWN, kind: InvalidArgument,
        meaning: "The currency is unknown on the business date.",
        remedy: "Use a currency of base data.",
    }
    CurrencyMismatch { account: AccountNumber, currency: CurrencyCode, expected: CurrencyCode } = "account {account} is in {expected}, not {currency}" => {
        reason: CURRENCY_MISMATCH, kind: InvalidArgument,
        meaning: "The amount is in another currency than the account.",
        remedy: "Give the amount in the account's currency.",
    }
    AmountNotPositive { amount: Decimal } = "{amount} is not above zero" => {
        reason: AMOUNT_NOT_POSITIVE, kind: InvalidArgument,
        meaning: "The amount is zero or negative.",
        remedy: "Give an amount above zero; corrections have calls of their own.",
    }
    AmountTooPrecise { amount: Decimal, currency: CurrencyCode, decimals_max: u8 } = "{amount} has more decimals than {currency} has: {decimals_max}" => {
        reason: AMOUNT_TOO_PRECISE, kind: InvalidArgument,
        meaning: "The amount has more decimals than its currency.",
        remedy: "Round it; the metadata names the decimals allowed.",
    }
    AmountTooLarge { amount: Decimal, amount_max: Decimal } = "{amount} is above the largest amount: {amount_max}" => {
        reason: AMOUNT_TOO_LARGE, kind: InvalidArgument,
        meaning: "The amount is above the largest that the books take.",
        remedy: "Split it, or have the parameter `AMOUNT_MAX` raised.",
    }

    // Postings and holds.
    NotBalanced { currency: CurrencyCode, difference: Decimal } = "{currency} does not balance: debits less credits are {difference}" => {
        reason: NOT_BALANCED, kind: InvalidArgument,
        meaning: "Debits and credits differ in a currency.",
        remedy: "Mend the lines; the metadata names the currency and the difference.",
    }
    CurrenciesMixed { exchange_code: LedgerCodeNumber } = "several currencies meet without ledger code {exchange_code}" => {
        reason: CURRENCIES_MIXED, kind: InvalidArgument,
        meaning: "Several currencies meet without lines on the exchange code.",
        remedy: "Balance each currency through the exchange code that the metadata names.",
    }
    InterBranchAccountMissing { branch: BranchCode, currency: CurrencyCode } = "branch {branch} has no inter-branch account in {currency}" => {
        reason: INTER_BRANCH_ACCOUNT_MISSING, kind: FailedPrecondition,
        meaning: "A branch has no inter-branch account in the currency.",
        remedy: "Open it with `OpenAccount`.",
    }
    FundsInsufficient { account: AccountNumber, available: Decimal, shortage: Decimal } = "account {account} is short of {shortage}: {available} is available" => {
        reason: FUNDS_INSUFFICIENT, kind: FailedPrecondition,
        meaning: "The account has less available than the posting or hold takes.",
        remedy: "Fund the account, or take less; the metadata names account and shortage.",
    }
    RegisterShort { account: AccountNumber, side: Side, amount: Decimal, balance: Decimal } = "account {account} is on an off-balance code and does not take {side:?} {amount}: {balance} is registered" => {
        reason: REGISTER_SHORT, kind: FailedPrecondition,
        meaning: "An off-balance register would go below zero.",
        remedy: "Check what is registered; the metadata names the balance.",
    }
    Empty { what: Cow<'static, str> } = "{what} has none, and needs at least one" => reasons::EMPTY;
    TooMany { what: Cow<'static, str>, count: usize, max: usize } = "{what} has {count}, and at most {max} are allowed" => reasons::TOO_MANY;
    BatchRefused(String) = "another transaction of the batch was refused: {0}" => {
        reason: BATCH_REFUSED, kind: FailedPrecondition,
        meaning: "The batch is all or none, and another of its transactions was refused.",
        remedy: "Mend the transaction that the message names.",
    }
    HoldUnknown { hold: HoldNumber } = "hold {hold} is unknown" => {
        reason: HOLD_UNKNOWN, kind: NotFound,
        meaning: "No hold has this number.",
        remedy: "Check the number.",
    }
    HoldNotOpen { hold: HoldNumber } = "hold {hold} is no longer open" => {
        reason: HOLD_NOT_OPEN, kind: FailedPrecondition,
        meaning: "The hold was captured or released already, or has expired.",
        remedy: "Read the hold.",
    }
    HoldExpired { hold: HoldNumber, expired_at: DateTime<Utc> } = "hold {hold} expired at {expired_at}" => {
        reason: HOLD_EXPIRED, kind: FailedPrecondition,
        meaning: "The hold has expired.",
        remedy: "Place another.",
    }
    HoldExceeded { hold: HoldNumber, remaining: Decimal, amount: Decimal } = "hold {hold} has {remaining} set aside, and {amount} was to be captured" => {
        reason: HOLD_EXCEEDED, kind: FailedPrecondition,
        meaning: "More was to be captured than is still set aside.",
        remedy: "Capture at most what remains; post the rest by itself.",
    }
    HoldNotDebited { account: AccountNumber } = "the transaction does not debit the held account {account}" => {
        reason: HOLD_NOT_DEBITED, kind: InvalidArgument,
        meaning: "The transaction does not debit the held account.",
        remedy: "Debit the account of the hold.",
    }
    OpenHoldsTooMany { account: AccountNumber, holds: usize, holds_max: u64 } = "account {account} has {holds} open holds, and at most {holds_max} are allowed" => {
        reason: OPEN_HOLDS_TOO_MANY, kind: FailedPrecondition,
        meaning: "The account has as many open holds as the parameter `OPEN_HOLDS_MAX` allows.",
        remedy: "Capture or release some first, or have the parameter raised. One that has lapsed counts until it is written down.",
    }
    HoldExpiryInvalid { expires_at: DateTime<Utc>, latest: DateTime<Utc> } = "{expires_at} is not between now and {latest}" => {
        reason: HOLD_EXPIRY_INVALID, kind: InvalidArgument,
        meaning: "The hold would expire in the past, or later than the parameter `HOLD_DAYS_MAX` allows.",
        remedy: "Give a time in the range that the metadata names.",
    }
}
}
