//! SQLite's published lists of SQL scripts and malformed database files: fetched, never part of the repository.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use xshell::{Shell, cmd};

use crate::fuzz;

/// Where they are kept, within the build folder.
const FOLDER: &str = "sqlite-corpus";
/// The last of them; where it is there, all are.
const LAST: &str = "fuzzdata8.db";
/// Debian's source, as fetched.
const SOURCE: &str = "sqlite3.orig.tar.xz";

/// Fetches the lists unless they are there, and runs them.
pub(crate) fn run(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    let folder = root.join("target").join(FOLDER);
    if !folder.join(LAST).exists() {
        fetch(shell, &folder)?;
    }
    fuzz::sqlite_corpus(shell, root, &folder)
}

/// From the source of Debian's package, which lies beside the package itself.
fn fetch(shell: &Shell, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let printed = cmd!(shell, "apt-get --print-uris download sqlite3").read();
    let printed = printed.context("the lists come from a mirror of Debian, by way of apt")?;
    let source = source_beside(&printed)?;
    let archive = folder.join(SOURCE);
    cmd!(
        shell,
        "/usr/lib/apt/apt-helper download-file {source} {archive}"
    )
    .run()?;
    cmd!(
        shell,
        "tar --extract --xz --file {archive} --directory {folder} --strip-components=2 --wildcards */test/fuzzdata*.db"
    )
    .run()?;
    if !folder.join(LAST).exists() {
        bail!("{source} holds no {LAST}");
    }
    Ok(())
}

/// The address of the source of the package whose address apt printed, as `'.../sqlite3_3.40.1-2_amd64.deb' name size`.
fn source_beside(printed: &str) -> anyhow::Result<String> {
    let address = printed
        .lines()
        .find_map(|line| line.strip_prefix('\'')?.split('\'').next());
    let address = address.with_context(|| format!("apt names no address: {printed}"))?;
    let (pool, package) = address.rsplit_once('/').context("an address has a path")?;
    let version = package
        .split('_')
        .nth(1)
        .context("a package's name has its version")?;
    let upstream = version
        .rsplit_once('-')
        .map_or(version, |(upstream, _)| upstream);
    Ok(format!("{pool}/sqlite3_{upstream}.orig.tar.xz"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_lies_beside_the_package() {
        let printed = "'http://deb.debian.org/pool/main/s/sqlite3/sqlite3_3.40.1-2%2bdeb12u2_amd64.deb' sqlite3.deb 353348 SHA256:58";
        assert_eq!(
            source_beside(printed).unwrap(),
            "http://deb.debian.org/pool/main/s/sqlite3/sqlite3_3.40.1.orig.tar.xz"
        );
        assert!(source_beside("no address").is_err());
    }
}
