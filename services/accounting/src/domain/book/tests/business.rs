//! Business transactions: the template in force makes the lines (ACC-11), which balance or are refused (ACC-1).

use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    bank::{Bank, TODAY, day},
    templates::{amount, business, delivery, fee, line, number, text},
};
use crate::domain::{
    base::{BaseContent, BaseVersion},
    command::{Action, Verdict},
    refusal::Rule,
    side::Side,
    template::PostingTemplate,
};

fn change(from: chrono::NaiveDate, template: PostingTemplate) -> Action {
    let content = BaseContent::PostingTemplate(template);
    let records = vec![BaseVersion { version: 0, effective_date: from, content }];
    Action::ChangeBaseData { records, reason: "a new tariff".to_owned() }
}

fn lines(posting: &crate::domain::transaction::Posting) -> Vec<(Side, String, String)> {
    let message = |entry: &crate::domain::transaction::Entry| {
        (entry.side, entry.amount.normalize().to_string(), entry.narrative.clone())
    };
    posting.entries.iter().map(message).collect()
}

#[test]
fn the_template_makes_the_lines_and_its_hand_is_not_the_operators() {
    let mut bank = Bank::new();
    let fields = [text("payer", "a"), amount("amount", "1000.00 CNY"), number("pages", 3)];
    let posting = bank.posted("T1@110100", business("FEE", fields));
    let message = |side, amount: &str, narrative: &str| (side, amount.to_owned(), narrative.to_owned());
    assert_eq!(
        lines(&posting),
        [
            message(Side::Debit, "5", "fee for 1000.00 CNY"),
            message(Side::Credit, "5", "fee at 110100"),
            message(Side::Debit, "1.5", "3 pages"),
            message(Side::Credit, "1.5", "3 pages"),
        ]
    );
    assert_eq!((posting.code.as_str(), posting.narrative.as_str()), ("FEE", "fee at 110100"));
    assert_eq!(bank.available("a"), "9993.5");
}

#[test]
fn lines_of_two_branches_are_balanced_like_any_others() {
    let mut bank = Bank::new();
    bank.posted(
        "T2@110200",
        super::bank::post([super::bank::dr("110200/100101", "500 CNY"), super::bank::cr("b", "500 CNY")]),
    );
    let fields = [amount("amount", "200 CNY"), text("keeper", "branches/110200")];
    let posting = bank.posted("T1@110100", business("DELIVERY", fields));
    assert_eq!(posting.entries.iter().filter(|entry| entry.inter_branch).count(), 2);
}

#[test]
fn a_repeat_gets_the_first_posting_though_the_template_has_changed() {
    let mut bank = Bank::new();
    let command =
        bank.command("T1@110100", business("FEE", [text("payer", "a"), amount("amount", "1000 CNY")]));
    let Verdict::Done(first) = bank.decide(std::slice::from_ref(&command)).remove(0) else { panic!() };
    bank.done("B0@100000+S0", change(day(2026, 1, 6), PostingTemplate { closed: true, ..fee() }));
    bank.done("B0@100000+S0", Action::OpenBusinessDay { date: day(2026, 1, 6) });
    let Verdict::Repeated(again) = bank.decide(std::slice::from_ref(&command)).remove(0) else { panic!() };
    assert_eq!(again, first);
    let refusal =
        bank.refused("T1@110100", business("FEE", [text("payer", "a"), amount("amount", "1000 CNY")]));
    assert_eq!(refusal.rule, Rule::TemplateClosed { code: "FEE".to_owned() });
}

