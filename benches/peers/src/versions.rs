//! The versions of the engines: those of the lock file, which this program was built with.

const LOCK_FILE: &str = include_str!("../Cargo.lock");

/// Names and versions of packages, as `heed 0.23.1, lmdb-master-sys 0.2.6`.
pub(crate) fn of(packages: &[&str]) -> String {
    let versions = packages
        .iter()
        .filter_map(|package| Some(format!("{package} {}", version(package)?)));
    versions.collect::<Vec<_>>().join(", ")
}

fn version(package: &str) -> Option<&'static str> {
    let name = format!("name = \"{package}\"");
    let mut lines = LOCK_FILE.lines().skip_while(|line| *line != name).skip(1);
    let version = lines.next()?.strip_prefix("version = \"")?;
    version.strip_suffix('"')
}

#[cfg(test)]
mod tests;
