//! The business day.

use ::refusal::Refusal;
use form::{required_date, timestamp};
use platform::refusal::Failure;
use proto_accounting::v1 as pb;

use super::posting::unexpected;
use crate::domain::command::{Action, Answer, BusinessDay};

/// What `OpenBusinessDay` asks.
pub fn open_business_day(request: &pb::OpenBusinessDayRequest) -> Result<Action, Refusal> {
    Ok(Action::OpenBusinessDay { date: required_date("business_date", &request.business_date)? })
}

/// What `OpenBusinessDay` answers.
pub fn opened(answer: Answer) -> Result<pb::OpenBusinessDayResponse, Failure> {
    match answer {
        Answer::BusinessDay(day) => {
            Ok(pb::OpenBusinessDayResponse { business_day: Some(day_to_proto(&day)) })
        }
        other => Err(unexpected(&other)),
    }
}

/// A business day, for the contract.
pub fn day_to_proto(day: &BusinessDay) -> pb::BusinessDay {
    pb::BusinessDay {
        business_date: day.date.to_string(),
        open_time: Some(timestamp(day.opened_at)),
        opened_by: day.opened_by.to_string(),
    }
}
