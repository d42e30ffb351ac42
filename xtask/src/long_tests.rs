//! Tests whose length is set by the environment: one test target of the same name in several crates.

use std::ffi::OsString;

use crate::cargo::Workspace;
use crate::cli::{Outcome, nearest, usage};

/// The kinds of channel that were asked for, and the environment of their tests.
#[derive(Debug)]
pub struct Chosen {
    target: &'static str,
    kinds: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Chosen {
    /// Every kind that has the test target, until [`kind`](Self::kind) names some.
    pub fn new(target: &'static str) -> Self {
        Self {
            target,
            kinds: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// Adds a kind.
    pub fn kind(&mut self, kind: String) {
        self.kinds.push(kind);
    }

    /// Sets a variable for the tests.
    pub fn set(&mut self, variable: &'static str, value: impl ToString) {
        self.environment.push((variable, value.to_string()));
    }

    /// Runs the tests, one kind after the other, until one fails.
    ///
    /// They are built as they are shipped, without debug assertions; the short forms, which are part of
    /// `cargo test`, run with them.
    pub fn run(self) -> anyhow::Result<Outcome> {
        let workspace = Workspace::find()?;
        let available = workspace.kinds_with_test(self.target);
        for kind in &self.kinds {
            if !available.contains(kind) {
                return Err(self.unknown(kind, &available));
            }
        }
        let kinds = if self.kinds.is_empty() {
            &available
        } else {
            &self.kinds
        };
        for kind in kinds {
            if !workspace.test_target(kind, self.target, &self.environment)? {
                return Ok(Outcome::Failed);
            }
        }
        Ok(Outcome::Passed)
    }

    fn unknown(&self, kind: &str, available: &[String]) -> anyhow::Error {
        let hint = match nearest(kind, available.iter().map(String::as_str)).first() {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there is: {}", available.join(", ")),
        };
        usage(format!("`{kind}` has no {} test; {hint}", self.target))
    }
}

/// The value of an option that takes a positive number.
pub fn positive(option: &str, value: OsString) -> anyhow::Result<f64> {
    let text = value.to_string_lossy();
    match text.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err(usage(format!(
            "{option} takes a number above zero, not `{text}`"
        ))),
    }
}

/// The value of an option that takes a seed.
pub fn seed(option: &str, value: OsString) -> anyhow::Result<u64> {
    let text = value.to_string_lossy();
    text.parse()
        .map_err(|_| usage(format!("{option} takes a whole number, not `{text}`")))
}

#[cfg(test)]
mod tests {
    use super::{positive, seed};

    #[test]
    fn numbers_are_read_or_refused_in_one_line() {
        assert_eq!(positive("--minutes", "0.5".into()).unwrap(), 0.5);
        assert_eq!(seed("--seed", "7".into()).unwrap(), 7);
        for wrong in ["0", "-1", "inf", "NaN", "ten"] {
            let error = positive("--minutes", wrong.into()).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("--minutes takes a number above zero, not `{wrong}`")
            );
        }
        let error = seed("--seed", "-1".into()).unwrap_err().to_string();
        assert_eq!(error, "--seed takes a whole number, not `-1`");
    }
}
