//! Records lapsed holds as expired. A hold stops counting at its expiry time; this job only brings the journal and its facts up
//! to date.

use platform::{
    clock::SharedClock,
    ids::SharedIds,
    refusal::{Failure, reasons},
};
use sqlx::PgPool;
use tracing::info;
use uuid::Uuid;

use crate::{
    app::writer::{Submission, WriterHandle},
    domain::{
        Digest,
        command::{Action, Answer, Command, Origin},
        ids::{BranchCode, HoldNumber, OperatorCode},
    },
    store::holds,
};

/// The most holds of one command, which shares its batch with others.
const HOLDS_AT_ONCE: i64 = 500;

/// Who expires holds, and where: the service itself, in no branch.
const OPERATOR: &str = "service/accounting";

/// Not an rpc: the service itself submits it.
const METHOD: &str = "jobs/expire_holds";

/// Records lapsed holds, on the replica that writes the book.
pub struct ExpireHolds {
    pub pool: PgPool,
    pub writer: WriterHandle,
    pub clock: SharedClock,
    pub ids: SharedIds,
}

impl ExpireHolds {
    /// Records the holds that have lapsed by now.
    pub async fn run(&self) -> Result<(), Failure> {
        match self.expire_all().await {
            Ok(0) => Ok(()),
            Ok(holds) => {
                info!(holds, "wrote down holds that have lapsed");
                Ok(())
            }
            Err(failure) if is_for_now(&failure) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    async fn expire_all(&self) -> Result<usize, Failure> {
        let mut expired = 0;
        loop {
            let mut conn = self.pool.acquire().await?;
            let due = holds::due(&mut conn, self.clock.now(), HOLDS_AT_ONCE).await?;
            drop(conn);
            if due.is_empty() {
                return Ok(expired);
            }
            let command = expire(due.into_iter().map(HoldNumber).collect());
            let submission =
                Submission { command, method: METHOD.into(), correlation_id: self.ids.next(), bytes: 0 };
            match self.writer.submit(submission).await? {
                // By the writer's clock none of them had lapsed: the next run records them.
                Answer::Expired(0) => return Ok(expired),
                Answer::Expired(holds) => expired += holds,
                other => return Err(Failure::fault(format!("expiry was answered otherwise: {other:?}"))),
            }
        }
    }
}

fn expire(holds: Vec<HoldNumber>) -> Command {
    let origin = Origin {
        request_id: Uuid::nil(),
        digest: Digest([0; 32]),
        branch: BranchCode::new(""),
        operator: OperatorCode::new(OPERATOR),
        authoriser: None,
        assume_authorised: false,
        dry_run: false,
        traceparent: None,
    };
    Command { origin, action: Action::ExpireHolds { holds } }
}

/// Whether the writer has too much to do, or has just changed.
fn is_for_now(failure: &Failure) -> bool {
    failure.refusal().is_some_and(|refusal| {
        [reasons::OVERLOADED.name, crate::error::NOT_THE_WRITER.name].contains(&refusal.reason().name)
    })
}
