//! One step: sent, approved where a second person must, repeated where the plan says so, and held against what must come of
//! it.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use proto_accounting::v1::HoldState;

use super::{
    Day, Deeds,
    planned::{Answer, Request},
    requests::altered,
    verdicts,
};
use crate::{
    client::{Refusal, Token},
    plan::{Action, Again, Expected, HoldId, Step},
    staff::Caller,
};

/// A hold that lapses is written down as expired within this, after its time.
const EXPIRED_WITHIN: Duration = Duration::from_mins(1);

/// Between two looks at a hold.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Why an approval is rejected.
const REJECTED_BECAUSE: &str = "与凭证不符";

impl Day<'_> {
    /// Does a step. An error says how it ended otherwise than planned.
    pub(super) async fn do_step(&self, place: usize, step: &Step, deeds: &mut Deeds) -> Result<()> {
        let token = self.staff.token(&step.caller)?;
        let Some(request) = self.request(place, step)? else {
            let Action::AwaitExpiry { hold, .. } = &step.action else { bail!("a step without a request") };
            return self.await_expiry(&token, *hold).await;
        };
        let answer = match &step.expected {
            Expected::Done | Expected::Verdicts(_) => self.call(&token, &request, deeds).await?,
            Expected::Refused(reason) => return self.refused(&token, &request, reason, deeds).await,
            Expected::Approved { by } => {
                let approval = self.held_up(&token, &request, deeds).await?;
                self.client.approve(&self.staff.token(by)?, &approval).await.context("approve")?;
                deeds.approved += 1;
                self.call(&token, &request, deeds).await?
            }
            Expected::Rejected { by } => return self.rejected(&token, &request, by, deeds).await,
            Expected::NotApproved { by, reason } => {
                let approval = self.held_up(&token, &request, deeds).await?;
                let refused = self.client.approve(&self.staff.token(by)?, &approval).await;
                deeds.not_approved += 1;
                return is_refusal(refused, reason, deeds);
            }
        };
        if let Expected::Verdicts(verdicts) = &step.expected {
            verdicts::verdicts(&answer, verdicts, deeds)?;
        }
        verdicts::learn(step, &answer, &self.names)?;
        verdicts::standings(step, &answer, &self.names)?;
        self.again(step.again, &token, &request, &answer, deeds).await
    }

    async fn call(&self, token: &Token, request: &Request, deeds: &mut Deeds) -> Result<Answer, Refusal> {
        let began = Instant::now();
        let answer = request.send(self.client, token).await;
        deeds.calls.push(began.elapsed());
        answer
    }

    async fn refused(&self, token: &Token, request: &Request, reason: &str, deeds: &mut Deeds) -> Result<()> {
        let outcome = self.call(token, request, deeds).await;
        is_refusal(outcome, reason, deeds)
    }

    /// The approval that a request waits for.
    async fn held_up(&self, token: &Token, request: &Request, deeds: &mut Deeds) -> Result<String> {
        match self.call(token, request, deeds).await {
            Err(refusal) => {
                let approval = refusal.approval().map(str::to_owned);
                let approval =
                    approval.with_context(|| format!("a second person was to be required, not {refusal}"))?;
                deeds.refusals.push(refusal.reason);
                Ok(approval)
            }
            Ok(answer) => Err(anyhow!("a second person was to be required, and it was done: {answer:?}")),
        }
    }

    /// Rejected, and then neither done for its maker nor to be approved after all.
    async fn rejected(&self, token: &Token, request: &Request, by: &Caller, deeds: &mut Deeds) -> Result<()> {
        let approval = self.held_up(token, request, deeds).await?;
        let checker = self.staff.token(by)?;
        self.client.reject(&checker, &approval, REJECTED_BECAUSE).await.context("reject")?;
        deeds.rejected += 1;
        self.refused(token, request, "APPROVAL_REJECTED", deeds).await.context("its maker's repeat")?;
        let late = self.client.approve(&checker, &approval).await;
        is_refusal(late, "APPROVAL_DECIDED", deeds).context("approved after it was rejected")
    }

    async fn again(
        &self,
        again: Again,
        token: &Token,
        request: &Request,
        answer: &Answer,
        deeds: &mut Deeds,
    ) -> Result<()> {
        match again {
            Again::No => {}
            Again::Same => {
                let repeated = self.call(token, request, deeds).await.context("the repeat")?;
                ensure!(repeated == *answer, "the repeat was answered {repeated:?}, and before {answer:?}");
                deeds.repeats += 1;
            }
            Again::Other => {
                let outcome = self.call(token, &altered(request)?, deeds).await;
                is_refusal(outcome, "REQUEST_ID_REUSED", deeds)
                    .context("another request under the same id")?;
            }
        }
        Ok(())
    }

    async fn await_expiry(&self, token: &Token, hold: HoldId) -> Result<()> {
        let name = self.names.hold(hold)?;
        let expired = async {
            loop {
                let hold = self.client.hold(token, &name).await?.context("a hold")?;
                match hold.state() {
                    HoldState::Expired => return Ok(()),
                    HoldState::Open => tokio::time::sleep(LOOK_EVERY).await,
                    state => bail!("{name} was to expire, and is {state:?}"),
                }
            }
        };
        tokio::time::timeout(EXPIRED_WITHIN, expired)
            .await
            .with_context(|| format!("{name} is not written down as expired"))?
    }
}

fn is_refusal(outcome: Result<impl Debug, Refusal>, reason: &str, deeds: &mut Deeds) -> Result<()> {
    match outcome {
        Err(refusal) if refusal.reason == reason => {
            deeds.refusals.push(refusal.reason);
            Ok(())
        }
        Err(refusal) => Err(anyhow!("{reason} was to refuse it, and {refusal} did")),
        Ok(answer) => Err(anyhow!("{reason} was to refuse it, and it was done: {answer:?}")),
    }
}
