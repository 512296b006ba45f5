#![cfg(test)]

mod brokers;
mod databases;
mod keys;
mod matrix;
mod services;
