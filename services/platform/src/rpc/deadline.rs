//! How long a call may take.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use super::RpcConfig;
use crate::refusal::{Refusal, reasons};

pub const HEADER: &str = "grpc-timeout";

/// A caller stops listening at its deadline. It is answered this much earlier, so that it gets the reason.
const MARGIN_MAX: Duration = Duration::from_millis(20);

/// Digits of a timeout, as gRPC has it.
const DIGITS_MAX: usize = 8;
const COUNT_MAX: u128 = 99_999_999;

/// The bounds of deadlines.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    default: Duration,
    max: Duration,
}

impl Deadlines {
    pub fn new(config: &RpcConfig) -> Self {
        Self {
            default: Duration::from_millis(config.deadline_default_ms),
            max: Duration::from_millis(config.deadline_max_ms),
        }
    }

    /// The deadline of a call.
    pub fn of(&self, headers: &HeaderMap) -> Result<Duration, Refusal> {
        let Some(header) = headers.get(HEADER) else { return Ok(self.default) };
        let requested = header.to_str().ok().and_then(parse).ok_or_else(|| {
            reasons::FIELD_INVALID
                .refuse("the deadline of the call cannot be read")
                .field(HEADER, "must be 1 to 8 digits and one of H, M, S, m, u, n")
        })?;
        Ok(requested.saturating_sub((requested / 10).min(MARGIN_MAX)).min(self.max))
    }
}

/// The header for this deadline.
pub fn header(time: Duration) -> HeaderValue {
    let text = format!("{}m", time.as_millis().min(COUNT_MAX));
    HeaderValue::try_from(text).expect("invariant: digits and a letter are a header's value")
}

fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=DIGITS_MAX).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 60 * 60)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(timeout: Option<&str>) -> Result<Duration, Refusal> {
        let deadlines = Deadlines { default: Duration::from_secs(5), max: Duration::from_secs(30) };
        let mut headers = HeaderMap::new();
        if let Some(timeout) = timeout {
            headers.insert(HEADER, timeout.parse().unwrap());
        }
        deadlines.of(&headers)
    }

    #[test]
    fn a_call_has_what_its_caller_names_within_the_bounds() {
        assert_eq!(of(None).unwrap(), Duration::from_secs(5));
        assert_eq!(of(Some("2S")).unwrap(), Duration::from_millis(1_980));
        assert_eq!(of(Some("100m")).unwrap(), Duration::from_millis(90));
        assert_eq!(of(Some("1H")).unwrap(), Duration::from_secs(30));
        assert_eq!(of(Some("99999999H")).unwrap(), Duration::from_secs(30));
        assert_eq!(of(Some("0n")).unwrap(), Duration::ZERO);
    }

    #[test]
    fn a_deadline_that_is_passed_on_is_read_again() {
        assert_eq!(header(Duration::from_millis(1_980)), "1980m");
        assert_eq!(header(Duration::from_hours(40)), "99999999m");
        assert_eq!(of(header(Duration::from_secs(1)).to_str().ok()).unwrap(), Duration::from_millis(980));
    }

    #[test]
    fn what_is_no_deadline_is_refused() {
        for text in ["", "S", "5", "5s", "-5S", "+5S", "123456789S", "1.5S", "5 S"] {
            let refusal = of(Some(text)).unwrap_err();
            assert_eq!(refusal.reason().name, "FIELD_INVALID", "{text:?}");
            assert_eq!(refusal.field_violations()[0].field, HEADER);
        }
    }
}
