//! The service's refusals as callers know them: for each rule of the book a gRPC code, a stable reason, and the values it
//! speaks of. `docs/errors.md` is generated from here.

use platform::refusal::Reason;
use tonic::Code;

pub static BASE_RECORD_UNKNOWN: Reason = Reason {
    name: "BASE_RECORD_UNKNOWN",
    code: Code::FailedPrecondition,
    meaning: "Base data has no such record on the date it is needed for.",
    remedy: "Set the record with `ChangeBaseData`, or use a code that exists.",
};
pub static EFFECTIVE_DATE_PAST: Reason = Reason {
    name: "EFFECTIVE_DATE_PAST",
    code: Code::FailedPrecondition,
    meaning: "A change of base data would take effect on a business date that has begun already.",
    remedy: "Give an effective date after the open business date.",
};
pub static BASE_RECORD_INVALID: Reason = Reason {
    name: "BASE_RECORD_INVALID",
    code: Code::InvalidArgument,
    meaning: "A record of base data breaks a rule of its kind; the message says which.",
    remedy: "Mend the record and ask again.",
};
pub static TEMPLATE_UNKNOWN: Reason = Reason {
    name: "TEMPLATE_UNKNOWN",
    code: Code::FailedPrecondition,
    meaning: "No posting template of this business transaction code, or of this type of fact, is in force on the business date.",
    remedy: "Use a code that has a template, or set one with `ChangeBaseData`.",
};
pub static TEMPLATE_CLOSED: Reason = Reason {
    name: "TEMPLATE_CLOSED",
    code: Code::FailedPrecondition,
    meaning: "The posting template of this business transaction code books nothing any more.",
    remedy: "Use the code that has taken its place.",
};
pub static FIELD_MISSING: Reason = Reason {
    name: "FIELD_MISSING",
    code: Code::InvalidArgument,
    meaning: "A field that the posting template needs is not given.",
    remedy: "Give the field that the metadata names.",
};
pub static FIELD_UNKNOWN: Reason = Reason {
    name: "FIELD_UNKNOWN",
    code: Code::InvalidArgument,
    meaning: "The posting template declares no field of this name.",
    remedy: "Give the fields that the template declares; read it with `GetBaseRecord`.",
};
pub static EXPRESSION_FAILED: Reason = Reason {
    name: "EXPRESSION_FAILED",
    code: Code::FailedPrecondition,
    meaning: "An expression of the posting template has no value for these fields: it divides by zero, say. The field names the template's line.",
    remedy: "Check what the fields say; else have the template mended with `ChangeBaseData`.",
};
pub static CALENDAR_MISSING: Reason = Reason {
    name: "CALENDAR_MISSING",
    code: Code::FailedPrecondition,
    meaning: "No calendar is loaded for the year.",
    remedy: "Load the year's calendar with `ChangeBaseData`.",
};
pub static NOT_BUSINESS_DAY: Reason = Reason {
    name: "NOT_BUSINESS_DAY",
    code: Code::FailedPrecondition,
    meaning: "The books stay closed on this date, by the calendar.",
    remedy: "Open the next business day instead; the metadata names it when it is known.",
};
pub static NO_BUSINESS_DAY: Reason = Reason {
    name: "NO_BUSINESS_DAY",
    code: Code::FailedPrecondition,
    meaning: "No business day is open yet.",
    remedy: "Open one with `OpenBusinessDay`.",
};
pub static BUSINESS_DAY_CLOSED: Reason = Reason {
    name: "BUSINESS_DAY_CLOSED",
    code: Code::FailedPrecondition,
    meaning: "The business day is closed to postings.",
    remedy: "Leave `accounting_date` empty to book on the open day.",
};
pub static BUSINESS_DAY_NOT_OPEN: Reason = Reason {
    name: "BUSINESS_DAY_NOT_OPEN",
    code: Code::FailedPrecondition,
    meaning: "The business day is not open yet.",
    remedy: "Leave `accounting_date` empty to book on the open day, or wait.",
};
pub static DATE_OUT_OF_RANGE: Reason = Reason {
    name: "DATE_OUT_OF_RANGE",
    code: Code::InvalidArgument,
    meaning: "A date is further back or ahead than the parameters allow.",
    remedy: "Give a date in the range that the metadata names.",
};
pub static OPENING_PERIOD_OVER: Reason = Reason {
    name: "OPENING_PERIOD_OVER",
    code: Code::FailedPrecondition,
    meaning: "Accounts and postings are moved in during the opening period only, and it is over.",
    remedy: "Open the account or post the transaction as any other; or have two persons set the parameter `OPENING_PERIOD_UNTIL` anew.",
};
pub static OPERATOR_UNKNOWN: Reason = Reason {
    name: "OPERATOR_UNKNOWN",
    code: Code::PermissionDenied,
    meaning: "The caller is no operator of base data.",
    remedy: "Have the operator set up with `ChangeBaseData`.",
};
pub static OPERATOR_SUSPENDED: Reason = Reason {
    name: "OPERATOR_SUSPENDED",
    code: Code::PermissionDenied,
    meaning: "The operator is suspended.",
    remedy: "Ask the operations department.",
};
pub static OPERATOR_MAY_NOT_POST: Reason = Reason {
    name: "OPERATOR_MAY_NOT_POST",
    code: Code::PermissionDenied,
    meaning: "Supervisors authorise the postings of others and make none.",
    remedy: "Have a teller post it.",
};
pub static OPERATOR_LIMIT_EXCEEDED: Reason = Reason {
    name: "OPERATOR_LIMIT_EXCEEDED",
    code: Code::PermissionDenied,
    meaning: "The amount is above the limit of the one who authorised it, or of the operator in a batch posted item by item.",
    remedy: "Have someone with a higher limit authorise it; post it by itself rather than in such a batch.",
};
pub static BRANCH_UNKNOWN: Reason = Reason {
    name: "BRANCH_UNKNOWN",
    code: Code::FailedPrecondition,
    meaning: "The branch is unknown on the business date.",
    remedy: "Use a branch of base data.",
};
pub static BRANCH_CLOSED: Reason = Reason {
    name: "BRANCH_CLOSED",
    code: Code::FailedPrecondition,
    meaning: "The branch is closed.",
    remedy: "Act in another branch.",
};
pub static ACCOUNT_OF_ANOTHER_BRANCH: Reason = Reason {
    name: "ACCOUNT_OF_ANOTHER_BRANCH",
    code: Code::PermissionDenied,
    meaning: "Another branch keeps the account, and only that one changes it.",
    remedy: "Have the keeping branch do it; the metadata names it.",
};
pub static HEAD_OFFICE_ONLY: Reason = Reason {
    name: "HEAD_OFFICE_ONLY",
    code: Code::PermissionDenied,
    meaning: "Only head office may do this.",
    remedy: "Have head office do it.",
};
pub static ACCOUNT_UNKNOWN: Reason = Reason {
    name: "ACCOUNT_UNKNOWN",
    code: Code::NotFound,
    meaning: "No account has this number.",
    remedy: "Check the number; its last digit is a check digit.",
};
pub static FORMER_NUMBER_UNKNOWN: Reason = Reason {
    name: "FORMER_NUMBER_UNKNOWN",
    code: Code::NotFound,
    meaning: "No account was moved in from this number.",
    remedy: "Check the number, or move the account in first.",
};
pub static FORMER_NUMBER_TAKEN: Reason = Reason {
    name: "FORMER_NUMBER_TAKEN",
    code: Code::AlreadyExists,
    meaning: "An account was moved in from this number already.",
    remedy: "Use that account, which the metadata names.",
};
pub static LEDGER_ACCOUNT_MISSING: Reason = Reason {
    name: "LEDGER_ACCOUNT_MISSING",
    code: Code::FailedPrecondition,
    meaning: "The branch has no internal account on this ledger code in this currency.",
    remedy: "Open it with `OpenAccount`.",
};
pub static LEDGER_ACCOUNT_EXISTS: Reason = Reason {
    name: "LEDGER_ACCOUNT_EXISTS",
    code: Code::AlreadyExists,
    meaning: "The branch has its one internal account on this ledger code in this currency already.",
    remedy: "Use the account that the metadata names.",
};
pub static ACCOUNT_PENDING: Reason = Reason {
    name: "ACCOUNT_PENDING",
    code: Code::FailedPrecondition,
    meaning: "The account is not active yet.",
    remedy: "Activate it with `ActivateAccount`.",
};
pub static ACCOUNT_DORMANT: Reason = Reason {
    name: "ACCOUNT_DORMANT",
    code: Code::FailedPrecondition,
    meaning: "The account is dormant.",
    remedy: "Activate it with `ActivateAccount`.",
};
pub static ACCOUNT_FROZEN: Reason = Reason {
    name: "ACCOUNT_FROZEN",
    code: Code::FailedPrecondition,
    meaning: "The account is frozen against this.",
    remedy: "Wait for `UnfreezeAccount`.",
};
pub static ACCOUNT_CLOSED: Reason = Reason {
    name: "ACCOUNT_CLOSED",
    code: Code::FailedPrecondition,
    meaning: "The account is closed, for ever.",
    remedy: "Use another account.",
};
pub static TRANSITION_NOT_ALLOWED: Reason = Reason {
    name: "TRANSITION_NOT_ALLOWED",
    code: Code::FailedPrecondition,
    meaning: "An account in this status cannot be moved to that one.",
    remedy: "Read the account; move it by an allowed step.",
};
pub static ACCOUNT_NOT_EMPTY: Reason = Reason {
    name: "ACCOUNT_NOT_EMPTY",
    code: Code::FailedPrecondition,
    meaning: "The account still has a balance.",
    remedy: "Move the balance first.",
};
pub static ACCOUNT_HELD: Reason = Reason {
    name: "ACCOUNT_HELD",
    code: Code::FailedPrecondition,
    meaning: "The account still has open holds.",
    remedy: "Capture or release them first.",
};
pub static ACCOUNT_CHANGED: Reason = Reason {
    name: "ACCOUNT_CHANGED",
    code: Code::Aborted,
    meaning: "The account has changed since the caller read it.",
    remedy: "Read it again and decide anew.",
};
pub static LEDGER_CODE_NOT_ALLOWED: Reason = Reason {
    name: "LEDGER_CODE_NOT_ALLOWED",
    code: Code::InvalidArgument,
    meaning: "The ledger code has no accounts of this kind.",
    remedy: "Choose a code of the right class that has accounts.",
};
pub static LEDGER_CODE_UNKNOWN: Reason = Reason {
    name: "LEDGER_CODE_UNKNOWN",
    code: Code::InvalidArgument,
    meaning: "The chart has no such ledger code on the business date.",
    remedy: "Use a code of the chart.",
};
pub static LEDGER_CODE_CLOSED: Reason = Reason {
    name: "LEDGER_CODE_CLOSED",
    code: Code::FailedPrecondition,
    meaning: "The ledger code is closed.",
    remedy: "Use the code that replaces it.",
};
pub static MANUAL_POSTING_NOT_ALLOWED: Reason = Reason {
    name: "MANUAL_POSTING_NOT_ALLOWED",
    code: Code::PermissionDenied,
    meaning: "Only systems post to this ledger code.",
    remedy: "Use the business transaction that posts to it.",
};
pub static CURRENCY_NOT_ALLOWED: Reason = Reason {
    name: "CURRENCY_NOT_ALLOWED",
    code: Code::InvalidArgument,
    meaning: "The ledger code does not take this currency.",
    remedy: "Use a currency that the code allows.",
};
pub static CURRENCY_UNKNOWN: Reason = Reason {
    name: "CURRENCY_UNKNOWN",
    code: Code::InvalidArgument,
    meaning: "The currency is unknown on the business date.",
    remedy: "Use a currency of base data.",
};
pub static CURRENCY_MISMATCH: Reason = Reason {
    name: "CURRENCY_MISMATCH",
    code: Code::InvalidArgument,
    meaning: "The amount is in another currency than the account.",
    remedy: "Give the amount in the account's currency.",
};
pub static AMOUNT_MALFORMED: Reason = Reason {
    name: "AMOUNT_MALFORMED",
    code: Code::InvalidArgument,
    meaning: "The amount is no plain decimal number.",
    remedy: "Write digits with one point at most: no grouping, no exponent, no plus sign.",
};
pub static AMOUNT_NOT_POSITIVE: Reason = Reason {
    name: "AMOUNT_NOT_POSITIVE",
    code: Code::InvalidArgument,
    meaning: "The amount is zero or negative.",
    remedy: "Give an amount above zero; corrections have calls of their own.",
};
pub static AMOUNT_TOO_PRECISE: Reason = Reason {
    name: "AMOUNT_TOO_PRECISE",
    code: Code::InvalidArgument,
    meaning: "The amount has more decimals than its currency.",
    remedy: "Round it; the metadata names the decimals allowed.",
};
pub static AMOUNT_TOO_LARGE: Reason = Reason {
    name: "AMOUNT_TOO_LARGE",
    code: Code::InvalidArgument,
    meaning: "The amount is above the largest that the books take.",
    remedy: "Split it, or have the parameter `AMOUNT_MAX` raised.",
};
pub static NOT_BALANCED: Reason = Reason {
    name: "NOT_BALANCED",
    code: Code::InvalidArgument,
    meaning: "Debits and credits differ in a currency.",
    remedy: "Mend the lines; the metadata names the currency and the difference.",
};
pub static CURRENCIES_MIXED: Reason = Reason {
    name: "CURRENCIES_MIXED",
    code: Code::InvalidArgument,
    meaning: "Several currencies meet without lines on the exchange code.",
    remedy: "Balance each currency through the exchange code that the metadata names.",
};
pub static INTER_BRANCH_ACCOUNT_MISSING: Reason = Reason {
    name: "INTER_BRANCH_ACCOUNT_MISSING",
    code: Code::FailedPrecondition,
    meaning: "A branch has no inter-branch account in the currency.",
    remedy: "Open it with `OpenAccount`.",
};
pub static FUNDS_INSUFFICIENT: Reason = Reason {
    name: "FUNDS_INSUFFICIENT",
    code: Code::FailedPrecondition,
    meaning: "The account has less available than the posting or hold takes.",
    remedy: "Fund the account, or take less; the metadata names account and shortage.",
};
pub static REGISTER_SHORT: Reason = Reason {
    name: "REGISTER_SHORT",
    code: Code::FailedPrecondition,
    meaning: "An off-balance register would go below zero.",
    remedy: "Check what is registered; the metadata names the balance.",
};
pub static EMPTY: Reason = Reason {
    name: "EMPTY",
    code: Code::InvalidArgument,
    meaning: "A list that needs at least one item has none.",
    remedy: "Give at least one.",
};
pub static TOO_MANY: Reason = Reason {
    name: "TOO_MANY",
    code: Code::InvalidArgument,
    meaning: "A list has more items than allowed.",
    remedy: "Split the request; the metadata names the most.",
};
pub static BATCH_REFUSED: Reason = Reason {
    name: "BATCH_REFUSED",
    code: Code::FailedPrecondition,
    meaning: "The batch is all or none, and another of its transactions was refused.",
    remedy: "Mend the transaction that the message names.",
};
pub static HOLD_UNKNOWN: Reason = Reason {
    name: "HOLD_UNKNOWN",
    code: Code::NotFound,
    meaning: "No hold has this number.",
    remedy: "Check the number.",
};
pub static HOLD_NOT_OPEN: Reason = Reason {
    name: "HOLD_NOT_OPEN",
    code: Code::FailedPrecondition,
    meaning: "The hold was captured or released already, or has expired.",
    remedy: "Read the hold.",
};
pub static HOLD_EXPIRED: Reason = Reason {
    name: "HOLD_EXPIRED",
    code: Code::FailedPrecondition,
    meaning: "The hold has expired.",
    remedy: "Place another.",
};
pub static HOLD_EXCEEDED: Reason = Reason {
    name: "HOLD_EXCEEDED",
    code: Code::FailedPrecondition,
    meaning: "More was to be captured than is still set aside.",
    remedy: "Capture at most what remains; post the rest by itself.",
};
pub static HOLD_NOT_DEBITED: Reason = Reason {
    name: "HOLD_NOT_DEBITED",
    code: Code::InvalidArgument,
    meaning: "The transaction does not debit the held account.",
    remedy: "Debit the account of the hold.",
};
pub static OPEN_HOLDS_TOO_MANY: Reason = Reason {
    name: "OPEN_HOLDS_TOO_MANY",
    code: Code::FailedPrecondition,
    meaning: "The account has as many open holds as the parameter `OPEN_HOLDS_MAX` allows.",
    remedy: "Capture or release some first, or have the parameter raised. One that has lapsed counts until it is written down.",
};
pub static HOLD_EXPIRY_INVALID: Reason = Reason {
    name: "HOLD_EXPIRY_INVALID",
    code: Code::InvalidArgument,
    meaning: "The hold would expire in the past, or later than the parameter `HOLD_DAYS_MAX` allows.",
    remedy: "Give a time in the range that the metadata names.",
};
pub static NOT_THE_WRITER: Reason = Reason {
    name: "NOT_THE_WRITER",
    code: Code::Unavailable,
    meaning: "This replica does not write the book at the moment.",
    remedy: "Repeat the request with the same `request_id`.",
};
pub static OUTCOME_UNKNOWN: Reason = Reason {
    name: "OUTCOME_UNKNOWN",
    code: Code::Unavailable,
    meaning: "The connection to the database was lost while the request was being written.",
    remedy: "Repeat the request with the same `request_id`: it is done once at most.",
};
pub static DATABASE_BUSY: Reason = Reason {
    name: "DATABASE_BUSY",
    code: Code::Unavailable,
    meaning: "The database is full, or took too long over this. Nothing was written.",
    remedy: "Repeat the request with the same `request_id` after the delay in the details.",
};

