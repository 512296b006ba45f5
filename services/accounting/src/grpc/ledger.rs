//! `LedgerService`.

use platform::call;
use proto_accounting::v1::{self as pb, ledger_service_server::LedgerService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::wire::ledger;

#[async_trait]
impl LedgerService for Api {
    async fn get_business_day(
        &self,
        request: Request<pb::GetBusinessDayRequest>,
    ) -> Result<Response<pb::GetBusinessDayResponse>, Status> {
        call::answer(request, async |_| {
            let day = self.enquiries.business_day().await?;
            Ok(pb::GetBusinessDayResponse { business_day: day.as_ref().map(ledger::day_to_proto) })
        })
        .await
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
        call::answer(request, async |request| {
            let query = ledger::trial_balance_from_proto(&request)?;
            let balance = self.enquiries.trial_balance(&query).await?;
            Ok(ledger::trial_balance_to_proto(&balance))
        })
        .await
    }
}
