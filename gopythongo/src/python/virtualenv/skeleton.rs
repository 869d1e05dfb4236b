//! An empty virtual environment (PEP 405), written by ourselves: the same bytes whichever installer there is, and nothing of
//! this machine in it.

use std::{fs, io, os::unix::fs::symlink, path::Path};

use super::host_python::HostPython;

/// Makes a virtual environment without pip and without activation scripts in an empty directory.
///
/// # Errors
/// When anything cannot be written.
pub(in crate::python) fn make(directory: &Path, python: &HostPython) -> io::Result<()> {
    let (bin, minor) = (directory.join("bin"), python.minor());
    fs::create_dir_all(&bin)?;
    fs::create_dir_all(directory.join(format!("lib/python{minor}/site-packages")))?;
    symlink("lib", directory.join("lib64"))?;
    symlink(&python.path, bin.join("python"))?;
    symlink("python", bin.join("python3"))?;
    symlink("python", bin.join(format!("python{minor}")))?;
    let home = python.path.parent().unwrap_or(Path::new("/")).display();
    let version = &python.interpreter.version;
    let text = format!("home = {home}\ninclude-system-site-packages = false\nversion = {version}\n");
    fs::write(directory.join("pyvenv.cfg"), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{context::Interpreter, run::Failure};

    #[test]
    fn the_distributions_python_takes_it_for_a_virtual_environment() -> Result<(), Box<dyn std::error::Error>> {
        let directory = tempfile::tempdir()?;
        let program = which::which("python3")?;
        let ask = |program: &Path, code: &str| -> io::Result<String> {
            let output = std::process::Command::new(program).args(["-I", "-c", code]).output()?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let version = ask(&program, "import sys; print('%d.%d.%d' % sys.version_info[:3])")?;
        // what is behind a shim
        let path = ask(&program, "import sys; print(sys._base_executable)")?.into();
        let interpreter = Interpreter { path: program, version, implementation: "cpython".to_owned() };
        let python = HostPython { interpreter, path, depends: String::new() };
        make(directory.path(), &python).map_err(Failure::io("cannot make", directory.path())).map_err(|f| f.message)?;
        let told = ask(
            &directory.path().join("bin/python"),
            "import sys, site; print(sys.prefix, site.getsitepackages()[0])",
        )?;
        let prefix = directory.path().display();
        assert_eq!(told, format!("{prefix} {prefix}/lib/python{}/site-packages", python.minor()));
        Ok(())
    }
}
