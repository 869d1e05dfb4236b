//! The apt repository over HTTP: `/apt/dists/…` of the current generation, indices by their digests and the pool of all.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use hyper::{HeaderMap, Response, StatusCode, header};

use super::{
    body::Body,
    files::{self, FOREVER},
    respond,
};
use crate::{
    store::{Store, StoreError},
    support::Digest,
};

/// What a path below `/apt/` asks for: its parts, none of them empty or a dot.
pub(super) type Parts = Vec<String>;

/// Reads the parts of a path; nothing for one that could leave the repository.
pub(super) fn parts(segments: &[&str]) -> Option<Parts> {
    let fits = |part: &&str| !matches!(*part, "" | "." | "..") && !part.contains(['/', '\0']);
    (!segments.is_empty() && segments.iter().all(fits))
        .then(|| segments.iter().map(|part| (*part).to_owned()).collect())
}

/// A file of the repository, or a part of it.
pub(super) fn file(store: &Store, parts: &[String], headers: &HeaderMap) -> Response<Body> {
    let borrowed: Vec<&str> = parts.iter().map(String::as_str).collect();
    match borrowed.as_slice() {
        ["dists", .., "by-hash", "SHA256", digest] => {
            unchanging(&store.directory().join("by-hash/SHA256").join(digest), parts, headers)
        }
        ["pool", ..] => unchanging(&below(store.directory(), parts), parts, headers),
        ["dists", ..] | ["key.asc"] => match current(store, parts) {
            Ok((path, time)) => changing(&path, time, parts, headers),
            Err(error) => respond::sentence(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        },
        _ => absent(parts),
    }
}

/// Where a file of the current generation is, and when that became current.
fn current(store: &Store, parts: &[String]) -> Result<(PathBuf, u64), StoreError> {
    let generation = store.current()?;
    Ok((below(&store.generation_directory(generation.number).join("apt"), parts), generation.time))
}

fn below(directory: &Path, parts: &[String]) -> PathBuf {
    parts.iter().fold(directory.to_owned(), |path, part| path.join(part))
}

/// A file whose name says what it holds: it is the same in all generations.
fn unchanging(path: &Path, parts: &[String], headers: &HeaderMap) -> Response<Body> {
    // a name of the pool is never used for other bytes
    let tag = format!("\"{}\"", Digest::of(parts.join("/")).short(32));
    match open(path) {
        Ok((size, file)) => files::part(file, size, &tag, FOREVER, headers),
        Err(error) => lost(parts, &error),
    }
}

/// A file that another generation may have with another content. Its time is the generation's: no two have the same, so
/// that a client which asks for what is newer misses nothing.
fn changing(path: &Path, time: u64, parts: &[String], headers: &HeaderMap) -> Response<Body> {
    let read = open(path).and_then(|(size, file)| Ok((size, file, Digest::of(fs::read(path)?))));
    let (size, file, digest) = match read {
        Ok(read) => read,
        Err(error) => return lost(parts, &error),
    };
    let mut response = match respond::text(headers, header::IF_MODIFIED_SINCE).map(httpdate::parse_http_date) {
        Some(Ok(known)) if known >= UNIX_EPOCH + Duration::from_secs(time) => {
            respond::with(StatusCode::NOT_MODIFIED, Body::empty())
        }
        _ => files::part(file, size, &format!("\"{}\"", digest.short(32)), "no-cache", headers),
    };
    let modified = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(time));
    respond::set(&mut response, header::LAST_MODIFIED, &modified);
    response
}

fn open(path: &Path) -> io::Result<(u64, File)> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    if found.is_file() { Ok((found.len(), file)) } else { Err(io::ErrorKind::NotFound.into()) }
}

fn lost(parts: &[String], error: &io::Error) -> Response<Body> {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => absent(parts),
        _ => respond::sentence(StatusCode::INTERNAL_SERVER_ERROR, &format!("reading `{}`: {error}", parts.join("/"))),
    }
}