#[test]
fn a_template_counts_from_its_date_also_when_all_comes_at_once() {
    let mut bank = Bank::new();
    let mut dearer = fee();
    for (line, example) in dearer.lines.iter_mut().zip(&mut dearer.examples[0].lines).take(2) {
        line.amount = "round(amount * 0.05)".to_owned();
        example.amount = 5.into();
    }
    // The other account is not in memory: it must be loaded, because the new template names it, before any of this is decided.
    dearer.lines[1] = line("cr {branch}/223101", "round(amount * 0.05)", "channel != \"FREE\"", "");
    dearer.examples[0].lines[1] = super::templates::expected("cr 110100/223101", "5 CNY");
    let pay = || business("FEE", [text("payer", "a"), amount("amount", "1000 CNY")]);
    assert_eq!(bank.posted("T1@110100", pay()).entries[0].amount, 5.into());
    let recorded = bank.recorded.clone();
    bank.book = recorded.open_book(1_000);
    let commands = [
        bank.command("B0@100000+S0", change(day(2026, 1, 6), dearer)),
        bank.command("T1@110100", pay()),
        bank.command("B0@100000+S0", Action::OpenBusinessDay { date: day(2026, 1, 6) }),
        bank.command("T1@110100", pay()),
    ];
    let verdicts = bank.decide(&commands);
    let amounts: Vec<Decimal> = verdicts
        .iter()
        .filter_map(|verdict| match verdict {
            Verdict::Done(crate::domain::command::Answer::Posted(posting)) => Some(posting.entries[0].amount),
            Verdict::Done(_) => None,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(amounts, [Decimal::from(5), Decimal::from(50)]);
}

#[test]
fn what_is_wrong_is_named_by_field_or_by_the_templates_line() {
    let mut bank = Bank::new();
    let pay = [text("payer", "a"), amount("amount", "1000 CNY")];
    let mut refused = |code: &str, fields: Vec<crate::domain::template::GivenField>| {
        bank.refused("T1@110100", business(code, fields)).to_string()
    };
    assert_eq!(refused("NONE", vec![]), format!("code: no posting template NONE is in force on {TODAY}"));
    assert_eq!(refused("FEE", vec![text("payer", "a")]), "fields: field amount is required");
    let tip = |field| [pay.to_vec(), vec![field]].concat();
    assert_eq!(refused("FEE", tip(text("tip", "1"))), "fields[2]: the template declares no field tip");
    assert_eq!(refused("FEE", tip(text("pages", "many"))), "fields[2]: pages must be an integer");
    assert_eq!(refused("FEE", tip(text("payer", "a"))), "fields[2]: payer is given twice");
    assert_eq!(
        refused("FEE", vec![text("payer", "1101000100000099999"), amount("amount", "1 CNY")]),
        "template.lines[0].account: account 1101000100000099999 is unknown"
    );
    assert_eq!(
        refused("FEE", vec![text("payer", "a"), amount("amount", "1 CNY"), text("channel", "FREE")]),
        "template.lines: a transaction has none, and needs at least one"
    );
    assert_eq!(
        refused("FEE", vec![text("payer", "a"), amount("amount", "1 EUR")]),
        "template.lines[0]: currency EUR is unknown"
    );
    assert_eq!(
        refused(
            "FEE",
            vec![
                text("payer", "a"),
                amount("amount", "1 CNY"),
                text("channel", "FREE"),
                number("pages", 1_000_000)
            ]
        ),
        "template.lines[2].amount: account a is short of 490000"
            .replace("account a", &format!("account {}", Bank::new().number("a")))
            + ": 10000 is available"
    );
    let above =
        bank.refused("T1@110100", business("FEE", [text("payer", "a"), amount("amount", "100000000 CNY")]));
    assert!(matches!(above.rule, Rule::FundsInsufficient { .. }), "{above}");
}

#[test]
fn above_the_limit_a_second_person_is_asked() {
    let mut bank = Bank::new();
    let fields = || [amount("amount", "60000 CNY"), text("keeper", "100000")];
    bank.posted(
        "B0@100000",
        super::bank::post([
            super::bank::dr("100000/100101", "90000 CNY"),
            super::bank::cr("100000/4001", "90000 CNY"),
        ]),
    );
    let refusal = bank.refused("T1@110100", business("DELIVERY", fields()));
    assert!(matches!(refusal.rule, Rule::ApprovalRequired { .. }), "{refusal}");
    bank.posted("T1@110100+S1", business("DELIVERY", fields()));
}

#[test]
fn a_template_that_is_not_sound_is_refused_with_the_place() {
    type Alter<'a> = &'a dyn Fn(&mut PostingTemplate);
    let change = |alter: Alter<'_>| {
        let mut template = fee();
        alter(&mut template);
        Bank::new().refused("B0@100000+S0", change(day(2026, 1, 6), template)).to_string()
    };
    let cases: [(&str, Alter<'_>); 24] = [
        ("lines: needs at least one", &|it| it.lines.clear()),
        ("examples: needs at least one", &|it| it.examples.clear()),
        ("fields[1].name: is taken", &|it| it.fields[1].name = "payer".to_owned()),
        ("fields[2].name: is taken", &|it| it.fields[2].name = "amount_currency".to_owned()),
        ("fields[2].name: is taken", &|it| it.fields[2].name = "branch".to_owned()),
        ("fields[2].name: must have", &|it| it.fields[2].name = "Channel".to_owned()),
        ("lines[1].amount: is no expression", &|it| it.lines[1].amount = "tip".to_owned()),
        ("lines[0].condition: is no expression", &|it| it.lines[0].condition = "channel =".to_owned()),
        ("lines[0].narrative: names {tip}", &|it| it.lines[0].narrative = "{tip}".to_owned()),
        ("narrative: has a {", &|it| it.narrative = "{amount".to_owned()),
        ("lines[1].account: base data has no ledger code 9999", &|it| {
            it.lines[1] = line("cr {branch}/9999", "amount", "", "");
        }),
        ("lines[1].account: 2011 has no accounts", &|it| {
            it.lines[1] = line("cr {branch}/2011", "amount", "", "");
        }),
        ("lines[1].account: names amount, which is no field that holds a branch", &|it| {
            it.lines[1] = line("cr {amount}/602101", "amount", "", "");
        }),
        ("lines[1].account: names channel, which is no field that holds an account", &|it| {
            it.lines[1] = line("cr {channel}", "amount", "", "");
        }),
        ("examples[0]: makes line 1 credit", &|it| it.lines[1].amount = "amount".to_owned()),
        ("examples[0]: makes line 0 of 0.005, with more decimals", &|it| {
            it.lines[0].amount = "amount * 0.00005".to_owned();
        }),
        ("examples[0]: template.lines[0]: the template's expression", &|it| {
            it.lines[0].amount = "amount / 0".to_owned();
        }),
        ("examples[0]: does not balance in CNY: debits less credits are 1", &|it| {
            it.lines[0].amount = "3".to_owned();
            it.examples[0].lines[0].amount = 3.into();
        }),
        ("examples[0]: makes line 3", &|it| {
            it.examples[0].lines.pop();
        }),
        ("examples[0]: makes no line 4", &|it| {
            let more = it.examples[0].lines[3].clone();
            it.examples[0].lines.push(more);
        }),
        ("facts[0]: countinghouse.vault.delivery.v1.CashDelivered is booked by DELIVERY", &|it| {
            it.fields.iter_mut().for_each(|field| field.required = false);
            it.facts = delivery().facts;
            it.facts[0].fields.truncate(1);
        }),
        ("facts[0]: fills keeper, which is no field", &|it| it.facts = delivery().facts),
        ("facts[0]: does not fill payer", &|it| {
            it.facts = delivery().facts;
            it.facts[0].fields.truncate(1);
        }),
        ("facts[0]: has \"delivery\", which is no JSON pointer", &|it| {
            it.facts = delivery().facts;
            it.facts[0].branch = "delivery".to_owned();
        }),
    ];
    for (message, alter) in cases {
        let refusal = change(alter);
        assert!(
            refusal.starts_with(&format!("records[0].posting_template.{message}")),
            "{message}: {refusal}"
        );
    }
}

proptest! {
    /// What is posted is what the template says of the values, and balances; all else is refused (ACC-1, ACC-11).
    #[test]
    fn an_expansion_says_what_the_template_says_and_balances_or_is_refused(
        cents in 1_i64..2_000_000_000, scale in 2_u32..5, pages in 0_i64..30_000, is_free: bool,
    ) {
        let mut bank = Bank::new();
        let paid = Decimal::new(cents, scale);
        let channel = if is_free { "FREE" } else { "COUNTER" };
        let fields = [
            text("payer", "a"),
            amount("amount", &format!("{paid} CNY")),
            number("pages", pages),
            text("channel", channel),
        ];
        let rounded = (paid * Decimal::new(5, 3)).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        let fee = if is_free { Decimal::ZERO } else { rounded.max(2.into()) };
        let taken = fee + Decimal::new(pages * 5, 1);
        match bank.ask("T1@110100", business("FEE", fields)) {
            Verdict::Done(crate::domain::command::Answer::Posted(posting)) => {
                let sum = |side| -> Decimal {
                    posting.entries.iter().filter(|entry| entry.side == side).map(|entry| entry.amount).sum()
                };
                prop_assert_eq!((sum(Side::Debit), sum(Side::Credit)), (taken, taken));
                prop_assert!(taken > Decimal::ZERO && taken <= 10_000.into());
            }
            Verdict::Refused(refusal) => {
                prop_assert!(taken.is_zero() || taken > 10_000.into(), "{} of {}", refusal, taken);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
