//! T9: Miri runs over every file with `unsafe` code.

use std::path::Path;

use crate::threads::UNSAFE_MODULES;

/// What `unsafe` stands before where it is code.
const FORMS: [&str; 6] = ["{", "fn ", "impl", "trait ", "extern ", "("];

/// What is wrong with a file, if anything.
pub(super) fn breach(path: &Path, text: &str) -> Option<String> {
    let is_interpreted = module_of(path).is_some_and(|(package, module)| {
        let mut listed = UNSAFE_MODULES.iter();
        listed.any(|(name, modules)| *name == package && is_in(&module, modules))
    });
    (has_unsafe(text) && !is_interpreted).then(|| {
        let shown = path.display();
        format!("T9 {shown}: has unsafe code, and no module of UNSAFE_MODULES has it")
    })
}

/// The package of a library's source file, and its module: `drystone-mvcc` and `memtable::tree`.
fn module_of(path: &Path) -> Option<(String, String)> {
    let inside = path.strip_prefix("crates").ok()?.with_extension("");
    let mut parts = inside.iter().map(|part| part.to_string_lossy());
    let package = format!("drystone-{}", parts.next()?);
    let is_source = parts.next()? == "src";
    let module: Vec<_> = parts.collect();
    is_source.then(|| (package, module.join("::")))
}

/// Whether a module is one of these, or in one of them.
fn is_in(module: &str, listed: &[&str]) -> bool {
    let is_below = |above: &str| {
        let rest = module.strip_prefix(above);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    listed.iter().copied().any(is_below)
}

fn has_unsafe(text: &str) -> bool {
    let lines = text.lines().map(str::trim_start);
    let code = lines.filter(|line| !line.starts_with("//"));
    code.flat_map(|line| line.split("unsafe").skip(1))
        .any(|after| {
            FORMS
                .iter()
                .any(|form| after.trim_start().starts_with(form))
        })
}
