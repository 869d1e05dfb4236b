//! Pages: JSON (PEP 691, 700, 714) and HTML (PEP 503, 592, 658).

use std::{borrow::Cow, collections::BTreeSet, fmt::Write};

use pep440_rs::Version;
use serde::{Serialize, Serializer};

use super::{negotiate::Form, route::encode};
use crate::{
    index::{CoreMetadata, UpstreamFile},
    python::FileName,
    store::{Release, StoredFile},
    support::Digest,
};

/// Changes whenever the same data would be written differently: it is part of the tags of upstream's pages.
pub(super) const RENDERING: &str = "1";

/// The page of a project.
#[derive(Serialize)]
pub(super) struct ProjectPage<'a> {
    meta: Meta,
    name: &'a str,
    /// PEP 700: there if the version of the interface is 1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<Vec<Cow<'a, str>>>,
    files: Vec<File<'a>>,
}

/// The list of projects.
#[derive(Serialize)]
pub(super) struct RootPage<'a> {
    meta: Meta,
    projects: Vec<Project<'a>>,
}

#[derive(Serialize)]
struct Project<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Meta {
    api_version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct File<'a> {
    filename: &'a str,
    url: String,
    hashes: Hashes,
    #[serde(skip_serializing_if = "Option::is_none")]
    requires_python: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_time: Option<&'a str>,
    #[serde(serialize_with = "yanked")]
    yanked: Option<Cow<'a, str>>,
    /// Under no other name: pip 22.3 to 23.0, which Debian 12 has, fails on what PEP 658 called it in JSON (PEP 714).
    #[serde(serialize_with = "metadata")]
    core_metadata: CoreMetadata,
}

#[derive(Serialize)]
struct Hashes {
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest>,
}

fn yanked<S: Serializer>(yanked: &Option<Cow<'_, str>>, serializer: S) -> Result<S::Ok, S::Error> {
    match yanked.as_deref() {
        None => serializer.serialize_bool(false),
        Some("") => serializer.serialize_bool(true),
        Some(reason) => serializer.serialize_str(reason),
    }
}

fn metadata<S: Serializer>(metadata: &CoreMetadata, serializer: S) -> Result<S::Ok, S::Error> {
    match metadata {
        CoreMetadata::Absent => serializer.serialize_bool(false),
        CoreMetadata::Present => serializer.serialize_bool(true),
        CoreMetadata::Hashed(digest) => Hashes { sha256: Some(*digest) }.serialize(serializer),
    }
}

impl<'a> ProjectPage<'a> {
    /// Releases of the store, the newest last. Where a change was taken back, that is not the one with the highest
    /// version: those above it are shown as yanked (PEP 592), so that no client picks one by itself.
    pub(super) fn of_releases(name: &'a str, releases: &[&'a Release]) -> Self {
        let versions = releases.iter().map(|release| Cow::Borrowed(release.version.as_str())).collect();
        let number = |release: &Release| release.version.parse::<Version>().ok();
        let newest = releases.last().map(|release| (number(release), &release.version));
        let files = releases.iter().flat_map(|release| {
            let above = newest.as_ref().filter(|(newest, _)| number(release) > *newest);
            let yanked = above.map(|(_, newest)| format!("taken back: {newest} is newer"));
            release.files.iter().map(move |file| File::stored(file, yanked.clone().map(Cow::Owned)))
        });
        let files = files.collect();
        Self { meta: Meta { api_version: "1.1" }, name, versions: Some(versions), files }
    }

    /// Files of the upstream index, to be had through this server.
    pub(super) fn of_upstream(name: &'a str, files: &'a [UpstreamFile]) -> Self {
        // Only with sizes it is a page of version 1.1, which also lists versions.
        let complete = files.iter().all(|file| file.size.is_some());
        let versions = complete.then(|| files.iter().filter_map(|file| version(&file.file)).collect::<BTreeSet<_>>());
        Self {
            meta: Meta { api_version: if complete { "1.1" } else { "1.0" } },
            name,
            versions: versions.map(|versions| versions.into_iter().collect()),
            files: files.iter().map(|file| File::upstream(name, file)).collect(),
        }
    }

    /// The page in one of its forms.
    pub(super) fn render(&self, form: Form) -> Vec<u8> {
        if form == Form::Json {
            return serde_json::to_vec(self).unwrap_or_default();
        }
        let mut html = head(&format!("Links for {}", self.name), self.meta.api_version);
        for file in &self.files {
            let fragment = file.hashes.sha256.map(|digest| format!("#sha256={digest}")).unwrap_or_default();
            let _ = write!(html, "<a href=\"{}{fragment}\"", escape(&file.url));
            if let Some(specifier) = file.requires_python {
                let _ = write!(html, " data-requires-python=\"{}\"", escape(specifier));
            }
            if let Some(reason) = &file.yanked {
                let _ = write!(html, " data-yanked=\"{}\"", escape(reason));
            }
            let metadata = match file.core_metadata {
                CoreMetadata::Absent => None,
                CoreMetadata::Present => Some("true".to_owned()),
                CoreMetadata::Hashed(digest) => Some(format!("sha256={digest}")),
            };
            if let Some(value) = metadata {
                let _ = write!(html, " data-core-metadata=\"{value}\" data-dist-info-metadata=\"{value}\"");
            }
            let _ = writeln!(html, ">{}</a><br>", escape(file.filename));
        }
        html.push_str("</body></html>\n");
        html.into_bytes()
    }
}

