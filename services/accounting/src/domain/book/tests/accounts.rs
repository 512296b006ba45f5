//! Opening and changing accounts.

use super::bank::{Bank, TODAY, cr, dr, open, post};
use crate::domain::{
    account::{Account, AccountKind, Holder, HolderRole},
    account_number,
    command::{AccountChange, Action, Answer, OpenAccount},
    ids::{AccountNumber, CurrencyCode},
    refusal::Rule,
    side::NormalSide,
    status::{AccountStatus, Freeze, Unfrozen},
};

const T1: &str = "T1@110100";

fn change(account: &str, change: AccountChange) -> Action {
    Action::ChangeAccount { account: AccountNumber::new(account), change, reason: "因故".to_owned() }
}

fn terms() -> AccountChange {
    let title = Some("新户名".to_owned());
    AccountChange::Terms { title, holders: Vec::new(), overdraft_limit: None, if_version: None }
}

fn personal(set: impl FnOnce(&mut OpenAccount)) -> Action {
    match open(AccountKind::PersonalDemand, "201101", "CNY") {
        Action::OpenAccount(mut request) => {
            set(&mut request);
            Action::OpenAccount(request)
        }
        other => other,
    }
}

impl Bank {
    fn account(&mut self, who: &str, action: Action) -> Account {
        match self.done(who, action) {
            Answer::Account { account, .. } => account,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_account_stands_on_its_code_with_a_number_of_its_own() {
    let mut bank = Bank::new();
    let account = bank.account(T1, personal(|request| request.pending = true));
    assert_eq!((account.status, account.version, account.open_date), (AccountStatus::Pending, 1, TODAY));
    assert_eq!((account.normal_side, account.off_balance), (NormalSide::Credit, false));
    assert!(account_number::is_well_formed(&account.number));
    assert!(account.number.as_str().starts_with("11010001"), "{}", account.number);
    let next = bank.account(T1, personal(|_| ()));
    assert_eq!(next.id.0, account.id.0 + 1);
}

#[test]
fn kinds_stand_on_codes_of_their_class() {
    let mut bank = Bank::new();
    let who = "B0@110000+S0";
    let not_allowed = |code: &str| format!("ledger_code: ledger code {code} has no accounts of this kind");
    for (kind, code) in [
        (AccountKind::PersonalTerm, "100101"),
        (AccountKind::CorporateMargin, "2011"),
        (AccountKind::Nostro, "2012"),
        (AccountKind::Vostro, "1011"),
        (AccountKind::InterBranch, "300201"),
        (AccountKind::Internal, "300302"),
        (AccountKind::Internal, "1001"),
    ] {
        assert_eq!(bank.refused(who, open(kind, code, "CNY")).to_string(), not_allowed(code), "{kind:?}");
    }
    for (kind, code) in [
        (AccountKind::Nostro, "1011"),
        (AccountKind::Vostro, "2012"),
        (AccountKind::InterBranch, "300301"),
        (AccountKind::Internal, "800101"),
        (AccountKind::Internal, "201101"),
    ] {
        bank.account(who, open(kind, code, "CNY"));
    }
    let message = bank.refused(who, open(AccountKind::Internal, "1012", "CNY")).to_string();
    assert_eq!(message, "ledger_code: ledger code 1012 is closed");
    let message = bank.refused(who, open(AccountKind::Internal, "999999", "CNY")).to_string();
    assert_eq!(message, "ledger_code: ledger code 999999 is unknown");
    let message = bank.refused(who, open(AccountKind::Vostro, "2012", "USD")).to_string();
    assert_eq!(message, "currency: ledger code 2012 does not take USD");
    let message = bank.refused(who, open(AccountKind::Vostro, "2012", "GBP")).to_string();
    assert_eq!(message, "currency: currency GBP is unknown");
}

#[test]
fn a_branch_has_one_account_of_its_own_on_a_code_and_currency() {
    let mut bank = Bank::new();
    let refusal = bank.refused("B0@110100+S0", open(AccountKind::Internal, "100101", "CNY"));
    assert!(matches!(&refusal.rule, Rule::LedgerAccountExists { .. }), "{refusal}");
    let refusal = bank.refused("B0@110100+S0", open(AccountKind::InterBranch, "300302", "CNY")).to_string();
    assert!(
        refusal.starts_with("ledger_code: branch 110100 has an account on 300301 in CNY already"),
        "{refusal}"
    );
}

#[test]
fn customers_own_their_accounts_and_the_bank_owns_its_own() {
    let mut bank = Bank::new();
    let holder = |role| Holder { customer: "C".to_owned(), title: "李军".to_owned(), role };
    let message = "holders: must have exactly one owner";
    for roles in [vec![], vec![HolderRole::Joint], vec![HolderRole::Owner, HolderRole::Owner]] {
        let holders = roles.into_iter().map(holder).collect();
        assert_eq!(bank.refused(T1, personal(|request| request.holders = holders)).to_string(), message);
    }
    let holders = vec![holder(HolderRole::Owner), holder(HolderRole::Joint), holder(HolderRole::Agent)];
    bank.account(T1, personal(|request| request.holders = holders));
    let Action::OpenAccount(mut internal) = open(AccountKind::Internal, "602101", "USD") else {
        unreachable!()
    };
    internal.holders = vec![holder(HolderRole::Owner)];
    let message = bank.refused("B0@110100+S0", Action::OpenAccount(internal)).to_string();
    assert_eq!(message, "holders: must be empty: the bank's own accounts have no holders");
}

#[test]
fn two_persons_open_accounts_of_the_bank_and_overdraft_lines() {
    let mut bank = Bank::new();
    let message = bank.refused("B0@110100", open(AccountKind::Internal, "602101", "USD")).to_string();
    assert_eq!(message, "opening an account of the bank's own needs a second person");
    let with_line = |limit: &str| {
        let limit = limit.parse().unwrap();
        personal(|request| request.overdraft_limit = limit)
    };
    assert_eq!(bank.refused(T1, with_line("1")).to_string(), "an overdraft line needs a second person");
    bank.account("T1@110100+S1", with_line("1"));
    let who = "T1@110100+S1";
    assert_eq!(bank.refused(who, with_line("-1")).to_string(), "overdraft_limit: -1 is not above zero");
    let message = "overdraft_limit: 0.001 has more decimals than CNY has: 2";
    assert_eq!(bank.refused(who, with_line("0.001")).to_string(), message);
    let message = "overdraft_limit: 1000001 is above the largest amount: 1000000";
    assert_eq!(bank.refused(who, with_line("1000001")).to_string(), message);
}

#[test]
fn only_the_keeping_branch_changes_an_account() {
    let mut bank = Bank::new();
    let message = bank.refused("T2@110200", change("a", AccountChange::MarkDormant)).to_string();
    assert!(message.starts_with("account: branch 110200 does not keep account"), "{message}");
    let message = bank.refused(T1, change("7", AccountChange::MarkDormant)).to_string();
    assert_eq!(message, "account: account 7 is unknown");
}

#[test]
fn terms_are_changed_by_two_and_only_as_read() {
    let mut bank = Bank::new();
    let who = "T1@110100+S1";
    assert_eq!(
        bank.refused(T1, change("a", terms())).to_string(),
        "a change of an account needs a second person"
    );
    let account = bank.account(who, change("a", terms()));
    assert_eq!((account.title.as_str(), account.version), ("新户名", 2));
    let AccountChange::Terms { title, .. } = terms() else { unreachable!() };
    let with = |overdraft_limit, if_version| AccountChange::Terms {
        title: title.clone(),
        holders: Vec::new(),
        overdraft_limit,
        if_version,
    };
    let message = bank.refused(who, change("a", with(None, Some(1)))).to_string();
    assert!(message.starts_with("version: ") && message.ends_with("has version 2, not 1"), "{message}");
    let dollars = Some((CurrencyCode::new("USD"), 5.into()));
    let message = bank.refused(who, change("a", with(dollars, None))).to_string();
    assert!(message.starts_with("overdraft_limit.currency: "), "{message}");
    let yuan = Some((CurrencyCode::new("CNY"), 5.into()));
    assert_eq!(bank.account(who, change("a", with(yuan, Some(2)))).overdraft_limit, 5.into());
    assert_eq!(bank.available("a"), "10005");
    let nothing =
        AccountChange::Terms { title: None, holders: Vec::new(), overdraft_limit: None, if_version: None };
    assert!(matches!(bank.refused(who, change("a", nothing)).rule, Rule::FieldInvalid(_)));
    bank.account(T1, change("c", AccountChange::Close));
    assert!(matches!(bank.refused(who, change("c", terms())).rule, Rule::AccountClosed { .. }));
}

#[test]
fn a_freeze_is_put_on_by_one_and_lifted_by_two() {
    let mut bank = Bank::new();
    let amount = |amount: &str, currency: &str| AccountChange::Freeze {
        freeze: Freeze::Amount(amount.parse().unwrap()),
        currency: Some(CurrencyCode::new(currency)),
    };
    let message = bank.refused(T1, change("a", amount("0", "CNY"))).to_string();
    assert_eq!(message, "amount: 0 is not above zero");
    let message = bank.refused(T1, change("a", amount("1", "USD"))).to_string();
    assert!(message.starts_with("amount.currency: "), "{message}");
    let frozen = bank.account(T1, change("a", amount("20000", "CNY")));
    assert!(matches!(frozen.status, AccountStatus::Frozen { from: Unfrozen::Active, .. }));
    assert_eq!(bank.available("a"), "-10000");
    let again = AccountChange::Freeze { freeze: Freeze::Full, currency: None };
    let message = bank.refused(T1, change("a", again)).to_string();
    assert_eq!(message, "an account that is frozen cannot be made frozen");
    assert_eq!(
        bank.refused(T1, change("a", AccountChange::Unfreeze)).to_string(),
        "lifting a freeze needs a second person"
    );
    assert_eq!(
        bank.account("T1@110100+S1", change("a", AccountChange::Unfreeze)).status,
        AccountStatus::Active
    );
    let register =
        bank.recorded.accounts.values().find(|account| account.off_balance).unwrap().number.clone();
    let message = bank.refused(T1, change(register.as_str(), amount("1", "CNY"))).to_string();
    assert!(message.starts_with("amount: accounts of either side"), "{message}");
}

#[test]
fn an_account_is_closed_empty_and_for_ever() {
    let mut bank = Bank::new();
    let message = bank.refused(T1, change("a", AccountChange::Close)).to_string();
    assert!(message.ends_with("still has a balance of 10000"), "{message}");
    let cash = "110100/100101";
    bank.posted(T1, post([dr("a", "10000 CNY"), cr(cash, "10000 CNY")]));
    let hold = Action::PlaceHold {
        account: AccountNumber::new("line"),
        currency: CurrencyCode::new("CNY"),
        amount: 1.into(),
        expires_at: bank.now + chrono::TimeDelta::hours(1),
        purpose: "x".to_owned(),
        reference: String::new(),
    };
    bank.done(T1, hold);
    let message = bank.refused(T1, change("line", AccountChange::Close)).to_string();
    assert!(message.ends_with("still has 1 open holds"), "{message}");
    let closed = bank.account(T1, change("a", AccountChange::Close));
    assert_eq!(closed.status, AccountStatus::Closed { on: TODAY });
    for step in [AccountChange::Activate, AccountChange::MarkDormant, AccountChange::Close] {
        assert!(matches!(bank.refused(T1, change("a", step)).rule, Rule::TransitionNotAllowed { .. }));
    }
}

#[test]
fn a_closed_inter_branch_account_adds_no_more_lines() {
    let mut bank = Bank::new();
    let between = bank
        .recorded
        .accounts
        .values()
        .find(|account| account.kind == AccountKind::InterBranch && account.branch.as_str() == "110200");
    let number = between.unwrap().number.clone();
    bank.account("T2@110200", change(number.as_str(), AccountChange::Close));
    let refusal = bank.refused(T1, post([dr("a", "1 CNY"), cr("b", "1 CNY")]));
    assert!(matches!(refusal.rule, Rule::InterBranchAccountMissing { .. }), "{refusal}");
    bank.book = bank.recorded.open_book(10);
    let refusal = bank.refused(T1, post([dr("a", "1 CNY"), cr("b", "1 CNY")]));
    assert!(matches!(refusal.rule, Rule::InterBranchAccountMissing { .. }), "{refusal}");
}

#[test]
fn a_dry_run_opens_nothing_and_gives_no_number() {
    let mut bank = Bank::new();
    let mut command = bank.command("B0@110100", open(AccountKind::Internal, "602101", "USD"));
    command.origin.dry_run = true;
    command.origin.assume_authorised = true;
    let heads = *bank.book.heads();
    for _ in 0..2 {
        let message = format!("{:?}", bank.decide(std::slice::from_ref(&command)));
        assert!(message.contains("AccountId(0)") && message.contains("AccountNumber(\"\")"), "{message}");
    }
    assert_eq!(*bank.book.heads(), heads);
}

#[test]
fn a_closed_account_of_a_branch_makes_room_for_the_next() {
    let mut bank = Bank::new();
    let place = "110100/602101";
    let income = |bank: &mut Bank| {
        let line = |place| post([dr("a", "1 CNY"), cr(place, "1 CNY")]);
        bank.posted("B0@110100", line(place)).entries[1].account.clone()
    };
    let first = income(&mut bank);
    bank.posted("B0@110100", post([dr(place, "1 CNY"), cr("a", "1 CNY")]));
    bank.account("B0@110100", change(first.as_str(), AccountChange::Close));
    let cold = bank.recorded.open_book(100);
    for book in [None, Some(cold)] {
        bank.book = book.unwrap_or(bank.book);
        let message = bank.refused("B0@110100", post([dr("a", "1 CNY"), cr(place, "1 CNY")])).to_string();
        assert!(message.ends_with("branch 110100 has no account on 602101 in CNY"), "{message}");
    }
    let next = bank.account("B0@110100+S0", open(AccountKind::Internal, "602101", "CNY")).number;
    assert_ne!(next, first);
    assert_eq!(income(&mut bank), next);
    // The closed one is read, and does not take the place of the next.
    assert!(matches!(
        bank.refused("B0@110100", post([dr("a", "1 CNY"), cr(first.as_str(), "1 CNY")])).rule,
        Rule::AccountClosed { .. }
    ));
    assert_eq!(income(&mut bank), next);
    bank.book = bank.recorded.open_book(1);
    assert_eq!(income(&mut bank), next);
    bank.recorded.verify();
}

#[test]
fn a_branch_opens_an_inter_branch_account_after_it_has_closed_one() {
    let mut bank = Bank::new();
    let number = bank
        .recorded
        .accounts
        .values()
        .find(|account| account.kind == AccountKind::InterBranch && account.branch.as_str() == "110200");
    let number = number.unwrap().number.clone();
    bank.account("T2@110200", change(number.as_str(), AccountChange::Close));
    bank.account("B0@110200+S0", open(AccountKind::InterBranch, "300301", "CNY"));
    bank.book = bank.recorded.open_book(100);
    let posting = bank.posted(T1, post([dr("a", "1 CNY"), cr("b", "1 CNY")]));
    assert!(posting.entries.iter().all(|entry| entry.account != number));
    assert_eq!(posting.entries.len(), 4);
}
