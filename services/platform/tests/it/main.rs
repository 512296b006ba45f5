//! Platform's mechanisms on a real database and a real broker.

#![cfg(test)]

mod approval_decisions;
mod approval_lists;
mod audit;
mod audit_tampering;
mod auth;
mod command;
mod command_faults;
mod config;
mod consumer;
mod db;
mod dead_letters;
mod facts;
mod idempotency;
mod lifecycle;
mod pages;
mod refusal;
mod relay;
mod retention;
mod rotation;
mod rpc;
mod rpc_access;
mod rpc_forward;
mod rpc_probe;
mod service;
mod support;
mod telemetry;
mod tls;
