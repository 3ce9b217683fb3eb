//! Serves the pages over an invented shop: `cargo run -p tapline-web --example demo [ADDRESS]`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tapline_web::{Config, Health, Mode, SensorInfo, State, serve};

mod sample;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::default();
    if let Some(address) = std::env::args().nth(1) {
        config.listen = address.parse::<SocketAddr>()?;
    }
    let view = Arc::new(ArcSwap::from_pointee(sample::view(0)));
    let endpoints = view.load().endpoints.iter().map(|one| (one.id, Arc::clone(one))).collect();
    let state = State {
        view: Arc::clone(&view),
        endpoints: Arc::new(endpoints),
        metrics: Arc::new(|view| Ok(format!("demo_endpoints {}\n", view.endpoints.len()))),
        health: Arc::new(|| Health { ready: true, reasons: Vec::new() }),
        prevention: None,
        triage: None,
        templates: None,
        packets: None,
        sensor: SensorInfo {
            name: "edge-fra-1".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: Mode::Live,
            sources: vec!["eth1".to_owned(), "eth2".to_owned()],
            external_url: String::new(),
        },
    };
    tokio::spawn(async move {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        for elapsed in 0.. {
            second.tick().await;
            view.store(Arc::new(sample::view(elapsed)));
        }
    });
    let listener = tokio::net::TcpListener::bind(config.listen).await?;
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    Ok(serve(&config, listener, state, interrupted).await?)
}
