//! Everything that a change must pass, in the order in which a failure is cheapest to find.

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use xshell::{Shell, cmd};

use crate::{features, fuzz, peers, sim, slt, threads, tidy};

type Step<'a> = (&'a str, &'a dyn Fn() -> anyhow::Result<()>);

/// For each fuzz target.
const FUZZ_SECONDS: f64 = 2.0;

/// Runs all steps, and says how long each took. Stops at the first that fails.
pub(crate) fn run(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    let steps: [Step<'_>; 12] = [
        ("format", &|| format(shell)),
        ("tidy", &|| tidy::run(shell, root)),
        ("clippy", &|| clippy(shell, root)),
        ("licences and advisories", &|| deny(shell)),
        ("tests", &|| tests(shell, root)),
        ("SQL logic tests", &|| slt::run_part(shell, root)),
        ("simulation", &|| sim::run_part(shell)),
        ("models of threads", &|| threads::run_part(shell, root)),
        ("fuzz targets", &|| {
            fuzz::smoke(shell, root, &[], FUZZ_SECONDS, None)
        }),
        ("doc tests", &|| doc_tests(shell)),
        ("docs", &|| docs(shell)),
        ("features", &|| features::run(shell)),
    ];
    let mut summary = Vec::new();
    for (name, step) in steps {
        eprintln!("\n== {name}");
        let started = Instant::now();
        step().with_context(|| format!("the step \"{name}\" failed"))?;
        summary.push(format!(
            "{name:<24} {:>6.1} s",
            started.elapsed().as_secs_f64()
        ));
    }
    eprintln!("\n== all passed\n{}", summary.join("\n"));
    Ok(())
}

fn format(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo fmt --all --check").run()?;
    peers::format(shell)?;
    Ok(cmd!(
        shell,
        "cargo fmt --check --manifest-path crates/fuzz/Cargo.toml"
    )
    .run()?)
}

fn clippy(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    fuzz::clippy(shell, root)?;
    peers::lint(shell, root)?;
    Ok(cmd!(
        shell,
        "cargo clippy --quiet --workspace --all-targets --all-features -- --deny warnings"
    )
    .run()?)
}

/// Advisories need a local copy of the advisory database, so only what can be judged offline is demanded.
fn deny(shell: &Shell) -> anyhow::Result<()> {
    if !is_installed(shell, "deny") {
        eprintln!(
            "cargo-deny is not installed: skipped. To have it: cargo install --locked cargo-deny"
        );
        return Ok(());
    }
    Ok(cmd!(shell, "cargo deny --offline check licenses bans sources").run()?)
}

fn tests(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    peers::test(shell, root)?;
    if is_installed(shell, "nextest") {
        return Ok(cmd!(
            shell,
            "cargo nextest run --workspace --all-features --no-fail-fast"
        )
        .run()?);
    }
    eprintln!(
        "cargo-nextest is not installed: using cargo test. To have it: cargo install --locked cargo-nextest"
    );
    Ok(cmd!(
        shell,
        "cargo test --workspace --all-features --lib --bins --tests --no-fail-fast"
    )
    .run()?)
}

fn doc_tests(shell: &Shell) -> anyhow::Result<()> {
    Ok(cmd!(shell, "cargo test --quiet --workspace --all-features --doc").run()?)
}

fn docs(shell: &Shell) -> anyhow::Result<()> {
    let _flags = shell.push_env("RUSTDOCFLAGS", "--deny warnings");
    Ok(cmd!(
        shell,
        "cargo doc --quiet --workspace --all-features --no-deps"
    )
    .run()?)
}

fn is_installed(shell: &Shell, subcommand: &str) -> bool {
    cmd!(shell, "cargo {subcommand} --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_ok()
}
