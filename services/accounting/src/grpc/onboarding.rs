//! `OnboardingService`.

use proto_accounting::v1::{self as pb, onboarding_service_server::OnboardingService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::{app::enquiry, wire::onboarding};

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
        self.enquiry(request, enquiry::accounts::by_former_numbers).await
    }
}
