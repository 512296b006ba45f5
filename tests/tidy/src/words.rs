//! Words that must not stand in a file, and the ones that must.

use crate::{Finding, rust, tree::Source};

/// In pieces, so that this file does not find itself.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("unimpl", "emented!"),
    concat!("to", "do!("),
];

/// Folders that are on somebody's machine and nowhere else.
const MACHINE_FOLDERS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

/// The layers in which every file says first what it is for.
const INTRODUCED_LAYERS: &[&str] = &["/src/domain/", "/src/app/", "/src/events/"];

/// Work left undone.
pub fn unfinished(source: &Source) -> Vec<Finding> {
    let has = |line: &str| UNFINISHED.iter().find(|word| line.contains(*word)).copied();
    let lines = source.lines().filter_map(|(number, line)| Some((number, has(line)?)));
    lines
        .map(|(number, word)| {
            Finding::at(
                &source.path,
                number,
                format!("`{word}`: do it, or file an issue and say nothing here"),
            )
        })
        .collect()
}

/// Lints switched off without a reason.
pub fn silenced_lints(source: &Source) -> Vec<Finding> {
    let is_silencer = |line: &str| {
        line.trim_start().starts_with(concat!("#[al", "low(")) || line.contains(concat!("#![al", "low("))
    };
    let lines = source.lines().filter(|(_, line)| source.path.ends_with(".rs") && is_silencer(line));
    lines
        .map(|(number, _)| {
            Finding::at(
                &source.path,
                number,
                "use `#[expect(lint, reason = \"...\")]`: it goes when its cause has gone",
            )
        })
        .collect()
}

/// Paths of the machine that a file was written on.
pub fn machine_paths(source: &Source) -> Vec<Finding> {
    let has = |line: &str| MACHINE_FOLDERS.iter().find(|folder| names_folder(line, folder)).copied();
    let lines = source.lines().filter_map(|(number, line)| Some((number, has(line)?)));
    lines
        .map(|(number, folder)| {
            Finding::at(
                &source.path,
                number,
                format!("`{folder}` is on one machine only: say it from the root of the work tree"),
            )
        })
        .collect()
}

/// Whether `folder` stands in `line` as the beginning of a path, and not in the middle of one.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before
            .is_none_or(|before| !before.is_alphanumeric() && !matches!(before, '.' | '}' | '-' | '_' | '*'))
    })
}

/// A file of the layers that people read to learn what the service does, without a first line that says what it is for.
pub fn missing_introduction(source: &Source) -> Vec<Finding> {
    let is_introduced_layer = source.path.starts_with("services/")
        && INTRODUCED_LAYERS.iter().any(|layer| source.path.contains(layer));
    if !is_introduced_layer || !source.path.ends_with(".rs") || rust::is_test_file(&source.path) {
        return Vec::new();
    }
    if source.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![Finding::at(&source.path, 1, "open with `//!` and what the file is for")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_work_is_found() {
        let text = format!("fn f() {{}}\n// {}: later\n{}(\"\")\n", UNFINISHED[0], UNFINISHED[3]);
        assert_eq!(unfinished(&Source::new("a.rs", &text)).len(), 2);
        assert_eq!(unfinished(&Source::new("a.rs", "// all done\n")), []);
    }

    #[test]
    fn a_silenced_lint_is_found() {
        let text = format!("{}dead_code)]\nfn f() {{}}\n", concat!("#[al", "low("));
        assert_eq!(silenced_lints(&Source::new("a.rs", &text)).len(), 1);
        assert_eq!(silenced_lints(&Source::new("a.rs", "#[expect(dead_code, reason = \"x\")]\n")), []);
    }

    #[test]
    fn a_path_of_one_machine_is_found_and_a_url_is_not() {
        let text = format!("cd {}me/project\n", MACHINE_FOLDERS[1]);
        assert_eq!(machine_paths(&Source::new("a.md", &text)).len(), 1);
        let text =
            format!("https://example.com{}page and ${{BASE}}{}\n", MACHINE_FOLDERS[1], MACHINE_FOLDERS[0]);
        assert_eq!(machine_paths(&Source::new("a.md", &text)), []);
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_for_is_found() {
        let path = "services/vault/src/domain/box.rs";
        assert_eq!(missing_introduction(&Source::new(path, "use money::Money;\n")).len(), 1);
        assert_eq!(missing_introduction(&Source::new(path, "//! The box of a teller (尾箱).\n")), []);
        assert_eq!(missing_introduction(&Source::new("services/vault/src/grpc/x.rs", "use a::b;\n")), []);
    }
}
