//! Links between documents: each leads to a file that is there, and to a heading that is in it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Finding, tree::Source};

/// Links in `documents` that lead nowhere. `paths` are all files of the work tree.
pub fn broken(documents: &[Source], paths: &BTreeSet<String>) -> Vec<Finding> {
    let anchors: BTreeMap<&str, BTreeSet<String>> =
        documents.iter().map(|document| (document.path.as_str(), anchors(document))).collect();
    let mut findings = Vec::new();
    for document in documents {
        for (line, target) in links(document) {
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() { document.path.clone() } else { resolve(document.folder(), file) };
            let is_folder = || paths.iter().any(|known| known.starts_with(&format!("{path}/")));
            if !path.is_empty() && !paths.contains(&path) && !is_folder() {
                findings.push(Finding::at(
                    &document.path,
                    line,
                    format!("`{target}` leads to nothing: there is no {path}"),
                ));
            } else if !anchor.is_empty()
                && anchors.get(path.as_str()).is_some_and(|known| !known.contains(anchor))
            {
                findings.push(Finding::at(
                    &document.path,
                    line,
                    format!("`{target}`: {path} has no such heading"),
                ));
            }
        }
    }
    findings
}

/// The targets of the links within this work tree, and their lines.
fn links(document: &Source) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in prose(document) {
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split(')').next().unwrap_or_default();
            let target = target.split(' ').next().unwrap_or_default().trim_matches(['<', '>']);
            if !target.contains("://") && !target.starts_with("mailto:") {
                links.push((number, target.to_owned()));
            }
        }
    }
    links
}

/// The lines that are not in a block of code.
fn prose(document: &Source) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    document.lines().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}

/// What the headings of `document` are called in links.
fn anchors(document: &Source) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let headings = prose(document).filter(|(_, line)| line.starts_with('#'));
    for (_, heading) in headings {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept =
            words.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        let anchor: String = kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect();
        let repeat = (1..).map(|count| format!("{anchor}-{count}")).find(|name| !anchors.contains(name));
        if !anchors.insert(anchor) {
            anchors.extend(repeat);
        }
    }
    // Those that are set by hand.
    for (_, line) in prose(document) {
        for (at, opening) in line.match_indices("<a id=\"").chain(line.match_indices("<a name=\"")) {
            anchors.extend(line[at + opening.len()..].split('"').next().map(str::to_owned));
        }
    }
    anchors
}

/// `target` as seen from `folder`, from the root of the work tree.
fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> usize {
        let other = Source::new("docs/other.md", "# A heading, here\n");
        let document = Source::new("docs/page.md", text);
        let paths = ["docs/page.md", "docs/other.md", "services/vault/src/lib.rs"].map(str::to_owned).into();
        broken(&[document, other], &paths).len()
    }

    #[test]
    fn links_that_lead_somewhere_are_left_alone() {
        assert_eq!(
            findings(
                "[a](other.md) [b](other.md#a-heading-here) [c](../services/vault) [d](https://example.com/x)"
            ),
            0
        );
        assert_eq!(findings("# Here\n[e](#here)\n```\n[in code](nowhere.md)\n```\n"), 0);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        assert_eq!(findings("[a](nowhere.md)"), 1);
        assert_eq!(findings("[a](other.md#another-heading)"), 1);
        assert_eq!(findings("[a](../services/vaults)"), 1);
    }
}
