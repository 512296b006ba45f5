//! Base data (核心系统基础数据): what all services know of the bank. Accounting keeps it and publishes it on compacted topics; the other
//! services follow these, and decide by a copy in memory.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ids`] | the codes that identify things, each with its own type |
//! | [`records`] | what a record says: branches, operators, currencies, rates, calendars, parameters |
//! | [`calendar`] | business days, by the calendars that are loaded |
//! | [`snapshot`] | the base data of the bank as one value, looked up on a date |
//! | [`refusal`] | why a decision that uses base data is refused |
//! | [`reader`] | the copy, and how far it has come; all others are pure |

pub mod calendar;
pub mod ids;
pub mod reader;
pub mod records;
pub mod refusal;
pub mod snapshot;

pub use self::{reader::Reader, snapshot::BaseData};
