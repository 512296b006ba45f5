//! The service as its callers see it: through its API, on a real database and a real broker.

#![cfg(test)]

mod accounts;
mod authorisation;
mod base_data;
mod business;
mod facts;
mod faults;
mod hold_history;
mod holds;
mod import;
mod onboarding;
mod postings;
mod probes;
mod replicas;
mod slice;
mod support;
mod tampering;
mod telemetry;
mod writer;
