//! Platform's mechanisms on a real database and a real broker.

mod approval_decisions;
mod approval_lists;
mod auth;
mod consumer;
mod facts;
mod relay;
mod rpc;
mod rpc_access;
mod support;
