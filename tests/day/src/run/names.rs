//! What the service called the accounts and holds of the plan.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};

use crate::plan::{CustomerId, HoldId, Line, Party};

/// Names, as the answers have them.
#[derive(Debug, Default)]
pub struct Names {
    accounts: Mutex<HashMap<CustomerId, String>>,
    holds: Mutex<HashMap<HoldId, String>>,
}

impl Names {
    pub fn account(&self, id: CustomerId) -> Result<String> {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.get(&id).cloned().context("the account was not opened")
    }

    pub fn hold(&self, id: HoldId) -> Result<String> {
        let holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        holds.get(&id).cloned().context("the hold was not placed")
    }

    pub fn set_account(&self, id: CustomerId, name: String) {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).insert(id, name);
    }

    pub fn set_hold(&self, id: HoldId, name: String) {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner).insert(id, name);
    }

    /// How a line names its account.
    pub fn of_line(&self, line: &Line) -> Result<String> {
        match &line.party {
            Party::Customer(id) => self.account(*id),
            Party::Own(place) => Ok(format!("branches/{}/ledgerCodes/{}", place.branch, place.ledger_code)),
            Party::Named(name) => Ok(name.clone()),
        }
    }
}
