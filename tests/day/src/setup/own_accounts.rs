//! The accounts that the bank keeps for itself: internal, inter-branch, nostro and vostro.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use proto_accounting::v1::{Account, AccountKind, ListAccountsRequest};
use proto_common::common::v1::Money;
use rust_decimal::Decimal;

use super::{IN_FLIGHT, Setup};
use crate::{
    bank::InternalAccount,
    plan::{Place, Totals},
    report::{Report, thousands},
};

/// The kinds of account that the bank keeps for itself.
const OWN_KINDS: [AccountKind; 4] =
    [AccountKind::Internal, AccountKind::InterBranch, AccountKind::Nostro, AccountKind::Vostro];

impl Setup<'_> {
    /// Moves in those that are missing, and gives the names of all.
    pub(super) async fn open_own_accounts(&self, report: &mut Report<'_>) -> Result<BTreeMap<Place, String>> {
        let mut names = self.own_names().await?;
        let missing: Vec<&InternalAccount> = self
            .bank
            .internal_accounts
            .iter()
            .filter(|account| !names.contains_key(&place(account)))
            .collect();
        let (opening, all) = (missing.len(), self.bank.internal_accounts.len());
        if !missing.is_empty() {
            let header = ["原账号", "机构号", "账户类型", "科目号", "币种", "户名"];
            let rows: Vec<Vec<String>> = missing.into_iter().map(row).collect::<Result<_>>()?;
            self.import("accounts", &header, &rows).await?;
            names = self.own_names().await?;
        }
        let (all, opening) = (thousands(all), thousands(opening));
        report.line(format_args!("own accounts: {all}, {opening} of them moved in now"))?;
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
                ensure!(account.name == name, "requested {name}, answered {}", account.name);
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

/// An account as a row of the file. It is found by what its place was called in the books before.
fn row(account: &InternalAccount) -> Result<Vec<String>> {
    let kind = match account.kind {
        AccountKind::Internal => "内部账户",
        AccountKind::InterBranch => "系统内往来",
        AccountKind::Nostro => "存放同业",
        AccountKind::Vostro => "同业存放",
        other => bail!("{other:?} is no account of the bank's own"),
    };
    let place = place(account);
    let cells = [
        &former_number(&place),
        &account.branch,
        kind,
        &account.ledger_code,
        &account.currency,
        &account.title,
    ];
    Ok(cells.map(str::to_owned).into())
}

/// The number of an account of the bank's own in the books that it kept before.
pub(super) fn former_number(place: &Place) -> String {
    format!("{}-{}-{}", place.branch, place.ledger_code, place.currency)
}

fn place(account: &InternalAccount) -> Place {
    Place::of(&account.branch, &account.ledger_code, &account.currency)
}

/// An amount of an answer.
pub fn amount(money: Option<&Money>) -> Result<Decimal> {
    let money = money.context("an amount is missing")?;
    money.amount.parse().with_context(|| format!("{} is no amount", money.amount))
}
