//! Codes: what identifies a branch, an operator, a currency. Distinct types, so that they cannot be confused.

/// Declares codes made of text, and numbers that a service gives. The crate that declares needs `serde`.
#[macro_export]
macro_rules! ids {
    (text: $($(#[$doc:meta])* $text:ident),*; number: $($(#[$number_doc:meta])* $number:ident),* $(,)?) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(transparent)]
        pub struct $text(::std::sync::Arc<str>);

        impl $text {
            pub fn new(text: impl Into<::std::sync::Arc<str>>) -> Self {
                Self(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl ::std::fmt::Display for $text {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        })*
        $($(#[$number_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(transparent)]
        pub struct $number(pub i64);

        impl ::std::fmt::Display for $number {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        })*
    };
}

ids! {
    text:
    /// Branch code (机构号): six digits.
    BranchCode,
    /// Operator code (柜员号).
    OperatorCode,
    /// Currency code (币种): three capital letters of ISO 4217.
    CurrencyCode;
    number:
}
