//! The operators of the small bank, with the roles and branches that their tokens name.

use testkit::harness::Person;

/// Head office.
pub const HEAD_OFFICE: &str = "100000";
/// A branch, and two sub-branches under it.
pub const BRANCH: &str = "110000";
pub const SUB_BRANCH: &str = "110100";
pub const OTHER_SUB_BRANCH: &str = "110200";

const ALL: &[&str] = &["*"];

/// Makes and checks base data.
pub const MAKER: Person = Person { code: "B100003", roles: &["base_data_maker"], branches: ALL };
pub const CHECKER: Person = Person { code: "S100003", roles: &["base_data_checker"], branches: ALL };

/// Keeps head office's own books, and opens the day; and who agrees to it.
pub const BOOK_KEEPER: Person = Person { code: "B100001", roles: &["book_keeper"], branches: ALL };
pub const HEAD_SUPERVISOR: Person = Person { code: "S100001", roles: &["supervisor"], branches: ALL };

/// Serve customers at the sub-branch: up to 50,000 yuan in cash and 200,000 otherwise.
pub const TELLER: Person = Person { code: "T110101", roles: &["teller"], branches: &[SUB_BRANCH] };
pub const OTHER_TELLER: Person = Person { code: "T110102", roles: &["teller"], branches: &[SUB_BRANCH] };
/// Agrees to what is above the tellers' limits, up to 1,000,000 yuan in cash and 5,000,000 otherwise.
pub const SUPERVISOR: Person = Person { code: "S110101", roles: &["supervisor"], branches: &[SUB_BRANCH] };

/// Serves customers at the other sub-branch.
pub const TELLER_ELSEWHERE: Person =
    Person { code: "T110201", roles: &["teller"], branches: &[OTHER_SUB_BRANCH] };

/// A program that posts by itself, at any branch, without a limit that a test would meet.
pub const SYSTEM: Person = Person { code: "X100001", roles: &["system"], branches: ALL };

/// Moves accounts and postings in: a program, at any branch.
pub const MIGRATOR: Person = Person { code: "M100001", roles: &["migration_operator"], branches: ALL };

/// Sees everything.
pub const OPERATIONS: Person = Person { code: "O100001", roles: &["operations"], branches: ALL };
