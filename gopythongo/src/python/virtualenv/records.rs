//! What installers write down of what they installed (<https://packaging.python.org/specifications/recording-installed-packages/>),
//! without what they write of this machine.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::support::Digest;

/// Where the application's wheel was (PEP 610), and uv's notes on its cache: a path in a scratch directory, and times.
const OF_THIS_MACHINE: [&str; 2] = ["direct_url.json", "uv_cache.json"];

/// What is installed in a `site-packages`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::python) struct Installed {
    /// `flask-3.1.3.dist-info`.
    directory: String,
    /// Paths of its `RECORD`, relative to `site-packages`.
    files: Vec<String>,
}

impl Installed {
    /// `flask` and `3.1.3`, as the directory's name has them.
    pub(in crate::python) fn name_and_version(&self) -> (&str, &str) {
        let stem = self.directory.strip_suffix(".dist-info").unwrap_or(&self.directory);
        stem.split_once('-').unwrap_or((stem, ""))
    }

    /// Whether a file, relative to `site-packages`, is its own.
    pub(in crate::python) fn has(&self, file: &str) -> bool {
        // bytecode is made of what is recorded
        let source = file
            .rsplit_once("/__pycache__/")
            .and_then(|(directory, compiled)| Some(format!("{directory}/{}.py", compiled.split('.').next()?)));
        self.files.iter().any(|own| own == file || Some(own) == source.as_ref())
    }
}

/// Takes what is of this machine out of all records below `site`, writes down anew what was changed outside of it (scripts),
/// and sorts the lines. Gives what is installed, sorted.
///
/// # Errors
/// When a file cannot be read or written; it is named.
pub(in crate::python) fn settle(site: &Path) -> io::Result<Vec<Installed>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(site).map_err(naming(site))? {
        let path = entry.map_err(naming(site))?.path();
        let directory = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !directory.ends_with(".dist-info") {
            continue;
        }
        for file in OF_THIS_MACHINE.map(|file| path.join(file)) {
            if is_of_this_machine(&file) {
                fs::remove_file(&file).map_err(naming(&file))?;
            }
        }
        let record = path.join("RECORD");
        let text = fs::read_to_string(&record).map_err(naming(&record))?;
        let mut lines = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            lines.extend(settled(site, line)?);
        }
        lines.sort();
        lines.dedup();
        fs::write(&record, lines.iter().map(|line| format!("{line}\n")).collect::<String>())
            .map_err(naming(&record))?;
        let files = lines.iter().map(|line| path_of(line).0).collect();
        all.push(Installed { directory, files });
    }
    all.sort();
    Ok(all)
}

/// A `direct_url.json` of a repository or an archive of a server says something that is true everywhere.
fn is_of_this_machine(file: &Path) -> bool {
    match fs::read_to_string(file) {
        Ok(text) => !file.ends_with("direct_url.json") || text.contains("\"file:"),
        Err(_) => false,
    }
}

/// A line of a record: none for a file that is gone.
fn settled(site: &Path, line: &str) -> io::Result<Option<String>> {
    let (path, written) = path_of(line);
    let file = site.join(&path);
    if !file.exists() {
        return Ok(None);
    }
    // what stands outside was written by the installer, and maybe rewritten since
    if !path.starts_with("../") {
        return Ok(Some(line.to_owned()));
    }
    let bytes = fs::read(&file).map_err(naming(&file))?;
    let digest = URL_SAFE_NO_PAD.encode(Digest::of(&bytes).bytes());
    Ok(Some(format!("{written},sha256={digest},{}", bytes.len())))
}

/// The path of a line, and as it is written: in quotes if it has a comma.
fn path_of(line: &str) -> (String, &str) {
    let written = line.rsplitn(3, ',').nth(2).unwrap_or(line);
    let plain = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    (plain.map_or_else(|| written.to_owned(), |plain| plain.replace("\"\"", "\"")), written)
}

fn naming(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let path: PathBuf = path.to_owned();
    move |error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    #[test]
    fn where_the_wheel_was_is_forgotten_and_scripts_are_written_down_anew() -> io::Result<()> {
        let record = "shop/a.py,sha256=x,3\n\"shop/b,c.py\",sha256=y,3\nshop-1.0.dist-info/RECORD,,\n\
                      shop-1.0.dist-info/direct_url.json,sha256=z,9\nshop-1.0.dist-info/uv_cache.json,sha256=z,9\n\
                      ../../../bin/shop,sha256=old,1\n";
        let directory = tree(&[
            ("bin/shop", "#!/opt/shop/bin/python\n"),
            ("lib/p/site-packages/shop/a.py", "a=1"),
            ("lib/p/site-packages/shop/b,c.py", "a=1"),
            ("lib/p/site-packages/shop-1.0.dist-info/RECORD", record),
            ("lib/p/site-packages/shop-1.0.dist-info/direct_url.json", "{\"url\":\"file:///s/shop-1.0.whl\"}"),
            ("lib/p/site-packages/shop-1.0.dist-info/uv_cache.json", "{}"),
            (
                "lib/p/site-packages/far-2.dist-info/RECORD",
                "far-2.dist-info/RECORD,,\nfar-2.dist-info/direct_url.json,,\n",
            ),
            ("lib/p/site-packages/far-2.dist-info/direct_url.json", "{\"url\":\"https://host/far-2.zip\"}"),
        ]);
        let site = directory.path().join("lib/p/site-packages");
        let all = settle(&site)?;
        let digest = URL_SAFE_NO_PAD.encode(Digest::of("#!/opt/shop/bin/python\n").bytes());
        let expected = format!(
            "\"shop/b,c.py\",sha256=y,3\n../../../bin/shop,sha256={digest},23\nshop-1.0.dist-info/RECORD,,\nshop/a.py,sha256=x,3\n"
        );
        assert_eq!(fs::read_to_string(site.join("shop-1.0.dist-info/RECORD"))?, expected);
        assert!(!site.join("shop-1.0.dist-info/direct_url.json").exists());
        assert!(site.join("far-2.dist-info/direct_url.json").exists(), "a server's address is true everywhere");
        let names: Vec<_> = all.iter().map(Installed::name_and_version).collect();
        assert_eq!(names, [("far", "2"), ("shop", "1.0")]);
        assert!(all[1].has("shop/b,c.py") && all[1].has("shop/__pycache__/a.cpython-311.pyc"));
        assert!(!all[1].has("far/a.py"));
        Ok(())
    }
}
