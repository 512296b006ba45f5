//! Keys of our own: an issuer of operators' tokens, and an authority for the certificates between services.
//!
//! For tests and for the local stack. A bank brings its own identity provider and its own authority.

mod authority;
mod issuer;

pub use authority::{Authority, Certificate};
pub use issuer::{AUDIENCE, Claims, ISSUER, Issuer};
