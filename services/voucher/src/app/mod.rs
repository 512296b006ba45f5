//! The use cases: load and lock, one call of the domain, save, publish. And enquiries, which only read.

pub mod change_kinds;
pub mod enquiry;
pub mod move_range;
pub mod receive_print_batch;
