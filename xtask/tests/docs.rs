//! The pages of this workspace are right, and `cargo xtask docs` finds those that aren't.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pretty_assertions::assert_eq;

/// Exit status, stdout and stderr of xtask, run in a workspace.
fn xtask(root: &Path, args: &[&str], ci: Option<&str>) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(args).env("CARGO_MANIFEST_DIR", root);
    match ci {
        Some(value) => command.env("CI", value),
        None => command.env_remove("CI"),
    };
    let output = command.output().expect("xtask starts");
    (
        output.status.code().expect("an exit status"),
        String::from_utf8(output.stdout).expect("text"),
        String::from_utf8(output.stderr).expect("text"),
    )
}

#[test]
fn every_page_says_what_its_files_say() {
    let (status, problems, stderr) = xtask(Path::new(env!("CARGO_MANIFEST_DIR")), &["docs"], None);
    assert_eq!(stderr, "");
    assert!(status == 0, "cargo xtask docs:\n{problems}");
}

#[test]
fn the_run_in_the_readme_is_a_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = fs::read_to_string(root.join("README.md")).expect("there is a README");
    let (_, shown) = readme
        .split_once("```console\n$ cargo xtask demo\nok")
        .expect("README.md shows a run of cargo xtask demo");
    let (shown, _) = shown.split_once("```").expect("the block ends");
    let shown = format!("ok{shown}");

    let (_, printed, _) = xtask(&root, &["demo", "--no-fail-fast"], None);
    let printed = without_times(&printed);
    for line in without_times(&shown).lines().filter(|line| *line != "…") {
        assert!(
            printed.lines().any(|it| it == line),
            "README.md shows `{line}`, which cargo xtask demo does not print; paste lines of a run:\n{printed}"
        );
    }
}

/// Each number before `ms` or `s` becomes a star.
fn without_times(text: &str) -> String {
    let line = |line: &str| {
        let mut words: Vec<_> = line.split(' ').collect();
        for index in 1..words.len() {
            if matches!(words[index], "ms" | "s") && words[index - 1].parse::<f64>().is_ok() {
                words[index - 1] = "*";
            }
        }
        words.join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A workspace of one package with one demo and a page, for the test of this name.
fn workspace(test: &str, page: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("docs")
        .join(test);
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is ours");
        fs::write(path, text).expect("the folder is ours");
    };
    write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"3\"\n",
    );
    write(
        "crates/one/Cargo.toml",
        "[package]\nname = \"one\"\nedition = \"2024\"\n",
    );
    write(
        "crates/one/src/lib.rs",
        "//! [gone](../gone.md), [here](../../../README.md), [html](../x/index.html)\n\n#[doc = include_str!(\"../../../docs/compiled.md\")]\nstruct Page;\n",
    );
    write(
        "crates/one/examples/hello.rs",
        "//! It greets. Notice how.\n\nfn main() {\n    println!(\"hello\");\n}\n\n// Try it:\n// - Nothing.\n",
    );
    write("crates/one/examples/hello.stdout", "hello\n");
    write(
        "docs/compiled.md",
        "# Compiled\n\n```rust\nlet a = 1;\n```\n",
    );
    write("README.md", page);
    folder
}

