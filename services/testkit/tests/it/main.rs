mod brokers;
mod databases;
mod keys;
mod matrix;
