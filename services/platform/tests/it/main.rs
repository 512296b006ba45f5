//! Platform's mechanisms on a real database and a real broker.

mod consumer;
mod facts;
mod relay;
mod support;
