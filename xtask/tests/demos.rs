//! Every demo of this workspace prints what its transcript says: the check of `cargo xtask demo`,
//! as a part of `cargo test --workspace`.

use std::process::Command;

#[test]
fn every_demo_passes() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["demo", "--no-fail-fast"])
        .env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("xtask starts");
    assert!(
        output.status.success(),
        "cargo xtask demo --no-fail-fast ended with {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}
