mod brokers;
mod databases;
mod keys;
