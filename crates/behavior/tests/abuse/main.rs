//! Consumers that abuse what they may call, among many who do not: each script is found, in time,
//! and nobody else is blamed.

#[cfg(test)]
mod population;
#[cfg(test)]
mod scripts;
#[cfg(test)]
mod world;
