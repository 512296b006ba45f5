//! Holds.

use ::refusal::Refusal;
use form::{amount, money, numbered_name, required_text, text, time, timestamp};
use platform::refusal::Failure;
use proto_accounting::v1 as pb;

use super::{
    account_name,
    posting::{posting_to_proto, required_transaction, unexpected},
};
use crate::domain::{
    command::{Action, Answer},
    hold::{Hold, HoldState},
    ids::HoldNumber,
};

/// The command of `PlaceHold`.
pub fn place(request: pb::PlaceHoldRequest) -> Result<Action, Refusal> {
    let (currency, amount) = amount("amount", request.amount)?;
    Ok(Action::PlaceHold {
        account: account_name("account", &request.account)?,
        currency,
        amount,
        expires_at: time("expire_time", request.expire_time)?,
        purpose: required_text("purpose", request.purpose, 200)?,
        reference: text("reference", request.reference, 64)?,
    })
}

/// The command of `CaptureHold`.
pub fn capture(request: pb::CaptureHoldRequest) -> Result<Action, Refusal> {
    Ok(Action::CaptureHold {
        hold: hold_number("hold", &request.hold)?,
        transaction: required_transaction("transaction", request.transaction)?,
        keep_rest: request.keep_rest,
    })
}

/// The command of `ReleaseHold`.
pub fn release(request: pb::ReleaseHoldRequest) -> Result<Action, Refusal> {
    text("reason", request.reason, 500)?;
    Ok(Action::ReleaseHold { hold: hold_number("hold", &request.hold)? })
}

/// The number in `holds/{number}`.
pub fn hold_number(field: &str, value: &str) -> Result<HoldNumber, Refusal> {
    numbered_name(field, "holds", value).map(HoldNumber)
}

/// What `PlaceHold` and `ReleaseHold` answer.
pub fn held(answer: Answer) -> Result<pb::Hold, Failure> {
    match answer {
        Answer::Hold(hold) => Ok(to_proto(&hold)),
        other => Err(unexpected(&other)),
    }
}

/// What `CaptureHold` answers.
pub fn captured(answer: Answer) -> Result<pb::CaptureHoldResponse, Failure> {
    match answer {
        Answer::Captured { posting, hold } => Ok(pb::CaptureHoldResponse {
            posting: Some(posting_to_proto(&posting)),
            hold: Some(to_proto(&hold)),
        }),
        other => Err(unexpected(&other)),
    }
}

/// The state that a list shows; none for all.
pub fn state_from_proto(value: pb::HoldState) -> Option<HoldState> {
    match value {
        pb::HoldState::Unspecified => None,
        pb::HoldState::Open => Some(HoldState::Open),
        pb::HoldState::Captured => Some(HoldState::Captured),
        pb::HoldState::Released => Some(HoldState::Released),
        pb::HoldState::Expired => Some(HoldState::Expired),
    }
}

/// A hold, for the contract.
pub fn to_proto(hold: &Hold) -> pb::Hold {
    let state = match hold.state {
        HoldState::Open => pb::HoldState::Open,
        HoldState::Captured => pb::HoldState::Captured,
        HoldState::Released => pb::HoldState::Released,
        HoldState::Expired => pb::HoldState::Expired,
    };
    pb::Hold {
        name: format!("holds/{}", hold.number),
        account: format!("accounts/{}", hold.account),
        state: state.into(),
        amount: Some(money(hold.currency, hold.amount)),
        captured: Some(money(hold.currency, hold.captured)),
        remaining: Some(money(hold.currency, hold.remaining)),
        purpose: hold.purpose.clone(),
        reference: hold.reference.clone(),
        branch: hold.branch.to_string(),
        operator: hold.operator.to_string(),
        place_time: Some(timestamp(hold.placed_at)),
        expire_time: Some(timestamp(hold.expires_at)),
        version: hold.version,
    }
}
