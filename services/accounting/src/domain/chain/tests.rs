//! The chain: each kind of tampering is found.
