//! The one declaration of a domain's rules.

/// Declares the rules of a domain as an enum, each with its values, its message and the reason by which callers know it.
///
/// ```ignore
/// refusal::rules! {
///     /// The rules of a drawer.
///     pub enum Rule {
///         DrawerUnknown { drawer: String } = "drawer {drawer} is unknown" => {
///             reason: DRAWER_UNKNOWN, kind: NotFound,
///             meaning: "There is no such drawer.",
///             remedy: "Check the drawer's number.",
///         }
///         FieldInvalid(String) = "{0}" => refusal::reasons::FIELD_INVALID;
///     }
/// }
/// ```
///
/// Each reason becomes a `pub static`, and all of them are in `Rule::REASONS`, for `docs/errors.md`. A named field is a value of
/// the refusal by its name, so that none can be forgotten; the text of an unnamed one is only in the message. A rule that
/// shares its reason with another names it after `=>`. The crate that declares needs `serde` and `thiserror`.
#[macro_export]
macro_rules! rules {
    ($(#[$attribute:meta])* $visibility:vis enum $rules:ident { $($body:tt)* }) => {
        $crate::rules! { @read [$(#[$attribute])* $visibility $rules] [] [] [] $($body)* }
    };

    // A rule with a reason of its own.
    (@read [$($head:tt)*] [$($variants:tt)*] [$($reasons:tt)*] [$($arms:tt)*]
        $variant:ident $({ $($field:ident: $type:ty),* $(,)? })? $(($unnamed:ty))? = $message:literal => {
            reason: $reason:ident, kind: $kind:ident, meaning: $meaning:literal, remedy: $remedy:literal $(,)?
        }
        $($rest:tt)*
    ) => {
        $crate::rules! { @read [$($head)*]
            [$($variants)* #[error($message)] $variant $({ $($field: $type),* })? $(($unnamed))?,]
            [$($reasons)* { $reason, $kind, $meaning, $remedy }]
            [$($arms)* { $variant [$($($field)*)?] $reason }]
            $($rest)*
        }
    };

    // A rule with the reason of another, or of all services.
    (@read [$($head:tt)*] [$($variants:tt)*] [$($reasons:tt)*] [$($arms:tt)*]
        $variant:ident $({ $($field:ident: $type:ty),* $(,)? })? $(($unnamed:ty))? = $message:literal => $reason:path;
        $($rest:tt)*
    ) => {
        $crate::rules! { @read [$($head)*]
            [$($variants)* #[error($message)] $variant $({ $($field: $type),* })? $(($unnamed))?,]
            [$($reasons)*]
            [$($arms)* { $variant [$($($field)*)?] $reason }]
            $($rest)*
        }
    };

    (@read [$(#[$attribute:meta])* $visibility:vis $rules:ident] [$($variants:tt)*]
        [$({ $reason:ident, $kind:ident, $meaning:literal, $remedy:literal })*]
        [$({ $variant:ident [$($field:ident)*] $known:path })*]
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, ::thiserror::Error, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        $visibility enum $rules { $($variants)* }

        $($visibility static $reason: $crate::Reason = $crate::Reason {
            name: stringify!($reason),
            kind: $crate::Kind::$kind,
            meaning: $meaning,
            remedy: $remedy,
        };)*

        impl $rules {
            /// The reasons that are declared with these rules.
            $visibility const REASONS: &'static [&'static $crate::Reason] = &[$(&$reason),*];

            /// This rule, broken by that field.
            $visibility fn at(self, field: impl Into<String>) -> $crate::Violation<Self> {
                $crate::Violation::from(self).at(field)
            }
        }

        impl $crate::Rule for $rules {
            fn reason(&self) -> &'static $crate::Reason {
                match self {
                    $(Self::$variant { .. } => &$known,)*
                }
            }

            fn values(&self) -> Vec<(&'static str, String)> {
                match self {
                    $(Self::$variant { $($field,)* .. } => vec![$((stringify!($field), $field.to_string())),*],)*
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::{Kind, Rule as _, Violation, reasons};

    crate::rules! {
        /// The rules of a drawer.
        pub enum Rule {
            DrawerUnknown { drawer: String, branch: u32 } = "branch {branch} has no drawer {drawer}" => {
                reason: DRAWER_UNKNOWN, kind: NotFound,
                meaning: "There is no such drawer.",
                remedy: "Check the drawer's number.",
            }
            DrawerLocked = "the drawer is locked" => {
                reason: DRAWER_LOCKED, kind: FailedPrecondition,
                meaning: "The drawer is locked.",
                remedy: "Unlock it.",
            }
            DrawerSealed = "the drawer is sealed" => DRAWER_LOCKED;
            FieldInvalid(String) = "{0}" => reasons::FIELD_INVALID;
        }
    }

    #[test]
    fn a_rule_has_its_message_its_reason_and_every_value() {
        let rule = Rule::DrawerUnknown { drawer: "7".to_owned(), branch: 110_100 };
        assert_eq!(rule.to_string(), "branch 110100 has no drawer 7");
        assert_eq!((rule.reason().name, rule.reason().kind), ("DRAWER_UNKNOWN", Kind::NotFound));
        assert_eq!(rule.values(), [("drawer", "7".to_owned()), ("branch", "110100".to_owned())]);
        let refusal = rule.at("drawer").within("request").to_refusal();
        assert_eq!(refusal.field_violations()[0].field, "request.drawer");
        assert_eq!(refusal.values().len(), 2);
    }

    #[test]
    fn rules_share_a_reason_and_the_list_has_it_once() {
        assert_eq!(Rule::DrawerSealed.reason().name, "DRAWER_LOCKED");
        let names: Vec<&str> = Rule::REASONS.iter().map(|reason| reason.name).collect();
        assert_eq!(names, ["DRAWER_UNKNOWN", "DRAWER_LOCKED"]);
        let invalid = Violation::from(Rule::FieldInvalid("must be there".to_owned())).to_refusal();
        assert!(invalid.is(&reasons::FIELD_INVALID) && invalid.values().is_empty());
    }

    #[test]
    fn an_item_is_named_even_when_none_of_its_fields_is() {
        assert_eq!(
            Violation::from(Rule::DrawerLocked).of_item("drawers[1]").to_string(),
            "drawers[1]: the drawer is locked"
        );
        let within = Rule::DrawerLocked.at("lock").of_item("drawers[1]").to_string();
        assert_eq!(within, "drawers[1].lock: the drawer is locked");
    }
}
