//! What runs by the clock: holds lapse, the journal gets its next months, what was kept long enough goes. Each job is
//! idempotent, and may run on all replicas at once.

pub mod expire_holds;
pub mod forget_answers;
pub mod months;
