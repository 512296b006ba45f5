//! What runs by the clock: lapsed holds are recorded, partitions are created for the months to come, old answers are deleted. Each
//! job is idempotent, and may run on all replicas at once.

pub mod expire_holds;
pub mod forget_answers;
pub mod months;
