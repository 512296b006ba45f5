//! Platform's mechanisms on a real database and a real broker.

mod audit;
mod config;
mod consumer;
mod db;
mod facts;
mod idempotency;
mod lifecycle;
mod pages;
mod refusal;
mod relay;
mod retention;
mod support;
mod telemetry;
