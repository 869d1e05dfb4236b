//! What paths mean.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{super::url, apt};
use crate::{python::name, support::Digest};

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// The list of projects of a view.
    Root(Selector),
    /// The page of a project, by its normalised name.
    Project(Selector, String),
    /// The same thing has another path.
    Moved(String),
    /// A blob of the store under a file's name.
    File(Digest, String),
    /// The core metadata of a wheel in the store.
    FileMetadata(Digest, String),
    /// A file of the upstream index: project and name.
    Upstream(String, String),
    /// The core metadata of a file of the upstream index.
    UpstreamMetadata(String, String),
    /// A file of the apt repository.
    Apt(apt::Parts),
    /// Where a channel takes uploads.
    Upload(String),
    /// Nothing.
    Unknown,
}

/// Which view of the store a page is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selector {
    /// A run's one view.
    Run(String),
    /// The run, or `RUN.base`, that the client's user name says: all runs have one URL, so that clients' caches stay warm.
    User,
    /// A channel of the current generation.
    Channel(String),
    /// A channel of one generation.
    Generation(u64, String),
}

impl Route {
    /// Reads the path of a request.
    pub(super) fn parse(path: &str) -> Self {
        let Some(relative) = path.strip_prefix('/') else { return Self::Unknown };
        let segments: Vec<String> = relative.split('/').map(url::decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["files", digest, file] => match digest.parse() {
                Ok(digest) => match file.strip_suffix(".metadata") {
                    Some(file) => Self::FileMetadata(digest, file.to_owned()),
                    None => Self::File(digest, (*file).to_owned()),
                },
                Err(_) => Self::Unknown,
            },
            ["upstream", project, file] => match file.strip_suffix(".metadata") {
                Some(file) => Self::UpstreamMetadata(name::normalize(project), file.to_owned()),
                None => Self::Upstream(name::normalize(project), (*file).to_owned()),
            },
            ["apt", parts @ ..] => apt::parts(parts).map_or(Self::Unknown, Self::Apt),
            ["channels", channel @ .., ""] if is_channel(channel) => Self::Upload(channel.join("/")),
            [view @ .., "simple"] if selector(view).is_some() => Self::Moved(format!("{path}/")),
            [view @ .., "simple", project, ""] | [view @ .., "simple", project] if !project.is_empty() => {
                project_page(view, project, path)
            }
            [view @ .., "simple", ""] => selector(view).map_or(Self::Unknown, Self::Root),
            _ => Self::Unknown,
        }
    }
}

/// The page of a project, at its one address: with a normalised name and a final slash.
fn project_page(view: &[&str], project: &str, path: &str) -> Route {
    let Some(selector) = selector(view).filter(|_| name::is_name(project)) else { return Route::Unknown };
    let normal = name::normalize(project);
    let head = path.trim_end_matches('/').rsplit_once('/').map_or("", |(head, _)| head);
    let right = format!("{head}/{normal}/");
    if right == path { Route::Project(selector, normal) } else { Route::Moved(right) }
}

fn selector(view: &[&str]) -> Option<Selector> {
    match view {
        [] => Some(Selector::User),
        ["runs", run] if !run.is_empty() => Some(Selector::Run((*run).to_owned())),
        ["channels", channel @ ..] if is_channel(channel) => Some(Selector::Channel(channel.join("/"))),
        ["generations", number, channel @ ..] if is_channel(channel) => {
            Some(Selector::Generation(number.parse().ok()?, channel.join("/")))
        }
        _ => None,
    }
}

/// Whether these are the parts of a channel's name: none is empty, and none is `simple`, which ends it.
fn is_channel(parts: &[&str]) -> bool {
    !parts.is_empty() && parts.iter().all(|part| !matches!(*part, "" | "." | ".." | "simple"))
}

/// A name in a URL's path, user information or file name; slashes stay.
pub(in crate::index) fn encode(text: &str) -> String {
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'!');
    utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read() {
        let channel = |name: &str| Selector::Channel(name.into());
        let digest = Digest::of("x");
        for (path, route) in [
            ("/simple/", Route::Root(Selector::User)),
            ("/simple/money/", Route::Project(Selector::User, "money".into())),
            ("/runs/R1/simple/money/", Route::Project(Selector::Run("R1".into()), "money".into())),
            ("/channels/release/1.5.0/simple/", Route::Root(channel("release/1.5.0"))),
            ("/channels/release/1.5.0/simple/a-b/", Route::Project(channel("release/1.5.0"), "a-b".into())),
            ("/channels/develop/simple/simple/", Route::Project(channel("develop"), "simple".into())),
            ("/channels/feature/a%20b/simple/", Route::Root(channel("feature/a b"))),
            ("/generations/7/develop/simple/", Route::Root(Selector::Generation(7, "develop".into()))),
            ("/channels/develop/simple/simple", Route::Moved("/channels/develop/simple/simple/".into())),
            ("/channels/develop/simple", Route::Moved("/channels/develop/simple/".into())),
            ("/channels/develop/simple/A_b", Route::Moved("/channels/develop/simple/a-b/".into())),
            ("/channels/develop/simple/a-b", Route::Moved("/channels/develop/simple/a-b/".into())),
            ("/simple/Zope.Interface/", Route::Moved("/simple/zope-interface/".into())),
            ("/channels/release/1.5.0/", Route::Upload("release/1.5.0".into())),
            ("/upstream/Click/click-1.whl", Route::Upstream("click".into(), "click-1.whl".into())),
            ("/upstream/click/click-1.whl.metadata", Route::UpstreamMetadata("click".into(), "click-1.whl".into())),
            ("/apt/key.asc", Route::Apt(vec!["key.asc".into()])),
            ("/apt/pool/a%2bb_1~dev1.deb", Route::Apt(vec!["pool".into(), "a+b_1~dev1.deb".into()])),
            ("/apt/", Route::Unknown),
            ("/apt/dists/../../keyring/key.asc", Route::Unknown),
            ("/apt/dists/%2e%2e/keyring", Route::Unknown),
            ("/apt/dists/..%2fkeyring", Route::Unknown),
            ("/files/00/x", Route::Unknown),
            ("/simple/..%2f..%2fetc/", Route::Unknown),
            ("/generations/x/develop/simple/", Route::Unknown),
            ("/runs//simple/", Route::Unknown),
            ("/", Route::Unknown),
            ("*", Route::Unknown),
        ] {
            assert_eq!(Route::parse(path), route, "{path}");
        }
        assert_eq!(Route::parse(&format!("/files/{digest}/a.whl")), Route::File(digest, "a.whl".into()));
        assert_eq!(
            Route::parse(&format!("/files/{digest}/a.whl.metadata")),
            Route::FileMetadata(digest, "a.whl".into())
        );
    }

    #[test]
    fn names_are_encoded_for_paths() {
        assert_eq!(encode("release/1.5.0"), "release/1.5.0");
        assert_eq!(encode("a b+c?é"), "a%20b%2Bc%3F%C3%A9");
    }
}
