//! Business transactions (业务交易): the template in force on the business date makes the lines (ACC-11), and they are posted
//! like any others.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    Book,
    acting::Acting,
    posting::{AboveLimit, Requested},
};
use crate::domain::{
    base::BaseContent,
    command::{Action, Answer, Business, Command, Origin, Records},
    ids::{BranchCode, CurrencyCode},
    reference::Reference,
    refusal::Refusal,
    template::{Compiled, Expanded, GivenField, Setting},
    transaction::{Line, Transaction},
};

/// What commands that are being collected may change for business transactions after them in the same batch: which accounts
/// these need must be known before any of the batch is decided.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    pub days: Vec<NaiveDate>,
    pub templates: Vec<Compiled>,
}

impl Ahead {
    /// Notes what a command may change.
    pub fn see(&mut self, command: &Command) {
        match &command.action {
            Action::OpenBusinessDay { date } => self.days.push(*date),
            Action::ChangeBaseData { records, .. } => {
                let templates = records.iter().filter_map(|record| match &record.content {
                    BaseContent::PostingTemplate(template) => Compiled::new(template.clone()).ok(),
                    _ => None,
                });
                self.templates.extend(templates);
            }
            _ => {}
        }
    }
}

impl Book {
    pub(super) fn post_business(
        &mut self,
        origin: &Origin,
        business: &Business,
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        let reference = Arc::clone(&self.reference);
        let acting = Acting::on(&reference, origin, self.business_date()?)?.who_posts()?;
        let template = reference.template(&business.code, acting.on).map_err(|rule| rule.at("code"))?;
        let mut expanded = expand(&reference, template, &origin.branch, &business.fields, acting.on)?;
        let transaction = transaction(business, &mut expanded);
        let requested = Requested {
            request_id: origin.request_id,
            transaction: &transaction,
            capture: None,
            above_limit: AboveLimit::NeedsSecondPerson,
            opening: None,
            by_template: true,
            now,
        };
        let plan = self.plan(&acting, &requested).map_err(|refusal| expanded.locate(refusal))?;
        Ok(Answer::Posted(if origin.dry_run { Arc::new(plan.posting) } else { self.book(plan, records) }))
    }

    /// The lines that a business transaction may have: by the templates that are in force, or may be when it is decided.
    pub(super) fn lines_ahead(&self, code: &str, fields: &[GivenField], branch: &BranchCode) -> Vec<Line> {
        let days = self.day.iter().map(|day| day.date).chain(self.ahead.days.iter().copied());
        let in_force = days.filter_map(|on| self.reference.template(code, on).ok());
        let coming = self.ahead.templates.iter().filter(|template| template.template.code == code);
        in_force
            .chain(coming)
            .filter_map(|template| expand(&self.reference, template, branch, fields, NaiveDate::MAX).ok())
            .flat_map(|expanded| expanded.lines)
            .collect()
    }
}

/// The lines that a template makes from values.
pub(super) fn expand(
    reference: &Reference,
    template: &Compiled,
    branch: &BranchCode,
    fields: &[GivenField],
    on: NaiveDate,
) -> Result<Expanded, Refusal> {
    let exponent = |code: &CurrencyCode| reference.currency(code, on).map(|currency| currency.exponent);
    template.expand(fields, &Setting { branch, exponent: &exponent })
}

/// The transaction with the lines that were made.
pub(super) fn transaction(business: &Business, expanded: &mut Expanded) -> Transaction {
    let narrative = if business.narrative.is_empty() { &expanded.narrative } else { &business.narrative };
    Transaction {
        code: business.code.clone(),
        transaction_date: business.transaction_date,
        accounting_date: business.accounting_date,
        value_date: business.value_date,
        source: business.source.clone(),
        narrative: narrative.clone(),
        voucher: business.voucher.clone(),
        lines: std::mem::take(&mut expanded.lines),
    }
}
