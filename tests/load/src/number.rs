//! Numbers for tables: nothing here ever touches money.

/// A count as a real number; exact up to 2^53, far above anything that is counted here.
pub fn real(count: u64) -> f64 {
    let half = |bits: u64| f64::from(u32::try_from(bits).expect("invariant: half of 64 bits"));
    half(count >> 32) * 4_294_967_296.0 + half(count & u64::from(u32::MAX))
}

/// A count of things in memory.
pub fn count(length: usize) -> u64 {
    u64::try_from(length).expect("invariant: a length fits 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_become_real_numbers_exactly() {
        for count in [0, 1, 4_294_967_295, 4_294_967_296, 1_000_000_000_001] {
            assert_eq!(real(count).to_string(), count.to_string());
        }
    }
}
