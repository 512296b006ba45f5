//! Rust files, parsed: their functions, and the paths that they name. Test code is left out of both.

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, File, ImplItemFn, Item, ItemFn, ItemMod, Macro, Signature, TraitItemFn, UseTree,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::tree::Source;

/// What the rules look at in one Rust file.
#[derive(Debug, Default)]
pub struct Outline {
    pub functions: Vec<Function>,
    pub names: Vec<Name>,
    /// How many lines are test code.
    pub test_lines: usize,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub first_line: usize,
    pub last_line: usize,
}

/// A path that the file names, as `["crate", "store", "journal"]`; one that starts at `self` or `super` is turned into one
/// that starts at `crate`.
#[derive(Debug, PartialEq, Eq)]
pub struct Name {
    pub line: usize,
    pub segments: Vec<String>,
}

/// Whether the whole file is test code.
pub fn is_test_file(path: &str) -> bool {
    path.split('/').skip(2).any(|part| part == "tests" || part == "tests.rs")
}

/// Reads `source`, a Rust file.
pub fn outline(source: &Source) -> Result<Outline> {
    let file: File = syn::parse_file(&source.text).with_context(|| format!("parse {}", source.path))?;
    let mut reader = Reader { module: module_of(&source.path), outline: Outline::default() };
    reader.visit_file(&file);
    Ok(reader.outline)
}

/// The module that a file is, below its crate: `services/x/src/app/post.rs` is `["app", "post"]`.
fn module_of(path: &str) -> Vec<String> {
    let below = path.split_once("/src/").map_or("", |(_, below)| below).trim_end_matches(".rs");
    let below = below.trim_end_matches("/mod");
    below.split('/').filter(|part| !matches!(*part, "" | "lib" | "main" | "mod")).map(str::to_owned).collect()
}

struct Reader {
    module: Vec<String>,
    outline: Outline,
}

impl Reader {
    fn function(&mut self, signature: &Signature, body: &syn::Block) {
        self.outline.functions.push(Function {
            name: signature.ident.to_string(),
            first_line: signature.span().start().line,
            last_line: body.span().end().line,
        });
    }

    fn name(&mut self, line: usize, segments: &[String]) {
        let mut resolved = match segments.first().map(String::as_str) {
            Some("self" | "super") => {
                let mut module = self.module.clone();
                let ups = segments.iter().filter(|segment| *segment == "super").count();
                module.truncate(module.len().saturating_sub(ups));
                std::iter::once("crate".to_owned()).chain(module).collect()
            }
            _ => Vec::new(),
        };
        let is_relative = !resolved.is_empty();
        let rest =
            segments.iter().filter(|segment| !is_relative || !matches!(segment.as_str(), "self" | "super"));
        resolved.extend(rest.cloned());
        self.outline.names.push(Name { line, segments: resolved });
    }

    fn use_tree(&mut self, prefix: &[String], tree: &UseTree) {
        let mut segments = prefix.to_vec();
        match tree {
            UseTree::Path(path) => {
                segments.push(path.ident.to_string());
                self.use_tree(&segments, &path.tree);
            }
            UseTree::Group(group) => group.items.iter().for_each(|item| self.use_tree(prefix, item)),
            UseTree::Name(name) => segments.push(name.ident.to_string()),
            UseTree::Rename(rename) => segments.push(rename.ident.to_string()),
            UseTree::Glob(_) => {}
        }
        if !matches!(tree, UseTree::Path(_) | UseTree::Group(_)) {
            self.name(tree.span().start().line, &segments);
        }
    }

    /// A macro's body is no syntax yet: whatever looks like a path in it is taken for one.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut segments: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if colons == 2 => segments.push(ident.to_string()),
                TokenTree::Ident(ident) => {
                    self.path_in_tokens(line, &mut segments);
                    line = ident.span().start().line;
                    segments.push(ident.to_string());
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                _ => self.path_in_tokens(line, &mut segments),
            }
            colons = 0;
        }
        self.path_in_tokens(line, &mut segments);
    }

    fn path_in_tokens(&mut self, line: usize, segments: &mut Vec<String>) {
        if segments.len() > 1 {
            self.name(line, segments);
        }
        segments.clear();
    }

    fn skip(&mut self, item: &impl Spanned) {
        self.outline.test_lines += item.span().end().line + 1 - item.span().start().line;
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(ItemMod { attrs, .. }) | Item::Fn(ItemFn { attrs, .. }) => attrs.as_slice(),
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            _ => &[],
        };
        if is_for_tests(attributes) {
            self.skip(item);
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.content.is_some() {
            self.module.push(module.ident.to_string());
            visit::visit_item_mod(self, module);
            self.module.pop();
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.function(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.name(path.span().start().line, &segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {
        // Derives and lints name no layer.
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        meta => meta.path().segments.last().is_some_and(|last| last.ident == "test"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, text: &str) -> Vec<String> {
        let outline = outline(&Source::new(path, text)).unwrap();
        outline.names.iter().map(|name| name.segments.join("::")).collect()
    }

    #[test]
    fn paths_are_found_in_uses_in_code_and_in_macros() {
        let text = "use a::{b, c::d as e};\nfn f() { g::h(); m!(1 => k::l::<X>(), n: o::p) }";
        assert_eq!(names("services/x/src/lib.rs", text), ["a::b", "a::c::d", "g::h", "k::l", "o::p", "m"]);
    }

    #[test]
    fn relative_paths_start_at_the_crate() {
        let text = "use super::journal::Row;\nfn f() { self::g(); super::super::h() }\nmod inner { use super::Row; }";
        let found = names("services/x/src/app/post.rs", text);
        assert_eq!(
            found,
            ["crate::app::journal::Row", "crate::app::post::g", "crate::h", "crate::app::post::Row"]
        );
    }

    #[test]
    fn test_code_is_left_out() {
        let text =
            "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use sqlx::query;\n    #[test]\n    fn g() {}\n}\n";
        let outline = outline(&Source::new("services/x/src/lib.rs", text)).unwrap();
        assert_eq!(outline.functions, [Function { name: "f".to_owned(), first_line: 1, last_line: 1 }]);
        assert!(outline.names.is_empty());
        assert_eq!(outline.test_lines, 6);
    }
}
