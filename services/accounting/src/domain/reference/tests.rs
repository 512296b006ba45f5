//! Base data: rules of each kind, effective dates, changes.
