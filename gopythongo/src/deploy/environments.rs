//! All environments below a state directory.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Approved, Candidate, LocalHost, SigningKey, SimulatedHosts, hosted::Hosted};
use crate::run::Failure;

/// All environments below a state directory; a service of runs.
#[derive(Debug, Clone)]
pub struct Environments {
    state: PathBuf,
    simulated: Option<SimulatedHosts>,
}

impl Environments {
    /// Those of a state directory. Nothing is made.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self { state: state.to_owned(), simulated: None }
    }

    /// Those of hosts that are simulated.
    pub(crate) fn simulated(hosts: SimulatedHosts) -> Self {
        Self { state: PathBuf::new(), simulated: Some(hosts) }
    }

    /// An application's environment, on the host that it is on.
    pub(super) fn hosted(&self, environment: &str, application: &str) -> Box<dyn Hosted> {
        match &self.simulated {
            Some(hosts) => Box::new(hosts.host(environment, application)),
            None => Box::new(self.local(environment, application)),
        }
    }

    /// Checks that an approval is what the key's owner has signed. In simulations, whoever approves is believed.
    ///
    /// # Errors
    /// When it is not, or nobody can tell.
    pub(super) fn verify(
        &self,
        key: &SigningKey,
        environment: &str,
        application: &str,
        approved: &Approved,
    ) -> Result<(), Failure> {
        if self.simulated.is_some() {
            return Ok(());
        }
        key.verify(&approved.statement(environment, application), &approved.signature).map_err(|mut failure| {
            let Candidate { package, version, .. } = &approved.candidate;
            let file = self.local(environment, application).approvals_file();
            failure.message = format!(
                "the approval of {package} {version} for {environment} in `{}` does not hold: {}",
                file.display(),
                failure.message
            );
            failure
        })
    }

    /// An application's environment on this machine.
    #[must_use]
    pub fn local(&self, environment: &str, application: &str) -> LocalHost {
        LocalHost::new(&self.state, environment, application)
    }

    /// Environments and their applications that were ever deployed to, sorted: `("testing", "shop")`.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn known(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut known = Vec::new();
        let top = self.state.join("environments");
        for environment in names(&top)? {
            for application in names(&top.join(&environment))? {
                known.push((environment.clone(), application));
            }
        }
        Ok(known)
    }
}

/// The names of the directories in a directory, sorted; none if it is missing.
fn names(directory: &Path) -> Result<Vec<String>, Failure> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::io("cannot read", directory)(error)),
    };
    let directories = entries.flatten().filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = directories.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_are_known_by_their_directories() {
        let state = tempfile::tempdir().unwrap();
        let environments = Environments::new(state.path());
        assert_eq!(environments.known().unwrap(), []);
        for place in ["testing/shop", "production/shop", "testing/admin"] {
            fs::create_dir_all(state.path().join("environments").join(place)).unwrap();
        }
        let known = environments.known().unwrap();
        let known: Vec<String> =
            known.iter().map(|(environment, application)| format!("{environment}/{application}")).collect();
        assert_eq!(known, ["production/shop", "testing/admin", "testing/shop"]);
    }
}
