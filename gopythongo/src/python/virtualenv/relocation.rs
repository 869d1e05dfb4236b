//! Giving the scripts of an environment that was built elsewhere their final first lines.

use std::{fs, io, path::Path};

/// Replaces, in every script in `bin`, the path at which the environment was built by the one at which it will be.
///
/// # Errors
/// When a script cannot be read or written.
pub(in crate::python) fn rewrite_scripts(directory: &Path, path: &Path) -> io::Result<()> {
    let (built, last) = (format!("{}/", directory.display()), format!("{}/", path.display()));
    for entry in fs::read_dir(directory.join("bin"))? {
        let script = entry?.path();
        if !fs::symlink_metadata(&script)?.is_file() {
            continue;
        }
        // what is no text is no script
        let Ok(text) = String::from_utf8(fs::read(&script)?) else { continue };
        if text.starts_with("#!") && text.contains(&built) {
            fs::write(&script, text.replace(&built, &last))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    #[test]
    fn scripts_start_at_the_final_path_and_nothing_else_is_touched() -> io::Result<()> {
        let directory = tree(&[("bin/data", "")]);
        let built = directory.path();
        let long = |path: &Path| format!("#!/bin/sh\n'''exec' '{}/bin/python' \"$0\" \"$@\"\n' '''\n", path.display());
        let short = |path: &Path| format!("#!{}/bin/python\nimport sys\n", path.display());
        fs::write(built.join("bin/shop"), short(built))?;
        fs::write(built.join("bin/long"), long(built))?;
        fs::write(built.join("bin/data"), short(built).trim_start_matches("#!"))?;
        rewrite_scripts(built, Path::new("/opt/shop"))?;
        assert_eq!(fs::read_to_string(built.join("bin/shop"))?, short(Path::new("/opt/shop")));
        assert_eq!(fs::read_to_string(built.join("bin/long"))?, long(Path::new("/opt/shop")));
        assert!(fs::read_to_string(built.join("bin/data"))?.contains(&built.display().to_string()));
        Ok(())
    }
}
