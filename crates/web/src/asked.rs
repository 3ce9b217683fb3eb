//! One request, with all it takes to answer it.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State as Extract};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, get, on};
use serde::Serialize;
use tapline_model::{EndpointId, EndpointView, RuleList, RuleView, Timestamp, Verdicts, View};
use tokio::task::spawn_blocking;

use crate::guard::Guard;
use crate::problem::Problem;
use crate::query::Query;
use crate::state::{PacketFile, State};
use crate::submission::Submission;

/// What a route gives back.
pub(crate) type Answer = Result<Response, Problem>;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct App {
    /// What is shown.
    pub(crate) state: State,
    /// Who may ask.
    pub(crate) guard: Guard,
}

impl App {
    /// What operators said, and what time it is for that.
    pub(crate) fn verdicts(&self) -> (Arc<Verdicts>, Timestamp) {
        self.state.triage.as_ref().map(|triage| (triage.verdicts)()).unwrap_or_default()
    }

    /// The files with the packets behind a finding.
    pub(crate) fn packets(&self, finding: &str) -> Vec<PacketFile> {
        self.state.packets.as_ref().map(|packets| packets(finding)).unwrap_or_default()
    }

    /// Every rule of path templates.
    pub(crate) fn rules(&self) -> Arc<RuleList> {
        self.state.templates.as_ref().map(|templates| (templates.rules)()).unwrap_or_default()
    }

    /// Those that are of an endpoint, the most specific first.
    pub(crate) fn rules_of(&self, endpoint: &EndpointView) -> Vec<Arc<RuleView>> {
        let templates = self.state.templates.as_ref();
        templates.map(|templates| (templates.of)(endpoint)).unwrap_or_default()
    }
}

/// One request, and the view it is answered from.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What all requests share.
    pub(crate) app: Arc<App>,
    /// Every number of the answer is of this instant.
    pub(crate) view: Arc<View>,
    /// The last part of the path, where the route has a parameter; else empty.
    pub(crate) id: String,
    /// The query.
    pub(crate) query: Query,
}

impl Asked {
    /// The endpoint that the path names.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn endpoint(&self) -> Result<Arc<EndpointView>, Problem> {
        self.endpoint_of(&self.id)
    }

    /// The endpoint with an id.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn endpoint_of(&self, id: &str) -> Result<Arc<EndpointView>, Problem> {
        let id = EndpointId::parse(id)
            .ok_or_else(|| Problem::not_found("an endpoint's id is 16 hexadecimal digits"))?;
        let live = self.app.state.endpoints.get(&id).map(|entry| Arc::clone(entry.value()));
        live.or_else(|| self.view.endpoints.iter().find(|endpoint| endpoint.id == id).cloned())
            .ok_or_else(|| Problem::not_found(format!("there is no endpoint {id}")))
    }
}

/// A route that `answer` answers.
///
/// Answers are drawn off the control plane's own thread: an inventory of many thousand endpoints
/// takes a while to search, and signals and deadlines must not wait for it.
pub(crate) fn route(answer: fn(&Asked) -> Answer) -> MethodRouter<Arc<App>> {
    get(async move |Extract(app): Extract<Arc<App>>, id: Option<Path<String>>, uri: Uri| {
        let view = app.state.view.load_full();
        let id = id.map(|Path(id)| id).unwrap_or_default();
        let answered = match Query::of(&uri) {
            Err(problem) => Err(problem),
            Ok(query) => {
                let asked = Asked { app: Arc::clone(&app), view, id, query };
                spawn_blocking(move || answer(&asked)).await.unwrap_or_else(|error| {
                    tracing::error!(path = uri.path(), %error, "an answer failed");
                    Err(Problem::internal("the sensor failed to answer; its log says more"))
                })
            }
        };
        answered.unwrap_or_else(|problem| problem.respond(&app, uri.path()))
    })
}

/// A route that takes what somebody submits.
pub(crate) fn change(answer: fn(&Asked, &Submission) -> Answer) -> MethodRouter<Arc<App>> {
    submitted(MethodFilter::POST, answer)
}

/// A route by which somebody takes away what it names.
pub(crate) fn removal(answer: fn(&Asked, &Submission) -> Answer) -> MethodRouter<Arc<App>> {
    submitted(MethodFilter::DELETE, answer)
}

fn submitted(
    method: MethodFilter,
    answer: fn(&Asked, &Submission) -> Answer,
) -> MethodRouter<Arc<App>> {
    on(
        method,
        async move |Extract(app): Extract<Arc<App>>,
                    id: Option<Path<String>>,
                    uri: Uri,
                    headers: HeaderMap,
                    body: Bytes| {
            let asked = Asked {
                view: app.state.view.load_full(),
                app: Arc::clone(&app),
                id: id.map(|Path(id)| id).unwrap_or_default(),
                query: Query::default(),
            };
            let submission = Submission { headers, body };
            let answered = spawn_blocking(move || answer(&asked, &submission)).await;
            let answered = answered.unwrap_or_else(|error| {
                tracing::error!(path = uri.path(), %error, "an order failed");
                Err(Problem::internal("the sensor failed to answer; its log says more"))
            });
            answered.unwrap_or_else(|problem| problem.respond(&app, uri.path()))
        },
    )
}

/// A page.
///
/// # Errors
/// When it cannot be drawn.
pub(crate) fn html(page: &impl Template) -> Answer {
    page.render()
        .map(|text| Html(text).into_response())
        .map_err(|error| Problem::internal(format!("the page cannot be drawn: {error}")))
}

/// A JSON document.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn json(document: &impl Serialize) -> Answer {
    serde_json::to_vec(document)
        .map(|text| ([(CONTENT_TYPE, "application/json")], text).into_response())
        .map_err(|error| Problem::internal(format!("the answer cannot be written: {error}")))
}
