//! Which versions of a package an apt repository holds (the Debian repository format). What is read is a number to count on from,
//! not bytes to install: the index is checked by its digest, the signature of `Release` where a keyring is given. Its
//! `Valid-Until` is not looked at.

use std::{io::Read, path::Path};

use flate2::read::GzDecoder;

use super::{Upstream, UpstreamError, apt_signature, upstream::read_whole, url};
use crate::{support::Digest, version::DebianVersion};

/// The largest `Release` file, and the largest index as it is sent and unpacked, in bytes.
const RELEASE_LIMIT: u64 = 16 << 20;
const INDEX_LIMIT: u64 = 512 << 20;

/// The largest signature, in bytes.
const SIGNATURE_LIMIT: u64 = 1 << 20;

impl Upstream {
    /// All versions of a package in a suite of an apt repository, in every component, for this machine and for all; none if it is
    /// not there. With a keyring, `Release.gpg` must hold a good signature by one of its keys. What pip is told of certificates and proxies counts here too, and `~/.netrc`.
    ///
    /// # Errors
    /// When there is no such repository or suite, or it is not what it says it is.
    pub fn apt_versions(
        &self,
        repository: &str,
        suite: &str,
        package: &str,
        signed_by: Option<&Path>,
    ) -> Result<Vec<DebianVersion>, UpstreamError> {
        let dists = format!("{}/dists/{suite}", repository.trim_end_matches('/'));
        let release = self.text(&format!("{dists}/Release"), RELEASE_LIMIT)?;
        if let Some(keyring) = signed_by {
            let signature = self.text(&format!("{dists}/Release.gpg"), SIGNATURE_LIMIT)?;
            let shown = format!("{}/Release", url::split_user(&dists).0);
            apt_signature::verify(&release, &signature, keyring, &shown)?;
        }
        let release = String::from_utf8_lossy(&release);
        let mut versions = Vec::new();
        let indices = indices(&release);
        if indices.is_empty() {
            let problem =
                format!("`{}/Release` names no index of packages that can be read", url::split_user(&dists).0);
            return Err(
                UpstreamError::new(problem).with_hint("a repository has `Packages` or `Packages.gz`, with SHA256")
            );
        }
        for (path, digest) in indices {
            let target = format!("{dists}/{path}");
            let bytes = self.text(&target, INDEX_LIMIT)?;
            let shown = url::split_user(&target).0;
            if Digest::of(&bytes) != digest {
                let mut error =
                    UpstreamError::new(format!("`{shown}` is not what `Release` says: its digest is another one"));
                // between the two, somebody published
                error.is_passing = true;
                return Err(error.with_hint("try again: the repository was perhaps just published"));
            }
            let mut text = Vec::new();
            let unpacked = match path.ends_with(".gz") {
                true => GzDecoder::new(&bytes[..]).take(INDEX_LIMIT).read_to_end(&mut text),
                false => bytes.as_slice().read_to_end(&mut text),
            };
            unpacked.map_err(|error| UpstreamError::new(format!("unpacking `{shown}`: {error}")))?;
            versions.extend(of_package(&String::from_utf8_lossy(&text), package));
        }
        Ok(versions)
    }

    fn text(&self, target: &str, limit: u64) -> Result<Vec<u8>, UpstreamError> {
        let answer = self.open(target, &[])?;
        read_whole(answer, limit)
            .map_err(|error| UpstreamError::new(format!("reading `{}`: {error}", url::split_user(target).0)))
    }
}

/// The indices of packages that `Release` names, of each directory one, for this machine's architecture and for all.
fn indices(release: &str) -> Vec<(&str, Digest)> {
    let lines = release.lines().skip_while(|line| !line.starts_with("SHA256:")).skip(1);
    let listed: Vec<(&str, Digest)> = lines
        .take_while(|line| line.starts_with(' '))
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (digest, path) = (words.next()?.parse().ok()?, words.nth(1)?);
            Some((path, digest))
        })
        .collect();
    let is_ours = |path: &str| {
        let directory = path.rsplit('/').nth(1).unwrap_or_default();
        directory == "binary-all" || directory.strip_prefix("binary-") == Some(crate::store::debian_architecture())
    };
    let has = |wanted: &str| listed.iter().any(|(path, _)| *path == wanted);
    let packed =
        |path: &&str| path.ends_with("/Packages.gz") || path.ends_with("/Packages") && !has(&format!("{path}.gz"));
    listed.iter().filter(|(path, _)| packed(path) && is_ours(path)).copied().collect()
}

/// The versions of a package in an index: paragraphs of `Name: value`.
fn of_package<'a>(index: &'a str, package: &'a str) -> impl Iterator<Item = DebianVersion> + 'a {
    let field = |paragraph: &'a str, name: &str| {
        paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let own = index.split("\n\n").filter(move |paragraph| field(paragraph, "Package") == Some(package));
    own.filter_map(move |paragraph| field(paragraph, "Version")?.parse().ok())
}