/// The lines about README.md.
fn problems(test: &str, page: &str) -> Vec<String> {
    let folder = workspace(test, page);
    let (status, stdout, stderr) = xtask(&folder, &["docs"], None);
    assert_eq!((status, stderr.as_str()), (1, ""), "{stdout}");
    stdout
        .lines()
        .filter_map(|line| line.strip_prefix("README.md:"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_page_that_differs_is_named_with_its_line_and_the_cure() {
    assert_eq!(
        problems(
            "differs",
            "# A\n\n<!-- include: output hello -->\n```text\nhallo\n```\n<!-- end -->\n"
        ),
        ["5: the page says `hallo`, the file `hello`; `cargo xtask docs --bless` renews the page"],
    );
}

#[test]
fn markers_that_name_nothing_are_named() {
    assert_eq!(
        problems(
            "markers",
            "<!-- include: output gone -->\n<!-- end -->\n<!-- include: code hello \"gone\" -->\n<!-- end -->\n\
             <!-- include: song hello -->\n<!-- end -->\n<!-- include: output hello -->\n"
        ),
        [
            "1: there is no demo `gone`; correct the marker",
            "3: no line of the program contains \"gone\"; correct the marker",
            "5: there is no `song` to include; it is one of demo, output, code, demos, choose; correct the marker",
            "7: there is no <!-- end --> below this marker; correct the marker",
        ],
    );
}

#[test]
fn links_and_blocks_of_code_are_checked() {
    assert_eq!(
        problems(
            "links",
            "# A page\n[a](#a-page) [b](#gone) [c](gone.md) [d](docs/compiled.md#compiled) [e](https://x.y)\n\
             ```\nx\n```\n```rust\nlet x = 1;\n```\n"
        ),
        [
            "3: a block of code says no language; write ```text if it is none",
            "6: nothing compiles this `rust` block: include README.md in a crate's lib.rs under cfg(doctest)",
            "2: the link leads to #gone, which is no heading of README.md",
            "2: the link leads to gone.md, which does not exist",
        ],
    );
}

#[test]
fn links_in_the_documentation_of_a_crate_are_checked() {
    let folder = workspace("crate_links", "# A\n");
    let (_, stdout, _) = xtask(&folder, &["docs"], None);
    assert_eq!(
        stdout,
        "crates/one/src/lib.rs:1: the link leads to ../gone.md, which does not exist\n2 pages, 1 problems\n",
    );
}

#[test]
fn the_page_of_an_application_is_checked() {
    let folder = workspace("application", "# A\n");
    let application = folder.join("crates/one/examples/app");
    fs::create_dir_all(&application).expect("the folder is ours");
    let page = "[up](../../../../README.md#a) [gone](gone.rs)\n\n<!-- include: output hello -->\n<!-- end -->\n";
    fs::write(application.join("README.md"), page).expect("the folder is ours");
    let (_, stdout, _) = xtask(&folder, &["docs"], None);
    let name = "crates/one/examples/app/README.md";
    let lines: Vec<_> = stdout.lines().filter(|it| it.starts_with(name)).collect();
    assert_eq!(
        lines,
        [
            format!(
                "{name}:4: the page says nothing, the file ````text`; `cargo xtask docs --bless` renews the page"
            ),
            format!("{name}:1: the link leads to gone.rs, which does not exist"),
        ],
    );
}

#[test]
fn bless_renews_the_pages_and_leaves_the_rest_alone() {
    let page = "before\n<!-- include: demo hello -->\nold\n<!-- end -->\nmiddle\n\
                <!-- include: code hello -->\n<!-- end -->\n<!-- include: code hello \"println\" -->\n<!-- end -->\n\
                <!-- include: demos one -->\n<!-- end -->\nafter";
    let folder = workspace("bless", page);
    fs::write(
        folder.join("crates/one/src/lib.rs"),
        "//! One.\n#[doc = include_str!(\"../../../docs/compiled.md\")]\nstruct Page;\n",
    )
    .expect("the folder is ours");
    let (status, stdout, _) = xtask(&folder, &["docs", "--bless"], None);
    assert_eq!(
        (status, stdout.as_str()),
        (0, "renewed README.md\n2 pages, 0 problems\n")
    );
    let renewed = fs::read_to_string(folder.join("README.md")).expect("it is there");
    assert_eq!(
        renewed,
        "before
<!-- include: demo hello -->
It greets. Notice how.

Run it: `cargo xtask demo hello` · [its program](crates/one/examples/hello.rs)

```text
hello
```
<!-- end -->
middle
<!-- include: code hello -->
```rs
fn main() {
    println!(\"hello\");
}
```
<!-- end -->
<!-- include: code hello \"println\" -->
```rs
println!(\"hello\");
```
<!-- end -->
<!-- include: demos one -->
| demo | shows |
|---|---|
| `hello` | It greets. |
<!-- end -->
after"
    );
    assert_eq!(xtask(&folder, &["docs"], None).0, 0);
}

#[test]
fn bless_is_refused_where_ci_is_set() {
    let folder = workspace("ci", "# A\n");
    let (status, _, stderr) = xtask(&folder, &["docs", "--bless"], Some("true"));
    assert_eq!(status, 2);
    assert!(
        stderr.starts_with("xtask: --bless is refused where CI is set"),
        "{stderr}"
    );
}
