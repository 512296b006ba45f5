//! Base data: what is in force on a date, and the history of a record.

use dated::Content;
use form::timestamp;
use platform::{
    refusal::{Failure, field_invalid},
    registers::Entry,
};
use proto_accounting::v1 as pb;

use super::{Enquiries, as_of, not_found};
use crate::{domain::base::BaseContent, store::base_records, wire::base_data};

/// Reads one record as it is in force on a date.
pub async fn get(
    on: &Enquiries,
    request: pb::GetBaseRecordRequest,
) -> Result<pb::GetBaseRecordResponse, Failure> {
    let (kind, code) = base_data::named("name", &request.name)?;
    let requested = form::date("effective_on", &request.effective_on)?;
    let mut conn = on.connection().await?;
    let date = as_of(&mut conn, requested, &on.clock).await?;
    let found = base_records::in_force(&mut conn, kind, &code, date).await?;
    let version = found.ok_or_else(|| not_found(&request.name))?;
    Ok(pb::GetBaseRecordResponse { record: Some(base_data::to_proto(&version)) })
}

/// Lists the records of a kind in force on a date, by code.
pub async fn list(
    on: &Enquiries,
    request: pb::ListBaseRecordsRequest,
) -> Result<pb::ListBaseRecordsResponse, Failure> {
    let kind = base_data::kind(request.kind()).ok_or_else(|| field_invalid("kind", "is required"))?;
    let requested = form::date("effective_on", &request.effective_on)?;
    let key = ("base records", request.kind, &request.effective_on);
    let (after, size) = on.page(&key, request.page_size, &request.page_token, String::new())?;
    let mut conn = on.connection().await?;
    let date = as_of(&mut conn, requested, &on.clock).await?;
    let found = base_records::list(&mut conn, kind, date, &after, size).await?;
    Ok(pb::ListBaseRecordsResponse {
        next_page_token: on.next(&key, &found, size, |version| version.content.code()),
        records: found.iter().map(base_data::to_proto).collect(),
    })
}

/// Lists the versions of one record, newest first.
pub async fn versions(
    on: &Enquiries,
    request: pb::ListBaseRecordVersionsRequest,
) -> Result<pb::ListBaseRecordVersionsResponse, Failure> {
    let (kind, code) = base_data::named("name", &request.name)?;
    let key = ("base record versions", &request.name);
    let (below, size) = on.page(&key, request.page_size, &request.page_token, i32::MAX)?;
    let found = base_records::history(&mut *on.connection().await?, kind, &code, below, size).await?;
    if found.is_empty() && below == i32::MAX {
        return Err(not_found(&request.name).into());
    }
    Ok(pb::ListBaseRecordVersionsResponse {
        next_page_token: on.next(&key, &found, size, |entry| entry.version.version),
        versions: found.into_iter().map(version_to_proto).collect(),
    })
}

fn version_to_proto(entry: Entry<BaseContent>) -> pb::BaseRecordVersion {
    pb::BaseRecordVersion {
        record: Some(base_data::to_proto(&entry.version)),
        maker: entry.maker,
        checker: entry.checker.unwrap_or_default(),
        reason: entry.reason,
        record_time: Some(timestamp(entry.recorded_at)),
    }
}
