//! The router as a client sees it, over the invented shop of the demo.

#[cfg(test)]
mod api;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod pages;
#[cfg(test)]
#[path = "../../examples/demo/sample.rs"]
mod sample;
#[cfg(test)]
mod support;
#[cfg(test)]
mod templates;
#[cfg(test)]
mod verdicts;
