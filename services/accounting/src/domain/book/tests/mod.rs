//! Decisions of the book, on a small bank.
