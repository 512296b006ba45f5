//! Amounts as they may be written into the books.

use money::Currency;
use rust_decimal::Decimal;

use crate::domain::{account::Account, ids::CurrencyCode, refusal::Rule};

/// Checks an amount in a currency: above zero, with no more decimals than the currency has, and not above the largest.
pub(super) fn check(amount: Decimal, currency: Currency, amount_max: Decimal) -> Result<(), Rule> {
    if amount <= Decimal::ZERO {
        return Err(Rule::AmountNotPositive { amount });
    }
    let exponent = u32::from(currency.exponent());
    if amount.scale() > exponent && amount.normalize().scale() > exponent {
        let decimals_max = currency.exponent();
        return Err(Rule::AmountTooPrecise { amount, currency: code(currency), decimals_max });
    }
    if amount > amount_max {
        return Err(Rule::AmountTooLarge { amount, amount_max });
    }
    Ok(())
}

/// Checks that an amount for an account is in the account's currency.
pub(super) fn in_currency_of(account: &Account, currency: &CurrencyCode) -> Result<(), Rule> {
    if account.currency.code() == currency.as_str() {
        return Ok(());
    }
    let (account, expected) = (account.number.clone(), code(account.currency));
    Err(Rule::CurrencyMismatch { account, currency: currency.clone(), expected })
}

/// The code of a currency.
pub(super) fn code(currency: Currency) -> CurrencyCode {
    CurrencyCode::new(currency.code())
}
