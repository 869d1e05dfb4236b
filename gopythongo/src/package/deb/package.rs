//! One package on its way: what was declared, and what it is built from.

use super::Deb;
use crate::{
    package::{Bind, ServiceDescription},
    version::Version,
};

/// What stands for the version in a payload digest.
pub(super) const MASK: &str = "\u{1}version\u{1}";

/// A declared package, and the application in it.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) declared: Deb,
    /// The package's name.
    pub(super) name: String,
    /// The user of its service.
    pub(super) user: Option<String>,
    /// Where its tree is: `/opt/shop`.
    pub(super) path: String,
    /// The application as its own metadata name it.
    pub(super) application: String,
    /// The application's version.
    pub(super) upstream: Version,
    /// `all`, or dpkg's name of an architecture.
    pub(super) architecture: String,
    /// Relations that the tree brings: to its interpreter.
    pub(super) relations: Vec<String>,
}

impl Package {
    /// The path of the tree as it stands in an archive: `opt/shop`.
    pub(super) fn root(&self) -> &str {
        self.path.trim_start_matches('/')
    }

    /// Whether the tree holds code for one architecture.
    pub(super) fn is_native(&self) -> bool {
        self.architecture != "all"
    }

    /// The first line of the description.
    pub(super) fn synopsis(&self) -> String {
        let own = self.declared.description.as_deref().and_then(|text| text.lines().next());
        own.map_or_else(
            || format!("virtual environment of the application {}", self.application),
            |own| own.trim().to_owned(),
        )
    }

    /// Who answers for the package.
    pub(super) fn maintainer(&self) -> String {
        // nobody can own a name below `.invalid` (RFC 2606)
        let own = || format!("{0} maintainers <{0}@maintainers.invalid>", self.name);
        self.declared.maintainer.clone().unwrap_or_else(own)
    }

    /// What a host needs to know to run it.
    pub(super) fn service(&self) -> Option<ServiceDescription> {
        let service = self.declared.service.as_ref()?;
        let user = self.user.clone().unwrap_or_default();
        let directories = self.declared.directories.iter().cloned().map(|mut directory| {
            if directory.owner.is_empty() {
                directory.owner.clone_from(&user);
            }
            directory
        });
        Some(ServiceDescription {
            version: ServiceDescription::VERSION,
            package: self.name.clone(),
            path: self.path.clone(),
            argv: service.argv(&self.path),
            environment: service.variables().clone(),
            directories: directories.collect(),
            user,
            configuration: self.declared.configuration.iter().map(|file| file.path.clone()).collect(),
            bind: Bind::Socket,
        })
    }
}

#[cfg(test)]
pub(super) fn shop(declared: Deb) -> Package {
    Package {
        name: declared.package_name("shop"),
        user: declared.user_name("shop"),
        declared,
        path: "/opt/shop".to_owned(),
        application: "shop".to_owned(),
        upstream: "0.7.0.dev1".parse().expect("a version"),
        architecture: "all".to_owned(),
        relations: vec!["python3 (>= 3.11)".to_owned(), "python3 (<< 3.12)".to_owned()],
    }
}
