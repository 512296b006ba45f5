//! The bank's operators, and the tokens with which they call.

use std::{collections::HashMap, path::Path, time::Duration};

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use proto_accounting::v1::{Branch, Operator, OperatorKind};
use testkit::keys::{Claims, Issuer};

use crate::{bank::Bank, client::Token};

/// The role that only makes changes of base data (参数维护岗), and the one that only checks them (参数审核岗).
const BASE_DATA_ROLES: [&str; 2] = ["base_data_maker", "base_data_checker"];

/// The role that only moves in accounts and postings (迁移岗).
const MIGRATION_ROLE: &str = "migration_operator";

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// An operator, with the token that belongs to it.
    Operator(String),
    /// Anyone, with any token that the issuer would sign.
    Holding { operator: String, roles: Vec<String>, scopes: Vec<String> },
    /// An operator whose token has run out.
    Expired(String),
    /// Someone without a token.
    Nobody,
}

impl Caller {
    pub fn operator(code: &str) -> Self {
        Self::Operator(code.to_owned())
    }
}

/// Signs the tokens of the bank's operators.
#[derive(Debug)]
pub struct Staff {
    issuer: Issuer,
    operators: HashMap<String, Token>,
    now: DateTime<Utc>,
}

impl Staff {
    /// The staff of `bank`, with tokens signed by the key in `keys` and good from `now`.
    pub fn of(bank: &Bank, keys: &Path, now: DateTime<Utc>) -> Result<Self> {
        let issuer =
            Issuer::kept_in(keys).with_context(|| format!("the issuer's key in {}", keys.display()))?;
        let head_office = bank.head_office()?.code.clone();
        let mut operators = HashMap::new();
        for operator in bank.operators() {
            let scopes = scopes(operator, &head_office, bank);
            let claims = claims(&operator.code, &roles(operator, &head_office), &scopes);
            operators.insert(operator.code.clone(), Token::bearer(&issuer.sign(&claims))?);
        }
        Ok(Self { issuer, operators, now })
    }

    /// The token with which a caller calls.
    pub fn token(&self, caller: &Caller) -> Result<Token> {
        match caller {
            Caller::Operator(code) => {
                self.operators.get(code).cloned().with_context(|| format!("operators.csv has no {code}"))
            }
            Caller::Holding { operator, roles, scopes } => {
                let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
                Token::bearer(&self.issuer.sign(&claims(operator, &roles, scopes)))
            }
            Caller::Expired(operator) => {
                // A day's session that ended a day ago.
                let issued = self.now - TimeDelta::days(2);
                let claims = Claims::of(operator, &["teller"]).issued(issued, Duration::from_hours(24));
                Token::bearer(&self.issuer.sign(&claims))
            }
            Caller::Nobody => Ok(Token::none()),
        }
    }
}

fn claims(operator: &str, roles: &[&str], scopes: &[String]) -> Claims {
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    Claims::of(operator, roles).within(&scopes)
}

/// The roles of an operator. Those who set up the bank do nothing else.
fn roles(operator: &Operator, head_office: &str) -> Vec<&'static str> {
    let sets_up = operator.branch == head_office && operator.limits.is_empty();
    let [maker, checker] = BASE_DATA_ROLES;
    match operator.kind() {
        OperatorKind::BookKeeper if sets_up => vec![maker],
        OperatorKind::Supervisor if sets_up => vec![checker],
        OperatorKind::System if sets_up => vec![MIGRATION_ROLE],
        OperatorKind::Teller => vec!["teller"],
        OperatorKind::Supervisor => vec!["supervisor"],
        OperatorKind::BookKeeper => vec!["book_keeper"],
        OperatorKind::System => vec!["system"],
        OperatorKind::Unspecified => Vec::new(),
    }
}

/// The branches in which an operator acts: the one it works at and those below; all for head office.
fn scopes(operator: &Operator, head_office: &str, bank: &Bank) -> Vec<String> {
    if operator.branch == head_office {
        return vec!["*".to_owned()];
    }
    let below = bank.branches().filter(|branch| is_at_or_below(branch, &operator.branch, bank));
    below.map(|branch| branch.code.clone()).collect()
}

fn is_at_or_below(branch: &Branch, above: &str, bank: &Bank) -> bool {
    branch.code == above
        || bank.branches().any(|parent| parent.code == branch.parent && is_at_or_below(parent, above, bank))
}

/// Those who set up the bank, by what they do at head office.
#[derive(Debug, Clone)]
pub struct HeadOffice {
    /// The branch.
    pub code: String,
    pub base_data_maker: Caller,
    pub base_data_checker: Caller,
    pub book_keeper: Caller,
    pub supervisor: Caller,
    pub migration_operator: Caller,
}

impl HeadOffice {
    pub fn of(bank: &Bank) -> Result<Self> {
        let code = bank.head_office()?.code.clone();
        let find = |kind: OperatorKind, posts: bool| {
            bank.operators()
                .find(|operator| {
                    operator.branch == code && operator.kind() == kind && operator.limits.is_empty() != posts
                })
                .map(|operator| Caller::operator(&operator.code))
                .with_context(|| {
                    format!("operators.csv has no {kind:?} at head office (with limits: {posts})")
                })
        };
        Ok(Self {
            base_data_maker: find(OperatorKind::BookKeeper, false)?,
            base_data_checker: find(OperatorKind::Supervisor, false)?,
            book_keeper: find(OperatorKind::BookKeeper, true)?,
            supervisor: find(OperatorKind::Supervisor, true)?,
            migration_operator: find(OperatorKind::System, false)?,
            code,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator<'a>(bank: &'a Bank, code: &str) -> &'a Operator {
        bank.operators().find(|operator| operator.code == code).unwrap()
    }

    #[test]
    fn operators_act_at_their_branch_and_below() {
        let bank = Bank::sample().unwrap();
        let of = |code| scopes(operator(&bank, code), "100000", &bank);
        assert_eq!(of("T110201"), ["110200"]);
        assert_eq!(of("S110101"), ["110100", "110101"]);
        assert_eq!(of("T110151"), ["110101"]);
        assert_eq!(of("B130001"), ["130000", "130100", "130200", "130300", "130400"]);
        assert_eq!(of("B100001"), ["*"]);
    }

    #[test]
    fn head_office_has_makers_and_checkers_apart() {
        let bank = Bank::sample().unwrap();
        let office = HeadOffice::of(&bank).unwrap();
        let people =
            [office.base_data_maker, office.base_data_checker, office.book_keeper, office.supervisor];
        assert_eq!(office.migration_operator, Caller::operator("M100001"));
        assert_eq!(people, ["B100003", "S100003", "B100001", "S100001"].map(Caller::operator));
        assert_eq!(roles(operator(&bank, "B100003"), "100000"), ["base_data_maker"]);
        assert_eq!(roles(operator(&bank, "S110001"), "100000"), ["supervisor"]);
    }
}
