//! Which crates have models, and which of them the arguments mean.

use std::path::PathBuf;

use anyhow::Context;

use crate::cargo::{Workspace, items, text};
use crate::cli::{nearest, usage};

/// A crate of the workspace with test targets of some sort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What a user calls it: `oneshot`.
    pub name: String,
    /// Its package: `narrows-oneshot`.
    pub package: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its test targets of that sort; may be none.
    pub targets: Vec<String>,
}

/// Whether a test target of this name holds models.
pub fn is_model(target: &str) -> bool {
    target.ends_with("model")
}

/// Every `narrows-…` crate of the workspace, with those of its test targets that are wanted.
pub fn kinds(workspace: &Workspace, wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<Kind>> {
    let mut kinds = Vec::new();
    for member in &workspace.members {
        let package = text(member, "name");
        let Some(name) = package.strip_prefix("narrows-") else {
            continue;
        };
        let folder = PathBuf::from(text(member, "manifest_path"));
        let folder = folder.parent().context("a manifest is in a folder")?;
        let is_test = |target: &&_| items(target, "kind").iter().any(|kind| kind == "test");
        let targets = items(member, "targets")
            .iter()
            .filter(is_test)
            .map(|target| text(target, "name").to_owned())
            .filter(|target| wanted(target));
        kinds.push(Kind {
            name: name.to_owned(),
            package: package.to_owned(),
            folder: folder.to_owned(),
            targets: targets.collect(),
        });
    }
    kinds.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(kinds)
}

/// The crate that was typed, or all that have targets.
pub fn select(kinds: Vec<Kind>, typed: Option<&str>) -> anyhow::Result<Vec<Kind>> {
    let with: Vec<_> = kinds
        .iter()
        .filter(|kind| !kind.targets.is_empty())
        .map(|kind| kind.name.as_str())
        .collect();
    anyhow::ensure!(!with.is_empty(), "no crate has models");
    let Some(typed) = typed else {
        return Ok(kinds
            .into_iter()
            .filter(|kind| !kind.targets.is_empty())
            .collect());
    };
    let those = with.join(", ");
    match kinds.iter().find(|kind| kind.name == typed) {
        Some(kind) if !kind.targets.is_empty() => Ok(vec![kind.clone()]),
        Some(_) => Err(usage(format!(
            "narrows-{typed} has no models; those that have: {those}"
        ))),
        None => Err(usage(match nearest(typed, with.into_iter()).first() {
            Some(name) => format!("there is no crate narrows-{typed}; did you mean `{name}`?"),
            None => format!("there is no crate narrows-{typed}; models have: {those}"),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Kind> {
        let kind = |name: &str, targets: &[&str]| Kind {
            name: name.to_owned(),
            package: format!("narrows-{name}"),
            folder: PathBuf::new(),
            targets: targets.iter().copied().map(str::to_owned).collect(),
        };
        vec![
            kind("explain", &[]),
            kind("oneshot", &["model"]),
            kind("watch", &["borrow_model", "model"]),
        ]
    }

    fn names(typed: Option<&str>) -> Result<Vec<String>, String> {
        let selected = select(all(), typed).map_err(|error| error.to_string())?;
        Ok(selected.into_iter().map(|kind| kind.name).collect())
    }

    #[test]
    fn the_typed_crate_or_all_with_models_are_selected() {
        assert_eq!(names(None).unwrap(), ["oneshot", "watch"]);
        assert_eq!(names(Some("watch")).unwrap(), ["watch"]);
    }

    #[test]
    fn a_wrong_crate_is_told_in_one_line() {
        assert_eq!(
            names(Some("explain")).unwrap_err(),
            "narrows-explain has no models; those that have: oneshot, watch"
        );
        assert_eq!(
            names(Some("onshot")).unwrap_err(),
            "there is no crate narrows-onshot; did you mean `oneshot`?"
        );
        assert_eq!(
            names(Some("xyz")).unwrap_err(),
            "there is no crate narrows-xyz; models have: oneshot, watch"
        );
    }
}