impl<'a> RootPage<'a> {
    /// A list of normalised names.
    pub(super) fn new(projects: impl IntoIterator<Item = &'a str>) -> Self {
        let projects = projects.into_iter().map(|name| Project { name }).collect();
        Self { meta: Meta { api_version: "1.1" }, projects }
    }

    /// The page in one of its forms.
    pub(super) fn render(&self, form: Form) -> Vec<u8> {
        if form == Form::Json {
            return serde_json::to_vec(self).unwrap_or_default();
        }
        let mut html = head("Simple index", self.meta.api_version);
        for Project { name } in &self.projects {
            let _ = writeln!(html, "<a href=\"{0}/\">{0}</a><br>", escape(name));
        }
        html.push_str("</body></html>\n");
        html.into_bytes()
    }
}

impl<'a> File<'a> {
    fn stored(file: &'a StoredFile, yanked: Option<Cow<'a, str>>) -> Self {
        let metadata = file.metadata.map_or(CoreMetadata::Absent, CoreMetadata::Hashed);
        Self {
            url: format!("/files/{}/{}", file.digest, encode(&file.file)),
            filename: &file.file,
            hashes: Hashes { sha256: Some(file.digest) },
            requires_python: file.requires_python.as_deref(),
            size: Some(file.size),
            upload_time: Some(&file.uploaded),
            yanked,
            core_metadata: metadata,
        }
    }

    fn upstream(project: &str, file: &'a UpstreamFile) -> Self {
        Self {
            url: format!("/upstream/{project}/{}", encode(&file.file)),
            filename: &file.file,
            hashes: Hashes { sha256: file.digest },
            requires_python: file.requires_python.as_deref(),
            size: file.size,
            upload_time: file.uploaded.as_deref(),
            yanked: file.yanked.then(|| Cow::Borrowed(file.yanked_reason.as_deref().unwrap_or_default())),
            core_metadata: file.metadata,
        }
    }
}

/// The version in a file's name. Wheels are most of the long pages, and theirs need no parsing.
fn version(file: &str) -> Option<Cow<'_, str>> {
    match file.strip_suffix(".whl") {
        Some(stem) => stem.split('-').nth(1).map(Cow::Borrowed),
        None => file.parse::<FileName>().ok().map(|name| Cow::Owned(name.version().to_string())),
    }
}

fn head(title: &str, version: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html><head><meta name=\"pypi:repository-version\" content=\"{version}\">\
         <title>{0}</title></head><body><h1>{0}</h1>\n",
        escape(title)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{page, page_html};

    fn files() -> Vec<UpstreamFile> {
        let digest = Digest::of("x");
        let base = "http://host/upstream/money/";
        let wheel = "money-1.0+a-py3-none-any.whl";
        vec![
            UpstreamFile {
                digest: Some(digest),
                requires_python: Some(">=3.9,<4".into()),
                yanked: true,
                yanked_reason: Some("it \"broke\" <things>".into()),
                metadata: CoreMetadata::Hashed(digest),
                ..UpstreamFile::new(wheel, format!("{base}{}", encode(wheel)))
            },
            UpstreamFile {
                yanked: true,
                metadata: CoreMetadata::Present,
                ..UpstreamFile::new("money-1.0.tar.gz", format!("{base}money-1.0.tar.gz"))
            },
        ]
    }

    #[test]
    fn both_forms_say_the_same() {
        let files = files();
        let page = ProjectPage::of_upstream("money", &files);
        let base = "http://host/runs/r/simple/money/";
        let json = page::parse(base, &page.render(Form::Json)).expect("JSON");
        let html = page_html::parse(base, &String::from_utf8(page.render(Form::Html)).expect("UTF-8"));
        assert_eq!(json, files);
        assert_eq!(html, files);
    }

    #[test]
    fn a_release_that_was_taken_back_is_picked_by_nobody() {
        let release = |version: &str| Release {
            version: version.to_owned(),
            payload: Digest::of(version),
            files: vec![StoredFile {
                file: format!("money-{version}-py3-none-any.whl"),
                digest: Digest::of(version),
                size: 1,
                requires_python: None,
                metadata: None,
                uploaded: "2026-01-01T00:00:00Z".to_owned(),
            }],
            commit: None,
            run: "r".to_owned(),
        };
        let (second, first) = (release("1.5.0.dev2"), release("1.5.0.dev1"));
        let page = ProjectPage::of_releases("money", &[&second, &first]);
        let yanked: Vec<Option<&str>> = page.files.iter().map(|file| file.yanked.as_deref()).collect();
        assert_eq!(yanked, [Some("taken back: 1.5.0.dev1 is newer"), None]);
    }

    #[test]
    fn a_page_with_sizes_has_the_newer_version_and_lists_versions() {
        let mut files = files();
        let of = |files: &[UpstreamFile]| -> serde_json::Value {
            serde_json::from_slice(&ProjectPage::of_upstream("money", files).render(Form::Json)).expect("JSON")
        };
        assert_eq!(of(&files)["meta"]["api-version"], "1.0");
        files.iter_mut().for_each(|file| file.size = Some(1));
        assert_eq!(of(&files)["meta"]["api-version"], "1.1");
        assert_eq!(of(&files)["versions"], serde_json::json!(["1.0", "1.0+a"]));
    }
}
