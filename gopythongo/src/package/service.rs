//! What an application's package runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ServiceDescription;
use crate::python::defaults;

/// How many processes gunicorn starts unless it is told.
const WORKERS: usize = 2;

/// A service: a server that listens on a Unix socket, started from the application's virtual environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Service {
    server: Server,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    environment: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Server {
    Gunicorn {
        application: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workers: Option<usize>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        arguments: Vec<String>,
    },
    Command {
        argv: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        requirement: Option<String>,
    },
}

impl Service {
    /// gunicorn with a WSGI application, `shop:app`: a module, and a name or a call in it. gunicorn becomes a requirement of
    /// the application's virtual environment.
    pub fn gunicorn(application: impl Into<String>) -> Self {
        let server =
            Server::Gunicorn { application: application.into(), version: None, workers: None, arguments: Vec::new() };
        Self { server, environment: BTreeMap::new() }
    }

    /// Another server: a program and its arguments, in which `{socket}` stands for the path of the Unix socket that it is to
    /// listen on. A program without a leading `/` is one of the virtual environment's: `bin/uvicorn`.
    ///
    /// ```
    /// # use gopythongo::prelude::*;
    /// let service = Service::command(["bin/uvicorn", "--uds", "{socket}", "shop:app"]).requires("uvicorn==0.34.0");
    /// ```
    pub fn command<A: Into<String>>(argv: impl IntoIterator<Item = A>) -> Self {
        let argv = argv.into_iter().map(Into::into).collect();
        Self { server: Server::Command { argv, requirement: None }, environment: BTreeMap::new() }
    }

    /// Sets gunicorn's version; a pinned default otherwise. Means nothing for another server.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        if let Server::Gunicorn { version: own, .. } = &mut self.server {
            *own = Some(version.into());
        }
        self
    }

    /// Sets how many processes gunicorn starts; 2 by default. Means nothing for another server.
    pub fn workers(mut self, count: usize) -> Self {
        if let Server::Gunicorn { workers, .. } = &mut self.server {
            *workers = Some(count);
        }
        self
    }

    /// Adds an argument: `--threads=4`. None by default.
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        match &mut self.server {
            Server::Gunicorn { arguments, .. } => arguments.push(argument.into()),
            Server::Command { argv, .. } => argv.push(argument.into()),
        }
        self
    }

    /// Sets what the virtual environment needs for a server that is a [`command`](Self::command): `uvicorn==0.34.0`. Nothing
    /// by default: the application requires it itself.
    pub fn requires(mut self, requirement: impl Into<String>) -> Self {
        if let Server::Command { requirement: own, .. } = &mut self.server {
            *own = Some(requirement.into());
        }
        self
    }

    /// Sets a variable of the service's environment. None by default.
    pub fn environment(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// What the virtual environment needs for the server, beside the application: `gunicorn==23.0.0`.
    #[must_use]
    pub fn requirement(&self) -> Option<String> {
        match &self.server {
            Server::Gunicorn { version, .. } => {
                let version = version.as_deref().or_else(|| defaults::version("gunicorn"));
                Some(version.map_or("gunicorn".to_owned(), |version| format!("gunicorn=={version}")))
            }
            Server::Command { requirement, .. } => requirement.clone(),
        }
    }

    /// The program and its arguments, in an environment at `path`.
    pub(super) fn argv(&self, path: &str) -> Vec<String> {
        match &self.server {
            Server::Gunicorn { application, workers, arguments, .. } => {
                let socket = ServiceDescription::SOCKET;
                let mut argv = vec![
                    format!("{path}/bin/gunicorn"),
                    format!("--bind=unix:{socket}"),
                    format!("--workers={}", workers.unwrap_or(WORKERS)),
                ];
                argv.extend(arguments.iter().cloned());
                argv.push(application.clone());
                argv
            }
            Server::Command { argv, .. } => {
                let own = |word: &String| if word.starts_with('/') { word.clone() } else { format!("{path}/{word}") };
                argv.first().map(own).into_iter().chain(argv.iter().skip(1).cloned()).collect()
            }
        }
    }

    /// Variables of its environment.
    pub(super) fn variables(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Whether it tells systemd when it is ready (`sd_notify`).
    pub(super) fn notifies(&self) -> bool {
        matches!(self.server, Server::Gunicorn { .. })
    }

    /// What is wrong with it, a sentence that goes on from "the service".
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        match &self.server {
            Server::Gunicorn { application, version, .. } => {
                let module = application.split([':', '(']).next().unwrap_or_default();
                let is_identifier =
                    |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
                if application.chars().any(char::is_whitespace) || !module.split('.').all(is_identifier) {
                    found.push(format!("runs `{application}`, which is not `module:application`"));
                }
                if let Some(version) =
                    version.as_ref().filter(|version| version.parse::<crate::version::Version>().is_err())
                {
                    found.push(format!("wants gunicorn `{version}`, which is not a version (PEP 440)"));
                }
            }
            Server::Command { argv, .. } => {
                if argv.first().is_none_or(String::is_empty) {
                    found.push("has no program".to_owned());
                } else if !argv.iter().any(|word| word.contains(ServiceDescription::SOCKET)) {
                    found.push("is not told where to listen: `{socket}` stands in none of its arguments".to_owned());
                }
            }
        }
        if self.argv("").iter().chain(self.environment.values()).any(|word| word.contains(['\n', '\0'])) {
            found.push("has a line break in an argument or a variable".to_owned());
        }
        let is_variable = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if let Some(name) = self.environment.keys().find(|name| !is_variable(name)) {
            found.push(format!("has a variable `{name}`, which is not a name of a variable"));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gunicorn_is_required_at_a_pinned_version() {
        let pinned = defaults::version("gunicorn").expect("a default");
        assert_eq!(Service::gunicorn("shop:app").requirement(), Some(format!("gunicorn=={pinned}")));
        let own = Service::gunicorn("shop:app").version("21.2.0");
        assert_eq!(own.requirement().as_deref(), Some("gunicorn==21.2.0"));
        assert_eq!(Service::command(["bin/serve", "{socket}"]).requirement(), None);
    }

    #[test]
    fn programs_are_those_of_the_environment() {
        let gunicorn = Service::gunicorn("shop:app").workers(4).argument("--threads=2");
        assert_eq!(
            gunicorn.argv("/opt/shop"),
            ["/opt/shop/bin/gunicorn", "--bind=unix:{socket}", "--workers=4", "--threads=2", "shop:app"]
        );
        let own = Service::command(["bin/serve", "{socket}"]).argument("-v");
        assert_eq!(own.argv("/opt/shop"), ["/opt/shop/bin/serve", "{socket}", "-v"]);
        assert_eq!(Service::command(["/usr/bin/env", "x"]).argv("/opt/shop")[0], "/usr/bin/env");
    }
}
