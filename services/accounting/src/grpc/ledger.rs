//! `LedgerService`.

use proto_accounting::v1::{self as pb, ledger_service_server::LedgerService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::{app::enquiry, wire::ledger};

#[async_trait]
impl LedgerService for Api {
    async fn get_business_day(
        &self,
        request: Request<pb::GetBusinessDayRequest>,
    ) -> Result<Response<pb::GetBusinessDayResponse>, Status> {
        self.enquiry(request, enquiry::ledger::business_day).await
    }

    async fn open_business_day(
        &self,
        request: Request<pb::OpenBusinessDayRequest>,
    ) -> Result<Response<pb::OpenBusinessDayResponse>, Status> {
        self.command(request, |request| ledger::open_business_day(&request), ledger::opened).await
    }

    async fn get_trial_balance(
        &self,
        request: Request<pb::GetTrialBalanceRequest>,
    ) -> Result<Response<pb::GetTrialBalanceResponse>, Status> {
        self.enquiry(request, enquiry::ledger::trial_balance).await
    }
}
