//! Posting templates of the small bank, and business transactions.

use crate::domain::{
    command::{Action, Business},
    ids::{AccountNumber, BranchCode, CurrencyCode, LedgerCodeNumber},
    side::Side,
    template::{
        AccountSource, BranchSource, CurrencySource, ExampleLine, FactField, FieldKind, Given, GivenField,
        PostingTemplate, TemplateExample, TemplateFact, TemplateField, TemplateLine,
    },
    transaction::AccountRef,
};

/// The templates that base data has from the beginning.
pub fn templates() -> Vec<PostingTemplate> {
    vec![fee(), delivery()]
}

/// A fee of half a percent, two yuan at least, taken from a payer's account; by channels that are not free.
pub fn fee() -> PostingTemplate {
    PostingTemplate {
        code: "FEE".to_owned(),
        title: "收费".to_owned(),
        fields: vec![
            field("payer", FieldKind::Account, true),
            field("amount", FieldKind::Amount, true),
            field("channel", FieldKind::Text, false),
            field("pages", FieldKind::Integer, false),
        ],
        lines: vec![
            line("dr {payer}", "max(round(amount * 0.005), 2)", "channel != \"FREE\"", "fee for {amount}"),
            line("cr {branch}/602101", "max(round(amount * 0.005), 2)", "channel != \"FREE\"", ""),
            line("dr {payer}", "pages * 0.5", "pages > 0", "{pages} pages"),
            line("cr {branch}/602101", "pages * 0.5", "pages > 0", "{pages} pages"),
        ],
        examples: vec![TemplateExample {
            title: "a fee of the least, and pages".to_owned(),
            branch: BranchCode::new("110100"),
            fields: vec![
                text("payer", "1101000100000000019"),
                amount("amount", "100 CNY"),
                number("pages", 3),
            ],
            lines: vec![
                expected("dr 1101000100000000019", "2 CNY"),
                expected("cr 110100/602101", "2 CNY"),
                expected("dr 1101000100000000019", "1.5 CNY"),
                expected("cr 110100/602101", "1.5 CNY"),
            ],
        }],
        facts: Vec::new(),
        narrative: "fee at {branch}".to_owned(),
        closed: false,
    }
}

/// Cash that another branch's till sends.
pub fn delivery() -> PostingTemplate {
    PostingTemplate {
        code: "DELIVERY".to_owned(),
        title: "送款".to_owned(),
        fields: vec![field("amount", FieldKind::Amount, true), field("keeper", FieldKind::Branch, true)],
        lines: vec![
            line("dr {branch}/100101", "amount", "", "from {keeper}"),
            line("cr {keeper}/100101", "amount", "", ""),
        ],
        examples: vec![TemplateExample {
            title: "a van".to_owned(),
            branch: BranchCode::new("110100"),
            fields: vec![amount("amount", "100 CNY"), text("keeper", "110200")],
            lines: vec![expected("dr 110100/100101", "100 CNY"), expected("cr 110200/100101", "100 CNY")],
        }],
        facts: vec![TemplateFact {
            kind: "countinghouse.vault.delivery.v1.CashDelivered".to_owned(),
            branch: "/delivery/branch".to_owned(),
            transaction_date: String::new(),
            fields: vec![
                FactField { name: "amount".to_owned(), pointer: "/delivery/amount".to_owned() },
                FactField { name: "keeper".to_owned(), pointer: "/delivery/keeper".to_owned() },
            ],
        }],
        narrative: "cash delivery".to_owned(),
        closed: false,
    }
}

pub fn field(name: &str, kind: FieldKind, required: bool) -> TemplateField {
    TemplateField { name: name.to_owned(), kind, required }
}

/// A line on an account as `dr {payer}`, `cr {branch}/602101` or `dr 110100/100101`, in the currency of the field `amount`, or
/// in yuan when it names no amount.
pub fn line(account: &str, amount: &str, condition: &str, narrative: &str) -> TemplateLine {
    let (side, account) = sided(account);
    let in_braces = |text: &str| Some(text.strip_prefix('{')?.strip_suffix('}')?.to_owned());
    let account = match account.split_once('/') {
        None => in_braces(account)
            .map_or_else(|| AccountSource::Number(AccountNumber::new(account)), AccountSource::Field),
        Some((branch, ledger_code)) => AccountSource::OfBranch {
            branch: match in_braces(branch) {
                Some(name) if name == "branch" => BranchSource::Acting,
                Some(name) => BranchSource::Field(name),
                None => BranchSource::Code(BranchCode::new(branch)),
            },
            ledger_code: LedgerCodeNumber::new(ledger_code),
        },
    };
    let currency = if amount.contains("amount") {
        CurrencySource::Field("amount".to_owned())
    } else {
        CurrencySource::Code(CurrencyCode::new("CNY"))
    };
    TemplateLine {
        account,
        side,
        amount: amount.to_owned(),
        currency,
        condition: condition.to_owned(),
        narrative: narrative.to_owned(),
    }
}

fn sided(account: &str) -> (Side, &str) {
    match account.split_once(' ').unwrap() {
        ("dr", account) => (Side::Debit, account),
        (_, account) => (Side::Credit, account),
    }
}

pub fn expected(account: &str, money: &str) -> ExampleLine {
    let (side, account) = sided(account);
    let (amount, currency) = money.split_once(' ').unwrap();
    let account = match account.split_once('/') {
        Some((branch, code)) => {
            AccountRef::OfBranch { branch: BranchCode::new(branch), ledger_code: LedgerCodeNumber::new(code) }
        }
        None => AccountRef::Number(AccountNumber::new(account)),
    };
    let (currency, amount) = (CurrencyCode::new(currency), amount.parse().unwrap());
    ExampleLine { account, side, currency, amount, narrative: String::new() }
}

pub fn text(name: &str, value: &str) -> GivenField {
    GivenField { name: name.to_owned(), value: Given::Text(value.to_owned()) }
}

pub fn number(name: &str, value: i64) -> GivenField {
    GivenField { name: name.to_owned(), value: Given::Integer(value) }
}

/// An amount as `10 CNY`.
pub fn amount(name: &str, money: &str) -> GivenField {
    let (amount, currency) = money.split_once(' ').unwrap();
    let (currency, amount) = (CurrencyCode::new(currency), amount.parse().unwrap());
    GivenField { name: name.to_owned(), value: Given::Amount { currency, amount } }
}

pub fn business(code: &str, fields: impl Into<Vec<GivenField>>) -> Action {
    Action::PostBusiness(Business {
        code: code.to_owned(),
        fields: fields.into(),
        transaction_date: None,
        accounting_date: None,
        value_date: None,
        source: "COUNTER".to_owned(),
        narrative: String::new(),
        voucher: None,
    })
}
