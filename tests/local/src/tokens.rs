//! Tokens of operators, signed with the stack's own key: `scripts/token`.

use anyhow::Result;
use clap::Args;
use testkit::{
    keys::{Claims, Issuer},
    stack::Stack,
};

use crate::certificates;

/// Whose token.
#[derive(Args)]
pub struct Request {
    /// The operator's code, for example T110101.
    #[arg(long)]
    operator: String,
    /// A role, for example teller. May be given several times.
    #[arg(long = "role", required = true)]
    roles: Vec<String>,
    /// A branch that the operator may act in, for example 110100. May be given several times; all branches without.
    #[arg(long = "scope", default_value = "*")]
    scopes: Vec<String>,
}

/// Prints a token, good for eight hours.
pub fn print(stack: &Stack, request: &Request) -> Result<()> {
    let issuer = Issuer::kept_in(&certificates::folder(stack))?;
    let roles: Vec<&str> = request.roles.iter().map(String::as_str).collect();
    let scopes: Vec<&str> = request.scopes.iter().map(String::as_str).collect();
    println!("{}", issuer.sign(&Claims::of(&request.operator, &roles).within(&scopes)));
    Ok(())
}
