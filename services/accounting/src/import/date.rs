//! Dates as files write them.

use chrono::NaiveDate;

/// The date as `YYYY-MM-DD`; empty for none. Takes `2026-03-02`, `20260302` and `2026/03/02`, and says so of any other.
pub fn iso(text: &str) -> Result<String, String> {
    let text = text.trim_matches(' ');
    if text.is_empty() {
        return Ok(String::new());
    }
    date(text)
        .map(|date| date.to_string())
        .ok_or_else(|| "must be a date as 2026-03-02, 20260302 or 2026/03/02".to_owned())
}

fn date(text: &str) -> Option<NaiveDate> {
    let digits: String = match (text.len(), text.as_bytes().get(4)) {
        (8, _) => text.to_owned(),
        (10, Some(sign @ (b'-' | b'/'))) if text.as_bytes().get(7) == Some(sign) => {
            [text.get(..4)?, text.get(5..7)?, text.get(8..)?].concat()
        }
        _ => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<u32>().ok();
    NaiveDate::from_ymd_opt(i32::try_from(number(0, 4)?).ok()?, number(4, 6)?, number(6, 8)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_taken_in_three_forms() {
        for text in ["2026-03-02", "20260302", "2026/03/02", " 2026-03-02 "] {
            assert_eq!(iso(text).as_deref(), Ok("2026-03-02"), "{text}");
        }
        assert_eq!(iso("").as_deref(), Ok(""));
    }

    #[test]
    fn other_forms_and_other_days_are_refused() {
        for text in [
            "2026-3-2",
            "02/03/2026",
            "2026-02-30",
            "2026.03.02",
            "2026-03/02",
            "202603021",
            "46083",
            "２０２６０３０２",
            "2026年3月2日",
            "+2026030",
            "20260230",
        ] {
            assert!(iso(text).is_err(), "{text}");
        }
    }
}
