//! Text as the audit keeps it. Some of it was sent by callers, who may send anything.

use serde_json::{Value, json};

/// Characters of a field at most: names are far shorter, and nobody reads more.
const CHARS_MAX: usize = 1_000;

/// Bytes of a detail at most, as JSON.
const DETAIL_BYTES_MAX: usize = 64 * 1024;

/// The text with NUL, which Postgres cannot hold, replaced, and cut when it is too long.
pub fn kept(text: &str) -> String {
    let replaced = text.chars().map(|char| if char == '\0' { char::REPLACEMENT_CHARACTER } else { char });
    replaced.take(CHARS_MAX).collect()
}

/// The JSON with NUL replaced; only its size when it is too long.
pub fn kept_json(detail: &Value) -> String {
    let text = detail.to_string();
    if text.len() > DETAIL_BYTES_MAX {
        return json!({ "omitted_bytes": text.len() }).to_string();
    }
    // Only then, because few have it, and to search the text costs less than to walk the value.
    if text.contains("\\u0000") { without_nul(detail).to_string() } else { text }
}

fn without_nul(value: &Value) -> Value {
    let replaced = |text: &str| text.replace('\0', "\u{fffd}");
    match value {
        Value::String(text) => Value::String(replaced(text)),
        Value::Array(values) => values.iter().map(without_nul).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (replaced(name), without_nul(value))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_can_be_kept_is_kept_as_it_is() {
        assert_eq!(kept("accounts/6210000000000017 现金"), "accounts/6210000000000017 现金");
        let detail = json!({ "before": { "名": "甲" }, "after": [1, null, "\\u0000 written out"] });
        assert_eq!(serde_json::from_str::<Value>(&kept_json(&detail)).unwrap(), detail);
    }

    #[test]
    fn nul_is_replaced_and_length_is_bounded() {
        assert_eq!(kept("a\0b"), "a\u{fffd}b");
        assert_eq!(kept(&"账".repeat(2_000)), "账".repeat(1_000));
        let nested = kept_json(&json!({ "a\0": [{ "b": "\0" }], "c": 1 }));
        assert_eq!(
            serde_json::from_str::<Value>(&nested).unwrap(),
            json!({ "a\u{fffd}": [{ "b": "\u{fffd}" }], "c": 1 })
        );
        assert_eq!(kept_json(&json!("x".repeat(70_000))), r#"{"omitted_bytes":70002}"#);
    }
}
