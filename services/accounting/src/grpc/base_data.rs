//! `BaseDataService`.

use proto_accounting::v1::{self as pb, base_data_service_server::BaseDataService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::{app::enquiry, wire::base_data};

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
        self.enquiry(request, enquiry::base_data::get).await
    }

    async fn list_base_records(
        &self,
        request: Request<pb::ListBaseRecordsRequest>,
    ) -> Result<Response<pb::ListBaseRecordsResponse>, Status> {
        self.enquiry(request, enquiry::base_data::list).await
    }

    async fn list_base_record_versions(
        &self,
        request: Request<pb::ListBaseRecordVersionsRequest>,
    ) -> Result<Response<pb::ListBaseRecordVersionsResponse>, Status> {
        self.enquiry(request, enquiry::base_data::versions).await
    }
}
