//! The values that a rule speaks of, by name, for programs that act on a refusal.

use serde_json::Value;

use crate::domain::refusal::Rule;

/// What a refusal is about, when the rule speaks of it: told before the other values, as the subject of the refusal.
const SUBJECTS: [&str; 5] = ["account", "hold", "operator", "branch", "ledger_code"];

/// The values of a broken rule: its fields.
pub fn of(rule: &Rule) -> Vec<(String, String)> {
    let fields = match serde_json::to_value(rule) {
        Ok(Value::Object(variant)) => variant.into_iter().next().map(|(_, fields)| fields),
        _ => None,
    };
    let Some(Value::Object(fields)) = fields else { return Vec::new() };
    let mut values: Vec<(String, String)> =
        fields.into_iter().map(|(name, value)| (name, plain(value))).collect();
    values.sort_by_key(|(name, _)| {
        SUBJECTS.iter().position(|subject| subject == name).unwrap_or(SUBJECTS.len())
    });
    values
}

fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountNumber, BranchCode};

    #[test]
    fn the_fields_of_a_rule_are_its_values_and_its_subject_comes_first() {
        let rule = Rule::AccountOfAnotherBranch {
            account: AccountNumber::new("1101000200000000015"),
            branch: BranchCode::new("110200"),
            keeper: BranchCode::new("110100"),
        };
        let values = [("account", "1101000200000000015"), ("branch", "110200"), ("keeper", "110100")];
        assert_eq!(of(&rule), values.map(|(name, value)| (name.to_owned(), value.to_owned())));

        let rule = Rule::TooMany { what: "transactions".into(), count: 1001, max: 1000 };
        let values = [("count", "1001"), ("max", "1000"), ("what", "transactions")];
        assert_eq!(of(&rule), values.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_rule_without_fields_has_no_values() {
        assert_eq!(of(&Rule::NoBusinessDay), []);
        assert_eq!(of(&Rule::FieldInvalid("is required".to_owned())), []);
    }
}
