//! Limits of those who act (柜员限额): what an operator may post alone, and what the authoriser may approve.

use money::Currency;
use rust_decimal::Decimal;

use crate::domain::{
    base::{Operator, TransactionKind},
    book::{acting::Acting, amounts::code},
    refusal::Rule,
};

/// What happens to a transaction above the operator's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::book) enum AboveLimit {
    /// A second person is required, and their limit counts.
    NeedsSecondPerson,
    /// It is refused: it is one of several, and nobody approves a single one of several.
    IsRefused,
    /// Limits do not count: it is moved in, and those who set the opening period have agreed.
    IsAllowed,
}

/// Checks what is moved in each currency. Without a limit for a kind and currency nothing of it is allowed.
pub(super) fn check(
    acting: &Acting<'_>,
    kind: TransactionKind,
    amounts: impl Iterator<Item = (Currency, Decimal)>,
    above: AboveLimit,
) -> Result<(), Rule> {
    if above == AboveLimit::IsAllowed {
        return Ok(());
    }
    for (currency, amount) in amounts {
        let own = limit(acting.operator, kind, currency);
        if amount <= own {
            continue;
        }
        let exceeded = |by: &Operator, limit| Rule::OperatorLimitExceeded {
            operator: by.code.clone(),
            kind,
            currency: code(currency),
            amount,
            limit,
        };
        match acting.authoriser {
            Some(authoriser) => {
                let limit = limit(authoriser, kind, currency);
                if amount > limit {
                    return Err(exceeded(authoriser, limit));
                }
            }
            None if above == AboveLimit::IsRefused => return Err(exceeded(acting.operator, own)),
            None if acting.origin.is_seconded() => {}
            None => {
                let (operator, currency) = (acting.operator.code.clone(), code(currency));
                return Err(Rule::ApprovalRequired { operator, kind, currency, amount, limit: own });
            }
        }
    }
    Ok(())
}

fn limit(operator: &Operator, kind: TransactionKind, currency: Currency) -> Decimal {
    operator
        .limits
        .iter()
        .find(|limit| limit.kind == kind && limit.currency.as_str() == currency.code())
        .map_or(Decimal::ZERO, |limit| limit.single_max)
}
