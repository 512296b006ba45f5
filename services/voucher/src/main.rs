//! Voucher (凭证管理): every blank voucher of the bank, number by number.

use std::process::ExitCode;

use voucher::service::Vouchers;

fn main() -> ExitCode {
    platform::service::main::<Vouchers>()
}
