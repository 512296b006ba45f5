//! Base data (核心系统基础数据): what all services know of the bank.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ids`] | the codes by which things are known, each a type of its own |
//! | [`records`] | what a record says: branches, operators, currencies, rates, calendars, parameters |

pub mod ids;
pub mod records;
