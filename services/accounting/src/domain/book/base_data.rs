//! Changes of base data (基础数据变更) and the business day (开业).

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use dated::Content;

use super::{
    Book,
    acting::{Acting, two_persons},
};
use crate::domain::{
    base::BaseVersion,
    command::{Answer, BaseRecordVersion, BusinessDay, Origin, Records},
    reference::PARAMETERS,
    refusal::{Refusal, Rule},
};

impl Book {
    pub(super) fn change_base_data(
        &mut self,
        origin: &Origin,
        requested: &[BaseVersion],
        reason: &str,
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        self.who_changes_base_data(origin)?;
        let changes = self.reference.change(requested, self.day.as_ref().map(|day| day.date))?;
        two_persons(origin, "a change of base data")?;
        if !origin.dry_run {
            Arc::make_mut(&mut self.reference).apply(&changes);
            let recorded = origin.recorded(now);
            // Before the first business day all versions are future ones.
            let today = self.day.as_ref().map_or(NaiveDate::MIN, |day| day.date);
            let reference = &self.reference;
            records.base_records.extend(changes.iter().map(|change| BaseRecordVersion {
                version: change.after.clone(),
                standing: reference.standing(
                    change.after.content.kind(),
                    &change.after.content.code(),
                    today,
                ),
                reason: reason.to_owned(),
                origin: recorded.clone(),
            }));
        }
        Ok(Answer::BaseData(changes))
    }

    pub(super) fn open_business_day(
        &mut self,
        origin: &Origin,
        date: NaiveDate,
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        let reference = &self.reference;
        let on = self.day.as_ref().map_or(date, |day| day.date);
        Acting::on(reference, origin, on)?.at_head_office()?;
        if let Some(open) = self.day.as_ref().map(|day| day.date).filter(|open| date <= *open) {
            return Err(if date < open {
                Rule::BusinessDayClosed { date, open }.at("date")
            } else {
                Rule::FieldInvalid(format!("must be after {open}, which is open already")).at("date")
            });
        }
        if !reference.is_business_day(date).map_err(|rule| rule.at("date"))? {
            return Err(Rule::NotBusinessDay { date }.at("date"));
        }
        // Checked here because the day's work needs it, and it cannot be set on the day itself.
        for parameter in PARAMETERS.iter().filter(|parameter| parameter.needed) {
            reference.parameter(parameter.code, date)?;
        }
        two_persons(origin, "opening a business day")?;
        let day = BusinessDay { date, opened_at: now, opened_by: origin.operator.clone() };
        if !origin.dry_run {
            self.day = Some(day.clone());
            self.first_day.get_or_insert(date);
            records.business_days.push((day.clone(), origin.recorded(now)));
        }
        Ok(Answer::BusinessDay(day))
    }
}
