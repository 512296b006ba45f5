//! The accounts that the bank keeps for itself: internal, inter-branch, nostro and vostro.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use countinghouse_proto::{
    accounting::v1::{Account, AccountKind, ListAccountsRequest, OpenAccountRequest},
    common::v1::Money,
};
use futures::{StreamExt, TryStreamExt, stream};
use rust_decimal::Decimal;

use super::{IN_FLIGHT, Setup};
use crate::{
    answer_of,
    bank::InternalAccount,
    plan::{Place, Totals},
    report::{Report, thousands},
};

/// The kinds of account that the bank keeps for itself.
const OWN_KINDS: [AccountKind; 4] =
    [AccountKind::Internal, AccountKind::InterBranch, AccountKind::Nostro, AccountKind::Vostro];

impl Setup<'_> {
    /// Opens those that are missing, and gives the names of all.
    pub(super) async fn open_own_accounts(&self, report: &mut Report<'_>) -> Result<BTreeMap<Place, String>> {
        let mut names = self.own_names().await?;
        let missing: Vec<&InternalAccount> = self
            .bank
            .internal_accounts
            .iter()
            .filter(|account| !names.contains_key(&place(account)))
            .collect();
        let (opening, all) = (missing.len(), self.bank.internal_accounts.len());
        let mut opened =
            stream::iter(missing)
                .map(|account| async move {
                    Ok::<_, anyhow::Error>((place(account), self.open_own(account).await?))
                })
                .buffer_unordered(IN_FLIGHT);
        let mut done = 0_usize;
        while let Some((place, name)) = opened.try_next().await? {
            names.insert(place, name);
            done += 1;
            report.progress(|| format!("opening the bank's own accounts: {done} of {opening}"))?;
        }
        let (all, opening) = (thousands(all), thousands(opening));
        report.line(format_args!("own accounts: {all}, {opening} of them opened now"))?;
        Ok(names)
    }

    /// The names of those that are open.
    async fn own_names(&self) -> Result<BTreeMap<Place, String>> {
        let token = self.reader()?;
        let mut names = BTreeMap::new();
        for kind in OWN_KINDS {
            let filter = ListAccountsRequest { kind: kind.into(), ..ListAccountsRequest::default() };
            for Account { name, branch, ledger_code, currency, .. } in
                self.client.accounts(&token, filter).await?
            {
                names.insert(Place { branch, ledger_code, currency }, name);
            }
        }
        Ok(names)
    }

    async fn open_own(&self, account: &InternalAccount) -> Result<String> {
        let request = OpenAccountRequest {
            request_id: self.fresh_id(),
            branch: account.branch.clone(),
            kind: account.kind.into(),
            ledger_code: account.ledger_code.clone(),
            currency: account.currency.clone(),
            title: account.title.clone(),
            ..OpenAccountRequest::default()
        };
        let answer = self.approved(&self.office.book_keeper, &self.office.supervisor, request).await;
        let answer = answer_of!(answer.with_context(|| format!("open {}", place(account)))?, OpenAccount)?;
        Ok(answer.account.context("an account was opened")?.name)
    }

    /// What is on each.
    pub(super) async fn own_totals(
        &self,
        names: &BTreeMap<Place, String>,
    ) -> Result<BTreeMap<Place, Totals>> {
        let token = self.reader()?;
        let read = |(place, name): (&Place, &String)| {
            let (token, place, name) = (token.clone(), place.clone(), name.clone());
            async move {
                let found = self.client.account(&token, &name).await?;
                let (account, balance) =
                    found.account.zip(found.balance).context("an account with a balance")?;
                ensure!(account.name == name, "asked for {name}, answered {}", account.name);
                let totals = Totals {
                    side: account.normal_side(),
                    entries: balance.entries,
                    debit: amount(balance.debit_total.as_ref())?,
                    credit: amount(balance.credit_total.as_ref())?,
                };
                Ok::<_, anyhow::Error>((place, totals))
            }
        };
        stream::iter(names.iter().map(read)).buffer_unordered(IN_FLIGHT).try_collect().await
    }
}

fn place(account: &InternalAccount) -> Place {
    Place::of(&account.branch, &account.ledger_code, &account.currency)
}

/// An amount that the service tells.
pub fn amount(money: Option<&Money>) -> Result<Decimal> {
    let money = money.context("an amount is missing")?;
    money.amount.parse().with_context(|| format!("{} is no amount", money.amount))
}
