//! The queries in the sources of a crate.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use syn::LitStr;

/// Macros that hold a query's text, and those that name a file with it.
const WITH_TEXT: &[&str] =
    &["query", "query_as", "query_scalar", "query_unchecked", "query_as_unchecked", "query_scalar_unchecked"];
const WITH_FILE: &[&str] = &[
    "query_file",
    "query_file_as",
    "query_file_scalar",
    "query_file_unchecked",
    "query_file_as_unchecked",
    "query_file_scalar_unchecked",
];

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub text: String,
    /// The file that it is in, and the line.
    pub place: String,
}

/// All queries of the crate in `folder`.
pub fn queries(folder: &Path) -> Result<Vec<Query>> {
    let mut queries = Vec::new();
    let mut open = vec![folder.join("src")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            for entry in path.read_dir().with_context(|| format!("read {}", path.display()))? {
                open.push(entry?.path());
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            queries.extend(queries_in(&text, folder, &path)?);
        }
    }
    queries.sort_by(|one, other| one.place.cmp(&other.place));
    Ok(queries)
}

/// The queries in the text of a file. Also those in the bodies of other macros, so tokens are looked at and not the syntax.
fn queries_in(text: &str, folder: &Path, file: &Path) -> Result<Vec<Query>> {
    let tokens: TokenStream = text.parse().map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
    let mut found = Vec::new();
    collect(tokens, &mut found);
    let query = |Found { is_file, text, line }: Found| {
        let place = format!("{}:{line}", file.display());
        let text = if is_file { read(&folder.join(&text)).with_context(|| place.clone())? } else { text };
        Ok(Query { text, place })
    };
    found.into_iter().map(query).collect()
}

fn read(path: &PathBuf) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

struct Found {
    is_file: bool,
    text: String,
    line: usize,
}

fn collect(tokens: TokenStream, found: &mut Vec<Found>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for window in 0..tokens.len() {
        if let TokenTree::Group(group) = &tokens[window] {
            collect(group.stream(), found);
        }
        let [TokenTree::Ident(name), TokenTree::Punct(mark), TokenTree::Group(group), ..] = &tokens[window..]
        else {
            continue;
        };
        let name_text = name.to_string();
        let is_file = WITH_FILE.contains(&name_text.as_str());
        if mark.as_char() == '!' && (is_file || WITH_TEXT.contains(&name_text.as_str())) {
            let text = first_text(group.stream());
            found.extend(text.map(|text| Found { is_file, text, line: name.span().start().line }));
        }
    }
}

/// The first text of a macro's arguments, with those that are added to it by `+`. A type before it has none.
fn first_text(arguments: TokenStream) -> Option<String> {
    let mut text: Option<String> = None;
    for token in arguments {
        match (token, &mut text) {
            (TokenTree::Literal(literal), text) => {
                let Ok(part) = syn::parse_str::<LitStr>(&literal.to_string()) else { continue };
                text.get_or_insert_default().push_str(&part.value());
            }
            (TokenTree::Punct(mark), Some(_)) if mark.as_char() == '+' => {}
            (_, Some(_)) => break,
            (_, None) => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        let queries = queries_in(source, Path::new("."), Path::new("a.rs")).unwrap();
        queries.into_iter().map(|query| query.text).collect()
    }

    #[test]
    fn every_form_of_a_query_is_found() {
        let source = r##"
            async fn f(conn: &mut PgConnection) {
                sqlx::query!("SELECT 1", "no query").execute(conn).await;
                query_as!(Map<A, B>, r#"SELECT "a" "# + "FROM b", &x);
                tokio::select! { row = sqlx::query_scalar!("SELECT 2").fetch_one(conn) => {} }
                sqlx::query("SELECT 3");
                // sqlx::query!("SELECT 4")
            }
        "##;
        assert_eq!(texts(source), ["SELECT 1", "SELECT \"a\" FROM b", "SELECT 2"]);
    }

    #[test]
    fn a_query_in_a_file_is_read() {
        let missing = queries_in("query_file!(\"none.sql\")", Path::new("."), Path::new("a.rs"));
        assert!(format!("{:#}", missing.unwrap_err()).contains("none.sql"));
        assert_eq!(texts("query_file!(\"Cargo.toml\", x)"), [fs::read_to_string("Cargo.toml").unwrap()]);
    }
}
