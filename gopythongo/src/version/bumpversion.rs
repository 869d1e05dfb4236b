//! The configuration of bumpversion, bump2version and bump-my-version: the version, and the files that it is written in.

use std::{
    fs,
    path::{Component, Path},
};

use super::{Assignment, Place, VersionError};
use crate::support::Ini;

/// What stands for the version in what is searched.
const CURRENT: &str = "{current_version}";

/// Reads the version and its places; `None` where there is no such configuration.
///
/// # Errors
/// When a file cannot be read or parsed, or does not hold what is searched.
pub(crate) fn bumpversion(directory: &Path) -> Result<Option<(String, Vec<Place>)>, VersionError> {
    let Some(configuration) = read(directory)? else { return Ok(None) };
    let mut places = Vec::new();
    for (file, search) in &configuration.files {
        let around = search.replace(CURRENT, &configuration.version);
        let path = directory.join(file);
        if !is_inside(Path::new(file)) {
            return Err(VersionError(format!("bumpversion's configuration names {file}, which is not in the source")));
        }
        let text = fs::read_to_string(&path)
            .map_err(|error| VersionError(format!("bumpversion's configuration names {}: {error}", path.display())))?;
        let at = search
            .find(CURRENT)
            .ok_or_else(|| VersionError(format!("bumpversion's `search` for {file} has no `{CURRENT}`: `{search}`")))?;
        let found = text.matches(&around).count();
        if found == 0 {
            return Err(VersionError(format!(
                "bumpversion's configuration: {} does not hold `{around}`",
                path.display()
            )));
        }
        let length = configuration.version.len();
        // the last first, so that the others stay where they are while it is rewritten
        let all = (0..found).rev().map(|nth| Assignment::Text { around: around.clone(), nth, at, length });
        places.extend(all.map(|assignment| Place::new(file, assignment)));
    }
    Ok(Some((configuration.version, places)))
}

/// Whether a relative path stays below where it begins: only a build's copy of the source is written.
pub(crate) fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// A version, and files with what is searched in each.
struct Configuration {
    version: String,
    files: Vec<(String, String)>,
}

/// Reads the first of the files that bump-my-version looks for which has a version.
fn read(directory: &Path) -> Result<Option<Configuration>, VersionError> {
    for (name, is_toml) in
        [(".bumpversion.cfg", false), (".bumpversion.toml", true), ("setup.cfg", false), ("pyproject.toml", true)]
    {
        let path = directory.join(name);
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let read = if is_toml {
            of_toml(&text).map_err(|problem| VersionError(format!("{}: {problem}", path.display())))?
        } else {
            of_ini(&text)
        };
        if read.is_some() {
            return Ok(read);
        }
    }
    Ok(None)
}

fn of_ini(text: &str) -> Option<Configuration> {
    let ini = Ini::parse(text);
    let version = ini.get("bumpversion", "current_version")?.to_owned();
    let common = ini.get("bumpversion", "search").unwrap_or(CURRENT);
    // `[bumpversion:file:NAME]`, and `[bumpversion:file(2):NAME]` for another place in the same file
    let files = ini.names().filter_map(|section| {
        let (_, name) = section.strip_prefix("bumpversion:file")?.split_once(':')?;
        Some((name.to_owned(), ini.get(section, "search").unwrap_or(common).to_owned()))
    });
    let files = files.collect();
    Some(Configuration { version, files })
}

