//! How long files and functions may be, test code aside.

use anyhow::Result;

use crate::{Finding, rust, tree::Source};

/// What a reader holds in mind at once, and then some.
pub const FILE_LINES_MAX: usize = 500;

/// One screen.
pub const FUNCTION_LINES_MAX: usize = 70;

/// A service's `main` chooses what to run, and nothing else.
pub const MAIN_LINES_MAX: usize = 40;

/// Files and functions of `source`, a Rust file, that are too long.
pub fn check(source: &Source) -> Result<Vec<Finding>> {
    if rust::is_test_file(&source.path) {
        return Ok(Vec::new());
    }
    let outline = rust::outline(source)?;
    let mut findings = Vec::new();
    let lines = source.text.lines().count() - outline.test_lines;
    let is_main = source.path.starts_with("services/") && source.path.ends_with("/src/main.rs");
    let lines_max = if is_main { MAIN_LINES_MAX } else { FILE_LINES_MAX };
    if lines > lines_max {
        let message = format!(
            "{lines} lines without tests, and {lines_max} is the most: divide it by what it is about"
        );
        findings.push(Finding::of(&source.path, message));
    }
    for function in outline.functions {
        let lines = function.last_line + 1 - function.first_line;
        if lines > FUNCTION_LINES_MAX {
            let name = function.name;
            let message =
                format!("`{name}` has {lines} lines, and {FUNCTION_LINES_MAX} is the most: name its steps");
            findings.push(Finding::at(&source.path, function.first_line, message));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        let code = "const A: u8 = 1;\n".repeat(FILE_LINES_MAX);
        let tests = "#[cfg(test)]\nmod tests {\n    const B: u8 = 2;\n}\n";
        let right = Source::new("services/x/src/lib.rs", &format!("{code}{tests}"));
        assert_eq!(check(&right).unwrap(), []);

        let wrong = Source::new("services/x/src/lib.rs", &format!("{code}const C: u8 = 3;\n{tests}"));
        assert_eq!(check(&wrong).unwrap().len(), 1);
    }

    #[test]
    fn a_long_function_is_found_wherever_it_is() {
        let body = "    let _ = 1;\n".repeat(FUNCTION_LINES_MAX - 2);
        let right = format!("fn f() {{\n{body}}}\n");
        assert_eq!(check(&Source::new("services/x/src/lib.rs", &right)).unwrap(), []);

        let wrong = format!("struct S;\nimpl S {{\nfn f() {{\n    let _ = 0;\n{body}}}\n}}\n");
        let findings = check(&Source::new("services/x/src/lib.rs", &wrong)).unwrap();
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [Some(3)]);
    }

    #[test]
    fn a_service_has_a_short_main() {
        let text = "const A: u8 = 1;\n".repeat(MAIN_LINES_MAX + 1);
        assert_eq!(check(&Source::new("services/x/src/main.rs", &text)).unwrap().len(), 1);
        assert_eq!(check(&Source::new("tests/x/src/main.rs", &text)).unwrap(), []);
    }
}
