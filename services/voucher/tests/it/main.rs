//! The service as its callers see it: through its API, on a real database and a real broker.

#![cfg(test)]

mod authorisation;
mod base_data;
mod kinds;
mod stock;
mod support;
mod telemetry;
