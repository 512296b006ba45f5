//! The API: one batch after another, each sent again with the same id while the service is away or overloaded.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use proto_accounting::v1::{
    self as pb, account_imported, onboarding_service_client::OnboardingServiceClient, posting_imported,
};
use tokio::time::{self, Instant};
use tonic::{
    Code, Request, Status,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};
use tonic_types::StatusExt;
use uuid::Uuid;

use super::{
    arguments::{Kind, Options},
    item::{Item, Refusal, Verdict},
};

/// How long a batch may take: as long as the service lets a caller say, by default.
const ATTEMPT_MAX: Duration = Duration::from_mins(1);
/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// For how long a call to an unavailable service is repeated: longer than a restart, or a change of writer.
const PATIENCE: Duration = Duration::from_mins(10);
/// The delay before the second attempt, unless the service names one; it doubles up to [`DELAY_MAX`].
const DELAY_FIRST: Duration = Duration::from_millis(50);
/// The longest delay between two attempts.
const DELAY_MAX: Duration = Duration::from_secs(5);
/// Bytes of an answer at most: a batch of refusals, each with its values.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The service.
#[derive(Clone, Debug)]
pub struct Service {
    client: OnboardingServiceClient<Channel>,
    branch: String,
    token_file: Option<PathBuf>,
    dry_run: bool,
}

/// An attempt that had no answer.
struct Failed {
    refusal: Refusal,
    is_transient: bool,
    retry_after: Option<Duration>,
}

impl Service {
    /// A client that connects with its first call.
    pub fn of(options: &Options) -> Result<Self> {
        let endpoint = Endpoint::from_shared(options.to.clone()).context("--to is not a URL")?;
        let endpoint = match tls(options)? {
            Some(tls) => endpoint.tls_config(tls).context("the TLS files")?,
            None => endpoint,
        };
        if options.token_file.is_none() && options.certificate_file.is_none() {
            bail!("say who calls: --token-file, or --certificate-file and --key-file");
        }
        let channel = endpoint.connect_timeout(CONNECT_MAX).tcp_nodelay(true).connect_lazy();
        Ok(Self {
            client: OnboardingServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX),
            branch: options.branch.clone(),
            token_file: options.token_file.clone(),
            dry_run: options.dry_run,
        })
    }

    /// Sends a batch until there is an answer, or a refusal that a repeat would not change.
    pub async fn import(&self, kind: Kind, id: Uuid, items: &[Item]) -> Result<Vec<Verdict>, Refusal> {
        let (began, mut delay) = (Instant::now(), DELAY_FIRST);
        loop {
            let failed = match self.attempt(kind, id, items).await {
                Ok(verdicts) => return Ok(verdicts),
                Err(failed) => failed,
            };
            if !failed.is_transient || began.elapsed() > PATIENCE {
                return Err(failed.refusal);
            }
            time::sleep(failed.retry_after.unwrap_or(delay).min(DELAY_MAX)).await;
            delay = (delay * 2).min(DELAY_MAX);
        }
    }

    async fn attempt(&self, kind: Kind, id: Uuid, items: &[Item]) -> Result<Vec<Verdict>, Failed> {
        let mut client = self.client.clone();
        let (request_id, branch, validate_only) = (id.to_string(), self.branch.clone(), self.dry_run);
        Ok(match kind {
            Kind::Accounts => {
                let accounts = items.iter().filter_map(|item| match item {
                    Item::Account(account) => Some(account.clone()),
                    Item::Transaction(_) => None,
                });
                let accounts = accounts.collect();
                let request = pb::ImportAccountsRequest { request_id, branch, accounts, validate_only };
                let answer = client.import_accounts(self.signed(request).await?).await?.into_inner();
                answer.results.into_iter().map(account_verdict).collect::<Result<_, _>>()?
            }
            Kind::Postings => {
                let transactions = items.iter().filter_map(|item| match item {
                    Item::Transaction(transaction) => Some(transaction.clone()),
                    Item::Account(_) => None,
                });
                let transactions = transactions.collect();
                let request = pb::ImportPostingsRequest { request_id, branch, transactions, validate_only };
                let answer = client.import_postings(self.signed(request).await?).await?.into_inner();
                answer.results.into_iter().map(posting_verdict).collect::<Result<_, _>>()?
            }
        })
    }

    /// The request with the token as it is now.
    async fn signed<T>(&self, request: T) -> Result<Request<T>, Failed> {
        let mut request = Request::new(request);
        request.set_timeout(ATTEMPT_MAX);
        if let Some(file) = &self.token_file {
            let message = |why: String| Failed::lasting("TOKEN", format!("{}: {why}", file.display()));
            let token = tokio::fs::read_to_string(file).await.map_err(|error| message(error.to_string()))?;
            let bearer = format!("Bearer {}", token.trim()).parse();
            request
                .metadata_mut()
                .insert("authorization", bearer.map_err(|_| message("is not a token".to_owned()))?);
        }
        Ok(request)
    }
}

fn account_verdict(result: pb::AccountImported) -> Result<Verdict, Failed> {
    match result.outcome {
        Some(account_imported::Outcome::Account(name)) => Ok(Ok(name)),
        Some(account_imported::Outcome::Refusal(refusal)) => Ok(Err(Refusal::of_item(refusal))),
        None => Err(Failed::lasting("ANSWER", "a verdict of an unknown kind".to_owned())),
    }
}

fn posting_verdict(result: pb::PostingImported) -> Result<Verdict, Failed> {
    match result.outcome {
        Some(posting_imported::Outcome::Posting(name)) => Ok(Ok(name)),
        Some(posting_imported::Outcome::Refusal(refusal)) => Ok(Err(Refusal::of_item(refusal))),
        None => Err(Failed::lasting("ANSWER", "a verdict of an unknown kind".to_owned())),
    }
}

impl Failed {
    fn lasting(reason: &str, message: String) -> Self {
        let refusal = Refusal { reason: reason.to_owned(), field: String::new(), message };
        Self { refusal, is_transient: false, retry_after: None }
    }
}

impl From<Status> for Failed {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
        let is_transient = match status.code() {
            Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded => true,
            // The connection failed: the service itself would have given a reason.
            Code::Unknown | Code::Internal | Code::Cancelled => reason.is_empty(),
            _ => false,
        };
        let field = details
            .bad_request()
            .and_then(|bad| bad.field_violations.first())
            .map(|violation| violation.field.clone());
        let reason = if reason.is_empty() { format!("{:?}", status.code()) } else { reason };
        let message = status.message().to_owned();
        Self {
            refusal: Refusal { reason, field: field.unwrap_or_default(), message },
            is_transient,
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }
}

fn tls(options: &Options) -> Result<Option<ClientTlsConfig>> {
    if !options.to.starts_with("https://") {
        return Ok(None);
    }
    let read = |file: &PathBuf| std::fs::read(file).with_context(|| format!("read {}", file.display()));
    let mut tls = ClientTlsConfig::new().with_enabled_roots();
    if let Some(file) = &options.ca_file {
        tls = tls.ca_certificate(Certificate::from_pem(read(file)?));
    }
    if let (Some(certificate), Some(key)) = (&options.certificate_file, &options.key_file) {
        tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
    }
    Ok(Some(tls))
}
