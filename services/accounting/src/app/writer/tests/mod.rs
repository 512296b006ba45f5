//! The writer in a simulation: its own code, on a database and in a time of ours that behave as a seed says.

mod callers;
mod outside;
mod schedule;
mod simulation;
mod time;
