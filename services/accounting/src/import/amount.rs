//! Amounts as spreadsheets write them: refused where they can be read in two ways.

use money::parse_amount;

/// The amount as plain digits with a point at most: `1234.56` of `1234.56` and of `1,234.56`. The error says which form is required.
pub fn plain(text: &str) -> Result<String, String> {
    let text = text.trim_matches(' ');
    let wanted = |what: &str| Err(format!("{what}: write it as 1234.56 or 1,234.56"));
    if text.is_empty() {
        return wanted("is required");
    }
    if text.starts_with('(') {
        return wanted("is in brackets, and the side says which way it goes");
    }
    if text.ends_with('-') {
        return wanted("has its minus behind");
    }
    if text.contains(|c: char| !c.is_ascii() && c.is_numeric()) || text.contains(['．', '，', '－']) {
        return wanted("is in full-width digits or signs");
    }
    if text.contains(['e', 'E']) {
        return wanted("is with an exponent, as a spreadsheet shortens it");
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b".,-".contains(&byte)) {
        return wanted("has signs besides digits, one point and commas");
    }
    let Some(plain) = ungrouped(text) else {
        return wanted("can be read in two ways, or is grouped wrongly");
    };
    parse_amount(&plain).map_err(|error| error.to_string())?;
    Ok(plain)
}

/// The number without the commas between its thousands; `None` when they stand elsewhere.
fn ungrouped(text: &str) -> Option<String> {
    if !text.contains(',') {
        return Some(text.to_owned());
    }
    let (whole, decimals) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let digits = first.strip_prefix('-').unwrap_or(first).len();
    let is_grouped = (1..=3).contains(&digits)
        && groups.all(|group| group.len() == 3)
        && !decimals.is_some_and(|decimals| decimals.contains(','));
    is_grouped.then(|| text.replace(',', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_grouped_amounts_are_taken() {
        for (text, amount) in [
            ("1234.56", "1234.56"),
            ("1,234.56", "1234.56"),
            ("12,345,678", "12345678"),
            (" 0.50 ", "0.50"),
            ("-5", "-5"),
            ("-1,000.0", "-1000.0"),
            ("7", "7"),
        ] {
            assert_eq!(plain(text).as_deref(), Ok(amount), "{text}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused_with_what_is_wanted() {
        for (text, why) in [
            ("", "is required"),
            ("1.234,56", "two ways"),
            ("1,23", "two ways"),
            ("1,2345", "two ways"),
            ("1234,567", "two ways"),
            (",123", "two ways"),
            ("1,,234", "two ways"),
            ("1.5,000", "two ways"),
            ("1e5", "exponent"),
            ("1.1E+18", "exponent"),
            ("(12.00)", "brackets"),
            ("12.00-", "minus behind"),
            ("１２", "full-width"),
            ("12．00", "full-width"),
            ("¥12", "signs besides"),
            ("12 000", "signs besides"),
            ("+1", "signs besides"),
        ] {
            let refused = plain(text).unwrap_err();
            assert!(refused.contains(why) && refused.contains("1,234.56"), "{text}: {refused}");
        }
        for text in ["1.2.3", "--1", ".5", "5.", "-"] {
            assert!(plain(text).is_err(), "{text}");
        }
        assert!(plain(&"9".repeat(29)).is_err());
    }
}
