//! `BaseDataService`.

use dated::Content;
use platform::call;
use proto_accounting::v1::{self as pb, base_data_service_server::BaseDataService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::wire::base_data;

#[async_trait]
impl BaseDataService for Api {
    async fn change_base_data(
        &self,
        request: Request<pb::ChangeBaseDataRequest>,
    ) -> Result<Response<pb::ChangeBaseDataResponse>, Status> {
        self.command(request, base_data::change, base_data::changed).await
    }

    async fn get_base_record(
        &self,
        request: Request<pb::GetBaseRecordRequest>,
    ) -> Result<Response<pb::GetBaseRecordResponse>, Status> {
        call::answer(request, async |request| {
            let (kind, code) = base_data::named("name", &request.name)?;
            let on = form::date("effective_on", &request.effective_on)?;
            let version = self.enquiries.base_record(kind, &code, on).await?;
            Ok(pb::GetBaseRecordResponse { record: Some(base_data::to_proto(&version)) })
        })
        .await
    }

    async fn list_base_records(
        &self,
        request: Request<pb::ListBaseRecordsRequest>,
    ) -> Result<Response<pb::ListBaseRecordsResponse>, Status> {
        call::answer(request, async |request| {
            let kind = base_data::kind_from_proto(request.kind())?;
            let on = form::date("effective_on", &request.effective_on)?;
            let (pages, key) =
                (self.enquiries.pages(), ("base records", request.kind, &request.effective_on));
            let (after, size) = pages.begin(&key, request.page_size, &request.page_token, String::new())?;
            let found = self.enquiries.base_records(kind, on, &after, size).await?;
            Ok(pb::ListBaseRecordsResponse {
                next_page_token: pages.next(&key, &found, size, |version| version.content.code()),
                records: found.iter().map(base_data::to_proto).collect(),
            })
        })
        .await
    }

    async fn list_base_record_versions(
        &self,
        request: Request<pb::ListBaseRecordVersionsRequest>,
    ) -> Result<Response<pb::ListBaseRecordVersionsResponse>, Status> {
        call::answer(request, async |request| {
            let (kind, code) = base_data::named("name", &request.name)?;
            let (pages, key) = (self.enquiries.pages(), ("base record versions", &request.name));
            let (below, size) = pages.begin(&key, request.page_size, &request.page_token, i32::MAX)?;
            let found = self.enquiries.base_record_versions(kind, &code, below, size).await?;
            Ok(pb::ListBaseRecordVersionsResponse {
                next_page_token: pages.next(&key, &found, size, |entry| entry.version.version),
                versions: found.into_iter().map(base_data::recorded_to_proto).collect(),
            })
        })
        .await
    }
}
