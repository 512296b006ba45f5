//! Verification: the whole journal is walked from its first batch, every hash and every balance computed anew; then the audit.
//! The journal only grows, so the walk needs no snapshot, and holds no lock that the writer would wait for.
