//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use lexopt::prelude::*;

use crate::run::Task;
use narrows_bench_peers::meter::Effort;

pub const HELP: &str = "\
Measures Narrows and its peers: the same work, one run

Usage: cargo xtask bench [KIND] [OPTIONS]

Kinds: mpsc, oneshot, broadcast, watch, patterns, limits (of this machine; part of every run)

Options:
  --filter TEXT  only scenarios whose name contains TEXT
  --peers A,B    only these peers (tokio always takes part, twice)
  --quick        fewer and shorter rounds: a first impression, not a result
  --rounds N     how often each is measured (11, with --quick 3): more where the noise is large
  --json FILE    keep the results; rows that FILE has already are replaced
  --plot DIR     draw a picture for each kind
  --from FILE    measure nothing; table and pictures of what --json kept
  --list         name kinds, peers and scenarios
";

pub enum Arguments {
    Help,
    List,
    Child(Task),
    Bench(Bench),
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Bench {
    pub kind: Option<String>,
    pub filter: String,
    pub quick: bool,
    pub rounds: Option<NonZeroUsize>,
    pub peers: Vec<String>,
    pub json: Option<PathBuf>,
    pub plot: Option<PathBuf>,
    pub from: Option<PathBuf>,
}

pub fn parse() -> anyhow::Result<Arguments> {
    parse_from(lexopt::Parser::from_env())
}

fn parse_from(mut parser: lexopt::Parser) -> anyhow::Result<Arguments> {
    let mut bench = Bench::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Arguments::Help),
            Long("list") => return Ok(Arguments::List),
            Long("child") => return Ok(Arguments::Child(child(&mut parser)?)),
            Long("filter") => bench.filter = parser.value()?.string()?,
            Long("quick") => bench.quick = true,
            Long("rounds") => {
                bench.rounds = Some(
                    parser
                        .value()?
                        .parse()
                        .context("--rounds takes a number from 1 up")?,
                )
            }
            Long("peers") => {
                bench.peers = parser
                    .value()?
                    .string()?
                    .split(',')
                    .map(|peer| peer.trim().to_owned())
                    .collect();
            }
            Long("json") => bench.json = Some(parser.value()?.into()),
            Long("plot") => bench.plot = Some(parser.value()?.into()),
            Long("from") => bench.from = Some(parser.value()?.into()),
            Value(kind) if bench.kind.is_none() => bench.kind = Some(kind.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    if bench.from.is_some() && (bench.json.is_some() || bench.kind.is_some() || bench.quick) {
        bail!("--from measures nothing: it goes with --plot only");
    }
    Ok(Arguments::Bench(bench))
}

/// `--child KIND PEER SCENARIO MICROSECONDS`: how the bench calls itself.
fn child(parser: &mut lexopt::Parser) -> anyhow::Result<Task> {
    let mut next = || -> anyhow::Result<String> { Ok(parser.value()?.string()?) };
    let (kind, peer, scenario) = (next()?, next()?, next()?);
    let microseconds = next()?.parse().context("MICROSECONDS is no number")?;
    Ok(Task {
        kind,
        peer,
        scenario,
        effort: Effort {
            measure: Duration::from_micros(microseconds),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench(arguments: &[&str]) -> anyhow::Result<Bench> {
        match parse_from(lexopt::Parser::from_args(arguments))? {
            Arguments::Bench(bench) => Ok(bench),
            _ => bail!("not a bench"),
        }
    }

    #[test]
    fn options_and_kind_come_in_any_order() {
        let parsed = bench(&[
            "--quick",
            "mpsc",
            "--peers",
            "kanal, flume",
            "--filter",
            "memory",
        ])
        .unwrap();
        assert_eq!(
            parsed,
            Bench {
                kind: Some("mpsc".to_owned()),
                filter: "memory".to_owned(),
                quick: true,
                peers: vec!["kanal".to_owned(), "flume".to_owned()],
                ..Bench::default()
            }
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (arguments, complaint) in [
            (vec!["mpsc", "watch"], "unexpected argument \"watch\""),
            (vec!["--fast"], "invalid option '--fast'"),
            (vec!["--json"], "missing argument for option '--json'"),
            (vec!["--rounds", "0"], "--rounds takes a number from 1 up"),
            (
                vec!["--from", "a.json", "--quick"],
                "--from measures nothing: it goes with --plot only",
            ),
        ] {
            assert_eq!(bench(&arguments).unwrap_err().to_string(), complaint);
        }
    }
}