fn absent(parts: &[String]) -> Response<Body> {
    let mut response = respond::sentence(
        StatusCode::NOT_FOUND,
        &format!(
            "the apt repository has no `{}`: its suites are the channels that packages were promoted to",
            parts.join("/")
        ),
    );
    respond::set(&mut response, header::CACHE_CONTROL, "no-cache");
    response
}

#[cfg(test)]
mod tests {
    use ureq::{Body as Received, http::Response as Answer};

    use super::super::tests::Site;
    use crate::{
        context::{AptPackage, BuildKind, Packaged, Request, gather},
        index::Upstream,
        pipeline::{JobBuilder as _, Pipeline, library},
        store::DebRelease,
        support::{Digest, trees::tree},
        version::VersionFrom,
    };

    const INDEX: &str = "/apt/dists/develop/main/binary-all/Packages";

    /// Promotes a package whose file is its version.
    fn promote(site: &Site, version: &str) {
        let (digest, size) = site.store.blobs().put(version.as_bytes()).expect("space");
        let release = DebRelease {
            version: version.to_owned(),
            architecture: "all".to_owned(),
            payload: Digest::of(version),
            file: format!("shop_{version}_all.deb"),
            digest,
            size,
            control: format!("Package: shop\nVersion: {version}\nArchitecture: all"),
            commit: None,
            run: version.to_owned(),
        };
        let run = version.replace(['~', '+'], "-");
        site.store.stage(&run, "develop").expect("a stage");
        site.store.update_stage(&run, |stage| drop(stage.debs.insert("shop".to_owned(), release))).expect("staged");
        site.store.promote(&run).expect("nobody else is there");
    }

    fn text(mut answer: Answer<Received>) -> String {
        answer.body_mut().read_to_string().expect("text")
    }

    #[test]
    fn an_index_is_the_current_generations_and_by_its_digest_any_ones() {
        let site = Site::new(&[], None);
        assert_eq!(site.status(INDEX), 404);
        promote(&site, "1~dev1");
        let first = text(site.get(INDEX, &[]));
        promote(&site, "1~dev2");
        let second = text(site.get(INDEX, &[]));
        assert_ne!(first, second);
        for index in [first, second] {
            let path = format!("/apt/dists/develop/main/binary-all/by-hash/SHA256/{}", Digest::of(&index));
            let answer = site.get(&path, &[]);
            assert!(answer.headers()["cache-control"].to_str().expect("text").contains("immutable"));
            assert_eq!(text(answer), index);
        }
    }

