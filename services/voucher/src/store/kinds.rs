//! Kinds, in the platform's registers.

use dated::Register;
use platform::registers::{self, Record};
use sqlx::PgConnection;

use crate::domain::kind::Kind;

/// The register of kinds.
pub const KINDS: &str = "kind";

impl Record for Kind {
    fn register(&self) -> String {
        KINDS.to_owned()
    }
}

/// All kinds, in all versions: a bank has some dozens.
pub async fn load(conn: &mut PgConnection) -> Result<Register<Kind>, sqlx::Error> {
    Ok(registers::load(conn, &[KINDS.to_owned()]).await?.into_iter().collect())
}
