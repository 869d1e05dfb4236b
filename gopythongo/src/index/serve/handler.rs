//! Requests in, responses out.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header,
};

use super::{
    activity::Activity,
    apt,
    body::Body,
    files,
    negotiate::Form,
    page::{ProjectPage, RENDERING, RootPage},
    proxy, respond,
    route::{Route, Selector},
    upload,
    view::{Registered, View},
};
use crate::{
    context::Secret,
    index::{Upstream, credentials::Credentials},
    store::Store,
    support::{Digest, Hasher},
};

/// Everything that requests are answered from.
pub(in crate::index) struct Handler {
    pub(super) store: Store,
    upstream: Option<Arc<Upstream>>,
    pub(super) owned: BTreeSet<String>,
    pub(super) token: Option<Secret>,
    registered: Mutex<Registered>,
}

impl Handler {
    pub(in crate::index) fn new(
        store: Store,
        upstream: Option<Arc<Upstream>>,
        owned: BTreeSet<String>,
        token: Option<Secret>,
    ) -> Self {
        Self { store, upstream, owned, token, registered: Mutex::default() }
    }

    /// Makes a run known that may have no stage yet: it sees the channel as it is now.
    pub(in crate::index) fn register(&self, run: &str, channel: &str) {
        let now = self.store.current().ok().map(|generation| generation.number);
        let mut registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        registered.insert(run.to_owned(), (channel.to_owned(), now));
    }

    /// Answers a request.
    pub(super) async fn handle(self: Arc<Self>, request: Request<Incoming>, activity: Activity) -> Response<Body> {
        let (method, head) = (request.method().clone(), request.method() == Method::HEAD);
        let route = Route::parse(request.uri().path());
        let mut response = match (method, route) {
            (Method::POST, Route::Upload(channel)) => upload::receive(self, channel, request, activity).await,
            (Method::GET | Method::HEAD, Route::Upload(_)) => allowed("POST"),
            (Method::GET | Method::HEAD, route) => {
                let headers = request.headers().clone();
                let busy = activity.busy();
                let work = tokio::task::spawn_blocking(move || self.get(&route, &headers, &activity));
                let response = work.await.unwrap_or_else(|_| {
                    respond::sentence(StatusCode::INTERNAL_SERVER_ERROR, "the server made a mistake with this request")
                });
                drop(busy);
                response
            }
            (_, Route::Upload(_)) => allowed("POST"),
            _ => allowed("GET, HEAD"),
        };
        if head {
            *response.body_mut() = Body::empty();
        }
        response
    }

    fn get(&self, route: &Route, headers: &HeaderMap, activity: &Activity) -> Response<Body> {
        match route {
            Route::Moved(location) => respond::moved(location),
            Route::File(digest, _) => files::blob(&self.store, digest, headers),
            Route::FileMetadata(digest, _) => files::metadata(&self.store, digest, headers),
            Route::Upstream(project, file) => match &self.upstream {
                Some(upstream) => proxy::file(upstream, project, file, headers, activity),
                None => no_upstream(),
            },
            Route::UpstreamMetadata(project, file) => match &self.upstream {
                Some(upstream) => proxy::metadata(upstream, project, file, headers),
                None => no_upstream(),
            },
            Route::Apt(parts) => apt::file(&self.store, parts, headers),
            Route::Root(selector) => self.page(selector, None, headers),
            Route::Project(selector, project) => self.page(selector, Some(project), headers),
            Route::Upload(_) | Route::Unknown => respond::sentence(StatusCode::NOT_FOUND, "there is nothing here"),
        }
    }

