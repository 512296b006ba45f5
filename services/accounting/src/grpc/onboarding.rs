//! `OnboardingService`.

use platform::call;
use proto_accounting::v1::{self as pb, onboarding_service_server::OnboardingService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::wire::onboarding;

#[async_trait]
impl OnboardingService for Api {
    async fn import_accounts(
        &self,
        request: Request<pb::ImportAccountsRequest>,
    ) -> Result<Response<pb::ImportAccountsResponse>, Status> {
        self.command(request, onboarding::accounts, onboarding::accounts_imported).await
    }

    async fn import_postings(
        &self,
        request: Request<pb::ImportPostingsRequest>,
    ) -> Result<Response<pb::ImportPostingsResponse>, Status> {
        self.command(request, onboarding::postings, onboarding::postings_imported).await
    }

    async fn search_former_numbers(
        &self,
        request: Request<pb::SearchFormerNumbersRequest>,
    ) -> Result<Response<pb::SearchFormerNumbersResponse>, Status> {
        call::answer(request, async |request| {
            let numbers = onboarding::former_numbers_from_proto(request)?;
            let found = self.enquiries.by_former_numbers(&numbers).await?;
            Ok(onboarding::former_numbers_to_proto(found))
        })
        .await
    }
}
