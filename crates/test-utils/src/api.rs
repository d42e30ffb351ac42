//! The public methods of a crate, read from its source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Expr, ImplItem, Item, Lit, Meta, Type, Visibility};

use crate::table::Table;

/// Checks that every public function in the source of a crate is an operation that its suite knows.
///
/// `source` is the crate's `src` folder, `table` the suite's operations, `extra` the operations that the crate
/// has beyond tokio's, which its own tests cover. Operations of the table that no inherent `pub fn` declares
/// (trait methods, drops) are allowed; an `extra` that is not in the source is not.
///
/// # Panics
///
/// With the names that are missing on either side, or if the source cannot be read.
#[track_caller]
pub fn assert_covered<S>(source: impl AsRef<Path>, table: &Table<S>, extra: &[&str]) {
    let source = source.as_ref();
    let known: BTreeSet<String> = table
        .iter()
        .map(|row| row.operation)
        .chain(extra.iter().copied())
        .map(str::to_owned)
        .collect();
    let public = public_functions(source);
    let untested: Vec<_> = public.difference(&known).collect();
    assert!(
        untested.is_empty(),
        "public functions that the contract suite does not know: {untested:?}"
    );
    let gone: Vec<_> = extra
        .iter()
        .filter(|name| !public.contains(**name))
        .collect();
    assert!(
        gone.is_empty(),
        "listed as extra, but not in the source: {gone:?}"
    );
}

/// Checks that every operation of a table is named, as a string, in the source of its suite.
///
/// # Panics
///
/// With the operations that are not, or if the source cannot be read.
#[track_caller]
pub fn assert_tested<S>(suite: impl AsRef<Path>, table: &Table<S>) {
    let text: String = rust_files(suite.as_ref())
        .iter()
        .map(|file| read(file))
        .collect();
    let untested: Vec<_> = table
        .iter()
        .map(|row| row.operation)
        .filter(|operation| !text.contains(&format!("\"{operation}\"")))
        .collect();
    assert!(
        untested.is_empty(),
        "operations of the table without a test: {untested:?}"
    );
}

/// Checks that the documentation of every public function in the source of a crate has an example.
///
/// # Panics
///
/// With the names of those without one, or if the source cannot be read.
#[track_caller]
pub fn assert_examples(source: impl AsRef<Path>) {
    let mut without = Vec::new();
    visit_files(source.as_ref(), &mut |name, attributes| {
        if !attributes.iter().any(begins_example) {
            without.push(name);
        }
    });
    assert!(
        without.is_empty(),
        "public functions without an example: {without:?}"
    );
}

/// Whether it is the line of documentation with which a code block begins or ends.
fn begins_example(attribute: &Attribute) -> bool {
    let Meta::NameValue(line) = &attribute.meta else {
        return false;
    };
    let Expr::Lit(literal) = &line.value else {
        return false;
    };
    line.path.is_ident("doc")
        && matches!(&literal.lit, Lit::Str(text) if text.value().trim_start().starts_with("```"))
}

/// Every `pub fn` below a folder: `name` of a free function, `Type::name` of an inherent method.
///
/// # Panics
///
/// If a file cannot be read or is not Rust.
#[track_caller]
pub fn public_functions(source: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    visit_files(source, &mut |name, _| {
        names.insert(name);
    });
    names
}

/// Calls `found` with the name and the attributes of every public function.
#[track_caller]
fn visit_files(source: &Path, found: &mut dyn FnMut(String, &[Attribute])) {
    for file in rust_files(source) {
        visit(&parse(&file).items, found);
    }
}

fn visit(items: &[Item], found: &mut dyn FnMut(String, &[Attribute])) {
    for item in items {
        match item {
            Item::Fn(function) if is_public(&function.vis) => {
                found(function.sig.ident.to_string(), &function.attrs);
            }
            Item::Impl(block) if block.trait_.is_none() => {
                let Type::Path(path) = &*block.self_ty else {
                    continue;
                };
                let Some(name) = path.path.segments.last() else {
                    continue;
                };
                for item in &block.items {
                    match item {
                        ImplItem::Fn(method) if is_public(&method.vis) => {
                            let name = format!("{}::{}", name.ident, method.sig.ident);
                            found(name, &method.attrs);
                        }
                        _ => {}
                    }
                }
            }
            Item::Mod(module) if !is_test(&module.attrs) => {
                if let Some((_, items)) = &module.content {
                    visit(items, found);
                }
            }
            _ => {}
        }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|ident| ident == "test")
    })
}

#[track_caller]
fn read(file: &Path) -> String {
    match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => panic!("cannot read {}: {error}", file.display()),
    }
}

#[track_caller]
fn parse(file: &Path) -> syn::File {
    match syn::parse_file(&read(file)) {
        Ok(parsed) => parsed,
        Err(error) => panic!("cannot parse {}: {error}", file.display()),
    }
}

#[track_caller]
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => panic!("cannot list {}: {error}", folder.display()),
    };
    let mut files = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