    /// A page of a view: its projects, or the files of one.
    fn page(&self, selector: &Selector, project: Option<&String>, headers: &HeaderMap) -> Response<Body> {
        let user = respond::text(headers, header::AUTHORIZATION).and_then(Credentials::parse).map(|found| found.user);
        let registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let view = match View::find(&self.store, &registered, selector, user.as_deref()) {
            Ok(Some(view)) => view,
            Ok(None) if *selector == Selector::User => {
                return respond::unauthorized("the user name must be the id of a run of this server");
            }
            Ok(None) => return respond::sentence(StatusCode::NOT_FOUND, "there is no such run or generation"),
            Err(error) => return respond::sentence(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        };
        let Some(form) = Form::negotiate(respond::text(headers, header::ACCEPT)) else {
            return respond::sentence(StatusCode::NOT_ACCEPTABLE, "pages are JSON (PEP 691) or HTML (PEP 503)");
        };
        let Some(project) = project else {
            return rendered(form, headers, RootPage::new(view.projects()).render(form));
        };
        if self.owned.contains(project) || view.owns(project) {
            let releases = view.releases(project);
            if releases.is_empty() {
                return no_project(&format!(
                    "`{project}` is this pipeline's own, and has no release here yet; it never comes from elsewhere"
                ));
            }
            return rendered(form, headers, ProjectPage::of_releases(project, &releases).render(form));
        }
        match &self.upstream {
            Some(upstream) => from_upstream(upstream, project, form, headers),
            None => no_project(&format!("there is no `{project}` here")),
        }
    }
}

/// The page of a project of the upstream index. Its tag comes from the cached page's own, so that a client that has it
/// already costs no parsing.
fn from_upstream(upstream: &Upstream, project: &str, form: Form, headers: &HeaderMap) -> Response<Body> {
    let page = match upstream.page(project) {
        Ok(Some(page)) => page,
        Ok(None) => return no_project(&format!("the upstream index does not know `{project}`")),
        Err(error) => return *proxy::bad(&error),
    };
    let tag = Hasher::new().part(RENDERING).part(form.content_type()).part(page.header.digest.bytes()).tag();
    if respond::is_known(headers, &tag) {
        return described(respond::with(StatusCode::NOT_MODIFIED, Body::empty()), form, &tag);
    }
    match page.files() {
        Ok(files) => {
            let bytes = ProjectPage::of_upstream(project, files).render(form);
            described(respond::with(StatusCode::OK, Body::Bytes(Bytes::from(bytes))), form, &tag)
        }
        Err(error) => *proxy::bad(&error),
    }
}

fn rendered(form: Form, headers: &HeaderMap, bytes: Vec<u8>) -> Response<Body> {
    let tag = Hasher::new().part(form.content_type()).part(&bytes).tag();
    if respond::is_known(headers, &tag) {
        return described(respond::with(StatusCode::NOT_MODIFIED, Body::empty()), form, &tag);
    }
    described(respond::with(StatusCode::OK, Body::Bytes(Bytes::from(bytes))), form, &tag)
}

fn described(mut response: Response<Body>, form: Form, tag: &str) -> Response<Body> {
    for (name, value) in [
        (header::CONTENT_TYPE, form.content_type()),
        (header::ETAG, tag),
        (header::VARY, "Accept, Authorization"),
        // A page is asked for anew each time: what a stage or channel holds may be another thing a moment later.
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        respond::set(&mut response, name, value);
    }
    response
}

trait Tag {
    fn tag(&mut self) -> String;
}

impl Tag for Hasher {
    fn tag(&mut self) -> String {
        format!("\"{}\"", std::mem::take(self).finish().short(32))
    }
}

fn no_project(text: &str) -> Response<Body> {
    let mut response = respond::sentence(StatusCode::NOT_FOUND, text);
    respond::set(&mut response, header::CACHE_CONTROL, "no-cache");
    response
}

fn no_upstream() -> Response<Body> {
    respond::sentence(StatusCode::NOT_FOUND, "this server has no upstream index")
}

fn allowed(methods: &str) -> Response<Body> {
    let mut response = respond::sentence(StatusCode::METHOD_NOT_ALLOWED, &format!("only {methods} is understood here"));
    respond::set(&mut response, header::ALLOW, methods);
    response
}

/// Whether two secrets are the same, in a time that does not tell how far they agree.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    Digest::of(a) == Digest::of(b)
}
