//! The service as its callers see it: through its API, on a real database and a real broker.

mod authorisation;
mod slice;
mod support;
mod tampering;
mod writer;
