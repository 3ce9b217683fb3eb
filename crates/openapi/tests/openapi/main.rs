//! The crate as others use it: the documents of the shared corpus, and programs that are not ours.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod planted;
#[cfg(test)]
mod support;