    #[test]
    fn what_the_repository_holds_can_be_counted_on_from() {
        let site = Site::new(&[], None);
        let cache = tempfile::tempdir().expect("a directory");
        let asking = |offline| Upstream::of_url(&site.url("/simple/"), cache.path(), offline);
        let versions = |package: &str| {
            let found = asking(false).apt_versions(&site.url("/apt/"), "develop", package, None);
            found.map(|versions| versions.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let error = versions("shop").expect_err("nothing is published").message;
        assert!(error.ends_with("/apt/dists/develop/Release` answered 404 Not Found"), "{error}");
        for version in ["1.4.2", "1.4.10", "1.5.0~rc1"] {
            promote(&site, version);
        }
        let mut found = versions("shop").expect("a repository");
        found.sort();
        found.dedup();
        assert_eq!(found, ["1.4.10", "1.4.2", "1.5.0~rc1"]);
        assert_eq!(versions("sho"), Ok(Vec::new()));
        assert!(asking(true).apt_versions(&site.url("/apt"), "develop", "shop", None).is_err(), "offline");

        // from there to the version of a build
        let source = tree(&[("pyproject.toml", "[project]\nname = 'shop'\nversion = '0'\n")]);
        let job = library("shop").source(".").version_from(VersionFrom::apt(site.url("/apt"), "develop"));
        let upstream = asking(false);
        let packaged = Packaged::new(move |wanted: &AptPackage| {
            Ok(upstream.apt_versions(&wanted.repository, &wanted.suite, &wanted.package, None)?)
        });
        let (root, kind) = (source.path().to_owned(), Some(BuildKind::Master));
        let request = Request { root, kind, packaged: Some(packaged), ..Request::default() };
        let context = gather(&Pipeline::new("p").job(job), &request).expect("a context");
        assert_eq!(context.jobs["shop"].version.as_ref().map(|plan| plan.base.to_string()).as_deref(), Some("1.4.11"));
    }

    #[test]
    fn what_another_key_has_signed_is_refused() {
        let (site, other) = (Site::new(&[], None), Site::new(&[], None));
        let place = tempfile::tempdir().expect("a directory");
        let keyring = |site: &Site, name: &str| {
            promote(site, "1.4.2");
            let path = place.path().join(name);
            std::fs::write(&path, text(site.get("/apt/key.asc", &[]))).expect("written");
            path
        };
        let (own, others) = (keyring(&site, "own.asc"), keyring(&other, "other.asc"));
        let upstream = Upstream::of_url(&site.url("/simple/"), place.path(), false);
        let versions = |keyring: &std::path::Path| {
            let found = upstream.apt_versions(&site.url("/apt"), "develop", "shop", Some(keyring));
            found.map(|versions| versions.len()).map_err(|error| error.message)
        };
        assert!(versions(&own).is_ok_and(|count| count > 0), "{:?}", versions(&own));
        let refused = versions(&others).expect_err("another key");
        assert!(refused.contains("/apt/dists/develop/Release` is not signed by a key of `"), "{refused}");
        let missing = versions(&place.path().join("none.asc")).expect_err("no keyring");
        assert!(missing.starts_with("cannot read the keyring `"), "{missing}");
    }

    #[test]
    fn what_is_not_newer_is_not_sent_again() {
        let site = Site::new(&[], None);
        promote(&site, "1~dev1");
        let answer = site.get(INDEX, &[]);
        assert_eq!(answer.headers()["cache-control"], "no-cache");
        let time = answer.headers()["last-modified"].to_str().expect("text").to_owned();
        assert_eq!(site.get(INDEX, &[("if-modified-since", &time)]).status(), 304);
        promote(&site, "1~dev2");
        assert_eq!(site.get(INDEX, &[("if-modified-since", &time)]).status(), 200, "even within the same second");
    }

    #[test]
    fn packages_come_in_parts_under_their_encoded_names() {
        let site = Site::new(&[], None);
        promote(&site, "1~dev1+d1a2b3c4d");
        for path in ["shop_1~dev1+d1a2b3c4d_all.deb", "shop_1%7edev1%2bd1a2b3c4d_all.deb"] {
            let path = format!("/apt/pool/main/s/shop/{path}");
            assert_eq!(text(site.get(&path, &[])), "1~dev1+d1a2b3c4d");
            let part = site.get(&path, &[("range", "bytes=2-5")]);
            assert_eq!(part.status(), 206);
            assert_eq!(text(part), "dev1");
        }
        assert_eq!(site.status("/apt/pool/main/s/shop/shop_2_all.deb"), 404);
    }

    #[test]
    fn nothing_but_the_repository_is_shown() {
        let site = Site::new(&[], None);
        promote(&site, "1~dev1");
        assert_eq!(site.status("/apt/dists/develop/Release"), 200);
        for path in [
            "/apt/generation.json",
            "/apt/dists",
            "/apt/dists/develop",
            "/apt/dists/%2e%2e/%2e%2e/generation.json",
            "/apt/pool/..%2f..%2fallocations.ndjson",
            "/apt/keyring/pubring.kbx",
            "/apt/by-hash/SHA256",
        ] {
            assert_eq!(site.status(path), 404, "{path}");
        }
    }
}
