//! The routes and the server.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State as Extract};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::asked::{App, change, removal, route};
use crate::config::Config;
use crate::connections::Connections;
use crate::guard::{Guard, guard, panicked};
use crate::problem::Problem;
use crate::state::State;
use crate::{api, asset, page};

/// How much longer than a request a connection may be idle.
const IDLE_EXTRA: Duration = Duration::from_secs(30);

/// Why the server ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener failed.
    #[error("cannot serve pages and API: {0}")]
    Listener(#[from] std::io::Error),
}

/// The pages, the API, `/metrics` and the probes.
pub fn router(config: &Config, state: State) -> Router {
    let guarded = Guard::new(config, &state);
    let app = Arc::new(App { state, guard: guarded });
    let timeout = Duration::from_secs(u64::from(config.request_timeout_seconds));
    let body_bytes_max = usize::try_from(config.request_bytes_max).unwrap_or(usize::MAX);
    // Layers: the last one added is the first to see a request.
    routes()
        .fallback(nowhere)
        .layer(RequestBodyLimitLayer::new(body_bytes_max))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, timeout))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(&app), guard))
        .layer(CompressionLayer::new())
        .with_state(app)
}

/// Serves until `shutdown` is done; requests under way are answered first.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    config: &Config,
    listener: TcpListener,
    state: State,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let idle = Duration::from_secs(u64::from(config.request_timeout_seconds)) + IDLE_EXTRA;
    let connections = Connections::new(listener, idle);
    axum::serve(connections, router(config, state)).with_graceful_shutdown(shutdown).await?;
    Ok(())
}

fn routes() -> Router<Arc<App>> {
    let templates = route(api::templates::answer).merge(change(api::templates::put));
    Router::new()
        .route("/", route(page::overview::answer))
        .route("/inventory", route(page::inventory::answer))
        .route("/endpoints/{id}", route(page::endpoint::answer))
        .route("/endpoints/{id}/template", change(api::templates::put_form))
        .route("/templates", route(page::templates::answer))
        .route("/templates/{id}/remove", change(api::templates::remove_form))
        .route("/findings", route(page::findings::answer))
        .route("/findings/{id}", route(page::finding::answer))
        .route("/findings/{id}/verdict", change(api::verdicts::judge_form))
        .route("/verdicts", route(page::verdicts::answer))
        .route("/verdicts/{id}/lift", change(api::verdicts::lift_form))
        .route("/data", route(page::data::answer))
        .route("/review", route(page::review::answer))
        .route("/consumers", route(page::consumers::answer))
        .route("/prevention", route(page::prevention::answer))
        .route("/visibility", route(page::visibility::answer))
        .route("/api", route(page::guide::answer))
        .route("/static/{id}", route(asset::answer))
        .route("/api/v1/status", route(api::status::answer))
        .route("/api/v1/endpoints", route(api::endpoints::answer))
        .route("/api/v1/endpoints/{id}", route(api::endpoints::answer_one))
        .route("/api/v1/hosts", route(api::hosts::answer))
        .route("/api/v1/hosts/{id}/openapi.json", route(api::documents::answer_json))
        .route("/api/v1/hosts/{id}/openapi.yaml", route(api::documents::answer_yaml))
        .route("/api/v1/findings", route(api::findings::answer))
        .route("/api/v1/findings/{id}", route(api::findings::answer_one))
        .route("/api/v1/findings/{id}/verdict", change(api::verdicts::judge))
        .route("/api/v1/verdicts", route(api::verdicts::answer))
        .route("/api/v1/verdicts/{id}/lift", change(api::verdicts::lift))
        .route("/api/v1/templates", templates)
        .route("/api/v1/templates/{id}", removal(api::templates::remove))
        .route("/api/v1/data", route(api::data::answer))
        .route("/api/v1/prevention", route(api::prevention::answer))
        .route("/api/v1/visibility", route(api::visibility::answer))
        .route("/api/v1/encrypted", route(api::encrypted::answer))
        .route("/api/v1/review", route(api::review::answer))
        .route("/api/v1/seeds", route(api::review::seeds))
        .route("/api/v1/consumers", route(api::review::consumers))
        .route("/api/v1/changes", route(api::review::changes))
        .route("/api/v1/openapi.json", route(api::openapi::answer))
        .route("/v1/decisions", route(api::prevention::decisions))
        .route("/v1/decisions/stream", route(api::prevention::stream))
        .route("/metrics", route(api::machine::metrics))
        .route("/-/healthy", route(api::machine::healthy))
        .route("/-/ready", route(api::machine::ready))
}

async fn nowhere(Extract(app): Extract<Arc<App>>, request: Request) -> Response {
    Problem::not_found("there is nothing at this address").respond(&app, request.uri().path())
}