fn of_toml(text: &str) -> Result<Option<Configuration>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let Some(tool) = table.get("tool").and_then(|tool| tool.get("bumpversion")) else { return Ok(None) };
    let Some(version) = tool.get("current_version").and_then(toml::Value::as_str) else { return Ok(None) };
    let common = tool.get("search").and_then(toml::Value::as_str).unwrap_or(CURRENT);
    let mut files = Vec::new();
    for file in tool.get("files").and_then(toml::Value::as_array).into_iter().flatten() {
        let text = |key: &str| file.get(key).and_then(toml::Value::as_str);
        // patterns of names and regular expressions are bump-my-version's own business
        let is_regex = file.get("regex").and_then(toml::Value::as_bool).unwrap_or_default();
        let Some(name) = text("filename").filter(|_| !is_regex) else {
            return Err(
                "of `[[tool.bumpversion.files]]`, only `filename` and a plain `search` can be followed".to_owned()
            );
        };
        files.push((name.to_owned(), text("search").unwrap_or(common).to_owned()));
    }
    Ok(Some(Configuration { version: version.to_owned(), files }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        support::trees::tree,
        version::{Stamp, apply},
    };

    const MODULE: (&str, &str) = ("demo.py", "VERSION = (1, 4, 2)  # not 1.4.2\nversion = '1.4.2'\n");

    /// The version, and the module after it was given another.
    fn stamped(files: &[(&str, &str)]) -> Result<(String, String), VersionError> {
        let directory = tree(files);
        let (version, places) = bumpversion(directory.path())?.unwrap_or_default();
        let next = "1.5.0.dev3".parse().map_err(|_| VersionError("no version".to_owned()))?;
        apply(&Stamp::Rewrite(places), directory.path(), &next)?;
        Ok((version, fs::read_to_string(directory.path().join("demo.py")).unwrap_or_default()))
    }

    #[test]
    fn both_formats_are_read_and_the_files_rewritten() -> Result<(), VersionError> {
        let cfg = "[bumpversion]\ncurrent_version = 1.4.2\ncommit = True\n[bumpversion:file:demo.py]\nsearch = version = '{current_version}'\n";
        let toml = "[tool.bumpversion]\ncurrent_version = '1.4.2'\n[[tool.bumpversion.files]]\nfilename = 'demo.py'\nsearch = \"version = '{current_version}'\"\n";
        for (name, text) in
            [(".bumpversion.cfg", cfg), ("setup.cfg", cfg), (".bumpversion.toml", toml), ("pyproject.toml", toml)]
        {
            let (version, module) = stamped(&[MODULE, (name, text)])?;
            assert_eq!(version, "1.4.2", "{name}");
            assert_eq!(module, "VERSION = (1, 4, 2)  # not 1.4.2\nversion = '1.5.0.dev3'\n", "{name}");
        }
        let all = "[bumpversion]\ncurrent_version = 1.4.2\n[bumpversion:file:demo.py]\n";
        let (_, module) = stamped(&[MODULE, (".bumpversion.cfg", all)])?;
        assert_eq!(module, "VERSION = (1, 4, 2)  # not 1.5.0.dev3\nversion = '1.5.0.dev3'\n");
        Ok(())
    }

    #[test]
    fn what_cannot_be_followed_is_said() {
        assert_eq!(bumpversion(tree(&[MODULE]).path()), Ok(None));
        let problem = |text: &str| {
            let directory = tree(&[MODULE, (".bumpversion.toml", text)]);
            let error = bumpversion(directory.path()).expect_err("a problem").to_string();
            error.replace(&format!("{}/", directory.path().display()), "")
        };
        let of =
            |file: &str| format!("[tool.bumpversion]\ncurrent_version = '1.4.3'\n[[tool.bumpversion.files]]\n{file}\n");
        assert_eq!(problem(&of("filename = 'demo.py'")), "bumpversion's configuration: demo.py does not hold `1.4.3`");
        assert!(problem(&of("filename = 'gone.py'")).starts_with("bumpversion's configuration names gone.py: "));
        assert_eq!(problem(&of("filename = '../x'")), {
            "bumpversion's configuration names ../x, which is not in the source"
        });
        assert!(problem(&of("glob = '*.py'")).contains("only `filename`"));
        assert_eq!(problem(&of("filename = 'demo.py'\nsearch = 'x'")), {
            "bumpversion's `search` for demo.py has no `{current_version}`: `x`"
        });
    }
}
