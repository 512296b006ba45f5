//! `KindService`.

use platform::call;
use proto_voucher::v1::{self as pb, kind_service_server::KindService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::{
    app::change_kinds::ChangeKinds,
    wire::{self, kind},
};

#[async_trait]
impl KindService for Api {
    async fn change_kinds(
        &self,
        request: Request<pb::ChangeKindsRequest>,
    ) -> Result<Response<pb::ChangeKindsResponse>, Status> {
        let from_proto = |request| {
            let (kinds, reason) = kind::changes_from_proto(request)?;
            Ok(ChangeKinds { bank: self.bank()?, kinds, reason })
        };
        self.commands.handle(request, from_proto, |changes| kind::changed_to_proto(&changes)).await
    }

    async fn get_kind(
        &self,
        request: Request<pb::GetKindRequest>,
    ) -> Result<Response<pb::GetKindResponse>, Status> {
        call::answer(request, async |request| {
            let (code, on) = kind::get_from_proto(&request)?;
            let version = self.enquiries.kind(&code, on).await?;
            Ok(pb::GetKindResponse { kind: Some(kind::version_to_proto(&version)) })
        })
        .await
    }

    async fn list_kinds(
        &self,
        request: Request<pb::ListKindsRequest>,
    ) -> Result<Response<pb::ListKindsResponse>, Status> {
        call::answer(request, async |request| {
            let on = form::date("effective_on", &request.effective_on)?;
            let (pages, key) = (self.enquiries.pages(), ("kinds", &request.effective_on));
            let (after, size) = pages.begin(&key, request.page_size, &request.page_token, String::new())?;
            let found = self.enquiries.kinds(on, &after, size).await?;
            Ok(pb::ListKindsResponse {
                next_page_token: pages.next(&key, &found, size, |version| version.content.code.clone()),
                kinds: found.iter().map(kind::version_to_proto).collect(),
            })
        })
        .await
    }

    async fn list_kind_versions(
        &self,
        request: Request<pb::ListKindVersionsRequest>,
    ) -> Result<Response<pb::ListKindVersionsResponse>, Status> {
        call::answer(request, async |request| {
            let code = wire::kind_code("name", &request.name)?;
            let (pages, key) = (self.enquiries.pages(), ("kind versions", &request.name));
            let (below, size) = pages.begin(&key, request.page_size, &request.page_token, i32::MAX)?;
            let found = self.enquiries.kind_versions(&code, below, size).await?;
            Ok(pb::ListKindVersionsResponse {
                next_page_token: pages.next(&key, &found, size, |entry| entry.version.version),
                versions: found.into_iter().map(kind::recorded_to_proto).collect(),
            })
        })
        .await
    }
}
