//! The reasons that all services share.

use crate::{Kind, Reason};

pub static UNAUTHENTICATED: Reason = Reason {
    name: "UNAUTHENTICATED",
    kind: Kind::Unauthenticated,
    meaning: "The call carries no credentials, or none that can be trusted.",
    remedy: "Send `authorization: Bearer <token>` with a token of the bank's issuer, or call over mutual TLS.",
};
pub static TOKEN_EXPIRED: Reason = Reason {
    name: "TOKEN_EXPIRED",
    kind: Kind::Unauthenticated,
    meaning: "The token has expired.",
    remedy: "Log in again and repeat the call with the new token.",
};
pub static PERMISSION_DENIED: Reason = Reason {
    name: "PERMISSION_DENIED",
    kind: Kind::PermissionDenied,
    meaning: "The caller does not hold the permission of the call.",
    remedy: "Ask for a role with the permission that the metadata names.",
};
pub static SCOPE_DENIED: Reason = Reason {
    name: "SCOPE_DENIED",
    kind: Kind::PermissionDenied,
    meaning: "The caller may not act in this scope (branch).",
    remedy: "Act in a branch that the token covers.",
};
pub static METHOD_UNKNOWN: Reason = Reason {
    name: "METHOD_UNKNOWN",
    kind: Kind::Unimplemented,
    meaning: "The service has no rpc of this name.",
    remedy: "Check the name, and that the service is new enough to have it; reflection lists what it has.",
};
pub static FIELD_INVALID: Reason = Reason {
    name: "FIELD_INVALID",
    kind: Kind::InvalidArgument,
    meaning: "A field breaks its rule.",
    remedy: "Mend the field that the details name.",
};
pub static AMOUNT_MALFORMED: Reason = Reason {
    name: "AMOUNT_MALFORMED",
    kind: Kind::InvalidArgument,
    meaning: "The amount is no plain decimal number.",
    remedy: "Write digits with one point at most: no grouping, no exponent, no plus sign.",
};
pub static REQUEST_ID_MISSING: Reason = Reason {
    name: "REQUEST_ID_MISSING",
    kind: Kind::InvalidArgument,
    meaning: "A call that changes something has no `request_id`, or one that is no UUID.",
    remedy: "Send a fresh UUID, and the same one on every repeat.",
};
pub static REQUEST_ID_REUSED: Reason = Reason {
    name: "REQUEST_ID_REUSED",
    kind: Kind::AlreadyExists,
    meaning: "The `request_id` was used for another request.",
    remedy: "Send a fresh UUID for a new request; repeat an old one unchanged.",
};
pub static APPROVAL_REQUIRED: Reason = Reason {
    name: "APPROVAL_REQUIRED",
    kind: Kind::FailedPrecondition,
    meaning: "A second person must agree first. The request is stored; the metadata names the approval.",
    remedy: "Have another person approve it with `ApproveRequest`, then repeat the request to read its answer.",
};
pub static APPROVAL_REJECTED: Reason = Reason {
    name: "APPROVAL_REJECTED",
    kind: Kind::FailedPrecondition,
    meaning: "The second person rejected the request.",
    remedy: "Read the reason in the approval; make the request again with a fresh `request_id` when it is mended.",
};
pub static APPROVAL_EXPIRED: Reason = Reason {
    name: "APPROVAL_EXPIRED",
    kind: Kind::FailedPrecondition,
    meaning: "Nobody decided on the approval in time.",
    remedy: "Make the request again with a fresh `request_id`.",
};
pub static APPROVAL_DECIDED: Reason = Reason {
    name: "APPROVAL_DECIDED",
    kind: Kind::FailedPrecondition,
    meaning: "The approval has been decided already.",
    remedy: "Read the approval to see how.",
};
pub static SELF_APPROVAL: Reason = Reason {
    name: "SELF_APPROVAL",
    kind: Kind::PermissionDenied,
    meaning: "The maker of a request cannot approve or reject it.",
    remedy: "Have another person do it.",
};
pub static NOT_FOUND: Reason = Reason {
    name: "NOT_FOUND",
    kind: Kind::NotFound,
    meaning: "There is nothing of this name.",
    remedy: "Check the name.",
};
pub static EFFECTIVE_DATE_PAST: Reason = Reason {
    name: "EFFECTIVE_DATE_PAST",
    kind: Kind::FailedPrecondition,
    meaning: "A change of records would take effect on a business date that has begun already.",
    remedy: "Give an effective date after the open business date.",
};
pub static EMPTY: Reason = Reason {
    name: "EMPTY",
    kind: Kind::InvalidArgument,
    meaning: "A list that needs at least one item has none.",
    remedy: "Give at least one.",
};
pub static TOO_MANY: Reason = Reason {
    name: "TOO_MANY",
    kind: Kind::InvalidArgument,
    meaning: "A list has more items than allowed.",
    remedy: "Split the request; the metadata names the most.",
};
pub static PAGE_TOKEN_INVALID: Reason = Reason {
    name: "PAGE_TOKEN_INVALID",
    kind: Kind::InvalidArgument,
    meaning: "The page token is not one that this service gave for this filter.",
    remedy: "Start again from the first page.",
};
pub static PAGE_SIZE_INVALID: Reason = Reason {
    name: "PAGE_SIZE_INVALID",
    kind: Kind::InvalidArgument,
    meaning: "The page size is negative or above the most.",
    remedy: "Ask for a size that the details allow; 0 for the default.",
};
pub static OVERLOADED: Reason = Reason {
    name: "OVERLOADED",
    kind: Kind::ResourceExhausted,
    meaning: "More calls are in flight than the service takes.",
    remedy: "Repeat the same request after the delay in the details.",
};
pub static DEADLINE_EXCEEDED: Reason = Reason {
    name: "DEADLINE_EXCEEDED",
    kind: Kind::DeadlineExceeded,
    meaning: "The call was not done in the time it had.",
    remedy: "Repeat the same request; with the same `request_id` it is done once at most.",
};
pub static REQUEST_TOO_LARGE: Reason = Reason {
    name: "REQUEST_TOO_LARGE",
    kind: Kind::ResourceExhausted,
    meaning: "The request is larger than the service takes.",
    remedy: "Split it.",
};
pub static SHUTTING_DOWN: Reason = Reason {
    name: "SHUTTING_DOWN",
    kind: Kind::Unavailable,
    meaning: "The service is shutting down.",
    remedy: "Repeat the same request after the delay in the details; another replica answers.",
};
pub static LEADER_UNREACHABLE: Reason = Reason {
    name: "LEADER_UNREACHABLE",
    kind: Kind::Unavailable,
    meaning: "Only the leading replica can do the call, and it could not be reached. Nothing was done.",
    remedy: "Repeat the same request after the delay in the details.",
};
pub static LEADER_LOST: Reason = Reason {
    name: "LEADER_LOST",
    kind: Kind::Unavailable,
    meaning: "The leading replica, to which the call was passed on, was lost before it answered.",
    remedy: "Repeat the request with the same `request_id`: it is done once at most.",
};

/// Every reason of the platform, for `docs/errors.md`.
pub static ALL: &[&Reason] = &[
    &UNAUTHENTICATED,
    &TOKEN_EXPIRED,
    &PERMISSION_DENIED,
    &SCOPE_DENIED,
    &METHOD_UNKNOWN,
    &FIELD_INVALID,
    &AMOUNT_MALFORMED,
    &REQUEST_ID_MISSING,
    &REQUEST_ID_REUSED,
    &APPROVAL_REQUIRED,
    &APPROVAL_REJECTED,
    &APPROVAL_EXPIRED,
    &APPROVAL_DECIDED,
    &SELF_APPROVAL,
    &NOT_FOUND,
    &EFFECTIVE_DATE_PAST,
    &EMPTY,
    &TOO_MANY,
    &PAGE_TOKEN_INVALID,
    &PAGE_SIZE_INVALID,
    &OVERLOADED,
    &DEADLINE_EXCEEDED,
    &REQUEST_TOO_LARGE,
    &SHUTTING_DOWN,
    &LEADER_UNREACHABLE,
    &LEADER_LOST,
];