/// Every reason of this service, for `docs/errors.md`.
pub static ALL: &[&Reason] = &[
    &BASE_RECORD_UNKNOWN,
    &EFFECTIVE_DATE_PAST,
    &BASE_RECORD_INVALID,
    &TEMPLATE_UNKNOWN,
    &TEMPLATE_CLOSED,
    &FIELD_MISSING,
    &FIELD_UNKNOWN,
    &EXPRESSION_FAILED,
    &CALENDAR_MISSING,
    &NOT_BUSINESS_DAY,
    &NO_BUSINESS_DAY,
    &BUSINESS_DAY_CLOSED,
    &BUSINESS_DAY_NOT_OPEN,
    &DATE_OUT_OF_RANGE,
    &OPENING_PERIOD_OVER,
    &OPERATOR_UNKNOWN,
    &OPERATOR_SUSPENDED,
    &OPERATOR_MAY_NOT_POST,
    &OPERATOR_LIMIT_EXCEEDED,
    &BRANCH_UNKNOWN,
    &BRANCH_CLOSED,
    &ACCOUNT_OF_ANOTHER_BRANCH,
    &HEAD_OFFICE_ONLY,
    &ACCOUNT_UNKNOWN,
    &FORMER_NUMBER_UNKNOWN,
    &FORMER_NUMBER_TAKEN,
    &LEDGER_ACCOUNT_MISSING,
    &LEDGER_ACCOUNT_EXISTS,
    &ACCOUNT_PENDING,
    &ACCOUNT_DORMANT,
    &ACCOUNT_FROZEN,
    &ACCOUNT_CLOSED,
    &TRANSITION_NOT_ALLOWED,
    &ACCOUNT_NOT_EMPTY,
    &ACCOUNT_HELD,
    &ACCOUNT_CHANGED,
    &LEDGER_CODE_NOT_ALLOWED,
    &LEDGER_CODE_UNKNOWN,
    &LEDGER_CODE_CLOSED,
    &MANUAL_POSTING_NOT_ALLOWED,
    &CURRENCY_NOT_ALLOWED,
    &CURRENCY_UNKNOWN,
    &CURRENCY_MISMATCH,
    &AMOUNT_MALFORMED,
    &AMOUNT_NOT_POSITIVE,
    &AMOUNT_TOO_PRECISE,
    &AMOUNT_TOO_LARGE,
    &NOT_BALANCED,
    &CURRENCIES_MIXED,
    &INTER_BRANCH_ACCOUNT_MISSING,
    &FUNDS_INSUFFICIENT,
    &REGISTER_SHORT,
    &EMPTY,
    &TOO_MANY,
    &BATCH_REFUSED,
    &HOLD_UNKNOWN,
    &HOLD_NOT_OPEN,
    &HOLD_EXPIRED,
    &HOLD_EXCEEDED,
    &HOLD_NOT_DEBITED,
    &OPEN_HOLDS_TOO_MANY,
    &HOLD_EXPIRY_INVALID,
    &NOT_THE_WRITER,
    &OUTCOME_UNKNOWN,
    &DATABASE_BUSY,
];
