//! Calls of cargo: what the workspace contains, and building it.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use serde_json::Value;

use crate::cli::Stop;

/// A workspace as `cargo metadata` describes it.
#[derive(Debug)]
pub struct Workspace {
    /// The folder of the workspace's Cargo.toml.
    pub root: PathBuf,
    /// Where cargo puts what it builds.
    pub target: PathBuf,
    /// Its members, with their targets.
    pub members: Vec<Value>,
}

impl Workspace {
    /// The workspace that xtask belongs to, or that contains the current folder if xtask was
    /// started by its path and not by cargo.
    pub fn find() -> anyhow::Result<Self> {
        let start = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| ".".into());
        let output = Command::new(cargo())
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .current_dir(start)
            .stderr(Stdio::inherit())
            .output()
            .context("cargo metadata does not start")?;
        if !output.status.success() {
            return Err(Stop::Build("cargo metadata failed".to_owned()).into());
        }
        let mut metadata: Value =
            serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
        let root = text(&metadata, "workspace_root").into();
        let target = text(&metadata, "target_directory").into();
        let Value::Array(members) = metadata["packages"].take() else {
            anyhow::bail!("cargo metadata has no list of packages");
        };
        Ok(Self {
            root,
            target,
            members,
        })
    }

    /// Builds every example of the workspace with one call, and tells where each program is, by
    /// the path of its source.
    ///
    /// The whole workspace, so that features unify as in `cargo test --workspace`, and neither
    /// makes the other build again.
    pub fn build_examples(&self) -> anyhow::Result<HashMap<PathBuf, PathBuf>> {
        let output = Command::new(cargo())
            .args(["build", "--workspace", "--examples"])
            .arg("--message-format=json-render-diagnostics")
            .current_dir(&self.root)
            .stderr(Stdio::inherit())
            .output()
            .context("cargo build does not start")?;
        if !output.status.success() {
            return Err(Stop::Build("the examples do not build".to_owned()).into());
        }
        let mut programs = HashMap::new();
        for line in output
            .stdout
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let message: Value =
                serde_json::from_slice(line).context("cargo build sent what is not JSON")?;
            if let Some(program) = message["executable"].as_str() {
                programs.insert(text(&message["target"], "src_path").into(), program.into());
            }
        }
        Ok(programs)
    }

    /// The kinds of channel whose crate has a test target of this name.
    pub fn kinds_with_test(&self, target: &str) -> Vec<String> {
        let has_it = |package: &&Value| {
            items(package, "targets").iter().any(|candidate| {
                let is_test = items(candidate, "kind").iter().any(|kind| kind == "test");
                is_test && text(candidate, "name") == target
            })
        };
        self.members
            .iter()
            .filter(has_it)
            .filter_map(|package| text(package, "name").strip_prefix("narrows-"))
            .filter(|kind| *kind != "test-utils")
            .map(str::to_owned)
            .collect()
    }

    /// Runs one test target of a channel's crate, built for release, and tells whether it passed.
    pub fn test_target(
        &self,
        kind: &str,
        target: &str,
        environment: &[(&str, String)],
    ) -> anyhow::Result<bool> {
        let package = format!("narrows-{kind}");
        let status = Command::new(cargo())
            .args(["test", "--release", "--package", &package, "--test", target])
            .args(["--", "--nocapture"])
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.root)
            .status()
            .context("cargo test does not start")?;
        Ok(status.success())
    }

    /// A path as a user of this workspace would write it.
    pub fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

/// A field that is a string; empty if it is none.
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// The items of a field that is an array; none if it isn't.
pub fn items<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

/// The cargo that runs this program, or else the one on the path.
pub fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
