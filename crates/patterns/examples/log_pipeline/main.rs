//! A service that counts the lines of log files, made of the patterns of the library.
//!
//! It follows the files of a folder, also when they are renamed or truncated, counts their lines per key and
//! minute, answers questions over a Unix socket, rereads its settings while it runs, and stops on SIGTERM
//! without losing a line. The README beside this file walks through it. Notice that no count is behind a lock:
//! each piece of state has one task as its owner, and the others ask it.
//!
//! ```text
//! cargo run -p narrows-patterns --example log_pipeline -- FOLDER SOCKET SETTINGS
//! ```

#[cfg(unix)]
mod service;

/// What it says when it is run without arguments.
const USAGE: &str = "\
usage: log_pipeline FOLDER SOCKET SETTINGS

  FOLDER    its log files are followed
  SOCKET    answers questions here, a Unix socket; try: echo help | nc -U SOCKET
  SETTINGS  a TOML file; an empty one will do

It stops on SIGTERM and Ctrl-C, and rereads SETTINGS on SIGHUP.";

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use std::process::ExitCode;

    let arguments: Vec<_> = std::env::args_os().skip(1).map(Into::into).collect();
    match <[std::path::PathBuf; 3]>::try_from(arguments) {
        Ok([folder, socket, settings]) => {
            let paths = service::Paths {
                folder,
                socket,
                settings,
            };
            match service::run(paths) {
                Ok(code) => code,
                Err(error) => {
                    eprintln!("log_pipeline: {error:#}");
                    ExitCode::FAILURE
                }
            }
        }
        Err(none) if none.is_empty() => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Err(_) => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

#[cfg(not(unix))]
fn main() {
    println!("{USAGE}\n\nIt needs Unix: it knows a file by its inode.");
}

// Try it:
// - Let the follower return when it is asked to stop, without `catch_up`. Which tests see what is lost?
// - Set `max_connections = 1` in the settings, and send SIGHUP. What does a second client get?
